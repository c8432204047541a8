// Backoff: when the next attempt to connect may be made, and whether the server is believed to be
// there (the circuit). The connections of a pool share one. Units: milliseconds of a steady clock.
import type { ReconnectSettings } from './options.js';

/** closed: calls go out; open: calls fail at once; half-open: the next call tries. */
export type Circuit = 'closed' | 'open' | 'half-open';

const DOUBLINGS_MAX = 30; // The delay reaches its maximum long before.

export class Backoff {
  private failures_ = 0;
  private nextAttempt = 0;
  private attempts = 0; // under way

  constructor(private readonly options: ReconnectSettings) {}

  get failures(): number {
    return this.failures_;
  }

  attemptBegins(): void {
    this.attempts += 1;
  }

  attemptEnds(): void {
    this.attempts -= 1;
  }

  succeeded(): void {
    this.failures_ = 0;
    this.nextAttempt = 0;
  }

  failed(now: number): void {
    const { firstDelayMs, maxDelayMs, random } = this.options;
    const delay = Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(this.failures_, DOUBLINGS_MAX));
    this.failures_ += 1;
    this.nextAttempt = now + delay - (delay / 2) * random();
  }

  /** 0: at once. */
  waitMs(now: number): number {
    return this.failures_ === 0 ? 0 : Math.max(0, Math.ceil(this.nextAttempt - now));
  }

  circuit(now: number): Circuit {
    if (this.failures_ < this.options.failuresToOpen) {
      return 'closed';
    }
    // While one call tries, the others do not wait for it: it is likely to fail.
    return this.waitMs(now) > 0 || this.attempts > 0 ? 'open' : 'half-open';
  }
}
