// What each command answers: its type, and how it is read from the wire.
//
// A map whose names are fixed by the command becomes an object with TypeScript's names (ageMs).
// Maps whose names are data (identities, query types, stored values) stay as they came. A command
// without a row here answers what scripts/generate.mjs makes of its description. Units are in the
// names.
import { members } from './arguments.js';
import { errorOf } from './errors.js';
import { isMap, type Integer, type Value } from './value.js';

export type Reader<T> = (value: Value) => T;

/** Unchanged. */
export const asIs = (value: Value): Value => value;

function as<T extends Value>(): Reader<T> {
  return (value) => value as T;
}

function expectMap(value: Value): Record<string, Value> {
  if (!isMap(value)) {
    throw errorOf('corrupt', 'the reply is not a map, as this command answers');
  }
  return members(value);
}

/** A map with fixed names; `inner` reads those members that are maps themselves. */
export function record<T>(inner: Record<string, Reader<unknown>> = {}): Reader<T> {
  return (value) => {
    const result: Record<string, unknown> = expectMap(value);
    for (const [name, read] of Object.entries(inner)) {
      if (result[name] !== undefined && result[name] !== null) {
        result[name] = read(result[name] as Value);
      }
    }
    return result as T;
  };
}

/** An array of maps with fixed names. */
export function records<T>(): Reader<T[]> {
  const read = record<T>();
  return (value) => {
    if (!Array.isArray(value)) {
      throw errorOf('corrupt', 'the reply is not an array, as this command answers');
    }
    return value.map(read);
  };
}

/** A map from names that are data to maps with fixed names. */
function dictionary<T>(): Reader<Record<string, T>> {
  const read = record<T>();
  return (value) => {
    if (!isMap(value)) {
      throw errorOf('corrupt', 'the reply is not a map, as this command answers');
    }
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, read(each)]));
  };
}

export interface Hello {
  server: string;
  version: string;
  protocol: number;
  id: Integer;
  /** null before authentication. */
  namespace: string | null;
  authenticated: boolean;
  authRequired?: boolean;
}

export interface Auth {
  namespace: string;
  permissions: string[];
}

export interface ClientRow {
  id: Integer;
  peer: string;
  transport: string;
  namespace: string;
  client: string;
  ageMs: number;
  idleMs: number;
  calls: Integer;
  unsentBytes: Integer;
  inFlight: number;
}

export interface CacheLookup {
  status: 'hit' | 'miss';
  reason: string;
  /** Of a hit, like all that follow. */
  tier?: string;
  id?: string;
  response?: Value;
  type?: string;
  ageMs?: number;
  expiresAtMs?: number;
  tokensIn?: number;
  tokensOut?: number;
  costNano?: Integer;
  model?: string;
}

export interface CacheFetch extends Omit<CacheLookup, 'status'> {
  status: 'hit' | 'stale' | 'lease' | 'error' | 'timeout' | 'miss' | 'bypass';
  /** The upstream failed for another caller: what it said, and when to try again. */
  error?: string;
  retryAfterMs?: number;
  /** Of a lease. */
  lease?: string;
  leaseMs?: number;
}

export interface CacheStored {
  /** False: the policies keep no answer to this question; `reason` says why, the rest is absent. */
  stored: boolean;
  reason?: string;
  id: string;
  tierKeys: { [tier: string]: Value };
  /** Since 1970. */
  expiresAtMs: number | null;
}

export interface CacheCounters {
  hitsExact: Integer;
  hitsNormalized: Integer;
  misses: Integer;
  stores: Integer;
  evictions: Integer;
  tokensSavedIn: Integer;
  tokensSavedOut: Integer;
  costSavedNano: Integer;
  /** Hits under a minute, under an hour, under a day old, and older. */
  hitAges?: Integer[];
  /** Lookups in less than 10 us, 100 us, 1 ms, 10 ms, 100 ms, and in more. */
  lookupTimes?: Integer[];
  [name: string]: Integer | Integer[] | undefined;
}

export interface CacheStats {
  entries: Integer;
  entriesMax: Integer;
  memoryBytes: Integer;
  /** By type, which is the default. */
  types: Record<string, CacheCounters>;
  /** By model, if so asked: then there are no `types`. */
  models?: Record<string, CacheCounters>;
  /** By bot, if so asked. */
  bots?: Record<string, CacheCounters>;
  total: CacheCounters;
  log?: { [field: string]: Integer };
}

export interface CacheDecision {
  position: Integer;
  timeMs: number;
  decision: 'hit' | 'stale' | 'miss' | 'bypass' | 'refused';
  reason: string;
  tier: string | null;
  /** Of the entry; 0: none. */
  id: Integer;
  type: string;
  model: string;
  bot: string;
  tokensIn: number;
  tokensOut: number;
  costNano: Integer;
  /** The record stands for 1000000 / samplePpm decisions. */
  samplePpm: number;
}

export interface CacheDecisions {
  records: CacheDecision[];
  /** Give it as `after` to go on. */
  next: Integer;
  more: boolean;
  samplePpm: number;
}

