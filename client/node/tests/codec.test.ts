import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode } from '@msgpack/msgpack';
import { decodeValue, encodeValue } from '../src/codec.js';
import { FrameReader } from '../src/frame.js';
import { BadRequestError, CorruptError, TooLargeError } from '../src/index.js';

const there = (value: unknown): unknown => decodeValue(encodeValue(value));

test('integers are exact on both sides of every width, and bigints only beyond 2^53', () => {
  const edges = [
    0n,
    1n,
    127n,
    128n,
    255n,
    256n,
    65535n,
    65536n,
    2n ** 31n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 53n - 1n,
    2n ** 53n,
    2n ** 53n + 1n,
    2n ** 63n - 1n,
    2n ** 63n,
    2n ** 64n - 1n,
  ];
  for (const edge of edges.flatMap((each) => (each <= 2n ** 63n ? [each, -each] : [each]))) {
    const isSafe = Number.isSafeInteger(Number(edge));
    const expected = isSafe ? Number(edge) : edge;
    assert.strictEqual(there(edge), Object.is(expected, -0) ? 0 : expected);
    if (isSafe) {
      assert.strictEqual(there(Number(edge)), Object.is(expected, -0) ? 0 : expected);
    }
  }
});

test('a bigint beside large numbers does not turn them into floats', () => {
  const value = [2n ** 60n, 2 ** 40, -(2 ** 40), 2 ** 31, { ttl_ms: 5_000_000_000 }];
  const bytes = encodeValue(value);
  assert.ok(!bytes.includes(0xcb), 'a float64');
  assert.deepEqual(decodeValue(bytes), value);
});

test('integers that do not fit into 64 bits are refused and not wrapped', () => {
  for (const wide of [2n ** 64n, -(2n ** 63n) - 1n]) {
    assert.throws(() => encodeValue({ a: [wide] }), BadRequestError);
  }
});

test('values that the wire has no form for are refused', () => {
  const refused = [
    new Map([['a', 1]]),
    new Set([1]),
    () => 1,
    Symbol('s'),
    new Error('e'),
    'a\ud800',
    { '\udc00': 1 },
    'long enough for another encoder '.repeat(20) + '\ud800',
  ];
  for (const value of refused) {
    assert.throws(() => encodeValue([value]), BadRequestError);
  }
});

test('what is nested deeper than the server reads is too large, and so is a cycle', () => {
  const nested = (levels: number): unknown => (levels === 0 ? 'x' : { p: nested(levels - 1) });
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  assert.deepEqual(there(nested(64)), nested(64));
  for (const value of [nested(65), nested(2000), cyclic]) {
    assert.throws(() => encodeValue(value), TooLargeError);
  }
});

test('a member named __proto__ is a member like any other', () => {
  const texts = [
    '{"__proto__":1}',
    '{"a":[{"__proto__":{"__proto__":[],"b":1}}],"__proto__":null}',
    '{"constructor":{"prototype":1},"__proto___":2,"__PROTO__":"__proto__"}',
  ];
  for (const text of texts) {
    const back = there(JSON.parse(text)) as object;
    assert.equal(Object.getPrototypeOf(back), Object.prototype);
    assert.deepEqual(back, JSON.parse(text));
    const wide = there({ ...{ big: 2n ** 60n }, inner: JSON.parse(text) }) as { inner: object };
    assert.deepEqual(wide, { big: 2n ** 60n, inner: JSON.parse(text) });
    assert.equal(Object.getPrototypeOf(wide.inner), Object.prototype);
  }
  assert.equal(({} as Record<string, unknown>)['b'], undefined);
});

test('text, binary, nil, maps and arrays come back as they went', () => {
  const value = {
    text: 'Grüße 👋 Ϗ',
    bin: new Uint8Array([0xcf, 0xd3, 0]),
    nil: null,
    list: [true, [1.5, -1]],
    map: {},
  };
  const back = there(value) as typeof value;
  assert.deepEqual({ ...back, bin: [...back.bin] }, { ...value, bin: [0xcf, 0xd3, 0] });
});

test('members that are undefined are left out', () => {
  assert.deepEqual(there({ a: undefined, b: 1 }), { b: 1 });
});

