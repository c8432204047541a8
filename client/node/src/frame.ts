// FrameReader: finds where one message ends and the next begins in a stream of bytes.
//
// It looks at each byte of a message's skeleton once and builds nothing. Errors: CorruptError when
// the bytes are not the protocol, TooLargeError above `bytesMax`. Memory: at most twice what has
// arrived and was not taken. What next() gives stays valid: its bytes are never written again.
import { errorOf } from './errors.js';

const RESPONSE = 0x94;
const NOTIFICATION = 0x93;

/** Bytes of the length field behind each of 0xc4 to 0xdf; 0 where there is none. */
function lengthBytes(type: number): number {
  if (type >= 0xc4 && type <= 0xc9) return 1 << (type - 0xc4) % 3;
  if (type >= 0xd9 && type <= 0xdb) return 1 << (type - 0xd9);
  if (type >= 0xdc && type <= 0xdf) return (type & 1) === 0 ? 2 : 4;
  return 0;
}

/** Bytes behind the type byte of values with a fixed size. */
function fixedBytes(type: number): number {
  if (type === 0xca || type === 0xcb) return type === 0xca ? 4 : 8;
  if (type >= 0xcc && type <= 0xd3) return 1 << (type & 3);
  if (type >= 0xd4 && type <= 0xd8) return 1 + (1 << (type - 0xd4));
  return 0;
}

/** The length that stands in the type byte itself. */
function shortLength(type: number): number {
  if (type >= 0xa0 && type <= 0xbf) return type & 0x1f;
  return type >= 0x80 && type <= 0x9f ? type & 0x0f : 0;
}

function childrenOf(type: number, length: number): number {
  if (type >= 0xdc) return type <= 0xdd ? length : type <= 0xdf ? 2 * length : 0;
  if (type >= 0x80 && type <= 0x8f) return 2 * length;
  return type >= 0x90 && type <= 0x9f ? length : 0;
}

/** Bytes behind the type and the length field. */
function bytesOf(type: number, length: number): number {
  if (type === 0xc1) {
    throw errorOf('corrupt', "the server's bytes are not MessagePack");
  }
  if (type >= 0xc7 && type <= 0xc9) return length + 1; // An extension has a type byte.
  if (type >= 0xca && type <= 0xd8) return fixedBytes(type);
  return type >= 0xdc ? 0 : length;
}

export class FrameReader {
  private buffer: Buffer = Buffer.alloc(0);
  private start = 0; // of the message under way
  private end = 0; // of what has arrived
  private isOpen = false; // a message is under way
  private position = 0; // up to where it was looked at; beyond `end` when bytes are still to come
  private pending = 0; // values of it that were not looked at

  constructor(private readonly bytesMax: number) {}

  push(chunk: Buffer): void {
    const size = this.end - this.start;
    if (size === 0) {
      this.buffer = chunk;
      this.start = 0;
      this.end = chunk.length;
      return;
    }
    if (this.start > 0 || this.end + chunk.length > this.buffer.length) {
      const roomy = Buffer.allocUnsafeSlow(Math.max(2 * size, size + chunk.length));
      this.buffer.copy(roomy, 0, this.start, this.end);
      this.buffer = roomy;
      this.position -= this.start;
      this.start = 0;
      this.end = size;
    }
    chunk.copy(this.buffer, this.end);
    this.end += chunk.length;
  }

  /** The next whole message; null when it has not arrived yet. */
  next(): Buffer | null {
    if (!this.isOpen) {
      if (this.start === this.end) {
        return null;
      }
      this.begin();
    }
    while (this.pending > 0 && this.position < this.end) {
      if (!this.step()) {
        return null;
      }
    }
    if (this.pending > 0 || this.position > this.end) {
      return null;
    }
    const message = this.buffer.subarray(this.start, this.position);
    this.start = this.position;
    this.isOpen = false;
    return message;
  }

  private begin(): void {
    const first = this.buffer[this.start];
    if (first !== RESPONSE && first !== NOTIFICATION) {
      throw errorOf(
        'corrupt',
        "the server's bytes are not the protocol: is this a Reprise server?",
      );
    }
    this.isOpen = true;
    this.position = this.start;
    this.pending = 1;
  }

  /** Goes behind one value, or into a container; false when its length has not arrived yet. */
  private step(): boolean {
    const type = this.buffer[this.position] as number;
    const field = lengthBytes(type);
    if (this.position + 1 + field > this.end) {
      return false;
    }
    const length =
      field === 0 ? shortLength(type) : this.buffer.readUIntBE(this.position + 1, field);
    const children = childrenOf(type, length);
    this.pending += children - 1;
    this.position += 1 + field + (children > 0 ? 0 : bytesOf(type, length));
    // Each value that is still to come has a byte at least.
    if (this.position - this.start + this.pending > this.bytesMax) {
      throw errorOf(
        'too_large',
        `the server's message is above responseBytesMax (${this.bytesMax} bytes)`,
      );
    }
    return true;
  }
}
