// Pool: up to N connections to one server.
//
// A call goes to the connection with the fewest calls under way; another one is opened while all
// are busy. Calls that depend on each other's order belong on one connection: pick(). All share one
// circuit. Limits: connectionsMax, and those of Client for each.
import { Backoff, type Circuit } from './backoff.js';
import { Caller, type CallOptions, type Subscription } from './caller.js';
import { Client } from './client.js';
import { steadyMs } from './deadline.js';
import type { EventHandler, SubscribeOptions } from './events.js';
import { checkPositive, settingsOf, type Options } from './options.js';
import type { Value } from './value.js';

export interface PoolOptions extends Options {
  /** 4 when not given: one for each event loop of a usual server. */
  connectionsMax?: number | undefined;
}

const CONNECTIONS_MAX = 4;

export class Pool extends Caller {
  private readonly clients: Client[] = [];
  private readonly backoff: Backoff;
  private readonly connectionsMax: number;

  /** Opens no connection. Throws BadRequestError for a wrong option. */
  constructor(private readonly options: PoolOptions = {}) {
    super();
    this.connectionsMax = options.connectionsMax ?? CONNECTIONS_MAX;
    checkPositive('connectionsMax', this.connectionsMax);
    this.backoff = new Backoff(settingsOf(options).reconnect);
    this.add(); // Finds an unreadable file now.
  }

  get size(): number {
    return this.clients.length;
  }

  get circuit(): Circuit {
    return this.backoff.circuit(steadyMs());
  }

  override pick(): Client {
    let best = this.home();
    for (const client of this.clients) {
      best = client.inFlight < best.inFlight ? client : best;
    }
    return best.inFlight > 0 && this.clients.length < this.connectionsMax ? this.add() : best;
  }

  override call(
    method: string,
    params: readonly unknown[] = [],
    options: CallOptions = {},
  ): Promise<Value> {
    return this.pick().call(method, params, options);
  }

  override subscribe(
    channel: string,
    handler: EventHandler,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    return this.home().subscribe(channel, handler, options);
  }

  override async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }

  /** The connection of the subscriptions. */
  private home(): Client {
    return this.clients[0] as Client;
  }

  private add(): Client {
    const client = new Client(this.options, this.backoff);
    this.clients.push(client);
    return client;
  }
}
