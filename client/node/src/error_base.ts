// RepriseError and its three families. The class of each code is generated (generated/errors.ts).
import type { Value } from './value.js';

export type Details = { readonly [name: string]: Value };

/** Every failure of a call. `code` is the server's code name, `details` the server's map. */
export class RepriseError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly details: Details = {},
  ) {
    super(message);
    this.name = new.target.name;
  }
}

/** The request is wrong; sending it again brings the same. */
export class CallerError extends RepriseError {}

/** It may work later. */
export class TransientError extends RepriseError {}

/** The server has a fault that its operator has to look at. */
export class ServerError extends RepriseError {}

/** The upstream failed for another caller, who asked (`errorTtlMs`) to leave it alone. */
export class UpstreamFailedError extends TransientError {
  constructor(
    message: string,
    readonly retryAfterMs: number,
  ) {
    super('upstream_failed', message);
  }
}

/** The stream that was followed ended before its end, after chunks of it had been handed on. */
export class StreamCutError extends TransientError {
  constructor(chunks: number, reason: string) {
    super('stream_cut', `the stream was cut after ${chunks} chunks (${reason})`);
  }
}
