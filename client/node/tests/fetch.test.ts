// fetchOrCompute against a scripted server: each status, and what fails in between.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BadRequestError,
  ForbiddenError,
  NotFoundError,
  ReadOnlyError,
  TooLargeError,
  UnavailableError,
  type FetchOutcome,
} from '../src/index.js';
import { cacheServer, deadAddress, LEASE, never, refuse } from './fake_cache.js';
import { SILENT, type Seen } from './fake_server.js';
import { openClient, until, within } from './support.js';

test('a hit gives the stored answer and computes nothing', async (t) => {
  const { client } = await cacheServer(t, {
    'CACHE.FETCH': {
      status: 'hit',
      tier: 'exact',
      id: '7',
      response: { text: 'stored' },
      age_ms: 9,
      tokens_in: 1,
      tokens_out: 2,
      cost_nano: 3,
      reason: 'r',
    },
  });
  let outcome: FetchOutcome | undefined;
  const answer = await client.fetchOrCompute('q', never, { onOutcome: (each) => (outcome = each) });
  assert.deepEqual(answer, { text: 'stored' });
  assert.deepEqual(
    [outcome?.status, outcome?.tier, outcome?.ageMs, outcome?.costNano, outcome?.computed],
    ['hit', 'exact', 9, 3, false],
  );
});

test('a stale answer is given as it is, marked', async (t) => {
  const { client } = await cacheServer(t, {
    'CACHE.FETCH': { status: 'stale', response: 'old', reason: 'r' },
  });
  const statuses: string[] = [];
  assert.equal(
    await client.fetchOrCompute('q', never, { onOutcome: ({ status }) => statuses.push(status) }),
    'old',
  );
  assert.deepEqual(statuses, ['stale']);
});

test('under a lease the answer is computed and stored with what it cost', async (t) => {
  const { fake, client } = await cacheServer(t, { 'CACHE.FETCH': LEASE });
  let outcome: FetchOutcome | undefined;
  const answer = await client.fetchOrCompute(
    'q',
    ({ reason }) => ({
      response: { text: reason },
      tokensIn: 1,
      tokensOut: 2,
      costNano: 3n,
      model: 'm',
      tags: ['t'],
      ttlMs: 5,
    }),
    {
      identity: { model: 'm' },
      type: 'research',
      maxAgeMs: 1,
      staleOkMs: 2,
      onOutcome: (each) => (outcome = each),
    },
  );
  assert.deepEqual(answer, { text: 'nobody computes' });
  assert.deepEqual(fake.paramsOf('CACHE.FETCH'), [
    'q',
    { identity: { model: 'm' }, type: 'research', max_age_ms: 1, stale_ok_ms: 2, wait_ms: 30_000 },
  ]);
  assert.deepEqual(fake.paramsOf('CACHE.FILL'), [
    'L1',
    { text: 'nobody computes' },
    { tokens_in: 1, tokens_out: 2, cost_nano: 3, model: 'm', tags: ['t'], ttl_ms: 5 },
  ]);
  assert.deepEqual([outcome?.status, outcome?.computed, outcome?.stored], ['lease', true, true]);
  assert.equal(fake.count('CACHE.ABANDON'), 0);
});

test('an answer that only looks like one with facts is stored whole', async (t) => {
  const { fake, client } = await cacheServer(t, { 'CACHE.FETCH': LEASE });
  const answer = { response: 'text', finish_reason: 'stop' };
  assert.deepEqual(await client.fetchOrCompute('q', () => answer), answer);
  assert.deepEqual(fake.paramsOf('CACHE.FILL'), ['L1', answer]);
});

test('a chat request is sent as it is, without a prompt', async (t) => {
  const { fake, client } = await cacheServer(t, {
    'CACHE.FETCH': { status: 'hit', response: 1, reason: '' },
  });
  const request = { model: 'm', messages: [{ role: 'user', content: 'q' }] };
  await client.fetchOrCompute({ request }, never, { wait: false });
  assert.deepEqual(fake.paramsOf('CACHE.FETCH'), [null, { wait: false, wait_ms: 30_000, request }]);
});

test('bypass, timeout and miss compute and store nothing', async (t) => {
  for (const status of ['bypass', 'timeout', 'miss']) {
    const { fake, client } = await cacheServer(t, { 'CACHE.FETCH': { status, reason: 'r' } });
    const answer = await client.fetchOrCompute<string>('q', async () => ({
      response: status,
      tokensIn: 1,
    }));
    assert.equal(answer, status);
    assert.deepEqual([fake.count('CACHE.FILL'), fake.count('CACHE.ABANDON')], [0, 0]);
  }
});

test('a lease is renewed at a third of its life, as long as the computation lasts', async (t) => {
  const { fake, client } = await cacheServer(t, {
    'CACHE.FETCH': { ...LEASE, lease_ms: 60 },
    'CACHE.RENEW': { lease_ms: 60 },
  });
  const began = performance.now();
  await client.fetchOrCompute('q', () =>
    until(() => fake.count('CACHE.RENEW') >= 4, 'renewals').then(() => 'done'),
  );
  assert.ok(performance.now() - began >= 75, 'four renewals of 20 ms each');
  const renewals = fake.count('CACHE.RENEW');
  await client.connection.ping();
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.ok(fake.count('CACHE.RENEW') <= renewals + 1, 'it is over');
});

