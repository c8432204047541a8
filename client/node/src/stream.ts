// fetchOrComputeStream: like fetchOrCompute, for answers that come in chunks.
//
// The holder of the lease hands its chunks to all who follow; the entry is the list of all chunks
// and becomes visible only when it is complete. A follower yields chunks in order as they come, and
// what it missed from the whole answer at the end.
import { randomBytes } from 'node:crypto';
import type { Client } from './client.js';
import { StreamCutError } from './errors.js';
import {
  askCache,
  CALLER_HAS_GONE,
  checkUpstream,
  contextOf,
  leaseOf,
  noteFill,
  outcomeOf,
  releaseLease,
  unlessAborted,
  type ComputeContext,
  type FetchOptions,
  type FetchOutcome,
  type FetchRequest,
  type Found,
} from './fetch.js';
import type { AnswerFacts, Lease } from './lease.js';
import type { ValueMap } from './value.js';

/** An async generator. What it returns, if anything, says what the answer cost. */
export type ComputeStream<T> = (
  context: ComputeContext,
) => AsyncIterable<T> | AsyncGenerator<T, AnswerFacts | void, undefined>;

export interface StreamOptions extends Omit<FetchOptions, 'staleIfError'> {
  /**
   * The stream that was followed was cut and the answer begins anew: forget the chunks so far.
   * Without it the generator throws StreamCutError where chunks had been handed on.
   */
  onRestart?: (() => void) | undefined;
}

const LABEL_BYTES = 6;
const processLabel = randomBytes(LABEL_BYTES).toString('hex');
let labels = 0;

/** Unique among all followers of a server. */
function nextLabel(): string {
  labels += 1;
  return `${processLabel}-${labels}`;
}

/** In place of a chunk: another caller computes from the start, forget what came. */
const RESTART = Symbol('restart');

/** Chunks of a stream that is followed, in order, until the reply to CACHE.FETCH ends it. */
class Inbox {
  private ready: unknown[] = [];
  private next = 0;
  private hasEnded = false;
  private wake: (() => void) | null = null;

  take(event: ValueMap): void {
    const { index, chunk } = event;
    if (index === 0 && this.next > 0) {
      this.ready = [RESTART];
      this.next = 0;
    }
    if (index === this.next) {
      // After a gap nothing fits: the whole answer brings the rest.
      this.ready.push(chunk);
      this.next += 1;
    }
    this.wake?.();
  }

  end(): void {
    this.hasEnded = true;
    this.wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, undefined> {
    while (!this.hasEnded || this.ready.length > 0) {
      if (this.ready.length === 0) {
        await new Promise<void>((resolve) => (this.wake = resolve));
      }
      const chunks = this.ready;
      this.ready = [];
      yield* chunks;
    }
  }
}

/** Chunks that were handed on are void: says so, or throws. */
function restart(chunks: number, reason: string, options: StreamOptions): void {
  if (chunks > 0 && options.onRestart === undefined) {
    throw new StreamCutError(chunks, reason);
  }
  if (chunks > 0) {
    options.onRestart?.();
  }
}

/** Follows whoever computes; the value of the generator is what the cache said in the end. */
async function* follow<T>(
  client: Client,
  request: FetchRequest,
  options: StreamOptions,
): AsyncGenerator<T, { found: Found; chunks: number }, undefined> {
  const label = nextLabel();
  const inbox = new Inbox();
  client.events.streams.set(label, (event) => inbox.take(event));
  const asked = askCache(client, request, options, label);
  asked.then(
    () => inbox.end(),
    () => inbox.end(),
  );
  let chunks = 0;
  let isRead = false;
  try {
    for await (const chunk of inbox) {
      if (chunk === RESTART) {
        restart(chunks, 'another caller computes from the start', options);
        chunks = 0;
      } else {
        chunks += 1;
        yield chunk as T;
      }
    }
    isRead = true;
    return { found: await asked, chunks };
  } finally {
    client.events.streams.delete(label);
    if (!isRead) {
      // The reader stopped.
      asked.then(
        (found) => releaseLease(client, found),
        () => undefined,
      );
    }
  }
}

/** What of a stored answer was not handed on yet. */
function restOf(response: unknown, chunks: number): unknown[] {
  if (Array.isArray(response)) {
    return response.slice(chunks);
  }
  return chunks === 0 ? [response] : [];
}

/** Runs the generator; the value is what it returned, and all its chunks. */
async function* run<T>(
  source: AsyncIterable<T>,
  lease: Lease | null,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, { chunks: T[]; facts: AnswerFacts }, undefined> {
  const iterator = source[Symbol.asyncIterator]() as AsyncIterator<
    T,
    AnswerFacts | void,
    undefined
  >;
  const chunks: T[] = [];
  let hasEnded = false;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const step = await unlessAborted(iterator.next(), signal).catch((error: unknown) => {
        hasEnded = true;
        if (signal?.aborted === true) {
          iterator.return?.().then(undefined, () => undefined); // Whenever it comes back.
        }
        throw error;
      });
      if (step.done === true) {
        hasEnded = true;
        return { chunks, facts: step.value ?? {} };
      }
      if (lease !== null) {
        chunks.push(step.value);
        await lease.append(step.value);
      }
      yield step.value;
    }
  } finally {
    if (!hasEnded) {
      await iterator.return?.();
    }
  }
}

async function* computeUnderLease<T>(
  lease: Lease,
  source: () => AsyncIterable<T>,
  signal: AbortSignal | undefined,
  outcome: FetchOutcome,
): AsyncGenerator<T, void, undefined> {
  let isComplete = false;
  let reason: unknown = 'the reader stopped';
  try {
    const { chunks, facts } = yield* run(source(), lease, signal);
    isComplete = true;
    await noteFill(lease.fillChunks(chunks, facts), outcome);
  } catch (error) {
    reason = error;
    throw error;
  } finally {
    if (!isComplete && signal?.aborted === true) {
      void lease.abandon(CALLER_HAS_GONE); // No fault of the upstream, and nothing to wait for.
    } else if (!isComplete) {
      await lease.abandon(reason);
    }
  }
}

export async function* fetchOrComputeStream<T>(
  client: Client,
  request: FetchRequest,
  compute: ComputeStream<T>,
  options: StreamOptions,
): AsyncGenerator<T, void, undefined> {
  const { found, chunks } = yield* follow<T>(client, request, options);
  const outcome = outcomeOf(found);
  try {
    if (found.status === 'hit' || found.status === 'stale') {
      yield* restOf(found.response, chunks) as T[];
      return;
    }
    try {
      restart(chunks, found.reason, options);
    } catch (error) {
      releaseLease(client, found);
      throw error;
    }
    checkUpstream(found);
    outcome.computed = true;
    const source = (): AsyncIterable<T> => compute(contextOf(found, options)) as AsyncIterable<T>;
    const lease = leaseOf(client, found, options);
    if (lease !== null) {
      yield* computeUnderLease(lease, source, options.signal, outcome);
    } else {
      yield* run(source(), null, options.signal);
    }
  } finally {
    options.onOutcome?.(outcome);
  }
}