test('maps with integer keys arrive with their decimal names, others are refused', () => {
  assert.deepEqual(decodeValue(new Uint8Array([0x81, 0x07, 0x01])), { 7: 1 });
  const wideKey = new Uint8Array([0x81, 0xcf, 0, 0, 0, 0, 0, 0, 0, 9, 0x01]);
  assert.deepEqual(decodeValue(wideKey), { 9: 1 });
  assert.throws(() => decodeValue(new Uint8Array([0x81, 0xc0, 0x01])), CorruptError);
});

/** Every kind of value, in one reply. */
const replyBytes = (): Buffer => {
  const parts = [
    [0x94, 0x01, 0x05, 0xc0],
    [0xdc, 0, 24],
    [0x01],
    [0xe0],
    [0xc2],
    [0xcc, 9],
    [0xcd, 0, 9],
    [0xce, 0, 0, 0, 9],
    [0xcf, 0, 0, 0, 0, 0, 0, 0, 9],
    [0xd0, 9],
    [0xd1, 0, 9],
    [0xd2, 0, 0, 0, 9],
    [0xd3, 0, 0, 0, 0, 0, 0, 0, 9],
    [0xca, 0, 0, 0, 0],
    [0xcb, 0, 0, 0, 0, 0, 0, 0, 0],
    [0xa2, 97, 98],
    [0xd9, 1, 97],
    [0xda, 0, 1, 97],
    [0xdb, 0, 0, 0, 1, 97],
    [0xc4, 1, 7],
    [0xc5, 0, 1, 7],
    [0xc6, 0, 0, 0, 1, 7],
    [0x81, 0xa1, 97, 0x91, 0xc3],
    [0xdd, 0, 0, 0, 1, 0xc0],
    [0xd5, 9, 1, 2],
    [0xc7, 1, 9, 5],
  ];
  return Buffer.from(parts.flat());
};

test('a message cut at every byte is found whole, together with the one behind it', () => {
  const first = replyBytes();
  const second = Buffer.from([0x93, 0x02, 0xa1, 69, 0x90]);
  const stream = Buffer.concat([first, second]);
  for (let cut = 0; cut <= stream.length; cut += 1) {
    const reader = new FrameReader(1000);
    const found: Buffer[] = [];
    for (const piece of [stream.subarray(0, cut), stream.subarray(cut)]) {
      reader.push(Buffer.from(piece));
      for (let frame = reader.next(); frame !== null; frame = reader.next()) {
        found.push(frame);
      }
    }
    assert.deepEqual(found, [first, second], `cut at ${cut}`);
  }
  assert.equal((decodeValue(first) as unknown[])[1], 5);
});

test('a stream that comes byte by byte gives the same messages', () => {
  const message = Buffer.from(encode([1, 2, null, { text: 'x'.repeat(3000) }]));
  const reader = new FrameReader(10_000);
  let found = 0;
  for (const byte of Buffer.concat([message, message, message])) {
    reader.push(Buffer.from([byte]));
    for (let frame = reader.next(); frame !== null; frame = reader.next()) {
      assert.deepEqual(frame, message);
      found += 1;
    }
  }
  assert.equal(found, 3);
});

test('a message is taken at its limit and refused one byte above it', () => {
  const message = Buffer.from(encode([1, 2, null, 'x'.repeat(500)]));
  const read = (bytesMax: number): Buffer | null => {
    const reader = new FrameReader(bytesMax);
    reader.push(message);
    return reader.next();
  };
  assert.deepEqual(read(message.length + 1), message);
  assert.deepEqual(read(message.length), message);
  assert.throws(() => read(message.length - 1), TooLargeError);
});

test('a head that promises more than the limit is refused before its bytes come', () => {
  const reader = new FrameReader(1000);
  reader.push(Buffer.from([0x94, 0x01, 0x02, 0xc0, 0xdf, 0xff, 0xff, 0xff, 0xff]));
  assert.throws(() => reader.next(), TooLargeError);
});

test('bytes of another protocol are refused', () => {
  for (const bytes of [Buffer.from('HTTP/1.1 400'), Buffer.from([0x94, 0xc1])]) {
    const reader = new FrameReader(1000);
    reader.push(bytes);
    assert.throws(() => reader.next(), CorruptError);
  }
});
