// fetchOrCompute against the built server: single flight across connections, hand-over, streams.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import {
  BadRequestError,
  Client,
  TooLargeError,
  UpstreamFailedError,
  type FetchOutcome,
} from '../src/index.js';
import { lacks, openClient, openPool, startServer, until, within, type Server } from './support.js';

const real = { skip: lacks('CACHE.FETCH') };

async function twoClients(t: TestContext): Promise<{ server: Server; one: Client; other: Client }> {
  const server = await startServer(t);
  return {
    server,
    one: openClient(t, { address: server.address }),
    other: openClient(t, { address: server.address }),
  };
}

/** A computation that a test ends. */
function pending<T>(): {
  compute: () => Promise<T>;
  started: () => boolean;
  finish: (value: T) => void;
  fail: (error: Error) => void;
} {
  let begun = 0;
  let finish: (value: T) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const done = new Promise<T>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  const compute = (): Promise<T> => {
    begun += 1;
    return done;
  };
  return { compute, started: () => begun === 1, finish, fail };
}

test('an answer is computed once and found by all later callers', real, async (t) => {
  const { one, other } = await twoClients(t);
  const outcomes: FetchOutcome[] = [];
  const note = { identity: { model: 'm' }, onOutcome: (each: FetchOutcome) => outcomes.push(each) };
  let computed = 0;
  const compute = (): unknown => {
    computed += 1;
    return { response: { text: '4' }, tokensIn: 3, tokensOut: 1, costNano: 90_000, model: 'm' };
  };
  assert.deepEqual(await one.fetchOrCompute('What is 2+2?', compute, note), { text: '4' });
  assert.deepEqual(await other.fetchOrCompute('what is  2+2', compute, note), { text: '4' });
  assert.equal(computed, 1);
  assert.deepEqual(
    [outcomes[0]?.status, outcomes[0]?.stored, outcomes[0]?.error],
    ['lease', true, undefined],
  );
  assert.deepEqual(
    [outcomes[1]?.status, outcomes[1]?.tier, outcomes[1]?.costNano],
    ['hit', 'normalized', 90_000],
  );
  assert.equal(
    await one.fetchOrCompute('What is 2+2?', () => 'other model', { identity: { model: 'n' } }),
    'other model',
  );
});

test('a thousand equal requests at once cost one computation', real, async (t) => {
  const server = await startServer(t);
  const pools = [1, 2, 3].map(() => openPool(t, { address: server.address, connectionsMax: 4 }));
  const { compute, started, finish } = pending<string>();
  let others = 0;
  const answers = Array.from({ length: 1000 }, (_, index) =>
    (pools[index % 3] as (typeof pools)[0]).fetchOrCompute('the same', () => {
      others += 1;
      return compute();
    }),
  );
  await until(started, 'the computation');
  finish('one answer');
  assert.deepEqual(new Set(await within(20_000, Promise.all(answers))), new Set(['one answer']));
  assert.equal(others, 1);
});

test('when the computation throws, exactly one waiting caller computes', real, async (t) => {
  const { one, other } = await twoClients(t);
  const first = pending<string>();
  const failing = one.fetchOrCompute('q', first.compute);
  failing.catch(() => undefined);
  await until(first.started, 'the first computation');
  let computed = 0;
  const waiting = [1, 2, 3].map(() =>
    other.fetchOrCompute('q', () => {
      computed += 1;
      return 'second';
    }),
  );
  first.fail(new Error('upstream'));
  await assert.rejects(failing, /upstream/);
  assert.deepEqual(await within(10_000, Promise.all(waiting)), ['second', 'second', 'second']);
  assert.equal(computed, 1);
});

test('when the holder goes away, a waiting caller takes over', real, async (t) => {
  const { server, other } = await twoClients(t);
  const holder = new Client({ address: server.address });
  const lease = await holder.cache.fetch('q');
  assert.equal(lease.status, 'lease');
  const waiting = other.fetchOrCompute('q', () => 'taken over');
  await holder.close();
  assert.equal(await within(10_000, waiting), 'taken over');
});

test('a lease outlives its time while the computation lasts', real, async (t) => {
  const { one, other } = await twoClients(t);
  const slow = pending<string>();
  let outcome: FetchOutcome | undefined;
  const holder = one.fetchOrCompute('q', slow.compute, {
    leaseMs: 150,
    onOutcome: (each) => (outcome = each),
  });
  await until(slow.started, 'the computation');
  const impatient = await other.fetchOrCompute('q', () => 'its own', { waitMs: 600 });
  assert.equal(impatient, 'its own');
  slow.finish('in the end');
  assert.equal(await holder, 'in the end');
  assert.deepEqual([outcome?.stored, outcome?.error], [true, undefined]);
  assert.equal(await other.fetchOrCompute('q', () => 'no'), 'in the end');
});

