// Events: who listens to which channel of one connection, and to which stream of chunks.
//
// A handler's exception is its program's: it is thrown again outside the connection's own work.
import type { RepriseError } from './errors.js';
import { isMap, type Value, type ValueMap } from './value.js';

export type EventHandler = (event: Value, channel: string) => void;

export interface SubscribeOptions {
  /** After a reconnect: events may have been missed, so local copies are to be dropped. */
  onGap?: (() => void) | undefined;
  /** The server refused to subscribe again after a reconnect; the subscription is over. */
  onLost?: ((error: RepriseError) => void) | undefined;
}

export interface Listener extends SubscribeOptions {
  handler: EventHandler;
}

interface Channel {
  listeners: Set<Listener>;
  isSubscribed: boolean; // the server has agreed once
}

function run(handler: () => void): void {
  try {
    handler();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

export class Events {
  private readonly channels = new Map<string, Channel>();
  /** Label -> who takes the chunks of that stream. */
  readonly streams = new Map<string, (event: ValueMap) => void>();

  add(channel: string, listener: Listener): void {
    const found = this.channels.get(channel);
    if (found === undefined) {
      this.channels.set(channel, { listeners: new Set([listener]), isSubscribed: false });
    } else {
      found.listeners.add(listener);
    }
  }

  /** Whether the server's events of this channel are wanted no longer. */
  remove(channel: string, listener: Listener): boolean {
    const found = this.channels.get(channel);
    if (found === undefined || !found.listeners.delete(listener) || found.listeners.size > 0) {
      return false;
    }
    this.channels.delete(channel);
    return true;
  }

  subscribed(channel: string): void {
    const found = this.channels.get(channel);
    if (found !== undefined) {
      found.isSubscribed = true;
    }
  }

  /** What a new connection has to subscribe to. */
  wanted(): string[] {
    return [...this.channels].filter(([, each]) => each.isSubscribed).map(([name]) => name);
  }

  gap(channel: string): void {
    for (const listener of [...(this.channels.get(channel)?.listeners ?? [])]) {
      run(() => listener.onGap?.());
    }
  }

  lost(channel: string, error: RepriseError): void {
    const listeners = this.channels.get(channel)?.listeners ?? [];
    this.channels.delete(channel);
    for (const listener of listeners) {
      run(() => listener.onLost?.(error));
    }
  }

  /** Whether somebody took it. */
  dispatch(method: string, params: Value[]): boolean {
    const [channel, event] = params;
    if (method !== 'EVENT' || typeof channel !== 'string' || event === undefined) {
      return false;
    }
    if (channel === 'chunk' && isMap(event) && typeof event['stream'] === 'string') {
      const taker = this.streams.get(event['stream']);
      taker?.(event);
      return true; // Late chunks of a stream that nobody reads any more are nobody's.
    }
    const listeners = this.channels.get(channel)?.listeners;
    for (const listener of [...(listeners ?? [])]) {
      run(() => listener.handler(event, channel));
    }
    return listeners !== undefined;
  }
}
