// Connection: one open socket: requests out, replies matched by msgid, notifications handed on.
//
// It greets (AUTH, HELLO, SUBSCRIBE) before it is handed out, never reconnects and never repeats.
// A reply that belongs to no request ends it: sooner or later one would be given to the wrong call.
import type net from 'node:net';
import { decodeValue, encodeValue } from './codec.js';
import { steadyMs } from './deadline.js';
import { errorFromWire, errorOf, RepriseError } from './errors.js';
import { FrameReader } from './frame.js';
import { Lost } from './retry.js';
import type { Value } from './value.js';

const REQUEST_HEAD_BYTES = 7; // 0x94, type 0, msgid as uint32
const TRUSTED_IDLE_MS = 5;
const MSGID_MAX = 0xffffffff;

/** A request without its msgid, which is known when it is sent: [method][params]. */
export interface Request {
  bytes: Uint8Array;
  /** Marked `waits`: its reply does not come in order. */
  waits: boolean;
}

/** Throws BadRequestError. */
export function requestOf(method: string, params: readonly unknown[], waits: boolean): Request {
  return { bytes: encodeValue([method, params]).subarray(1), waits };
}

/** A request under way. */
interface Waiting {
  resolve: (value: Value) => void;
  reject: (error: unknown) => void;
  waits: boolean;
  wasGivenUp: boolean;
}

export interface Hooks {
  notified(method: string, params: Value[]): void;
  /** Once, after all requests under way were failed. */
  closed(error: RepriseError, wasSilent: boolean): void;
}

function frameOf(msgid: number, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(REQUEST_HEAD_BYTES + body.length);
  frame.writeUInt8(0x94, 0);
  frame.writeUInt8(0x00, 1);
  frame.writeUInt8(0xce, 2);
  frame.writeUInt32BE(msgid, 3);
  frame.set(body, REQUEST_HEAD_BYTES);
  return frame;
}

export class Connection {
  private readonly reader: FrameReader;
  private readonly waiting = new Map<number, Waiting>();
  private readonly unsent = new Map<number, Buffer>(); // in order; nothing of them has left
  private lastMsgid = 0;
  private isFlushing = false;
  private isClosed_ = false;
  private heardAt = 0; // when bytes last came, or when there was nothing to wait for
  private talkedAt = steadyMs(); // when bytes last came or went
  private askedAt = 0; // whether it is alive
  private silenceMaxMs = 0;
  private watch: NodeJS.Timeout | null = null;

  constructor(
    private readonly socket: net.Socket,
    private readonly hooks: Hooks,
    responseBytesMax: number,
  ) {
    this.reader = new FrameReader(responseBytesMax);
    socket.on('data', (chunk: Buffer) => this.received(chunk));
    socket.on('error', (error) =>
      this.fail(errorOf('unavailable', `the connection failed: ${error.message}`)),
    );
    socket.on('end', () => this.fail(errorOf('unavailable', 'the server closed the connection')));
    socket.on('close', () => this.fail(errorOf('unavailable', 'the server closed the connection')));
    socket.on('drain', () => this.flush());
  }

  get isClosed(): boolean {
    return this.isClosed_;
  }

  get inFlight(): number {
    return this.waiting.size;
  }

  /** Sends with the other requests of this turn. Rejects with Lost, or the server's error. */
  send(request: Request): { msgid: number; reply: Promise<Value> } {
    const msgid = this.nextMsgid();
    const reply = new Promise<Value>((resolve, reject) => {
      if (this.isClosed_) {
        reject(new Lost(errorOf('unavailable', 'the connection was closed'), false, false));
        return;
      }
      if (this.waiting.size === 0) {
        this.heardAt = steadyMs();
      }
      this.waiting.set(msgid, { resolve, reject, waits: request.waits, wasGivenUp: false });
      this.unsent.set(msgid, frameOf(msgid, request.bytes));
      this.flushSoon();
      this.watchSoon();
    });
    return { msgid, reply };
  }

  /** The caller waits no longer. Says whether a byte of the request may have left. */
  giveUp(msgid: number): boolean {
    if (this.unsent.delete(msgid)) {
      this.waiting.delete(msgid);
      return false;
    }
    const waiting = this.waiting.get(msgid);
    if (waiting !== undefined) {
      waiting.wasGivenUp = true; // Its late reply is expected, and dropped.
    }
    return true;
  }

  /** From now on a server that sends nothing for so long while calls wait is taken for dead. */
  watchSilence(silenceMaxMs: number): void {
    this.silenceMaxMs = silenceMaxMs;
  }

  /** Ends the connection; requests under way fail. */
  fail(error: RepriseError, wasSilent = false): void {
    if (this.isClosed_) {
      return;
    }
    this.isClosed_ = true;
    clearTimeout(this.watch ?? undefined);
    this.socket.destroy();
    const failed = [...this.waiting];
    const unsent = new Set(this.unsent.keys());
    this.waiting.clear();
    this.unsent.clear();
    for (const [msgid, each] of failed) {
      each.reject(new Lost(error, !unsent.has(msgid), false));
    }
    this.hooks.closed(error, wasSilent);
  }

