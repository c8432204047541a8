// What a real server never does, or not when a test wants it.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import {
  BusyError, Client, CorruptError, NotFoundError, ReadOnlyError, RepriseError, ShuttingDownError, TimeoutError, TooLargeError,
  TransientError, UnauthenticatedError, UnavailableError, UnknownOutcomeError, type Options,
} from '../src/index.js';
import { FakeServer, SILENT, type Handler, type Seen } from './fake_server.js';
import { openClient, openPool, until, within } from './support.js';

const QUICK = { reconnect: { firstDelayMs: 1, maxDelayMs: 20, failuresToOpen: 5 } };

async function fakeServer(t: TestContext, handler: Handler): Promise<FakeServer> {
  const fake = await FakeServer.start(handler);
  t.after(() => fake.stop());
  return fake;
}

async function both(
  t: TestContext, handler: Handler, options: Options = {},
): Promise<{ fake: FakeServer; client: Client }> {
  const fake = await fakeServer(t, handler);
  return { fake, client: openClient(t, { ...QUICK, address: fake.address, ...options }) };
}

/** Answers `result` to a command, but cuts the connection the first time. */
function cutsFirst(method: string, result: unknown): Handler {
  let isFirst = true;
  return (seen: Seen) => {
    if (seen.method !== method) {
      return undefined;
    }
    if (isFirst) {
      isFirst = false;
      seen.peer.cut();
      return SILENT;
    }
    return result;
  };
}

test('a command that is marked idempotent is sent again when the connection is cut', async (t) => {
  const { fake, client } = await both(t, cutsFirst('GET', 5));
  assert.equal(await client.keys.get('k'), 5);
  assert.equal(fake.count('GET'), 2);
  assert.equal(fake.connections, 2);
});

test('a command that writes is not sent again: its outcome is unknown', async (t) => {
  const { fake, client } = await both(t, cutsFirst('INCRBY', 1));
  await assert.rejects(client.keys.incrby('n', 1), UnknownOutcomeError);
  assert.equal(fake.count('INCRBY'), 1);
  assert.equal(await client.keys.incrby('n', 1), 1);
});

test('SET with nx is not sent again, plain SET is', async (t) => {
  const { fake, client } = await both(t, cutsFirst('SET', true));
  await assert.rejects(client.keys.set('k', 1, { nx: true }), UnknownOutcomeError);
  assert.equal(fake.count('SET'), 1);
  const again = await both(t, cutsFirst('SET', true));
  assert.equal(await again.client.keys.set('k', 1), true);
  assert.equal(again.fake.count('SET'), 2);
});

test('the caller may say always or never', async (t) => {
  const { fake, client } = await both(t, cutsFirst('INCRBY', 7));
  assert.equal(await client.keys.incrby('n', 1, {}, { retry: 'always' }), 7);
  assert.equal(fake.count('INCRBY'), 2);
  const never = await both(t, cutsFirst('GET', 7));
  await assert.rejects(never.client.keys.get('k', { retry: 'never' }), UnavailableError);
});

test('what was surely not sent is sent again, whatever it does', async (t) => {
  let isFirst = true;
  const fake = await fakeServer(t, (seen) => {
    if (seen.method === 'HELLO' && isFirst) {
      isFirst = false;
      seen.peer.cut();
      return SILENT;
    }
    return seen.method === 'INCRBY' ? 1 : undefined;
  });
  const client = openClient(t, { ...QUICK, address: fake.address });
  assert.equal(await client.keys.incrby('n', 1), 1);
  assert.equal(fake.count('INCRBY'), 1);
});

test('an idle connection that the server has closed costs no unknown outcome', async (t) => {
  const { fake, client } = await both(t, (seen) => (seen.method === 'INCRBY' ? 1 : undefined));
  for (let round = 0; round < 20; round += 1) {
    assert.equal(await client.keys.incrby('n', 1), 1);
    [...fake.peers].forEach((peer) => peer.socket.end());
    await until(() => fake.peers.size === 0, 'the connection is gone on the side of the server');
  }
  assert.equal(fake.count('INCRBY'), 20);
});

test('attempts end with attemptsMax', async (t) => {
  const { fake, client } = await both(t, (seen) => {
    if (seen.method === 'GET') {
      seen.peer.cut();
      return SILENT;
    }
    return undefined;
  }, { attemptsMax: 2 });
  await assert.rejects(client.keys.get('k'), UnavailableError);
  assert.equal(fake.count('GET'), 2);
});

