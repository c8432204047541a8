// Client: one connection that is opened when it is needed, and again when it was lost.
//
// Calls made in one turn of the event loop leave in one write, in order; none waits for another's
// reply. Limits: inFlightMax calls, responseBytesMax. The rules of repeating stand in retry.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress, parseAddress } from './address.js';
import { Backoff, type Circuit } from './backoff.js';
import { Caller, type CallOptions, type Subscription } from './caller.js';
import { Connection, requestOf, type Request } from './connection.js';
import { Deadline, steadyMs } from './deadline.js';
import { errorOf, RepriseError } from './errors.js';
import { Events, type EventHandler, type Listener, type SubscribeOptions } from './events.js';
import { WAITING } from './generated/rows.js';
import { checkPositive, settingsOf, type Options, type Retry, type Settings } from './options.js';
import { errorFor, isRepeatable, Lost, mayRepeat, mayRepeatAnswer } from './retry.js';
import { openSocket, routeOf, unreachable, type Route } from './transport.js';
import type { Value } from './value.js';

/** A call with what is decided about it before its first attempt. */
interface Call {
  request: Request;
  deadline: Deadline;
  retry: Retry;
  repeatable: boolean;
}

export class Client extends Caller {
  readonly settings: Settings;
  /** Internal. */
  readonly events = new Events();
  private readonly route: Route;
  private readonly backoff: Backoff;
  private readonly closing = new AbortController();
  private link: Connection | null = null;
  private opening: Promise<Connection> | null = null;
  private isListening = false;
  private calls = 0;
  private idle: (() => void) | null = null;
  private lastFailure = '';

  /** Opens no connection; the first call does. Throws BadRequestError for a wrong option. */
  constructor(options: Options = {}, shared?: Backoff) {
    super();
    this.settings = settingsOf(options);
    this.route = routeOf(parseAddress(this.settings.address), this.settings.tls);
    this.backoff = shared ?? new Backoff(this.settings.reconnect);
  }

  /** A client whose connection is open, authenticated and introduced. */
  static async connect(options: Options = {}): Promise<Client> {
    const client = new Client(options);
    await client.connect();
    return client;
  }

  get isConnected(): boolean {
    return this.link !== null;
  }

  get circuit(): Circuit {
    return this.backoff.circuit(steadyMs());
  }

  /** Calls under way. */
  get inFlight(): number {
    return this.calls;
  }

  override pick(): Client {
    return this;
  }

  async connect(): Promise<void> {
    const deadline = new Deadline(this.settings.connectTimeoutMs, {});
    try {
      await this.connected(deadline);
    } catch (error) {
      throw error instanceof Lost ? error.reason : error;
    } finally {
      deadline.clear();
    }
  }

  override async call(
    method: string,
    params: readonly unknown[] = [],
    options: CallOptions = {},
  ): Promise<Value> {
    const timeoutMs = options.timeoutMs ?? this.settings.requestTimeoutMs;
    checkPositive('timeoutMs', timeoutMs);
    const request = requestOf(method, params, WAITING.has(method.toUpperCase()));
    if (this.closing.signal.aborted) {
      throw errorOf('unavailable', 'the client was closed');
    }
    if (this.calls >= this.settings.inFlightMax) {
      throw errorOf('busy', `${this.calls} calls are under way, which is inFlightMax`);
    }
    const deadline = new Deadline(timeoutMs, options);
    this.calls += 1;
    try {
      return await this.attempts({
        request,
        deadline,
        retry: options.retry ?? 'safe',
        repeatable: isRepeatable(method, params),
      });
    } finally {
      deadline.clear();
      this.calls -= 1;
      if (this.calls === 0) {
        this.idle?.();
      }
    }
  }

  override async subscribe(
    channel: string,
    handler: EventHandler,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const listener: Listener = { handler, ...options };
    this.events.add(channel, listener);
    try {
      await this.call('SUBSCRIBE', [channel]);
    } catch (error) {
      this.events.remove(channel, listener);
      throw error;
    }
    this.events.subscribed(channel);
    return { close: () => this.unsubscribe(channel, listener) };
  }

  override async close(): Promise<void> {
    this.closing.abort();
    if (this.calls > 0) {
      await new Promise<void>((resolve) => (this.idle = resolve));
    }
    this.link?.fail(errorOf('unavailable', 'the client was closed'));
  }

  private async unsubscribe(channel: string, listener: Listener): Promise<void> {
    if (this.events.remove(channel, listener) && this.link !== null) {
      await this.call('UNSUBSCRIBE', [channel]);
    }
  }

