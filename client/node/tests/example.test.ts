// The example bot, as a user runs it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { deadAddress } from './fake_cache.js';
import { lacks, startServer, within } from './support.js';

const bot = join(dirname(fileURLToPath(import.meta.url)), '..', 'examples', 'bot.js');
const real = { skip: lacks('CACHE.FETCH') };

async function run(
  args: string[],
  questions: string[],
): Promise<{ code: number | null; out: string; told: string }> {
  const child = spawn(process.execPath, [bot, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const texts = { out: '', told: '' };
  child.stdout.on('data', (data: Buffer) => (texts.out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (texts.told += data.toString()));
  child.stdin.end(questions.map((question) => `${question}\n`).join(''));
  const code = await within(
    30_000,
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  );
  return { code, ...texts };
}

const ANSWER = 'I have thought about "What is RAII?" and the answer is 13.\n';

test(
  'the example bot computes once and answers the second question from the cache',
  real,
  async (t) => {
    const server = await startServer(t);
    for (const flags of [[], ['--stream']]) {
      const { code, out, told } = await run(
        [...flags, server.address],
        ['What is RAII?', 'What is RAII?'],
      );
      assert.equal(out, ANSWER + ANSWER, told);
      assert.match(told, /\[lease\]\n {2}\[hit, saved \d+ tokens and \d+ nano-dollars\]/);
      assert.equal(code, 0);
    }
  },
);

test('the example bot goes on without a server', async () => {
  const { code, out, told } = await run([await deadAddress()], ['What is RAII?']);
  assert.equal(out, ANSWER);
  assert.match(told, /\[down, cannot connect/);
  assert.equal(code, 0);
});
