// Subscriptions on connections that are cut.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotFoundError, RepriseError } from '../src/index.js';
import { both } from './fake_client.js';
import { until } from './support.js';

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
  const { fake, client } = await both(t, () => undefined, {
    onNotification: (...all) => heard.push(all),
  });
  await client.connect();
  [...fake.peers][0]?.notify('other', 5);
  await until(() => heard.length === 1, 'the notification');
  assert.deepEqual(heard, [['EVENT', ['other', 5]]]);
});