test('request controls are obeyed', real, async (t) => {
  const { one } = await twoClients(t);
  const statuses: string[] = [];
  const onOutcome = ({ status }: FetchOutcome): number => statuses.push(status);
  assert.equal(await one.fetchOrCompute('q', () => 1, { onlyIfCached: true, onOutcome }), 1);
  assert.equal(await one.fetchOrCompute('q', () => 2, { noStore: true, onOutcome }), 2);
  assert.equal(await one.fetchOrCompute('q', () => 3, { bypass: true, onOutcome }), 3);
  assert.equal(await one.fetchOrCompute('q', () => 4, { onOutcome }), 4);
  assert.equal(await one.fetchOrCompute('q', () => 5, { noCache: true, onOutcome }), 5);
  assert.equal(await one.fetchOrCompute('q', () => 6, { onOutcome }), 5);
  assert.deepEqual(statuses, ['miss', 'bypass', 'bypass', 'lease', 'lease', 'hit']);
});

test('followers of a stream read its chunks while they are made', real, async (t) => {
  const { one, other } = await twoClients(t);
  const read: string[] = [];
  const steps = ['The ', 'answer ', 'is ', '4.'];
  let followers = 0;
  const compute = async function* (): AsyncGenerator<string> {
    for (const [index, step] of steps.entries()) {
      yield step;
      await until(() => followers === 0 || read.length > index, 'the follower reads along');
    }
  };
  const collect = async (stream: AsyncIterable<string>, into: string[]): Promise<string[]> => {
    for await (const chunk of stream) {
      into.push(chunk);
    }
    return into;
  };
  const source = one.fetchOrComputeStream('q', compute);
  const first = await source.next();
  assert.equal(first.value, 'The ');
  followers = 1;
  const following = collect(
    other.fetchOrComputeStream<string>('q', () => assert.fail('must not compute')),
    read,
  );
  const made = await within(15_000, collect(source, ['The ']));
  assert.deepEqual(made, steps);
  assert.deepEqual(await within(10_000, following), steps);
  assert.deepEqual(
    await collect(
      other.fetchOrComputeStream<string>('q', () => assert.fail('must not compute')),
      [],
    ),
    steps,
  );
});

test('a stream that breaks leaves nothing, and its follower is told', real, async (t) => {
  const { one, other } = await twoClients(t);
  const read: string[] = [];
  const broken = async function* (): AsyncGenerator<string> {
    yield 'half';
    await until(() => read.length > 0, 'the follower has it');
    throw new Error('upstream broke');
  };
  const source = one.fetchOrComputeStream('q', broken);
  await source.next();
  const whole = async function* (): AsyncGenerator<string> {
    yield* ['a', 'whole'];
  };
  const following = (async () => {
    for await (const chunk of other.fetchOrComputeStream('q', whole, {
      onRestart: () => read.push('restart'),
    })) {
      read.push(chunk);
    }
  })();
  await assert.rejects(source.next(), /upstream broke/);
  await within(10_000, following);
  assert.deepEqual(read, ['half', 'restart', 'a', 'whole']);
  assert.equal((await one.cache.lookup('q')).status, 'hit');
});

const question = { role: 'user', content: 'What is RAII?' };
/** One request of each shape, and the same once more: other order, volatile fields, NFD. */
const chats = [
  [
    { model: 'm', temperature: 0, messages: [{ role: 'system', content: 'Caf\u00e9.' }, question] },
    {
      messages: [
        { content: 'Cafe\u0301.', role: 'system' },
        { content: [{ text: 'What is RAII?', type: 'text' }], role: 'user' },
      ],
      user: 'u',
      stream: true,
      temperature: 0.0,
      model: 'm',
    },
  ],
  [
    { model: 'm', instructions: 'Be brief.', input: 'What is RAII?' },
    { input: [question], metadata: { a: 'b' }, instructions: 'Be brief.', model: 'm' },
  ],
  [
    { model: 'claude-x', max_tokens: 9, system: 'Be brief.', messages: [question] },
    {
      messages: [question],
      metadata: { user_id: 'u' },
      max_tokens: 9,
      model: 'claude-x',
      system: [{ type: 'text', text: 'Be brief.' }],
    },
  ],
] as const;

