// The whole client against the built server.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  BadRequestError,
  Client,
  ForbiddenError,
  RepriseError,
  UnauthenticatedError,
  UnavailableError,
  UnknownCommandError,
  type Options,
} from '../src/index.js';
import { lacks, noServer, openClient, openPool, startServer, until, Server } from './support.js';

const real = { skip: noServer };
const invalidating = { skip: lacks('CACHE.INVALIDATE') };

async function serverAndClient(
  t: TestContext,
  options: Options = {},
): Promise<{ server: Server; client: Client }> {
  const server = await startServer(t);
  return { server, client: openClient(t, { address: server.address, ...options }) };
}

test('keys are set, read, counted, listed and removed', real, async (t) => {
  const {
    client: { keys },
  } = await serverAndClient(t);
  assert.equal(
    await keys.set(
      'a',
      { list: [1, null, 'ü'], bin: new Uint8Array([1, 2]) },
      { ttlMs: 5_000_000_000 },
    ),
    true,
  );
  const value = (await keys.get('a')) as { list: unknown[]; bin: Uint8Array };
  assert.deepEqual(
    [value.list, [...value.bin]],
    [
      [1, null, 'ü'],
      [1, 2],
    ],
  );
  const ttl = await keys.ttl('a');
  assert.ok(ttl !== null && ttl > 4_999_000_000 && ttl <= 5_000_000_000);
  assert.equal(await keys.set('a', 1, { nx: true }), false);
  assert.equal(
    await keys.mset(
      [
        ['b', 1],
        ['c', 2],
      ],
      { ttlMs: 60_000 },
    ),
    true,
  );
  assert.deepEqual(await keys.mget(['b', 'none', 'c']), [1, null, 2]);
  assert.equal(await keys.exists(['a', 'b', 'none']), 2);
  assert.equal(await keys.persist('b'), true);
  assert.equal(await keys.ttl('b'), -1);
  assert.equal(await keys.expire('b', 1000), true);
  const scanned = await keys.scan({ limit: 2 });
  assert.deepEqual(scanned.keys, ['a', 'b']);
  assert.deepEqual((await keys.scan({ after: scanned.next ?? '' })).keys, ['c']);
  assert.equal(await keys.del(['a', 'b', 'none']), 2);
  assert.equal(await keys.get('a'), null);
  assert.equal(await keys.ttl('a'), null);
});

test('integers beyond 2^53 arrive as bigints, never rounded', real, async (t) => {
  const {
    client: { keys },
  } = await serverAndClient(t);
  for (const wide of [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n]) {
    await keys.set('n', { wide });
    assert.deepEqual(await keys.get('n'), { wide });
  }
  assert.equal(await keys.incrby('count', 2 ** 53 - 1), 2 ** 53 - 1);
  assert.equal(await keys.incrby('count', 2), 2n ** 53n + 1n);
  assert.equal(await keys.incrby('count', -2n), 2 ** 53 - 1);
});

test('answers are stored and looked up, with units as documented', real, async (t) => {
  const {
    client: { cache },
  } = await serverAndClient(t);
  const identity = { model: 'm', temperature: 0.5 };
  const began = Date.now();
  const stored = await cache.store(
    'What is 2+2?',
    { text: '4' },
    {
      identity,
      tokensIn: 5,
      tokensOut: 7,
      costNano: 2n ** 49n,
      model: 'm',
      tags: ['math'],
      ttlMs: 60_000,
    },
  );
  assert.ok(stored.expiresAtMs !== null && stored.expiresAtMs >= began + 59_000);
  const hit = await cache.lookup('what is  2+2', { identity });
  assert.equal(hit.status, 'hit');
  assert.equal(hit.tier, 'normalized');
  assert.deepEqual(
    [hit.response, hit.tokensIn, hit.tokensOut, hit.costNano, hit.model],
    [{ text: '4' }, 5, 7, 2 ** 49, 'm'],
  );
  assert.equal((await cache.lookup('What is 2+2?')).status, 'miss');
  const { total, types } = await cache.stats();
  assert.deepEqual([total.hitsNormalized, total.misses, total.stores], [1, 1, 1]);
  assert.equal(types['general']?.stores, 1);
  assert.equal((await cache.types())['research']?.ttlMs, 3_600_000);
});

test('limits are taken, held and put right', real, async (t) => {
  const { client } = await serverAndClient(t);
  const { spend } = client;
  const first = await spend.limitTake('ann', { limit: 2, periodMs: 3_600_000 });
  assert.deepEqual([first.allowed, first.remaining, first.retryAfterMs], [true, 1, 0]);
  const rule = await spend.limitSet('tokens', { limit: 1_000, periodMs: 3_600_000 });
  assert.deepEqual([rule.burst, rule.leaseMs], [1_000, null]);
  const taken = await spend.limitTake('ann', {
    leaseMs: 60_000,
    limits: [
      { limit: 2, period_ms: 3_600_000 },
      { rule: 'tokens', quantity: 400 },
    ],
  });
  assert.deepEqual([taken.allowed, taken.blockedBy, taken.limits?.[1]?.remaining], [true, null, 600]);
  assert.deepEqual(await spend.limitRelease(taken.lease as string, { quantity: 100 }), {
    givenBack: 300,
    charged: 0,
  });
  assert.equal((await spend.limitPeek('ann', { rule: 'tokens' })).remaining, 900);
  await assert.rejects(spend.limitRenew(taken.lease as string), RepriseError);
});

