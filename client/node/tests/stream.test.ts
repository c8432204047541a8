// fetchOrComputeStream against a scripted server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadOnlyError, TooLargeError, type FetchOutcome, type Value, type ValueMap } from '../src/index.js';
import { cacheServer, deadAddress, LEASE, never, refuse } from './fake_cache.js';
import { SILENT, type Handler, type Seen } from './fake_server.js';
import { openClient, until, within } from './support.js';

async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const chunks: unknown[] = [];
  for await (const chunk of stream) {
    chunks.push(chunk);
  }
  return chunks;
}

/** A holder that somebody else is: sends chunks, then the reply. */
const follower =
  (chunks: [number, unknown][], reply: ValueMap): Handler =>
  ({ peer, params }) => {
    const { stream } = params[1] as ValueMap;
    for (const [index, chunk] of chunks) {
      peer.notify('chunk', { stream, index, chunk });
    }
    return reply;
  };
const hit = (response: unknown): ValueMap => ({
  status: 'hit',
  response: response as Value,
  reason: '',
});

test('a follower yields chunks as they come, and what it missed at the end', async (t) => {
  const cases: [[number, unknown][], unknown, unknown[]][] = [
    [
      [
        [0, 'a'],
        [1, 'b'],
        [2, 'c'],
      ],
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ],
    [[[0, 'a']], ['a', 'b', 'c'], ['a', 'b', 'c']],
    [
      [
        [1, 'b'],
        [2, 'c'],
      ],
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ],
    [
      [
        [0, 'a'],
        [2, 'c'],
      ],
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ],
    [[], 'whole', ['whole']],
    [[], [], []],
  ];
  for (const [sent, response, expected] of cases) {
    const { client } = await cacheServer(t, { 'CACHE.FETCH': follower(sent, hit(response)) });
    assert.deepEqual(await collect(client.fetchOrComputeStream('q', never)), expected);
  }
});

test('a follower is told when another caller begins anew', async (t) => {
  const seen: unknown[] = [];
  const { client } = await cacheServer(t, {
    'CACHE.FETCH': async (each: Seen) => {
      follower([[0, 'a']], {})(each);
      await until(() => seen.length === 1, 'the first chunk is read');
      return follower(
        [
          [0, 'A'],
          [1, 'B'],
        ],
        hit(['A', 'B']),
      )(each);
    },
  });
  for await (const chunk of client.fetchOrComputeStream('q', never, {
    onRestart: () => seen.push('restart'),
  })) {
    seen.push(chunk);
  }
  assert.deepEqual(seen, ['a', 'restart', 'A', 'B']);
});

test('a stream that is cut is an error, or begins anew where the caller can', async (t) => {
  const replies = {
    'CACHE.FETCH': follower(
      [
        [0, 'a'],
        [1, 'b'],
      ],
      LEASE,
    ),
    'CACHE.APPEND': { chunks: 1 },
  };
  const compute = async function* (): AsyncGenerator<string> {
    yield 'A';
    yield 'B';
  };
  const { fake, client } = await cacheServer(t, replies);
  await assert.rejects(collect(client.fetchOrComputeStream('q', compute)), { code: 'stream_cut' });
  await until(() => fake.count('CACHE.ABANDON') === 1, 'the lease comes back');
  const chunks: unknown[] = [];
  for await (const chunk of client.fetchOrComputeStream('q', compute, {
    onRestart: () => (chunks.length = 0),
  })) {
    chunks.push(chunk);
  }
  assert.deepEqual(chunks, ['A', 'B']);
});

test('the holder of a stream appends each chunk and stores all of them', async (t) => {
  const appended: unknown[] = [];
  const append = ({ params }: Seen): unknown => ({ chunks: appended.push(params[1]) });
  const { fake, client } = await cacheServer(t, { 'CACHE.FETCH': LEASE, 'CACHE.APPEND': append });
  const chunks = Array.from({ length: 500 }, (_, index) => ({ delta: index }));
  const compute = async function* (): AsyncGenerator<unknown, { tokensOut: number }> {
    yield* chunks;
    return { tokensOut: 500 };
  };
  assert.deepEqual(await collect(client.fetchOrComputeStream('q', compute)), chunks);
  assert.deepEqual(appended, chunks);
  assert.deepEqual(fake.paramsOf('CACHE.FILL'), ['L1', null, { tokens_out: 500 }]);
});