  private watchSoon(): void {
    if (this.silenceMaxMs > 0 && this.watch === null && !this.isClosed_) {
      this.watch = setTimeout(() => {
        this.watch = null;
        this.checkSilence();
      }, this.silenceMaxMs / 2);
    }
  }

  private checkSilence(): void {
    const now = steadyMs();
    if (this.waiting.size === 0 || now - this.heardAt < this.silenceMaxMs / 3) {
      // Nothing is owed, or it has just been heard.
    } else if (this.askedAt <= this.heardAt) {
      // A command may rightly wait; a server that is alive answers this one.
      this.send(requestOf('PING', [], false)).reply.catch(() => undefined);
      this.askedAt = now;
    } else {
      // After the poll phase: when this program was busy the answer may be there, unread.
      setImmediate(() => this.judgeSilence());
    }
    if (this.waiting.size > 0) {
      this.watchSoon();
    }
  }

  private judgeSilence(): void {
    if (this.heardAt < this.askedAt) {
      const silentMs = Math.round(steadyMs() - this.heardAt);
      this.fail(errorOf('unavailable', `the server was silent for ${silentMs} ms`), true);
    }
  }

  private nextMsgid(): number {
    // 0 is the server's, for what it cannot assign to a request.
    do {
      this.lastMsgid = this.lastMsgid >= MSGID_MAX ? 1 : this.lastMsgid + 1;
    } while (this.waiting.has(this.lastMsgid));
    return this.lastMsgid;
  }

  // Requests of one turn of the loop leave in one write. An idle connection is looked at before
  // (the second turn has the poll phase in between): a server may have closed it, and what is sent
  // into nothing has an unknown outcome.
  private flushSoon(): void {
    if (this.isFlushing) {
      return;
    }
    this.isFlushing = true;
    const flush = (): void => {
      this.isFlushing = false;
      this.flush();
    };
    const isIdle = steadyMs() - this.talkedAt > TRUSTED_IDLE_MS;
    setImmediate(isIdle ? () => setImmediate(flush) : flush);
  }

  private flush(): void {
    if (this.isClosed_ || this.socket.writableNeedDrain) {
      return; // 'drain' comes back here; until then nothing of the rest has left.
    }
    this.talkedAt = steadyMs();
    this.socket.cork();
    for (const [msgid, frame] of this.unsent) {
      this.unsent.delete(msgid);
      if (!this.socket.write(frame)) {
        break;
      }
    }
    this.socket.uncork();
  }

  private received(chunk: Buffer): void {
    this.heardAt = steadyMs();
    this.talkedAt = this.heardAt;
    try {
      this.reader.push(chunk);
      for (let frame = this.reader.next(); frame !== null; frame = this.reader.next()) {
        this.take(frame);
        if (this.isClosed_) {
          return;
        }
      }
    } catch (error) {
      this.fail(error instanceof RepriseError ? error : errorOf('corrupt', String(error)));
    }
  }

  private take(frame: Buffer): void {
    const isNotification = frame[0] === 0x93;
    let message: Value;
    try {
      message = decodeValue(frame);
    } catch (error) {
      this.takeUnreadable(frame, isNotification, error);
      return;
    }
    const [kind, first, second, third] = message as Value[];
    if (isNotification && kind === 2 && typeof first === 'string' && Array.isArray(second)) {
      this.hooks.notified(first, second);
    } else if (!isNotification && kind === 1 && typeof first === 'number') {
      this.takeReply(first, second ?? null, third ?? null);
    } else {
      throw errorOf('corrupt', "the server's message is neither a reply nor a notification");
    }
  }

  /** A value that JavaScript cannot show harms the call that asked for it, and no other. */
  private takeUnreadable(frame: Buffer, isNotification: boolean, error: unknown): void {
    if (isNotification) {
      return;
    }
    const width = { 0xcc: 1, 0xcd: 2, 0xce: 4 }[frame[2] as number];
    const msgid = width === undefined ? (frame[2] as number) : frame.readUIntBE(3, width);
    const waiting = this.waiting.get(msgid);
    if (frame[1] !== 1 || waiting === undefined) {
      throw error;
    }
    this.waiting.delete(msgid);
    waiting.reject(error);
  }

  private takeReply(msgid: number, error: Value, result: Value): void {
    const waiting = this.waiting.get(msgid);
    if (waiting === undefined || this.unsent.has(msgid)) {
      this.takeStray(msgid, error);
      return;
    }
    this.waiting.delete(msgid);
    if (waiting.wasGivenUp) {
      return;
    }
    if (error === null) {
      waiting.resolve(result);
    } else {
      waiting.reject(errorFromWire(error));
    }
  }

  private takeStray(msgid: number, error: Value): void {
    if (msgid !== 0 || error === null) {
      throw errorOf('corrupt', 'the server answered a request that was not made');
    }
    // The server could not take a request and closes. Replies come in order, so it is the oldest.
    const refused = errorFromWire(error);
    for (const [id, waiting] of this.waiting) {
      if (!waiting.waits && !this.unsent.has(id)) {
        this.waiting.delete(id);
        waiting.reject(refused);
        break;
      }
    }
    this.fail(errorOf('unavailable', `the server closed the connection: ${refused.message}`));
  }
}
