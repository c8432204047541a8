// Which calls may be sent again, and what a call that got no answer fails with.
import { errorOf, RepriseError } from './errors.js';
import { REPEATABLE } from './generated/rows.js';
import type { Retry } from './options.js';
import { isMap } from './value.js';

/** An attempt that ended without the server's answer. Internal. */
export class Lost extends Error {
  constructor(
    readonly reason: RepriseError,
    /** A byte of the request may have left. */
    readonly sent: boolean,
    /** No further attempt in this call. */
    readonly isFinal: boolean,
  ) {
    super(reason.message);
  }
}

// Not marked, because each counts as a lookup; that is all that repeating it changes.
const COUNTED_READS = new Set(['CACHE.LOOKUP']);

/**
 * Whether sending the request twice is the same as sending it once. A command that this build does
 * not know is taken to write. SET with nx or xx asks a question whose answer the first one changes.
 */
export function isRepeatable(method: string, params: readonly unknown[]): boolean {
  const name = method.toUpperCase();
  const last = params.at(-1);
  const asks =
    name === 'SET' &&
    params.length > 2 &&
    isMap(last) &&
    (last['nx'] === true || last['xx'] === true);
  return (REPEATABLE.has(name) || COUNTED_READS.has(name)) && !asks;
}

export function mayRepeat(retry: Retry, repeatable: boolean, lost: Lost): boolean {
  if (lost.isFinal || lost.reason.code !== 'unavailable') {
    return false;
  }
  switch (retry) {
    case 'never':
      return false;
    case 'always':
      return true;
    case 'safe':
      return !lost.sent || repeatable;
  }
}

/** Whether a refusal of the server is worth another attempt. */
export function mayRepeatAnswer(retry: Retry, repeatable: boolean, error: unknown): boolean {
  const allowed = retry === 'always' || (retry === 'safe' && repeatable);
  return (
    allowed &&
    error instanceof RepriseError &&
    ['busy', 'unavailable', 'shutting_down'].includes(error.code)
  );
}

const LOST_CODES = ['timeout', 'unavailable', 'corrupt'];

/** For the caller: a command that writes and was sent has an unknown outcome. */
export function errorFor(lost: Lost, repeatable: boolean): RepriseError {
  if (lost.sent && !repeatable && LOST_CODES.includes(lost.reason.code)) {
    return errorOf(
      'unknown_outcome',
      `${lost.reason.message}; the request had been sent and may have been applied`,
    );
  }
  return lost.reason;
}
