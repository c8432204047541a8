// A scripted server for the commands behind fetchOrCompute.
import type { TestContext } from 'node:test';
import { Client, type Options } from '../src/index.js';
import { FakeServer, type Handler } from './fake_server.js';
import { openClient } from './support.js';

export const LEASE = { status: 'lease', lease: 'L1', lease_ms: 60_000, reason: 'nobody computes' };
const STORED = { id: '1', tier_keys: {}, expires_at_ms: 5 };

/** A server that answers the cache commands named here, and the others with what is usual. */
export async function cacheServer(
  t: TestContext,
  replies: Record<string, unknown>,
  options: Options = {},
): Promise<{ fake: FakeServer; client: Client }> {
  const usual: Record<string, unknown> = {
    'CACHE.FILL': STORED,
    'CACHE.ABANDON': {},
    'CACHE.RENEW': { lease_ms: 60_000 },
  };
  const handler: Handler = (seen) => {
    const reply = replies[seen.method] ?? usual[seen.method];
    return typeof reply === 'function' ? (reply as Handler)(seen) : reply;
  };
  const fake = await FakeServer.start(handler);
  t.after(() => fake.stop());
  return {
    fake,
    client: openClient(t, {
      address: fake.address,
      reconnect: { firstDelayMs: 1, maxDelayMs: 5 },
      ...options,
    }),
  };
}

export const refuse =
  (error: Error): Handler =>
  () => {
    throw error;
  };

export const never = (): never => {
  throw new Error('compute must not be called');
};

/** Where nobody listens. */
export async function deadAddress(): Promise<string> {
  const fake = await FakeServer.start(() => undefined);
  const { address } = fake;
  await fake.stop();
  return address;
}
