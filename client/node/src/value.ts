// What goes over the wire, as JavaScript sees it.

/**
 * An integer. A number while it is exact (up to 2^53 - 1 either way), a bigint above that: what
 * arrives is never rounded. Either may be sent; bigints reach from -2^63 to 2^64 - 1.
 */
export type Integer = number | bigint;

/** A key: the same by its bytes, whether text or binary. */
export type Key = string | Uint8Array;

/** Any MessagePack value that arrived. `bin` is a Uint8Array, a timestamp a Date. */
export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | Value[]
  | { [name: string]: Value };

export type ValueMap = { [name: string]: Value };

export function isMap(value: unknown): value is ValueMap {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !ArrayBuffer.isView(value) &&
    !(value instanceof Date)
  );
}