  private async attempts(call: Call): Promise<Value> {
    const pause = new Backoff(this.settings.reconnect);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.attempt(call);
      } catch (error) {
        const isLast = attempt >= this.settings.attemptsMax;
        if (error instanceof Lost) {
          if (isLast || !mayRepeat(call.retry, call.repeatable, error)) {
            throw errorFor(error, call.repeatable);
          }
          continue;
        }
        if (isLast || !mayRepeatAnswer(call.retry, call.repeatable, error)) {
          throw error;
        }
        pause.failed(steadyMs());
        if (pause.waitMs(steadyMs()) >= call.deadline.leftMs()) {
          throw error;
        }
        await call.deadline.sleep(pause.waitMs(steadyMs()));
      }
    }
  }

  private async attempt({ request, deadline }: Call): Promise<Value> {
    const link = await this.connected(deadline);
    const { msgid, reply } = link.send(request);
    try {
      return await deadline.race(reply);
    } catch (error) {
      if (!deadline.hasEnded || error !== deadline.reason) {
        throw error;
      }
      const sent = link.giveUp(msgid);
      throw deadline.wasAborted ? error : new Lost(error as RepriseError, sent, true);
    }
  }

  /** The open connection. Rejects with Lost, or with the reason of an AbortSignal. */
  private async connected(deadline: Deadline): Promise<Connection> {
    while (this.link === null) {
      const waitMs = this.opening === null ? this.backoff.waitMs(steadyMs()) : 0;
      if (this.closing.signal.aborted) {
        throw new Lost(errorOf('unavailable', 'the client was closed'), false, true);
      }
      if (this.circuit === 'open' || waitMs >= deadline.leftMs()) {
        throw deadline.wasAborted ? deadline.reason : this.down();
      }
      try {
        await (waitMs > 0 ? deadline.sleep(waitMs) : deadline.race(this.open()));
      } catch (error) {
        throw this.unconnected(error, deadline);
      }
    }
    return this.link;
  }

  private unconnected(error: unknown, deadline: Deadline): unknown {
    if (!deadline.hasEnded || error !== deadline.reason) {
      return error instanceof RepriseError ? new Lost(error, false, false) : error;
    }
    const reason = unreachable(this.route.address, `not within ${deadline.timeoutMs} ms`);
    return deadline.wasAborted ? error : new Lost(reason, false, true);
  }

  private down(): Lost {
    const waitMs = this.backoff.waitMs(steadyMs());
    const { failures } = this.backoff;
    const text = `${this.lastFailure} (failed ${failures} times, next attempt in ${waitMs} ms)`;
    return new Lost(errorOf('unavailable', text), false, true);
  }

  /** One attempt to connect; all who need the connection share it. */
  private open(): Promise<Connection> {
    this.opening ??= this.openNow().finally(() => (this.opening = null));
    return this.opening;
  }

  private async openNow(): Promise<Connection> {
    const { socket, ready } = openSocket(this.route);
    const timeoutMs = this.settings.connectTimeoutMs;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      socket.destroy();
    }, timeoutMs);
    this.backoff.attemptBegins();
    try {
      await ready;
      const link: Connection = new Connection(
        socket,
        {
          notified: (method, params) => this.notified(method, params),
          closed: (_error, wasSilent) => this.linkClosed(link, wasSilent),
        },
        this.settings.responseBytesMax,
      );
      await this.greet(link);
      this.opened(link);
      return link;
    } catch (error) {
      socket.destroy();
      this.backoff.failed(steadyMs());
      const reason = error instanceof Lost ? error.reason : (error as RepriseError);
      const failure = isLate
        ? unreachable(this.route.address, `not within ${timeoutMs} ms (connectTimeoutMs)`)
        : reason;
      this.lastFailure = failure.message;
      throw failure;
    } finally {
      clearTimeout(timer);
      this.backoff.attemptEnds();
    }
  }

  private async greet(link: Connection): Promise<void> {
    // One at a time: before AUTH a server accepts a single outstanding request.
    const ask = (method: string, params: unknown[]): Promise<Value> =>
      link.send(requestOf(method, params, false)).reply;
    if (this.settings.accessKey !== '') {
      await ask('AUTH', [this.settings.accessKey]);
    }
    await ask('HELLO', [{ client: this.settings.clientName }]);
    for (const channel of this.events.wanted()) {
      try {
        await ask('SUBSCRIBE', [channel]);
        this.events.gap(channel);
      } catch (error) {
        if (error instanceof Lost) {
          throw error;
        }
        this.events.lost(channel, error as RepriseError);
      }
    }
  }

  private opened(link: Connection): void {
    this.backoff.succeeded();
    if (this.closing.signal.aborted && this.calls === 0) {
      link.fail(errorOf('unavailable', 'the client was closed'));
    }
    if (link.isClosed) {
      throw unreachable(this.route.address, 'the server closed the connection');
    }
    link.watchSilence(this.settings.silenceMaxMs);
    this.link = link;
  }

  private notified(method: string, params: Value[]): void {
    if (!this.events.dispatch(method, params)) {
      this.settings.onNotification?.(method, params);
    }
  }

  private linkClosed(link: Connection, wasSilent: boolean): void {
    if (this.link !== link) {
      return;
    }
    this.link = null;
    if (wasSilent) {
      // It accepts connections and does not answer: as bad as not being there.
      this.lastFailure = `${formatAddress(this.route.address)} does not answer`;
      this.backoff.failed(steadyMs());
    }
    void this.keepListening();
  }

  /** Subscriptions want the connection back without a call that asks for it. */
  private async keepListening(): Promise<void> {
    const { signal } = this.closing;
    const isWanted = (): boolean =>
      this.link === null && !signal.aborted && this.events.wanted().length > 0;
    if (this.isListening) {
      return;
    }
    this.isListening = true;
    while (isWanted()) {
      // Another client of the pool is trying.
      const isTaken = this.opening === null && this.circuit === 'open';
      const waitMs = Math.max(
        this.backoff.waitMs(steadyMs()),
        isTaken ? this.settings.reconnect.firstDelayMs : 0,
      );
      await sleep(waitMs, undefined, { signal }).catch(() => undefined);
      if (isWanted() && this.backoff.waitMs(steadyMs()) === 0) {
        await this.open().catch(() => undefined);
      }
    }
    this.isListening = false;
  }
}