export interface Scanned {
  keys: (string | Uint8Array)[];
  /** Give it as `after` to go on; null at the end. */
  next: string | null;
}

export interface AccessKey {
  id: string;
  /** Of KEY.CREATE only: it is shown once. */
  key?: string;
  namespace: string;
  permissions: string[];
  label?: string;
  createdAtMs?: number;
}

export interface Namespace {
  name: string;
  id: Integer;
  createdAtMs?: number;
  entries?: Integer;
}

export interface Backup {
  path: string;
  sequence: Integer;
  rows: Integer;
  bytes: Integer;
}

export interface Verified {
  rows: Integer;
  bytes: Integer;
  badRows: Integer;
  problems: string[];
}

export interface CommandStats {
  calls: Integer;
  errors: Integer;
  meanMicros: number;
  p50Micros: number;
  p99Micros: number;
  p999Micros: number;
}

export interface SlowCommand {
  id: Integer;
  timeMs: number;
  command: string;
  durationMicros: number;
  namespace: string;
  peer: string;
  requestBytes: number;
}

export interface LimitVerdict {
  /** Of several limits: by this one. */
  rule?: string | null;
  allowed: boolean;
  limit: Integer;
  /** How much could be taken now. */
  remaining: Integer;
  /** 0 when it was allowed; -1: never, the quantity is more than fits at once. */
  retryAfterMs: number;
  resetMs: number;
}

export interface LimitTaken extends LimitVerdict {
  lease?: string;
  leaseMs?: number;
  /** Of several limits: the place of the one that blocks longest. */
  blockedBy?: number | null;
  limits?: LimitVerdict[];
}

export interface LimitRule {
  name?: string;
  from?: 'configuration' | 'namespace';
  algorithm: 'gcra' | 'window' | 'concurrency';
  limit: Integer;
  periodMs: number | null;
  burst: Integer | null;
  leaseMs: number | null;
}

export interface TypePolicy {
  ttlMs: number;
  [name: string]: Value | undefined;
}

/** The rows; scripts/generate.mjs looks for their names. */
export const RESULTS = {
  AUTH: record<Auth>(),
  HELLO: record<Hello>(),
  QUIT: as<true>(),
  SUBSCRIBE: as<true>(),
  UNSUBSCRIBE: as<boolean>(),
  'CLIENT.LIST': records<ClientRow>(),
  'CLIENT.KILL': as<boolean>(),

  SET: as<boolean>(),
  MSET: as<true>(),
  MGET: as<Value[]>(),
  DEL: as<number>(),
  EXISTS: as<number>(),
  EXPIRE: as<boolean>(),
  PERSIST: as<boolean>(),
  TTL: as<number | null>(),
  INCRBY: as<number | bigint>(),
  SCAN: record<Scanned>(),

  'CACHE.LOOKUP': record<CacheLookup>(),
  'CACHE.STORE': record<CacheStored>(),
  'CACHE.FETCH': record<CacheFetch>(),
  'CACHE.FILL': record<CacheStored>(),
  'CACHE.RENEW': record<{ leaseMs: number }>(),
  'CACHE.APPEND': record<{ chunks: number }>(),
  'CACHE.INVALIDATE': record<{ entries: Integer }>(),
  'CACHE.STATS': record<CacheStats>({
    types: dictionary(), models: dictionary(), bots: dictionary(), total: record(), log: record(),
  }),
  'CACHE.LOG': record<CacheDecisions>({ records: records() }),
  'CACHE.TYPES': dictionary<TypePolicy>(),

  'LIMIT.TAKE': record<LimitTaken>({ limits: records() }),
  'LIMIT.PEEK': record<LimitTaken>({ limits: records() }),
  'LIMIT.ACQUIRE': record<LimitTaken>(),
  'LIMIT.ADJUST': record<Omit<LimitVerdict, 'allowed'>>(),
  'LIMIT.RENEW': record<{ leaseMs: number }>(),
  'LIMIT.RELEASE': record<{ givenBack: Integer; charged: Integer }>(),
  'LIMIT.SET': record<LimitRule>(),
  'LIMIT.LIST': records<LimitRule>(),
  'LIMIT.DEL': as<boolean>(),

  'COMMAND.LIST': as<string[]>(),
  'CONFIG.GET': as<{ [name: string]: string }>(),
  'CONFIG.SET': as<true>(),
  INFO: as<{ [section: string]: { [field: string]: Value } }>(),
  STATS: dictionary<CommandStats>(),
  SLOWLOG: records<SlowCommand>(),
  SAVE: record<{ sequence: Integer }>(),
  BACKUP: record<Backup>(),
  VERIFY: record<Verified>(),
  SHUTDOWN: as<true>(),
  FLUSH: record<{ entries: Integer }>(),
  'NAMESPACE.CREATE': record<Namespace>(),
  'NAMESPACE.LIST': records<Namespace>(),
  'NAMESPACE.DEL': as<true>(),
  'KEY.CREATE': record<AccessKey>(),
  'KEY.LIST': records<AccessKey>(),
  'KEY.DEL': as<true>(),
};

export type ResultOf<Name extends keyof typeof RESULTS> = ReturnType<(typeof RESULTS)[Name]>;