test('a busy server is asked again for what is idempotent', async (t) => {
  let refusals = 2;
  const { fake, client } = await both(t, ({ method }) => {
    if (method !== 'GET' && method !== 'INCRBY') {
      return undefined;
    }
    if (refusals > 0) {
      refusals -= 1;
      throw new BusyError('full');
    }
    return 3;
  });
  assert.equal(await client.keys.get('k'), 3);
  assert.equal(fake.count('GET'), 3);
  refusals = 1;
  await assert.rejects(client.keys.incrby('n', 1), BusyError);
});

test('errors arrive as their class, with code, message and details', async (t) => {
  const { client } = await both(t, ({ method }) => {
    if (method === 'GET') {
      throw new RepriseError('read_only', 'the disk is full', { free_bytes: 5 });
    }
    if (method === 'TTL') {
      throw new RepriseError('not_known_yet', 'from a newer server');
    }
    return undefined;
  });
  await assert.rejects(client.keys.get('k'), (error: RepriseError) => {
    assert.ok(error instanceof ReadOnlyError && error instanceof TransientError);
    assert.deepEqual([error.code, error.message, error.details, error.name],
      ['read_only', 'the disk is full', { free_bytes: 5 }, 'ReadOnlyError']);
    return true;
  });
  await assert.rejects(client.keys.ttl('k'), (error: RepriseError) => error.code === 'not_known_yet');
});

test('a slow reply times out, is dropped when it comes, and harms no other call', async (t) => {
  let late: Seen | null = null;
  const { fake, client } = await both(t, (seen) => {
    if (seen.method === 'GET' && seen.params[0] === 'slow') {
      late = seen;
      return SILENT;
    }
    return seen.method === 'GET' ? seen.params[0] : undefined;
  });
  await assert.rejects(client.keys.get('slow', { timeoutMs: 30 }), TimeoutError);
  const { peer, msgid } = late as unknown as Seen;
  peer.reply(msgid, null, 'late');
  assert.equal(await client.keys.get('next'), 'next');
  assert.equal(fake.connections, 1);
});

test('a write that times out after it was sent has an unknown outcome', async (t) => {
  const { client } = await both(t, ({ method }) => (method === 'INCRBY' ? SILENT : undefined));
  await assert.rejects(client.keys.incrby('n', 1, {}, { timeoutMs: 30 }), UnknownOutcomeError);
});

