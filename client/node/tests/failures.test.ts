// What a real server never does, or not when a test wants it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BusyError,
  CorruptError,
  ReadOnlyError,
  RepriseError,
  TimeoutError,
  TooLargeError,
  TransientError,
  UnauthenticatedError,
  UnavailableError,
} from '../src/index.js';
import { both, cutsFirst } from './fake_client.js';
import { FakeServer, SILENT, type Seen } from './fake_server.js';
import { openClient, openPool, until, within } from './support.js';

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
    assert.deepEqual(
      [error.code, error.message, error.details, error.name],
      ['read_only', 'the disk is full', { free_bytes: 5 }, 'ReadOnlyError'],
    );
    return true;
  });
  await assert.rejects(
    client.keys.ttl('k'),
    (error: RepriseError) => error.code === 'not_known_yet',
  );
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
  await client.connect();
  await assert.rejects(client.keys.get('slow', { timeoutMs: 300 }), TimeoutError);
  const { peer, msgid } = late as unknown as Seen;
  peer.reply(msgid, null, 'late');
  assert.equal(await client.keys.get('next'), 'next');
  assert.equal(fake.connections, 1);
});

test('a signal ends a call with its own reason', async (t) => {
  const { client } = await both(t, ({ method }) => (method === 'GET' ? SILENT : undefined));
  const controller = new AbortController();
  const reason = new Error('enough');
  const call = client.keys.get('k', { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(call, (error) => error === reason);
  await assert.rejects(
    client.keys.get('k', { signal: controller.signal }),
    (error) => error === reason,
  );
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
  for (const garbage of [
    'HTTP/1.1 400 Bad Request\r\n\r\n',
    '\x94\xc1\xc1\xc1',
    '\x93\x05\x05\x05',
  ]) {
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
      seen.peer.write(
        Buffer.from([0x94, 1, 0xcd, seen.msgid >> 8, seen.msgid & 255, 0xc0, 0x81, 0xc0, 1]),
      );
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
  const { client } = await both(
    t,
    ({ method }) => (method === 'GET' ? 'x'.repeat(5000) : undefined),
    { responseBytesMax: 4096 },
  );
  await assert.rejects(client.keys.get('k'), TooLargeError);
});

test('what the server refuses under msgid 0 is told to the oldest call in order', async (t) => {
  const { client } = await both(
    t,
    (seen) => {
      if (seen.method === 'SET') {
        seen.peer.reply(0, ['too_large', 'frame_bytes', {}], null);
        seen.peer.socket.end();
        return SILENT;
      }
      return seen.method === 'GET' || seen.method === 'SAVE' ? SILENT : undefined;
    },
    { attemptsMax: 1 },
  );
  const calls = await Promise.allSettled([
    client.server.save(),
    client.keys.set('k', 1),
    client.keys.get('k'),
  ]);
  const errors = calls.map((each) => (each.status === 'rejected' ? each.reason : null));
  assert.ok(errors[0] instanceof UnavailableError);
  assert.ok(errors[1] instanceof TooLargeError);
  assert.ok(errors[2] instanceof UnavailableError);
});

test('a refused access key is not tried again', async (t) => {
  const { fake, client } = await both(
    t,
    ({ method }) => {
      if (method === 'AUTH') {
        throw new UnauthenticatedError('no such key');
      }
      return undefined;
    },
    { accessKey: 'rk_wrong' },
  );
  await assert.rejects(client.keys.get('k'), UnauthenticatedError);
  assert.equal(fake.count('AUTH'), 1);
  assert.equal(fake.count('HELLO'), 0);
});

test('AUTH and HELLO come first, one at a time, on each connection', async (t) => {
  const { fake, client } = await both(t, cutsFirst('GET', 1), {
    accessKey: 'rk_1',
    clientName: 'bot',
  });
  await client.keys.get('k');
  assert.deepEqual(
    fake.seen.map((each) => each.method),
    ['AUTH', 'HELLO', 'GET', 'AUTH', 'HELLO', 'GET'],
  );
  assert.deepEqual(fake.paramsOf('AUTH'), ['rk_1']);
  assert.deepEqual(fake.paramsOf('HELLO'), [{ client: 'bot' }]);
});

test('a server that accepts and says nothing is given up after connectTimeoutMs', async (t) => {
  const { client } = await both(t, () => SILENT, { connectTimeoutMs: 30, attemptsMax: 1 });
  await assert.rejects(
    client.keys.get('k'),
    (error: Error) => error instanceof UnavailableError && /connectTimeoutMs/.test(error.message),
  );
});

test('a server that falls silent is taken for dead, also by calls that may wait', async (t) => {
  let isAlive = true;
  const { fake, client } = await both(
    t,
    (seen) => (isAlive && seen.method !== 'SAVE' ? undefined : SILENT),
    {
      silenceMaxMs: 300,
      requestTimeoutMs: 10_000,
      attemptsMax: 1,
    },
  );
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
    address: `127.0.0.1:${port}`,
    attemptsMax: 1,
    reconnect: { firstDelayMs: 1, maxDelayMs: 200, failuresToOpen: 8, random: () => 0 },
  });
  await until(async () => {
    await assert.rejects(client.keys.get('k'), UnavailableError);
    return client.circuit === 'open';
  }, 'the circuit is open');
  await assert.rejects(client.keys.get('k'), /failed \d+ times, next attempt in/);
  const back = await FakeServer.start(({ method }) => (method === 'GET' ? 1 : undefined), port);
  t.after(() => back.stop());
  await until(
    async () => (await client.keys.get('k').catch(() => 0)) === 1,
    'the server is found again',
  );
  assert.equal(client.circuit, 'closed');
});

test('connections of a pool share the circuit', async (t) => {
  const fake = await FakeServer.start(() => undefined);
  const { address } = fake;
  await fake.stop();
  const pool = openPool(t, {
    address,
    connectionsMax: 4,
    attemptsMax: 1,
    reconnect: { firstDelayMs: 60_000, maxDelayMs: 60_000, failuresToOpen: 1 },
  });
  await assert.rejects(pool.connection.ping(), UnavailableError);
  const calls = await Promise.allSettled([1, 2, 3, 4].map(() => pool.connection.ping()));
  assert.ok(
    calls.every((each) => each.status === 'rejected' && /failed 1 times/.test(String(each.reason))),
  );
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
  const { client } = await both(t, ({ method }) => (method === 'GET' ? SILENT : undefined), {
    inFlightMax: 2,
    requestTimeoutMs: 200,
  });
  await client.connect();
  const calls = [1, 2, 3].map(() => client.keys.get('k').catch((error: unknown) => error));
  assert.ok((await calls[2]) instanceof BusyError);
  assert.ok((await calls[0]) instanceof TimeoutError);
});
