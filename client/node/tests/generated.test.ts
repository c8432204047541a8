// The generated files are those that the rows of the commands make.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { CallerError, RepriseError, ServerError, TransientError } from '../src/index.js';
import { errorOf } from '../src/errors.js';
import { ERRORS } from '../src/generated/errors.js';
import { REPEATABLE } from '../src/generated/rows.js';

// The compiled tests stand elsewhere; the sources are asked for.
const home =
  process.env['REPRISE_CLIENT_NODE'] ?? join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const script = join(home, 'scripts', 'generate.mjs');
const commandsFile = join(home, '..', 'commands.json');
const source = { skip: existsSync(commandsFile) ? false : 'the sources are not at hand' };

interface Row {
  name: string;
  summary: string;
  flags: string[];
  options: { name: string; kind: string; doc: string }[];
}

const rows = (): { commands: Row[]; errors: { number: number; name: string; meaning: string }[] } =>
  JSON.parse(readFileSync(commandsFile, 'utf8')) as ReturnType<typeof rows>;

const check = (...args: string[]): ReturnType<typeof spawnSync> =>
  spawnSync(process.execPath, [script, '--check', ...args], { encoding: 'utf8' });

test('the generated files are current', source, () => {
  const done = check();
  assert.equal(done.status, 0, String(done.stderr));
});

test('a changed row makes the generated files stale', source, (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'reprise-node-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const changes: ((all: ReturnType<typeof rows>) => void)[] = [
    (all) =>
      (all.commands.find((row) => row.name === 'SET') as Row).options.push({
        name: 'new_ms',
        kind: 'milliseconds',
        doc: '',
      }),
    (all) => ((all.commands.find((row) => row.name === 'GET') as Row).flags = ['read']),
    (all) => all.commands.push({ ...(all.commands[0] as Row), name: 'CACHE.NEW' }),
    (all) => all.errors.push({ number: 9, name: 'new_error', meaning: 'New.' }),
  ];
  for (const change of changes) {
    const all = rows();
    change(all);
    const file = join(directory, 'commands.json');
    writeFileSync(file, JSON.stringify(all));
    const done = check(`--commands=${file}`);
    assert.equal(done.status, 1);
    assert.match(String(done.stderr), /stale/);
  }
});

test('only commands that are marked idempotent are repeatable', source, () => {
  const marked = rows()
    .commands.filter((row) => row.flags.includes('idempotent'))
    .map((row) => row.name);
  assert.deepEqual([...REPEATABLE].sort(), marked.sort());
  assert.ok(!REPEATABLE.has('INCRBY'));
});

test('each code is of the family that the server blames', source, (t) => {
  const header = join(home, '..', '..', 'protocol', 'base', 'error.h');
  if (!existsSync(header)) {
    t.skip('the sources of the server are not at hand');
    return;
  }
  const families = { Caller: CallerError, Transient: TransientError, Server: ServerError };
  const found = [
    ...readFileSync(header, 'utf8').matchAll(/CodeRow\{Code::k\w+, "(\w+)", Blame::k(\w+),/g),
  ];
  const blames = new Map(
    found.map(([, name, blame]) => [name as string, blame as keyof typeof families]),
  );
  for (const name of ERRORS.keys()) {
    const blame = blames.get(name);
    assert.ok(blame !== undefined, `${name} is a code of the server`);
    const error = errorOf(name, 'why');
    assert.ok(error instanceof families[blame], `${name} is ${blame}`);
    assert.equal(error.code, name);
  }
});

test('a code that this build does not know is still an error', () => {
  const error = errorOf('from_the_future', 'why', { a: 1 });
  assert.ok(error instanceof RepriseError && !(error instanceof CallerError));
  assert.deepEqual(
    [error.code, error.message, error.details],
    ['from_the_future', 'why', { a: 1 }],
  );
});