test('a chat request is known again, however it is spelled', real, async (t) => {
  const { one, other } = await twoClients(t);
  for (const [request, again] of chats) {
    assert.equal(await one.fetchOrCompute({ request }, () => 'An idiom.'), 'An idiom.');
    let outcome: FetchOutcome | undefined;
    const found = await other.fetchOrCompute(
      { request: again },
      () => assert.fail('must not compute'),
      { onOutcome: (each) => (outcome = each) },
    );
    assert.equal(found, 'An idiom.');
    assert.deepEqual([outcome?.status, outcome?.model], ['hit', request.model]);
    assert.equal(await one.fetchOrCompute({ request: { ...request, model: 'n' } }, () => 7), 7);
    assert.equal((await one.cache.lookup(null, { request: again })).status, 'hit');
    const chunks: unknown[] = [];
    const none = (): never => assert.fail('must not compute');
    for await (const chunk of other.fetchOrComputeStream({ request }, none)) {
      chunks.push(chunk);
    }
    assert.deepEqual(chunks, ['An idiom.']);
  }
});

test('a looser mode compares less', real, async (t) => {
  const { one } = await twoClients(t);
  const loose = { identityMode: 'prompt_only' };
  const [request] = chats[0];
  assert.equal(await one.fetchOrCompute({ request }, () => 'strict'), 'strict');
  assert.equal(await one.fetchOrCompute({ request }, () => 'loose', loose), 'loose');
  const elsewhere = { model: 'o', input: 'What is RAII?' };
  const found = await one.fetchOrCompute({ request: elsewhere }, () => 'none', loose);
  assert.equal(found, 'loose');
});

test('what is no chat request is refused, and nothing is computed or stored', real, async (t) => {
  const { one } = await twoClients(t);
  for (const request of [{}, { model: 'm' }, { model: 'm', messages: [{ role: 'robot' }] }]) {
    await assert.rejects(
      one.fetchOrCompute({ request }, () => assert.fail('must not compute')),
      (error) => error instanceof BadRequestError && error.message.startsWith('request'),
    );
  }
  assert.equal((await one.cache.stats()).entries, 0);
});

test('an upstream error is told to others for as long as asked', real, async (t) => {
  const { one, other } = await twoClients(t);
  const overloaded = (): never => {
    throw new Error('overloaded');
  };
  await assert.rejects(one.fetchOrCompute('q', overloaded, { errorTtlMs: 3000 }), /overloaded/);
  const none = (): never => assert.fail('must not compute');
  const isTold = (error: unknown): boolean =>
    error instanceof UpstreamFailedError &&
    error.message.includes('overloaded') &&
    error.retryAfterMs > 0;
  await assert.rejects(other.fetchOrCompute('q', none, { failOpen: true }), isTold);
  await assert.rejects(other.fetchOrComputeStream('q', none).next(), isTold);
  assert.equal(await other.fetchOrCompute('q', () => 7, { noCache: true }), 7);
});

const nested = (levels: number): unknown => (levels === 0 ? 'x' : { p: nested(levels - 1) });
const chat = (content: unknown): { request: object } => ({
  request: { model: 'm', messages: [{ role: 'user', content }] },
});

test('failOpen goes on with a chat request that the cache cannot key', real, async (t) => {
  const { server, one: strict } = await twoClients(t);
  const open = openClient(t, { address: server.address, failOpen: true });
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } };
  const unread = [chat([image]), { request: {} }, chat(new Map())];
  const large = { request: { ...chat('q').request, tools: [nested(70)] } };
  for (const request of [...unread, large]) {
    const outcomes: FetchOutcome[] = [];
    const note = { onOutcome: (each: FetchOutcome) => outcomes.push(each) };
    assert.equal(await open.fetchOrCompute(request, () => 7, note), 7);
    const code = request === large ? 'too_large' : 'bad_request';
    assert.deepEqual([outcomes[0]?.status, outcomes[0]?.error?.code], ['down', code]);
    const chunks: string[] = [];
    async function* two(): AsyncGenerator<string, void, undefined> {
      yield* ['a', 'b'];
    }
    for await (const chunk of open.fetchOrComputeStream(request, two)) {
      chunks.push(chunk);
    }
    assert.deepEqual(chunks, ['a', 'b']);
    const refused = request === large ? TooLargeError : BadRequestError;
    await assert.rejects(
      strict.fetchOrCompute(request, () => 7),
      refused,
    );
  }
  for (const mistake of ['', {} as { request: object }]) {
    await assert.rejects(
      open.fetchOrCompute(mistake, () => 7),
      BadRequestError,
    );
  }
});

test('an answer with a member named __proto__ is read again', real, async (t) => {
  const { one, other } = await twoClients(t);
  const answer: unknown = JSON.parse('{"__proto__":{"a":1},"b":2}');
  for (const client of [one, other]) {
    const statuses: string[] = [];
    const note = { onOutcome: ({ status }: FetchOutcome) => statuses.push(status) };
    assert.deepEqual(await client.fetchOrCompute('q', () => answer, note), answer);
    assert.deepEqual(statuses, [client === one ? 'lease' : 'hit']);
  }
});