test('a computation that throws abandons the lease and throws the same', async (t) => {
  const { fake, client } = await cacheServer(t, { 'CACHE.FETCH': LEASE });
  const failure = new Error('upstream says no');
  await assert.rejects(
    client.fetchOrCompute('q', () => Promise.reject(failure)),
    (error) => error === failure,
  );
  assert.deepEqual(fake.paramsOf('CACHE.ABANDON'), ['L1', { error: 'Error: upstream says no' }]);
  assert.equal(fake.count('CACHE.FILL'), 0);
});

test('with staleIfError an expired answer stands in for a failure', async (t) => {
  const { fake, client } = await cacheServer(t, { 'CACHE.FETCH': { ...LEASE, response: 'old' } });
  const fail = ({ stale }: { stale: unknown }): never => {
    throw new Error(`had ${String(stale)}`);
  };
  await assert.rejects(client.fetchOrCompute('q', fail), /had old/);
  assert.equal(await client.fetchOrCompute<string>('q', fail, { staleIfError: true }), 'old');
  assert.equal(fake.count('CACHE.ABANDON'), 2);
});

test('an answer that cannot be stored is given all the same, and others may compute', async (t) => {
  for (const error of [new TooLargeError('too long'), new ReadOnlyError('disk full')]) {
    const { fake, client } = await cacheServer(t, {
      'CACHE.FETCH': LEASE,
      'CACHE.FILL': refuse(error),
    });
    let outcome: FetchOutcome | undefined;
    assert.equal(
      await client.fetchOrCompute('q', () => 'answer', { onOutcome: (each) => (outcome = each) }),
      'answer',
    );
    assert.deepEqual([outcome?.stored, outcome?.error?.code], [false, error.code]);
    assert.equal(fake.count('CACHE.ABANDON'), 1);
  }
});

test('no answer, and one that the wire has no form for, are not stored', async (t) => {
  for (const response of [undefined, null, new Map()]) {
    const { fake, client } = await cacheServer(t, { 'CACHE.FETCH': LEASE });
    assert.equal(await client.fetchOrCompute('q', () => response), response);
    assert.deepEqual([fake.count('CACHE.FILL'), fake.count('CACHE.ABANDON')], [0, 1]);
  }
});

test('a lease that was lost meanwhile is not filled', async (t) => {
  const { fake, client } = await cacheServer(t, {
    'CACHE.FETCH': { ...LEASE, lease_ms: 30 },
    'CACHE.RENEW': refuse(new NotFoundError('expired')),
  });
  let outcome: FetchOutcome | undefined;
  const compute = async (): Promise<string> => {
    await until(() => fake.count('CACHE.RENEW') > 0, 'a renewal');
    await client.connection.ping();
    return 'answer';
  };
  assert.equal(
    await client.fetchOrCompute('q', compute, { onOutcome: (each) => (outcome = each) }),
    'answer',
  );
  assert.equal(outcome?.error?.code, 'not_found');
  assert.deepEqual(
    [fake.count('CACHE.FILL'), fake.count('CACHE.ABANDON'), fake.count('CACHE.RENEW')],
    [0, 0, 1],
  );
});

test('a connection that is cut while waiting asks again', async (t) => {
  let cuts = 1;
  const { fake, client } = await cacheServer(t, {
    'CACHE.FETCH': ({ peer }: Seen) => {
      if (cuts > 0) {
        cuts -= 1;
        peer.cut();
        return SILENT;
      }
      return { status: 'hit', response: 'second time', reason: '' };
    },
  });
  assert.equal(await client.fetchOrCompute('q', never), 'second time');
  assert.equal(fake.count('CACHE.FETCH'), 2);
});

test('with failOpen a bot goes on while the server is down, soon without any delay', async (t) => {
  const address = await deadAddress();
  const reconnect = { firstDelayMs: 2, maxDelayMs: 60_000, failuresToOpen: 4 };
  const client = openClient(t, { address, failOpen: true, reconnect });
  const statuses = new Set<string>();
  for (let round = 0; round < 20; round += 1) {
    const answer = await client.fetchOrCompute('q', () => round, {
      onOutcome: ({ status }) => statuses.add(status),
    });
    assert.equal(answer, round);
  }
  assert.deepEqual([...statuses], ['down']);
  assert.equal(client.circuit, 'open');
  const errors: unknown[] = [];
  const note = { onOutcome: ({ error }: FetchOutcome) => errors.push(error?.message) };
  const asked = Array.from({ length: 1000 }, () => client.fetchOrCompute('q', () => 1, note));
  await within(10_000, Promise.all(asked));
  assert.equal(errors.filter((message) => /next attempt in/.test(String(message))).length, 1000);
});

