// Options of a client: where the server is, how to trust it, how long to wait, what to repeat.
// Names and defaults are those of client/cpp/options.h. Units are in the names.
import { parseAddress } from './address.js';
import { errorOf } from './errors.js';
import type { Value } from './value.js';

/**
 * How the server of a tls:// address is recognised. With nothing set, its certificate must chain to
 * the authorities that Node knows, and name the host.
 */
export interface TlsOptions {
  /** PEM file; the chain must end at one of these instead. */
  caFile?: string | undefined;
  /**
   * SHA-256 of the server's certificate in DER form: 64 hex digits, colons allowed. It takes the
   * place of chain and name.
   */
  pinnedSha256?: string | undefined;
  /** The name to ask for and to verify; the host of the address when not given. */
  serverName?: string | undefined;
  /** Verify nothing: for experiments on one machine. */
  insecure?: boolean | undefined;
}

/**
 * Delay before the n-th attempt to connect again: first * 2^(n-1), at most max, of which a random
 * half is taken off, so that many clients do not come back at the same instant.
 */
export interface ReconnectOptions {
  /** 50 when not given. */
  firstDelayMs?: number | undefined;
  /** 5,000 when not given. */
  maxDelayMs?: number | undefined;
  /** After so many failed attempts in a row the circuit opens; 5 when not given. */
  failuresToOpen?: number | undefined;
  /** From 0 up to 1; Math.random when not given. */
  random?: (() => number) | undefined;
}

export interface Options {
  /** "127.0.0.1:7377" when not given; see parseAddress. */
  address?: string | undefined;
  /** Sent with AUTH on each new connection. */
  accessKey?: string | undefined;
  /** Sent with HELLO on each new connection; "node" when not given. */
  clientName?: string | undefined;
  tls?: TlsOptions | undefined;
  /** TCP, TLS, AUTH and HELLO together; 2,000 when not given. */
  connectTimeoutMs?: number | undefined;
  /** Of a call with all its attempts; 5,000 when not given. */
  requestTimeoutMs?: number | undefined;
  /**
   * While calls are under way and the server sends nothing: after half of this it is asked with
   * PING, after all of it the connection is given up. 5,000 when not given.
   */
  silenceMaxMs?: number | undefined;
  reconnect?: ReconnectOptions | undefined;
  /** Of one call, the first included; 3 when not given. */
  attemptsMax?: number | undefined;
  /** A larger message of the server ends the connection; 64 MiB when not given. */
  responseBytesMax?: number | undefined;
  /** Calls under way on one connection; more are refused with BusyError. 16,384 when not given. */
  inFlightMax?: number | undefined;
  /** Whether fetchOrCompute goes on without the cache when the server is down; false. */
  failOpen?: boolean | undefined;
  /** Messages of the server that no subscription takes. */
  onNotification?: ((method: string, params: Value[]) => void) | undefined;
}

/** When a call may be sent again. */
export type Retry =
  | 'safe' // if surely none of it was sent, or the command is marked idempotent
  | 'never' // one attempt
  | 'always'; // the caller knows that doing it twice is the same as doing it once

export interface CallOptions {
  /** Of all attempts together; requestTimeoutMs of the client when not given. */
  timeoutMs?: number | undefined;
  retry?: Retry | undefined;
  /** Ends the call with the signal's reason. What was sent may have been applied. */
  signal?: AbortSignal | undefined;
}

export type ReconnectSettings = {
  [Name in keyof ReconnectOptions]-?: NonNullable<ReconnectOptions[Name]>;
};
export type Settings = Omit<
  { [Name in keyof Options]-?: NonNullable<Options[Name]> },
  'reconnect' | 'tls' | 'onNotification'
> & { reconnect: ReconnectSettings; tls: TlsOptions; onNotification: Options['onNotification'] };

const DEFAULTS = {
  address: '127.0.0.1:7377',
  accessKey: '',
  clientName: 'node',
  tls: {},
  connectTimeoutMs: 2_000,
  requestTimeoutMs: 5_000,
  silenceMaxMs: 5_000,
  attemptsMax: 3,
  responseBytesMax: 64 * 1024 * 1024,
  inFlightMax: 16_384,
  failOpen: false,
};
const POSITIVE = [
  'connectTimeoutMs',
  'requestTimeoutMs',
  'silenceMaxMs',
  'attemptsMax',
  'responseBytesMax',
  'inFlightMax',
] as const;
const RECONNECT_DEFAULTS = {
  firstDelayMs: 50,
  maxDelayMs: 5_000,
  failuresToOpen: 5,
  random: Math.random,
};
const TIMER_MS_MAX = 2 ** 31 - 1; // Node fires a longer timer at once.

function filled<T extends object>(defaults: T, given: object): T {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(set) };
}

export function checkPositive(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value <= 0) {
    throw errorOf('bad_request', `${name} is ${value} and must be an integer above 0`);
  }
  if (name.endsWith('Ms') && value > TIMER_MS_MAX) {
    throw errorOf('bad_request', `${name} is ${value} and must be at most ${TIMER_MS_MAX}`);
  }
}

function checkPin(pin: string): void {
  if (!/^[0-9a-f]{64}$/i.test(pin.replaceAll(':', ''))) {
    throw errorOf('bad_request', 'tls.pinnedSha256 needs 64 hex digits');
  }
}

/** All options with their defaults. Throws BadRequestError with the member that is wrong. */
export function settingsOf(options: Options): Settings {
  const settings: Settings = {
    ...filled(DEFAULTS, options),
    onNotification: options.onNotification,
    reconnect: filled(RECONNECT_DEFAULTS, options.reconnect ?? {}),
  };
  parseAddress(settings.address);
  for (const name of POSITIVE) {
    checkPositive(name, settings[name]);
  }
  for (const name of ['firstDelayMs', 'maxDelayMs', 'failuresToOpen'] as const) {
    checkPositive(`reconnect.${name}`, settings.reconnect[name]);
  }
  if (settings.reconnect.maxDelayMs < settings.reconnect.firstDelayMs) {
    throw errorOf('bad_request', 'reconnect.maxDelayMs is below reconnect.firstDelayMs');
  }
  if (settings.tls.pinnedSha256 !== undefined) {
    checkPin(settings.tls.pinnedSha256);
  }
  return settings;
}
