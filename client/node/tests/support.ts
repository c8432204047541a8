// What the tests share: the built server, waiting with a deadline, clients that are closed.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { Client, Pool, type Options, type PoolOptions } from '../src/index.js';

const serverPath = process.env['REPRISE_SERVER'] ?? '';
const START_MS = 30_000;
const POLL_MS = 5;

/** Why tests against the real server cannot run; false when they can. */
export const noServer: string | false = existsSync(serverPath)
  ? false
  : 'REPRISE_SERVER does not name the server';

/** The same, when the server does not know a command. */
export function lacks(command: string): string | false {
  if (noServer !== false) {
    return noServer;
  }
  const directory = mkdtempSync(join(tmpdir(), 'reprise-node-'));
  try {
    execFileSync(serverPath, ['--dump', directory], { stdio: 'ignore' });
    const text = readFileSync(join(directory, 'client', 'commands.json'), 'utf8');
    const { commands } = JSON.parse(text) as { commands: { name: string }[] };
    return commands.some((row) => row.name === command) ? false : `the server has no ${command}`;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  ms = 10_000,
): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) {
      throw new Error(`not within ${ms} ms: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** The promise, or a failure when it has not settled in time. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export class Server {
  readonly root = mkdtempSync(join(tmpdir(), 'reprise-node-'));
  readonly unixPath = join(this.root, 'socket');
  ready: Record<string, string> = {};
  private child: ChildProcess | null = null;

  constructor(private readonly settings: Record<string, string | number> = {}) {}

  get address(): string {
    return this.ready['tcp'] as string;
  }

  async start(port = 0): Promise<this> {
    const set = Object.entries(this.settings).flatMap(([name, value]) => [
      '--set',
      `${name}=${value}`,
    ]);
    const child = spawn(
      serverPath,
      [
        '--dir',
        join(this.root, 'data'),
        '--port',
        String(port),
        '--http-port',
        '-1',
        '--unix',
        this.unixPath,
        ...set,
      ],
      { stdio: ['ignore', 'pipe', 'ignore'], cwd: this.root },
    );
    this.child = child;
    const line = new Promise<string>((resolve, reject) => {
      const lines = createInterface({ input: child.stdout });
      lines.on('line', (text) => (text.includes(' ready: ') ? resolve(text) : undefined));
      lines.on('close', () => reject(new Error('the server ended before it was ready')));
    });
    const text = await within(START_MS, line);
    this.ready = Object.fromEntries(
      (text.split(' ready: ')[1] as string)
        .split(' ')
        .map((part) => part.split(/=(.*)/s).slice(0, 2)),
    );
    return this;
  }

  signal(name: NodeJS.Signals): void {
    this.child?.kill(name);
  }

  async end(name: NodeJS.Signals): Promise<void> {
    const child = this.child;
    this.child = null;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill(name);
      await ended;
    }
  }

  /** Kill -9, and again on the same port. */
  async restart(): Promise<void> {
    const port = Number(this.address.split(':')[1]);
    await this.end('SIGKILL');
    await this.start(port);
  }

  async destroy(): Promise<void> {
    this.signal('SIGCONT');
    await this.end('SIGKILL');
    rmSync(this.root, { recursive: true, force: true });
  }
}

export async function startServer(
  t: TestContext,
  settings: Record<string, string | number> = {},
): Promise<Server> {
  const server = new Server(settings);
  t.after(() => server.destroy());
  return server.start();
}

export function openClient(t: TestContext, options: Options): Client {
  const client = new Client(options);
  t.after(() => client.close());
  return client;
}

export function openPool(t: TestContext, options: PoolOptions): Pool {
  const pool = new Pool(options);
  t.after(() => pool.close());
  return pool;
}