test('a pipeline is one write, answered in order, each request by itself', real, async (t) => {
  const { client } = await serverAndClient(t);
  const requests = Array.from({ length: 2000 }, () => ['INCRBY', ['n', 1]] as const);
  const replies = await client.pipeline([...requests, ['NO.SUCH', []], ['GET', ['n']]]);
  assert.deepEqual(
    replies.slice(0, 2000),
    requests.map((_, index) => index + 1),
  );
  assert.ok(replies[2000] instanceof UnknownCommandError);
  assert.equal(replies[2001], 2000);
  assert.equal((await client.connection.clientList()).length, 1);
});

test('many large values under way come back unharmed', real, async (t) => {
  const { client } = await serverAndClient(t, { requestTimeoutMs: 60_000 });
  const large = Array.from({ length: 24 }, (_, index) => String(index).repeat(300_000));
  await Promise.all(large.map((value, index) => client.keys.set(`k${index}`, value)));
  assert.deepEqual(await Promise.all(large.map((_, index) => client.keys.get(`k${index}`))), large);
});

test('a wrong request is BadRequestError and harms nothing', real, async (t) => {
  const { client } = await serverAndClient(t);
  await assert.rejects(client.call('SET', ['k']), BadRequestError);
  await assert.rejects(client.call('SET', ['k', 2n ** 64n]), BadRequestError);
  await assert.rejects(client.keys.set('k', 1, { ttlMs: 0 }), BadRequestError);
  assert.equal(await client.connection.ping('still here'), 'still here');
});

test('a frame above the limit of the server fails its own call', real, async (t) => {
  const { client } = await serverAndClient(t);
  await assert.rejects(client.keys.set('k', 'x'.repeat(5 << 20)), RepriseError);
  assert.equal(await client.connection.ping(), 'PONG');
});

test('a Unix socket serves as TCP does', real, async (t) => {
  const server = await startServer(t);
  const client = openClient(t, { address: `unix:${server.unixPath}`, clientName: 'by-path' });
  const [row] = await client.connection.clientList();
  assert.deepEqual([row?.transport, row?.client], ['unix', 'by-path']);
});

test('an access key opens its namespace, and only that', real, async (t) => {
  const { server, client: admin } = await serverAndClient(t);
  const operator = await admin.server.keyCreate('default', {
    permissions: ['read', 'write', 'admin'],
    label: 'operator',
  });
  await admin.close();
  const again = openClient(t, { address: server.address, accessKey: operator.key });
  await again.server.namespaceCreate('bots');
  const { key } = await again.server.keyCreate('bots', { permissions: ['read', 'write'] });
  const bot = openClient(t, { address: server.address, accessKey: key });
  await bot.keys.set('k', 1);
  assert.equal(await again.keys.get('k'), null);
  assert.equal((await bot.connection.hello()).namespace, 'bots');
  await assert.rejects(bot.server.configGet(), ForbiddenError);
  const stranger = openClient(t, { address: server.address });
  await assert.rejects(stranger.keys.get('k'), UnauthenticatedError);
  await assert.rejects(
    Client.connect({ address: server.address, accessKey: 'rk_wrong' }),
    UnauthenticatedError,
  );
  assert.deepEqual((await again.server.namespaceList()).map((each) => each.name).sort(), [
    'bots',
    'default',
  ]);
});

test('the client finds its server again after kill -9', real, async (t) => {
  const { server, client } = await serverAndClient(t, {
    reconnect: { firstDelayMs: 5, maxDelayMs: 50 },
  });
  await client.keys.set('k', 'kept');
  await client.server.save();
  await server.restart();
  await until(async () => (await client.keys.get('k').catch(() => null)) === 'kept', 'the value');
});

test('a server that is not there is UnavailableError', real, async (t) => {
  const { server, client } = await serverAndClient(t);
  await client.connection.ping();
  await server.end('SIGKILL');
  await assert.rejects(client.keys.get('k'), UnavailableError);
});

test('a stopped process is noticed, and calls end', real, async (t) => {
  const { server, client } = await serverAndClient(t, {
    silenceMaxMs: 200,
    attemptsMax: 1,
  });
  await client.connection.ping();
  server.signal('SIGSTOP');
  await until(async () => {
    const error = await client.keys
      .get('k', { timeoutMs: 20_000 })
      .catch((reason: unknown) => reason);
    return error instanceof UnavailableError;
  }, 'a call that fails');
});

