// Caller: what a Client and a Pool share: calls, typed methods, fetchOrCompute.
import { RepriseError } from './errors.js';
import type { EventHandler, SubscribeOptions } from './events.js';
import { fetchOrCompute, type Compute, type FetchOptions, type FetchRequest } from './fetch.js';
import { familiesOf, type Families } from './generated/index.js';
import type { CallOptions } from './options.js';
import { fetchOrComputeStream, type ComputeStream, type StreamOptions } from './stream.js';
import type { Value } from './value.js';
import type { Client } from './client.js';

export type { CallOptions };

export interface Subscription {
  /** Ends it; tells the server when nobody else listens to the channel. */
  close(): Promise<void>;
}

/** The typed commands, by family. */
export interface Caller extends Families {}

export abstract class Caller {
  constructor() {
    Object.assign(this, familiesOf(this));
  }

  /**
   * One command: positional arguments, then at most one map of options, by the names of the wire.
   * call('SET', ['k', 'v', { ttl_ms: 60_000 }]).
   */
  abstract call(method: string, params?: readonly unknown[], options?: CallOptions): Promise<Value>;

  /** Events of a channel, also after the connection was lost and opened again. */
  abstract subscribe(
    channel: string,
    handler: EventHandler,
    options?: SubscribeOptions,
  ): Promise<Subscription>;

  /** The connection for calls that belong together. */
  abstract pick(): Client;

  /** Ends when the calls under way have ended; refuses further ones. */
  abstract close(): Promise<void>;

  /** Many requests on one connection, in order, in one write; each has a reply of its own. */
  async pipeline(
    requests: readonly (readonly [method: string, params: readonly unknown[]])[],
    options: CallOptions = {},
  ): Promise<(Value | RepriseError)[]> {
    const client = this.pick();
    return Promise.all(
      requests.map(([method, params]) =>
        client.call(method, params, options).catch((error: unknown) => {
          if (error instanceof RepriseError) {
            return error;
          }
          throw error;
        }),
      ),
    );
  }

  /** The cached answer to the request, or what `compute` makes of it. See README.md. */
  fetchOrCompute<T>(
    request: FetchRequest,
    compute: Compute<T>,
    options: FetchOptions = {},
  ): Promise<T> {
    return fetchOrCompute(this.pick(), request, compute, options);
  }

  /** The chunks of the cached answer, of somebody else's while they come, or of `compute`. */
  fetchOrComputeStream<T>(
    request: FetchRequest,
    compute: ComputeStream<T>,
    options: StreamOptions = {},
  ): AsyncGenerator<T, void, undefined> {
    return fetchOrComputeStream(this.pick(), request, compute, options);
  }
}
