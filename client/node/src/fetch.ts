// fetchOrCompute: the cached answer, or one that is computed once while all others wait for it.
import { named } from './arguments.js';
import type { Client } from './client.js';
import { failsOpen, RepriseError, UpstreamFailedError } from './errors.js';
import { Lease, type AnswerFacts } from './lease.js';
import { RESULTS, type CacheFetch, type CacheStored } from './results.js';
import type { Integer, Value } from './value.js';

const WAIT_MS = 30_000;
export const CALLER_HAS_GONE = 'the caller has gone';

/** A prompt (what else changes the answer is `identity`), or a whole chat request. */
export type FetchRequest = string | { request: object };

export interface FetchOptions {
  /** All besides the prompt that can change the answer: model, system prompt, tools ... */
  identity?: unknown;
  /** What of a chat request is compared: "strict" (default), "conversation" or "prompt_only". */
  identityMode?: string | undefined;
  /** Query type. */
  type?: string | undefined;
  /** The last tier that is tried. */
  tier?: string | undefined;
  /** Older entries do not count. */
  maxAgeMs?: number | undefined;
  /** An expired entry serves for so much longer while one caller computes it anew. */
  staleOkMs?: number | undefined;
  /** Whether to wait while somebody else computes; true. */
  wait?: boolean | undefined;
  /** For how long; 30,000 when not given. Then `compute` runs and nothing is stored. */
  waitMs?: number | undefined;
  /** How long the lease lives without renewal, which this does by itself; the server's default. */
  leaseMs?: number | undefined;
  /** Compute anew, and store that. */
  noCache?: boolean | undefined;
  /** Take a stored answer, but store none. */
  noStore?: boolean | undefined;
  /** As if there were no cache. */
  bypass?: boolean | undefined;
  /** A stored answer at once, or `compute` without storing. */
  onlyIfCached?: boolean | undefined;
  /**
   * Go on without the cache when the server is down, takes nothing so large or cannot read the chat
   * request; that of the client when not given.
   */
  failOpen?: boolean | undefined;
  /** When `compute` throws and an expired answer is at hand: that one; false. */
  staleIfError?: boolean | undefined;
  /**
   * What `compute` throws is told to all who ask the same within this time, as UpstreamFailedError;
   * without it the next caller tries.
   */
  errorTtlMs?: number | undefined;
  /** Ends the call with its reason, also while `compute`, which is handed it, does not heed it. */
  signal?: AbortSignal | undefined;
  /** Told once how it went, unless the cache could not be asked and that is thrown. */
  onOutcome?: ((outcome: FetchOutcome) => void) | undefined;
}

export interface FetchOutcome {
  /** "down": the server could not be asked, or refused, and `failOpen` is set. */
  status: CacheFetch['status'] | 'down';
  reason: string;
  /** Whether `compute` was called. */
  computed: boolean;
  /** Whether its answer is in the cache now. */
  stored: boolean;
  /** Why the server could not be asked, or why the answer was not stored. */
  error?: RepriseError;
  /** Of a hit, like those that follow. */
  tier?: string | undefined;
  id?: string | undefined;
  ageMs?: number | undefined;
  tokensIn?: Integer | undefined;
  tokensOut?: Integer | undefined;
  costNano?: Integer | undefined;
  model?: string | undefined;
}

export interface ComputeContext {
  /** Why there was no answer. */
  reason: string;
  /** An expired answer, where `staleOkMs` allows it. */
  stale: Value | undefined;
  signal: AbortSignal | undefined;
}

/** An answer with what it cost. */
export interface Answer<T> extends AnswerFacts {
  response: T;
}

export type Compute<T> = (context: ComputeContext) => Promise<T | Answer<T>> | T | Answer<T>;

const ANSWER_MEMBERS = new Set([
  'response',
  'tokensIn',
  'tokensOut',
  'costNano',
  'model',
  'tags',
  'ttlMs',
]);

/** An object with `response` and nothing but the members of Answer is an Answer. */
function isAnswer<T>(value: T | Answer<T>): value is Answer<T> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    'response' in value &&
    Object.keys(value).every((name) => ANSWER_MEMBERS.has(name))
  );
}

/** What the cache said, or that it is down. */
export type Found =
  | CacheFetch
  | {
      status: 'down';
      reason: string;
      error: RepriseError;
      response?: undefined;
      retryAfterMs?: undefined;
    };

async function callFetch(
  client: Client,
  request: FetchRequest,
  options: FetchOptions,
  stream: string | undefined,
): Promise<Found> {
  const {
    identity,
    identityMode,
    type,
    tier,
    maxAgeMs,
    staleOkMs,
    wait,
    leaseMs,
    noCache,
    noStore,
    bypass,
    onlyIfCached,
  } = options;
  const waitMs = options.waitMs ?? WAIT_MS;
  const map = named({
    identity,
    identityMode,
    type,
    tier,
    maxAgeMs,
    staleOkMs,
    wait,
    waitMs,
    leaseMs,
    noCache,
    noStore,
    bypass,
    onlyIfCached,
    stream,
    request: typeof request === 'string' ? undefined : request.request,
  });
  const prompt = typeof request === 'string' ? request : null;
  const timeoutMs = client.settings.requestTimeoutMs + (wait === false ? 0 : waitMs);
  try {
    // A lease that a lost connection held has been passed on, so asking again does no harm.
    return RESULTS['CACHE.FETCH'](
      await client.call('CACHE.FETCH', [prompt, ...map], { timeoutMs, retry: 'always' }),
    );
  } catch (error) {
    const mayGoOn = options.failOpen ?? client.settings.failOpen;
    const isChat = typeof request !== 'string' && request.request !== undefined;
    if (!mayGoOn || !failsOpen(error, isChat)) {
      throw error;
    }
    return { status: 'down', reason: error.message, error };
  }
}