test('without failOpen, or where a call switches it off, the error comes through', async (t) => {
  const address = await deadAddress();
  await assert.rejects(openClient(t, { address }).fetchOrCompute('q', never), UnavailableError);
  await assert.rejects(
    openClient(t, { address, failOpen: true }).fetchOrCompute('q', never, { failOpen: false }),
    UnavailableError,
  );
});

test('failOpen goes on when the server hangs', async (t) => {
  const { fake, client } = await cacheServer(
    t,
    {
      'CACHE.FETCH': () => SILENT,
      PING: () => SILENT,
    },
    { failOpen: true, silenceMaxMs: 60, attemptsMax: 2 },
  );
  assert.equal(
    await within(
      10_000,
      client.fetchOrCompute('q', () => 'computed'),
    ),
    'computed',
  );
  assert.ok(fake.count('PING') >= 1);
});

test('failOpen goes on after faults of the server, not after faults of the request', async (t) => {
  const going = await cacheServer(
    t,
    { 'CACHE.FETCH': refuse(new ReadOnlyError('disk')) },
    { failOpen: true },
  );
  assert.equal(await going.client.fetchOrCompute('q', () => 1), 1);
  const large = { 'CACHE.FETCH': refuse(new TooLargeError('prompt_bytes')) };
  const { client: open } = await cacheServer(t, large, { failOpen: true });
  assert.equal(await open.fetchOrCompute('q', () => 2), 2);
  const { client: strict } = await cacheServer(t, large);
  await assert.rejects(strict.fetchOrCompute('q', never), TooLargeError);
  for (const error of [new BadRequestError('no'), new ForbiddenError('no')]) {
    const { client } = await cacheServer(t, { 'CACHE.FETCH': refuse(error) }, { failOpen: true });
    await assert.rejects(client.fetchOrCompute('q', never), error.constructor as new () => Error);
  }
});

test('a server that dies during the computation costs the storing only', async (t) => {
  const { fake, client } = await cacheServer(t, { 'CACHE.FETCH': LEASE });
  let outcome: FetchOutcome | undefined;
  const answer = await client.fetchOrCompute(
    'q',
    async () => {
      await fake.stop();
      await until(() => !client.isConnected, 'the end of the connection was noticed');
      return 'answer';
    },
    { onOutcome: (each) => (outcome = each) },
  );
  assert.equal(answer, 'answer');
  assert.deepEqual([outcome?.stored, outcome?.error?.code], [false, 'unavailable']);
});

test('a caller who gives up while waiting gives back a lease that is granted later', async (t) => {
  let waiting: Seen | null = null;
  const { fake, client } = await cacheServer(t, {
    'CACHE.FETCH': (seen: Seen) => {
      waiting = seen;
      return SILENT;
    },
  });
  const controller = new AbortController();
  const call = client.fetchOrCompute('q', never, { signal: controller.signal });
  await until(() => waiting !== null, 'the request');
  const reason = new Error('the user has gone');
  controller.abort(reason);
  await assert.rejects(call, (error) => error === reason);
  const { peer, msgid } = waiting as unknown as Seen;
  peer.reply(msgid, null, LEASE);
  await until(() => fake.count('CACHE.ABANDON') === 1, 'the lease comes back');
});

test('a signal ends a computation that does not heed it, and the lease goes on at once', async (t) => {
  for (const status of ['lease', 'miss']) {
    const { fake, client } = await cacheServer(t, {
      'CACHE.FETCH': { ...LEASE, status, response: 'old' },
      'CACHE.ABANDON': () => SILENT, // The caller does not wait for that.
    });
    const controller = new AbortController();
    const reason = new Error('the user has gone');
    let started = false;
    const call = client.fetchOrCompute(
      'q',
      () => {
        started = true;
        return new Promise<string>(() => undefined);
      },
      { signal: controller.signal, errorTtlMs: 5_000, staleIfError: true },
    );
    await until(() => started, 'the computation');
    controller.abort(reason);
    await within(
      2_000,
      assert.rejects(call, (error) => error === reason),
    );
    if (status === 'lease') {
      await until(() => fake.count('CACHE.ABANDON') === 1, 'the lease comes back');
      assert.deepEqual(fake.paramsOf('CACHE.ABANDON'), ['L1', { error: 'the caller has gone' }]);
    }
  }
});

test('a computation that fails after its caller has gone harms nobody', async (t) => {
  const { client } = await cacheServer(t, { 'CACHE.FETCH': LEASE });
  const controller = new AbortController();
  let fail: (error: Error) => void = () => undefined;
  const call = client.fetchOrCompute(
    'q',
    () => new Promise<never>((_resolve, reject) => (fail = reject)),
    { signal: controller.signal },
  );
  const rejected = assert.rejects(call, { name: 'AbortError' });
  await until(() => fail.length === 1, 'the computation');
  controller.abort();
  await rejected;
  fail(new Error('nobody listens'));
  await client.connection.ping();
});