test(
  'events of a channel reach its subscribers, also after a restart of the server',
  real,
  async (t) => {
    const { server, client } = await serverAndClient(t, {
      reconnect: { firstDelayMs: 5, maxDelayMs: 50 },
    });
    const other = openClient(t, { address: server.address });
    const events: unknown[] = [];
    let gaps = 0;
    const subscription = await client.subscribe('config', (event) => events.push(event), {
      onGap: () => (gaps += 1),
    });
    await other.server.configSet('log.slow_micros', 5000);
    await until(() => events.length === 1, 'the event');
    await server.restart();
    await until(() => gaps === 1, 'subscribed again');
    await until(
      () =>
        other.server.configSet('log.slow_micros', 6000).then(
          () => true,
          () => false,
        ),
      'the server',
    );
    await until(() => events.length >= 2, 'the second event');
    await subscription.close();
    assert.ok(events.every((event) => (event as { name: string }).name === 'log.slow_micros'));
  },
);

test('a program that was busy finds the reply that came in time', real, async (t) => {
  const { client } = await serverAndClient(t, { silenceMaxMs: 60 });
  await client.keys.set('k', 'there');
  const call = client.keys.get('k', { timeoutMs: 100 });
  for (let turn = 0; turn < 4; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve)); // The request leaves.
  }
  const end = performance.now() + 400;
  while (performance.now() < end); // Too busy to read.
  assert.equal(await call, 'there');
  assert.ok(client.isConnected);
});

test('a bot that keeps a local copy hears of invalidations', invalidating, async (t) => {
  const { server, client } = await serverAndClient(t);
  const other = openClient(t, { address: server.address });
  const events: unknown[] = [];
  await client.subscribe('invalidation', (event) => events.push(event));
  await other.cache.store('q', 'a', { tags: ['prices'] });
  const done = await other.call('CACHE.INVALIDATE', ['tag', 'prices']);
  assert.deepEqual(done, { entries: 1 });
  await until(() => events.length === 1, 'the event');
  assert.equal((await client.cache.lookup('q')).status, 'miss');
});

test('an unknown channel is refused, and leaves no subscription', real, async (t) => {
  const { client } = await serverAndClient(t);
  await assert.rejects(
    client.subscribe('no-such', () => undefined),
    RepriseError,
  );
});

test('a pool opens connections while all are busy, up to its limit', real, async (t) => {
  const server = await startServer(t);
  const pool = openPool(t, { address: server.address, connectionsMax: 3, clientName: 'pooled' });
  await pool.connection.ping();
  assert.equal(pool.size, 1);
  const counts = await Promise.all(Array.from({ length: 300 }, () => pool.keys.incrby('n', 1)));
  assert.deepEqual(
    counts.map(Number).sort((a, b) => a - b),
    counts.map((_, index) => index + 1),
  );
  assert.equal(pool.size, 3);
  const rows = await pool.connection.clientList();
  assert.equal(rows.filter((row) => row.client === 'pooled').length, 3);
});

function makeCertificate(root: string): { certificate: string; key: string } {
  const [certificate, key] = [join(root, 'cert.pem'), join(root, 'key.pem')];
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=test',
      '-addext',
      'subjectAltName=DNS:localhost,IP:127.0.0.1',
      '-keyout',
      key,
      '-out',
      certificate,
    ],
    { stdio: 'ignore' },
  );
  return { certificate, key };
}

function noOpenssl(): string | false {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return noServer;
  } catch {
    return 'needs openssl';
  }
}

test(
  'TLS serves those who trust the certificate, and is refused by all others',
  { skip: noOpenssl() },
  async (t) => {
    const settings: Record<string, string | number> = { 'network.tls_port': 0 };
    const server = new Server(settings);
    t.after(() => server.destroy());
    const { certificate, key } = makeCertificate(server.root);
    Object.assign(settings, { 'network.tls_certificate': certificate, 'network.tls_key': key });
    await server.start();
    const address = `tls://${server.ready['tls']}`;
    const port = address.split(':').at(-1);
    const pinnedSha256 = createHash('sha256')
      .update(new X509Certificate(readFileSync(certificate)).raw)
      .digest('hex');
    const trusting: Options[] = [
      { address, tls: { caFile: certificate } },
      { address: `tls://localhost:${port}`, tls: { caFile: certificate } },
      { address, tls: { pinnedSha256 } },
      { address, tls: { pinnedSha256: pinnedSha256.toUpperCase().replace(/(..)(?=.)/g, '$1:') } },
      { address, tls: { caFile: certificate, serverName: 'localhost' } },
      { address, tls: { insecure: true } },
    ];
    for (const options of trusting) {
      const client = openClient(t, options);
      await client.keys.set('big', 'x'.repeat(500_000));
      assert.equal(((await client.keys.get('big')) as string).length, 500_000);
    }
    const refusing: Options[] = [
      { address },
      { address, tls: { caFile: certificate, serverName: 'other.example' } },
      {
        address,
        tls: {
          pinnedSha256: pinnedSha256.replace(/^../, pinnedSha256.startsWith('00') ? '01' : '00'),
        },
      },
    ];
    for (const options of refusing) {
      await assert.rejects(Client.connect(options), UnauthenticatedError);
    }
    await assert.rejects(
      Client.connect({ address: `tls://${server.address}`, connectTimeoutMs: 500 }),
      UnavailableError,
    );
  },
);
