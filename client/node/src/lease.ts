// Lease: the right to compute one answer while others wait: renewed, then filled or abandoned.
//
// What the server refuses here never harms the caller, who has the answer: it is reported.
import { named } from './arguments.js';
import type { Client } from './client.js';
import { errorOf, NotFoundError, TooLargeError } from './errors.js';
import { RESULTS, type CacheStored } from './results.js';
import type { Integer } from './value.js';

const RENEWALS = 3; // in the life of a lease
const TIMER_MS_MIN = 1;
const APPENDS_MAX = 64; // on their way at once
const REASON_CHARACTERS_MAX = 200;

/** What is known of an answer besides the answer. */
export interface AnswerFacts {
  tokensIn?: Integer | undefined;
  tokensOut?: Integer | undefined;
  /** Nano-dollars. */
  costNano?: Integer | undefined;
  model?: string | undefined;
  tags?: readonly string[] | undefined;
  ttlMs?: number | undefined;
}

const APPENDED = Symbol('the answer is what was appended');

const reasonOf = (error: unknown): string =>
  (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(
    0,
    REASON_CHARACTERS_MAX,
  );

export class Lease {
  private timer: NodeJS.Timeout | null = null;
  private isOver = false;
  private isLost = false;
  private appends = 0;
  private appendsFailed = false;
  private tooLarge: TooLargeError | null = null;
  private lastAppend: Promise<void> = Promise.resolve();

  constructor(
    private readonly client: Client,
    private readonly token: string,
    private leaseMs: number,
    private readonly errorTtlMs?: number,
  ) {
    this.renewLater();
  }

  /** Throws RepriseError when the answer was not stored; waiting callers were released then. */
  async fill(response: unknown, facts: AnswerFacts): Promise<CacheStored> {
    this.stop();
    if (this.isLost) {
      throw errorOf('not_found', 'the lease was lost while the answer was computed');
    }
    try {
      if (response === undefined || response === null) {
        throw errorOf('bad_request', 'there is no answer to store');
      }
      return await this.callFill(response, facts);
    } catch (error) {
      if (!(error instanceof NotFoundError)) {
        await this.abandon(reasonOf(error)); // Not what the upstream said.
      }
      throw error;
    }
  }

  /** The same, with all chunks that were appended. */
  async fillChunks(chunks: readonly unknown[], facts: AnswerFacts): Promise<CacheStored> {
    await this.lastAppend;
    if (this.tooLarge !== null) {
      throw this.tooLarge; // So are all chunks together; the lease was given back.
    }
    const areThere = chunks.length > 0 && !this.appendsFailed;
    return areThere ? this.fill(APPENDED, facts) : this.fill(chunks, facts);
  }

  /** Lets another caller compute, or tells all for `errorTtlMs` what the upstream said. */
  async abandon(reason: unknown): Promise<void> {
    this.stop();
    if (!this.isLost) {
      const ttlMs = reason instanceof Error ? this.errorTtlMs : undefined;
      const options = named({ error: reasonOf(reason), ttlMs });
      // If it does not arrive, the lease ends by itself.
      await this.client.call('CACHE.ABANDON', [this.token, ...options]).catch(() => undefined);
    }
  }

  /** Hands a chunk to those who follow. Waits only when many are on their way. */
  async append(chunk: unknown): Promise<void> {
    if (this.appendsFailed || this.isLost) {
      return; // Followers get the rest with the whole answer.
    }
    this.appends += 1;
    this.lastAppend = this.client
      .call('CACHE.APPEND', [this.token, chunk], { retry: 'never' })
      .then(
        () => undefined,
        (error: unknown) => {
          this.appendsFailed = true;
          if (error instanceof TooLargeError && this.tooLarge === null) {
            this.tooLarge = error;
            void this.abandon(error.message);
          }
        },
      )
      .finally(() => (this.appends -= 1));
    if (this.appends >= APPENDS_MAX) {
      await this.lastAppend; // Replies come in order.
    }
  }

  private async callFill(response: unknown, facts: AnswerFacts): Promise<CacheStored> {
    const sent = response === APPENDED ? null : response;
    return RESULTS['CACHE.FILL'](
      await this.client.call('CACHE.FILL', [this.token, sent, ...named(facts)]),
    );
  }

  private stop(): void {
    this.isOver = true;
    clearTimeout(this.timer ?? undefined);
  }

  private renewLater(): void {
    const pauseMs = Math.max(TIMER_MS_MIN, this.leaseMs / RENEWALS);
    this.timer = setTimeout(() => void this.renew(Math.ceil(pauseMs)), pauseMs);
    this.timer.unref();
  }

  private async renew(timeoutMs: number): Promise<void> {
    try {
      const reply = await this.client.call('CACHE.RENEW', [this.token], {
        timeoutMs,
        retry: 'always',
      });
      this.leaseMs = RESULTS['CACHE.RENEW'](reply).leaseMs ?? this.leaseMs;
    } catch (error) {
      this.isLost = this.isLost || error instanceof NotFoundError;
    }
    if (!this.isOver && !this.isLost) {
      this.renewLater();
    }
  }
}
