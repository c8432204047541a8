// Deadline: the end of a call, by time or by its AbortSignal. One waits at a time.
import { performance } from 'node:perf_hooks';
import { errorOf } from './errors.js';
import type { CallOptions } from './options.js';

/** Milliseconds of a steady clock. */
export const steadyMs = (): number => performance.now();

export class Deadline {
  private readonly endsAt: number;
  private readonly timer: NodeJS.Timeout;
  private readonly signal: AbortSignal | undefined;
  private reason_: unknown = undefined;
  private hasEnded_ = false;
  private waiting: (() => void) | null = null;

  constructor(
    readonly timeoutMs: number,
    options: CallOptions,
  ) {
    this.endsAt = steadyMs() + timeoutMs;
    this.timer = setTimeout(this.onTime, timeoutMs);
    this.signal = options.signal;
    if (this.signal?.aborted === true) {
      this.onAbort();
    } else {
      this.signal?.addEventListener('abort', this.onAbort, { once: true });
    }
  }

  get hasEnded(): boolean {
    return this.hasEnded_;
  }

  /** What the call fails with: TimeoutError, or the signal's reason. */
  get reason(): unknown {
    return this.reason_;
  }

  get wasAborted(): boolean {
    return this.signal?.aborted === true && this.reason_ === this.signal.reason;
  }

  leftMs(): number {
    return this.hasEnded_ ? 0 : Math.max(0, this.endsAt - steadyMs());
  }

  /** Calls `ended` when the time is over, unless release() comes first; at once when it is over. */
  wait(ended: () => void): void {
    this.waiting = ended;
    if (this.hasEnded_) {
      this.end();
    }
  }

  release(): void {
    this.waiting = null;
  }

  clear(): void {
    clearTimeout(this.timer);
    this.signal?.removeEventListener('abort', this.onAbort);
  }

  /** The promise, or `reason` when the deadline comes first. */
  race<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.wait(() => reject(this.reason_));
      promise.then(
        (value) => {
          this.release();
          resolve(value);
        },
        (error: unknown) => {
          this.release();
          reject(error);
        },
      );
    });
  }

  /** Sleeps; rejects with `reason` when the deadline comes first. */
  async sleep(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await this.race(new Promise<void>((resolve) => (timer = setTimeout(resolve, ms))));
    } finally {
      clearTimeout(timer);
    }
  }

  private readonly onTime = (): void => {
    // After the poll phase: when this program was busy the reply may be there, unread.
    setImmediate(() => this.finish(errorOf('timeout', `no reply within ${this.timeoutMs} ms`)));
  };

  private readonly onAbort = (): void => {
    this.finish(this.signal?.reason);
  };

  private finish(reason: unknown): void {
    if (!this.hasEnded_) {
      this.hasEnded_ = true;
      this.reason_ = reason;
      this.end();
    }
  }

  private end(): void {
    const waiting = this.waiting;
    this.waiting = null;
    waiting?.();
  }
}