test('chunks that could not be appended are stored with the whole answer', async (t) => {
  const { fake, client } = await cacheServer(t, {
    'CACHE.FETCH': LEASE,
    'CACHE.APPEND': refuse(new ReadOnlyError('not now')),
  });
  const compute = async function* (): AsyncGenerator<string> {
    yield* ['a', 'b'];
  };
  assert.deepEqual(await collect(client.fetchOrComputeStream('q', compute)), ['a', 'b']);
  assert.deepEqual(fake.paramsOf('CACHE.FILL'), ['L1', ['a', 'b']]);
});

test('a stream that is too large goes on for its reader and gives the lease back', async (t) => {
  const { fake, client } = await cacheServer(t, {
    'CACHE.FETCH': LEASE,
    'CACHE.APPEND': refuse(new TooLargeError('flight_chunks')),
  });
  const compute = async function* (): AsyncGenerator<string> {
    yield* ['a', 'b', 'c'];
  };
  let outcome: FetchOutcome | undefined;
  const options = { errorTtlMs: 5_000, onOutcome: (each: FetchOutcome) => (outcome = each) };
  const chunks = await collect(client.fetchOrComputeStream('q', compute, options));
  assert.deepEqual(chunks, ['a', 'b', 'c']);
  await until(() => fake.count('CACHE.ABANDON') === 1, 'the lease comes back');
  assert.ok(!('ttl_ms' in (fake.paramsOf('CACHE.ABANDON')[1] as ValueMap)));
  assert.equal(fake.count('CACHE.FILL'), 0);
  assert.deepEqual([outcome?.stored, outcome?.error?.code], [false, 'too_large']);
});

test('a stream that fails or that nobody reads to its end leaves nothing', async (t) => {
  const { fake, client } = await cacheServer(t, {
    'CACHE.FETCH': LEASE,
    'CACHE.APPEND': { chunks: 1 },
  });
  let isClosed = false;
  const compute = async function* (): AsyncGenerator<number> {
    try {
      yield 1;
      yield 2;
      throw new Error('upstream broke');
    } finally {
      isClosed = true;
    }
  };
  await assert.rejects(collect(client.fetchOrComputeStream('q', compute)), /upstream broke/);
  assert.equal(fake.count('CACHE.ABANDON'), 1);
  isClosed = false;
  for await (const chunk of client.fetchOrComputeStream('q', compute)) {
    assert.equal(chunk, 1);
    break;
  }
  assert.ok(isClosed, 'the generator was told');
  assert.equal(fake.count('CACHE.ABANDON'), 2);
  assert.equal(fake.count('CACHE.FILL'), 0);
});

test('a stream fails open as the other form does', async (t) => {
  const client = openClient(t, { address: await deadAddress(), failOpen: true, attemptsMax: 1 });
  const compute = async function* (): AsyncGenerator<string> {
    yield* ['a', 'b'];
  };
  assert.deepEqual(await collect(client.fetchOrComputeStream('q', compute)), ['a', 'b']);
});

test('a signal ends a stream that does not heed it, and the lease goes on at once', async (t) => {
  const { fake, client } = await cacheServer(t, {
    'CACHE.FETCH': LEASE,
    'CACHE.APPEND': {},
    'CACHE.ABANDON': () => SILENT, // The caller does not wait for that.
  });
  const controller = new AbortController();
  async function* stuck(): AsyncGenerator<string, void, undefined> {
    yield 'a';
    await new Promise(() => undefined);
  }
  const { signal } = controller;
  const stream = client.fetchOrComputeStream('q', stuck, { signal, errorTtlMs: 5_000 });
  assert.equal((await stream.next()).value, 'a');
  const next = stream.next();
  controller.abort();
  await within(2_000, assert.rejects(next, { name: 'AbortError' }));
  await until(() => fake.count('CACHE.ABANDON') === 1, 'the lease comes back');
  assert.deepEqual(fake.paramsOf('CACHE.ABANDON'), ['L1', { error: 'the caller has gone' }]);
});
