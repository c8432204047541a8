// JavaScript values <-> MessagePack bytes, on @msgpack/msgpack.
//
// The library knows integers in two ways: as numbers, which rounds what is above 2^53, or with
// `useBigInt64`, which makes a bigint of every 64-bit integer that arrives (a time of day, too) and
// a float of every number above 2^32 that is sent. Neither will do, so the second is used only for
// messages that hold wide integers, and its results are narrowed: notes/0001-wide-integers.md.
import { randomBytes } from 'node:crypto';
import { Decoder, ExtData, encode } from '@msgpack/msgpack';
import { errorOf } from './errors.js';
import type { Value } from './value.js';

const DEPTH_MAX = 64; // The server's own limit counts the frame too; a cycle ends here.
const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;
const LONE_SURROGATE = /\p{Surrogate}/u;
const STAND_IN_BYTES = 16; // nobody guesses them
const UINT64 = 0xcf;
const INT64 = 0xd3;

const bad = (message: string): Error => errorOf('bad_request', message);

function checkText(text: string): void {
  // The library would send U+FFFD for it, and two different texts would become one.
  if (LONE_SURROGATE.test(text)) {
    throw bad('a text with half a surrogate pair is not Unicode and cannot be sent');
  }
}

function checkBigInt(value: bigint): void {
  if (value < INT64_MIN || value > UINT64_MAX) {
    throw bad(`the integer ${value} does not fit into 64 bits`);
  }
}

function isLeaf(value: object): boolean {
  return ArrayBuffer.isView(value) || value instanceof Date || value instanceof ExtData;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === null ||
    prototype === Object.prototype ||
    Object.getPrototypeOf(prototype as object) === null
  );
}

function surveyObject(value: object, depth: number): boolean {
  if (isLeaf(value)) {
    return false;
  }
  if (!Array.isArray(value) && !isPlain(value)) {
    throw bad(`a ${value.constructor.name} cannot be sent; make it a plain object or an array`);
  }
  let hasBigInt = false;
  for (const [name, member] of Object.entries(value)) {
    checkText(name);
    hasBigInt = survey(member, depth + 1) || hasBigInt;
  }
  return hasBigInt;
}

/** Refuses what the wire has no form for; says whether there is a bigint in it. */
function survey(value: unknown, depth: number): boolean {
  if (depth > DEPTH_MAX) {
    throw errorOf('too_large', `a value is nested deeper than ${DEPTH_MAX} levels`);
  }
  switch (typeof value) {
    case 'string':
      checkText(value);
      return false;
    case 'bigint':
      checkBigInt(value);
      return true;
    case 'object':
      return value === null ? false : surveyObject(value, depth);
    case 'function':
    case 'symbol':
      throw bad(`a ${typeof value} cannot be sent`);
    default:
      return false;
  }
}

/** A copy in which integers of more than 32 bits are bigints, as the library then wants them. */
function widened(value: unknown): unknown {
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) && Math.abs(value) > 0x7fffffff ? BigInt(value) : value;
  }
  if (Array.isArray(value)) {
    return value.map(widened);
  }
  if (typeof value !== 'object' || value === null || isLeaf(value)) {
    return value;
  }
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, widened(member)]));
}

/** Members that are undefined are left out. Throws BadRequestError, TooLargeError. */
export function encodeValue(value: unknown): Uint8Array {
  const hasBigInt = survey(value, 0);
  return hasBigInt
    ? encode(widened(value), { ignoreUndefined: true, useBigInt64: true, maxDepth: DEPTH_MAX + 2 })
    : encode(value, { ignoreUndefined: true, maxDepth: DEPTH_MAX + 2 });
}

function mapKey(key: unknown): string {
  if (typeof key === 'string') {
    return key;
  }
  if (typeof key === 'number' || typeof key === 'bigint') {
    return String(key);
  }
  throw errorOf('corrupt', 'a map has keys that are neither text nor numbers');
}

const plain = new Decoder({ mapKeyConverter: mapKey });
const wide = new Decoder({ mapKeyConverter: mapKey, useBigInt64: true });

// The library refuses a member named __proto__, as assigning to it would change an object's
// prototype. Here it is read under another name and becomes a member of the object's own.
const PROTO = '__proto__';
const PROTO_BYTES = Buffer.from(PROTO);
const STAND_IN = PROTO + randomBytes(STAND_IN_BYTES).toString('hex');
const protoKeys = {
  canBeCached: (byteLength: number) => byteLength === PROTO_BYTES.length,
  decode: (bytes: Uint8Array, offset: number, byteLength: number) => {
    const name = Buffer.from(bytes.subarray(offset, offset + byteLength)).toString();
    return name === PROTO ? STAND_IN : name;
  },
};
const plainProto = new Decoder({ mapKeyConverter: mapKey, keyDecoder: protoKeys });
const wideProto = new Decoder({
  mapKeyConverter: mapKey,
  keyDecoder: protoKeys,
  useBigInt64: true,
});

function setOwn(map: object, name: string, value: unknown): void {
  if (name === PROTO) {
    const how = { configurable: true, enumerable: true, writable: true };
    Object.defineProperty(map, name, { ...how, value });
  } else {
    (map as Record<string, unknown>)[name] = value;
  }
}

/** Gives members that were read under the stand-in their name. */
function renamed(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && !isLeaf(value)) {
    for (const [name, member] of Object.entries(value)) {
      renamed(member);
      if (name === STAND_IN) {
        delete (value as Record<string, unknown>)[name];
        setOwn(value, PROTO, member);
      }
    }
  }
  return value;
}

/** Makes numbers of those bigints that a number holds exactly. */
function narrowed(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (Array.isArray(value)) {
    value.forEach((each, index) => (value[index] = narrowed(each)));
  } else if (typeof value === 'object' && value !== null && !isLeaf(value)) {
    for (const [name, member] of Object.entries(value)) {
      setOwn(value, name, narrowed(member));
    }
  }
  return value;
}

/** Throws CorruptError when the bytes are no value that JavaScript can show. */
export function decodeValue(bytes: Uint8Array): Value {
  try {
    // Bytes that only look like a wide integer (in a text, say) cost time and change nothing.
    const mayBeWide = bytes.includes(UINT64) || bytes.includes(INT64);
    if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(PROTO_BYTES)) {
      const value = renamed((mayBeWide ? wideProto : plainProto).decode(bytes));
      return (mayBeWide ? narrowed(value) : value) as Value;
    }
    return (mayBeWide ? narrowed(wide.decode(bytes)) : plain.decode(bytes)) as Value;
  } catch (error) {
    throw errorOf('corrupt', `the server's bytes cannot be read: ${(error as Error).message}`);
  }
}
