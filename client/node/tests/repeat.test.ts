// Which calls are sent again when they got no answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BusyError,
  ShuttingDownError,
  UnavailableError,
  UnknownOutcomeError,
} from '../src/index.js';
import { both, fakeServer, cutsFirst, QUICK } from './fake_client.js';
import { SILENT } from './fake_server.js';
import { openClient, until } from './support.js';

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
  const { fake, client } = await both(
    t,
    (seen) => {
      if (seen.method === 'GET') {
        seen.peer.cut();
        return SILENT;
      }
      return undefined;
    },
    { attemptsMax: 2 },
  );
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

test('a write that times out after it was sent has an unknown outcome', async (t) => {
  const { client } = await both(t, ({ method }) => (method === 'INCRBY' ? SILENT : undefined));
  await client.connect();
  await assert.rejects(client.keys.incrby('n', 1, {}, { timeoutMs: 300 }), UnknownOutcomeError);
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
