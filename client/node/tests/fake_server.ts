// FakeServer: speaks MessagePack-RPC as a test tells it to, also what a real server never would.
import net from 'node:net';
import { encode } from '@msgpack/msgpack';
import { decodeValue } from '../src/codec.js';
import { FrameReader } from '../src/frame.js';
import { RepriseError, type Value } from '../src/index.js';

/** In place of a reply: none comes. */
export const SILENT = Symbol('no reply');

export interface Seen {
  method: string;
  params: Value[];
  msgid: number;
  peer: Peer;
}

/** Answers a value, SILENT, or throws the error to be answered. May be asynchronous. */
export type Handler = (seen: Seen) => unknown;

export class Peer {
  constructor(readonly socket: net.Socket) {}

  reply(msgid: number, error: unknown, result: unknown): void {
    this.write(encode([1, msgid, error, result]));
  }

  notify(channel: string, event: unknown): void {
    this.write(encode([2, 'EVENT', [channel, event]]));
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  cut(): void {
    this.socket.destroy();
  }
}

function greeting(seen: Seen): unknown {
  const replies: Record<string, unknown> = {
    HELLO: { server: 'fake', protocol: 1 },
    AUTH: { namespace: 'default', permissions: [] },
    PING: 'PONG',
    SUBSCRIBE: true,
    UNSUBSCRIBE: true,
  };
  return replies[seen.method] ?? SILENT;
}

export class FakeServer {
  readonly seen: Seen[] = [];
  readonly peers = new Set<Peer>();
  connections = 0;
  private readonly server: net.Server;

  /** `handler` answers undefined where the default will do (HELLO, AUTH, PING ...). */
  private constructor(private readonly handler: Handler) {
    this.server = net.createServer((socket) => this.accepted(socket));
  }

  static async start(handler: Handler, port = 0): Promise<FakeServer> {
    const fake = new FakeServer(handler);
    await new Promise<void>((resolve) => fake.server.listen(port, '127.0.0.1', resolve));
    return fake;
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** How often a command was asked. */
  count(method: string): number {
    return this.seen.filter((each) => each.method === method).length;
  }

  paramsOf(method: string): Value[] {
    const found = this.seen.find((each) => each.method === method);
    if (found === undefined) {
      throw new Error(`${method} was not asked`);
    }
    return found.params;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const peer of this.peers) {
      peer.cut();
    }
    await closed;
  }

  private accepted(socket: net.Socket): void {
    this.connections += 1;
    const peer = new Peer(socket);
    const reader = new FrameReader(1 << 26);
    this.peers.add(peer);
    socket.on('error', () => undefined);
    socket.on('close', () => this.peers.delete(peer));
    socket.on('data', (chunk) => {
      reader.push(chunk);
      for (let frame = reader.next(); frame !== null; frame = reader.next()) {
        const [, msgid, method, params] = decodeValue(frame) as [number, number, string, Value[]];
        void this.answer({ msgid, method, params, peer });
      }
    });
  }

  private async answer(seen: Seen): Promise<void> {
    this.seen.push(seen);
    try {
      const result = (await this.handler(seen)) ?? greeting(seen);
      if (result !== SILENT) {
        seen.peer.reply(seen.msgid, null, result);
      }
    } catch (error) {
      if (!(error instanceof RepriseError)) {
        throw error;
      }
      seen.peer.reply(seen.msgid, [error.code, error.message, error.details], null);
    }
  }
}
