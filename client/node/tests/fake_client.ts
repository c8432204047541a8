// A client of a scripted server.
import type { TestContext } from 'node:test';
import { Client, type Options } from '../src/index.js';
import { FakeServer, SILENT, type Handler, type Seen } from './fake_server.js';
import { openClient } from './support.js';

/** Options for tests that lose connections. */
export const QUICK = { reconnect: { firstDelayMs: 1, maxDelayMs: 20, failuresToOpen: 5 } };

export async function fakeServer(t: TestContext, handler: Handler): Promise<FakeServer> {
  const fake = await FakeServer.start(handler);
  t.after(() => fake.stop());
  return fake;
}

export async function both(
  t: TestContext,
  handler: Handler,
  options: Options = {},
): Promise<{ fake: FakeServer; client: Client }> {
  const fake = await fakeServer(t, handler);
  return { fake, client: openClient(t, { ...QUICK, address: fake.address, ...options }) };
}

/** Answers `result` to a command, but cuts the connection the first time. */
export function cutsFirst(method: string, result: unknown): Handler {
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