/** The promise, or the signal's reason when that comes first. */
export async function unlessAborted<T>(
  promise: PromiseLike<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) {
    return promise;
  }
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  if (signal.aborted) {
    stop(); // Before it was listened to.
  }
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** What `compute` makes, unless the caller goes first: it need not heed the signal. */
async function made<T>(compute: Compute<T>, context: ComputeContext): Promise<T | Answer<T>> {
  context.signal?.throwIfAborted();
  return unlessAborted(Promise.resolve(compute(context)), context.signal);
}

/** Gives back the right to compute where the caller has gone meanwhile. */
export function releaseLease(client: Client, found: Found): void {
  if (found.status === 'lease') {
    void new Lease(client, found.lease ?? '', found.leaseMs ?? 0).abandon(CALLER_HAS_GONE);
  }
}

/** Asks the cache. Rejects with the signal's reason; what the server grants later is given back. */
export async function askCache(
  client: Client,
  request: FetchRequest,
  options: FetchOptions,
  stream?: string,
): Promise<Found> {
  const { signal } = options;
  signal?.throwIfAborted();
  const found = callFetch(client, request, options, stream);
  try {
    return await unlessAborted(found, signal);
  } catch (error) {
    found.then(
      (late) => releaseLease(client, late),
      () => undefined,
    );
    throw error;
  }
}

export function outcomeOf(found: Found): FetchOutcome {
  const base = { reason: found.reason, computed: false, stored: false };
  if (found.status === 'down') {
    return { ...base, status: found.status, error: found.error };
  }
  const { status, tier, id, ageMs, tokensIn, tokensOut, costNano, model } = found;
  return { ...base, status, tier, id, ageMs, tokensIn, tokensOut, costNano, model };
}

/** Throws when the upstream is to be left alone. */
export function checkUpstream(found: Found): void {
  if (found.status === 'error') {
    throw new UpstreamFailedError(String(found.error ?? ''), found.retryAfterMs ?? 0);
  }
}

/** The lease, when it is on the caller to compute. */
export function leaseOf(client: Client, found: Found, options: FetchOptions): Lease | null {
  return found.status === 'lease'
    ? new Lease(client, found.lease ?? '', found.leaseMs ?? 0, options.errorTtlMs)
    : null;
}

export function contextOf(found: Found, options: FetchOptions): ComputeContext {
  return { reason: found.reason, stale: found.response, signal: options.signal };
}

/** Waits for the answer to be stored. A failure is only noted: the caller has its answer. */
export async function noteFill(filling: Promise<CacheStored>, outcome: FetchOutcome): Promise<void> {
  try {
    outcome.stored = (await filling).stored !== false;
  } catch (error) {
    if (!(error instanceof RepriseError)) {
      throw error;
    }
    outcome.error = error;
  }
}

async function computeUnderLease<T>(
  lease: Lease,
  compute: Compute<T>,
  context: ComputeContext,
  outcome: FetchOutcome,
  keepStale: boolean,
): Promise<T> {
  let answer: T | Answer<T>;
  try {
    answer = await made(compute, context);
  } catch (error) {
    if (context.signal?.aborted === true) {
      void lease.abandon(CALLER_HAS_GONE); // No fault of the upstream, and nothing to wait for.
      throw error;
    }
    await lease.abandon(error);
    if (keepStale && context.stale !== undefined) {
      outcome.status = 'stale';
      return context.stale as T;
    }
    throw error;
  }
  const { response, ...facts } = isAnswer(answer) ? answer : { response: answer };
  await noteFill(lease.fill(response, facts), outcome);
  return response as T;
}

export async function fetchOrCompute<T>(
  client: Client,
  request: FetchRequest,
  compute: Compute<T>,
  options: FetchOptions,
): Promise<T> {
  const found = await askCache(client, request, options);
  const outcome = outcomeOf(found);
  try {
    if (found.status === 'hit' || found.status === 'stale') {
      return found.response as T;
    }
    checkUpstream(found);
    outcome.computed = true;
    const context = contextOf(found, options);
    const lease = leaseOf(client, found, options);
    if (lease !== null) {
      return await computeUnderLease(
        lease,
        compute,
        context,
        outcome,
        options.staleIfError === true,
      );
    }
    const answer = await made(compute, context);
    return isAnswer(answer) ? answer.response : answer;
  } finally {
    options.onOutcome?.(outcome);
  }
}
