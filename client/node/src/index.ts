// The Node client of Reprise. README.md is the way in.
export { formatAddress, parseAddress, type Address } from './address.js';
export type { Circuit } from './backoff.js';
export { Caller, type Subscription } from './caller.js';
export { Client } from './client.js';
export {
  CallerError,
  RepriseError,
  ServerError,
  StreamCutError,
  TransientError,
  UpstreamFailedError,
  isServersFault,
  type Details,
} from './errors.js';
export type { EventHandler, SubscribeOptions } from './events.js';
export type {
  Answer,
  Compute,
  ComputeContext,
  FetchOptions,
  FetchOutcome,
  FetchRequest,
} from './fetch.js';
export * from './generated/errors.js';
export * from './generated/index.js';
export { REPEATABLE } from './generated/rows.js';
export type { AnswerFacts } from './lease.js';
export type { CallOptions, Options, ReconnectOptions, Retry, TlsOptions } from './options.js';
export { Pool, type PoolOptions } from './pool.js';
export type * from './results.js';
export type { ComputeStream, StreamOptions } from './stream.js';
export type { Integer, Key, Value, ValueMap } from './value.js';
