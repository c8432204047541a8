// Making errors, and telling what they mean for the caller.
import { CallerError, RepriseError, type Details } from './error_base.js';
import { BadRequestError, ERRORS, TooLargeError } from './generated/errors.js';
import { isMap, type Value } from './value.js';

export * from './error_base.js';
export * from './generated/errors.js';

/** The error of this code; a RepriseError for a code that this build does not know. */
export function errorOf(code: string, message: string, details: Details = {}): RepriseError {
  const made = ERRORS.get(code);
  return made === undefined ? new RepriseError(code, message, details) : new made(message, details);
}

/** From the wire: [code_name, message, details]. */
export function errorFromWire(value: Value): RepriseError {
  if (!Array.isArray(value) || typeof value[0] !== 'string') {
    return errorOf('corrupt', 'the server sent an error that is not [code, message, details]');
  }
  const message = typeof value[1] === 'string' ? value[1] : '';
  return errorOf(value[0], message, isMap(value[2]) ? value[2] : {});
}

/** Whether the cache is to blame and not the request. */
export function isServersFault(error: unknown): error is RepriseError {
  return error instanceof RepriseError && !(error instanceof CallerError);
}

/**
 * What `failOpen` goes on after: faults of the server, what is too large to be cached, and a chat
 * request that the cache cannot read, of an image only, say.
 */
export function failsOpen(error: unknown, isChat: boolean): error is RepriseError {
  return (
    isServersFault(error) ||
    error instanceof TooLargeError ||
    (isChat && error instanceof BadRequestError)
  );
}