test('a signal ends a call with its own reason', async (t) => {
  const { client } = await both(t, ({ method }) => (method === 'GET' ? SILENT : undefined));
  const controller = new AbortController();
  const reason = new Error('enough');
  const call = client.keys.get('k', { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(call, (error) => error === reason);
  await assert.rejects(client.keys.get('k', { signal: controller.signal }), (error) => error === reason);
});

test('a reply to a request that was not made ends the connection', async (t) => {
  const { fake, client } = await both(t, (seen) => {
    if (seen.method !== 'GET' || fake.connections > 1) {
      return seen.method === 'GET' ? 'mine' : undefined;
    }
    seen.peer.reply(seen.msgid + 1000, null, "another user's");
    return SILENT;
  });
  await assert.rejects(client.keys.get('k'), CorruptError);
  assert.equal(await client.keys.get('k'), 'mine');
  assert.equal(fake.connections, 2);
});

test('a server that answers twice is cut off', async (t) => {
  const { fake, client } = await both(t, (seen) => {
    if (seen.method === 'ECHO') {
      seen.peer.reply(seen.msgid, null, 'once');
    }
    return undefined;
  });
  fake.seen.length = 0;
  await client.connection.ping();
  const [peer] = [...fake.peers];
  peer?.reply(2, null, 'PONG');
  await until(() => !client.isConnected, 'the connection is closed');
});

test('garbage instead of a reply is an error of the call, and the next call works', async (t) => {
  for (const garbage of ['HTTP/1.1 400 Bad Request\r\n\r\n', '\x94\xc1\xc1\xc1', '\x93\x05\x05\x05']) {
    const { client } = await both(t, (seen) => {
      if (seen.method !== 'GET' || seen.params[0] !== 'bad') {
        return seen.method === 'GET' ? 1 : undefined;
      }
      seen.peer.write(Buffer.from(garbage, 'latin1'));
      return SILENT;
    });
    await assert.rejects(client.keys.get('bad'), CorruptError);
    assert.equal(await client.keys.get('good'), 1);
  }
});

test('a reply that JavaScript cannot show fails its own call only', async (t) => {
  const { fake, client } = await both(t, (seen) => {
    if (seen.method === 'GET' && seen.params[0] === 'odd') {
      seen.peer.write(Buffer.from([0x94, 1, 0xcd, seen.msgid >> 8, seen.msgid & 255, 0xc0, 0x81, 0xc0, 1]));
      return SILENT;
    }
    return seen.method === 'GET' ? 'fine' : undefined;
  });
  const [odd, fine] = await Promise.allSettled([client.keys.get('odd'), client.keys.get('fine')]);
  assert.ok(odd?.status === 'rejected' && odd.reason instanceof CorruptError);
  assert.ok(fine?.status === 'fulfilled' && fine.value === 'fine');
  assert.equal(fake.connections, 1);
});

test('a reply above responseBytesMax is refused', async (t) => {
  const { client } = await both(t, ({ method }) => (method === 'GET' ? 'x'.repeat(5000) : undefined), { responseBytesMax: 4096 });
  await assert.rejects(client.keys.get('k'), TooLargeError);
});

test('what the server refuses under msgid 0 is told to the oldest call in order', async (t) => {
  const { client } = await both(t, (seen) => {
    if (seen.method === 'SET') {
      seen.peer.reply(0, ['too_large', 'frame_bytes', {}], null);
      seen.peer.socket.end();
      return SILENT;
    }
    return seen.method === 'GET' || seen.method === 'SAVE' ? SILENT : undefined;
  }, { attemptsMax: 1 });
  const calls = await Promise.allSettled([client.server.save(), client.keys.set('k', 1), client.keys.get('k')]);
  const errors = calls.map((each) => (each.status === 'rejected' ? each.reason : null));
  assert.ok(errors[0] instanceof UnavailableError);
  assert.ok(errors[1] instanceof TooLargeError);
  assert.ok(errors[2] instanceof UnavailableError);
});

test('a refused access key is not tried again', async (t) => {
  const { fake, client } = await both(t, ({ method }) => {
    if (method === 'AUTH') {
      throw new UnauthenticatedError('no such key');
    }
    return undefined;
  }, { accessKey: 'rk_wrong' });
  await assert.rejects(client.keys.get('k'), UnauthenticatedError);
  assert.equal(fake.count('AUTH'), 1);
  assert.equal(fake.count('HELLO'), 0);
});

test('AUTH and HELLO come first, one at a time, on each connection', async (t) => {
  const { fake, client } = await both(t, cutsFirst('GET', 1), { accessKey: 'rk_1', clientName: 'bot' });
  await client.keys.get('k');
  assert.deepEqual(fake.seen.map((each) => each.method), ['AUTH', 'HELLO', 'GET', 'AUTH', 'HELLO', 'GET']);
  assert.deepEqual(fake.paramsOf('AUTH'), ['rk_1']);
  assert.deepEqual(fake.paramsOf('HELLO'), [{ client: 'bot' }]);
});

test('a server that accepts and says nothing is given up after connectTimeoutMs', async (t) => {
  const { client } = await both(t, () => SILENT, { connectTimeoutMs: 30, attemptsMax: 1 });
  await assert.rejects(client.keys.get('k'), (error: Error) =>
    error instanceof UnavailableError && /connectTimeoutMs/.test(error.message));
});

test('a server that falls silent is taken for dead, also by calls that may wait', async (t) => {
  let isAlive = true;
  const { fake, client } = await both(t, (seen) => (isAlive && seen.method !== 'SAVE' ? undefined : SILENT), {
    silenceMaxMs: 60, requestTimeoutMs: 10_000, connectTimeoutMs: 40, attemptsMax: 1,
  });
  const patient = client.server.save();
  await until(() => fake.count('PING') >= 2, 'the silent server was asked');
  assert.ok(client.isConnected, 'it answers PING, so it lives');
  isAlive = false;
  await within(5_000, assert.rejects(patient, UnavailableError));
});

test('the circuit opens, fails at once, and closes when the server is back', async (t) => {
  const fake = await FakeServer.start(({ method }) => (method === 'GET' ? 1 : undefined));
  const { port } = fake;
  await fake.stop();
  const client = openClient(t, {
    address: `127.0.0.1:${port}`, attemptsMax: 1,
    reconnect: { firstDelayMs: 1, maxDelayMs: 200, failuresToOpen: 8, random: () => 0 },
  });
  await until(async () => {
    await assert.rejects(client.keys.get('k'), UnavailableError);
    return client.circuit === 'open';
  }, 'the circuit is open');
  const began = performance.now();
  await assert.rejects(client.keys.get('k'), /failed \d+ times, next attempt in/);
  assert.ok(performance.now() - began < 100);
  const back = await FakeServer.start(({ method }) => (method === 'GET' ? 1 : undefined), port);
  t.after(() => back.stop());
  await until(async () => (await client.keys.get('k').catch(() => 0)) === 1, 'the server is found again');
  assert.equal(client.circuit, 'closed');
});

test('connections of a pool share the circuit', async (t) => {
  const fake = await FakeServer.start(() => undefined);
  const { address } = fake;
  await fake.stop();
  const pool = openPool(t, {
    address, connectionsMax: 4, attemptsMax: 1, reconnect: { firstDelayMs: 60_000, maxDelayMs: 60_000, failuresToOpen: 1 },
  });
  await assert.rejects(pool.connection.ping(), UnavailableError);
  const calls = await Promise.allSettled([1, 2, 3, 4].map(() => pool.connection.ping()));
  assert.ok(calls.every((each) => each.status === 'rejected' && /failed 1 times/.test(String(each.reason))));
});

test('subscriptions are made again after a reconnect, and the gap is told', async (t) => {
  const { fake, client } = await both(t, () => undefined);
  const events: unknown[] = [];
  let gaps = 0;
  await client.subscribe('config', (event) => events.push(event), { onGap: () => (gaps += 1) });
  assert.equal(gaps, 0);
  [...fake.peers][0]?.cut();
  await until(() => fake.count('SUBSCRIBE') === 2 && gaps === 1, 'subscribed again');
  [...fake.peers][0]?.notify('config', { name: 'x' });
  await until(() => events.length === 1, 'the event');
  assert.deepEqual(events, [{ name: 'x' }]);
});

test('a subscription that is refused after a reconnect ends, and is told', async (t) => {
  let isFirst = true;
  const { fake, client } = await both(t, ({ method }) => {
    if (method === 'SUBSCRIBE' && !isFirst) {
      throw new NotFoundError('no such channel');
    }
    isFirst = isFirst && method !== 'SUBSCRIBE';
    return undefined;
  });
  const lost: RepriseError[] = [];
  await client.subscribe('config', () => undefined, { onLost: (error) => lost.push(error) });
  [...fake.peers][0]?.cut();
  await until(() => lost.length === 1, 'told');
  assert.ok(lost[0] instanceof NotFoundError);
  await client.connection.ping();
});

test('the last subscription of a channel unsubscribes, the first does not', async (t) => {
  const { fake, client } = await both(t, () => undefined);
  const heard: string[] = [];
  const first = await client.subscribe('config', () => heard.push('first'));
  const second = await client.subscribe('config', () => heard.push('second'));
  await first.close();
  assert.equal(fake.count('UNSUBSCRIBE'), 0);
  [...fake.peers][0]?.notify('config', 1);
  await until(() => heard.length > 0, 'an event');
  assert.deepEqual(heard, ['second']);
  await second.close();
  await second.close();
  assert.equal(fake.count('UNSUBSCRIBE'), 1);
});

test('notifications that nobody subscribed to go to onNotification', async (t) => {
  const heard: unknown[] = [];
  const { fake, client } = await both(t, () => undefined, { onNotification: (...all) => heard.push(all) });
  await client.connect();
  [...fake.peers][0]?.notify('other', 5);
  await until(() => heard.length === 1, 'the notification');
  assert.deepEqual(heard, [['EVENT', ['other', 5]]]);
});

test('close waits for the calls under way and refuses further ones', async (t) => {
  let waiting: Seen | null = null;
  const { client } = await both(t, (seen) => {
    if (seen.method === 'GET') {
      waiting = seen;
      return SILENT;
    }
    return undefined;
  });
  const call = client.keys.get('k');
  await until(() => waiting !== null, 'the request');
  const closed = client.close();
  await assert.rejects(client.keys.get('k'), UnavailableError);
  const { peer, msgid } = waiting as unknown as Seen;
  peer.reply(msgid, null, 'in time');
  assert.equal(await call, 'in time');
  await closed;
  assert.ok(!client.isConnected);
});

test('more calls than inFlightMax are refused at once', async (t) => {
  const { client } = await both(t, ({ method }) => (method === 'GET' ? SILENT : undefined), { inFlightMax: 2, requestTimeoutMs: 200 });
  const calls = [1, 2, 3].map(() => client.keys.get('k').catch((error: unknown) => error));
  assert.ok((await calls[2]) instanceof BusyError);
  assert.ok((await calls[0]) instanceof TimeoutError);
});

test('a server that is shutting down is left for the next one', async (t) => {
  let refusals = 1;
  const { client } = await both(t, ({ method }) => {
    if (method === 'GET' && refusals > 0) {
      refusals -= 1;
      throw new ShuttingDownError('stopping');
    }
    return method === 'GET' ? 'next' : undefined;
  });
  assert.equal(await client.keys.get('k'), 'next');
});
