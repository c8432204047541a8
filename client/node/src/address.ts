// Where a server is: "host:port", "[::1]:port", "host" (port 7377), "unix:/path",
// "tls://host:port".
import { errorOf } from './errors.js';

const DEFAULT_PORT = 7377;
const UNIX_PATH_BYTES_MAX = 107; // sockaddr_un, less the final zero

export interface Address {
  transport: 'tcp' | 'unix' | 'tls';
  /** Of TCP and TLS; an IPv6 address without its brackets. */
  host: string;
  port: number;
  /** Of a Unix socket. */
  path: string;
}

const bad = (message: string): Error => errorOf('bad_request', message);

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) {
    throw bad(`port '${text}' is not a number from 1 to 65535`);
  }
  return port;
}

function parseHost(text: string): { host: string; rest: string } {
  if (text.startsWith('[')) {
    const close = text.indexOf(']');
    if (close < 0) {
      throw bad(`address '${text}' has no closing bracket`);
    }
    return { host: text.slice(1, close), rest: text.slice(close + 1) };
  }
  const colon = text.indexOf(':');
  if (colon !== text.lastIndexOf(':')) {
    throw bad(`an IPv6 address stands in brackets: [${text}]:7377`);
  }
  return colon < 0
    ? { host: text, rest: '' }
    : { host: text.slice(0, colon), rest: text.slice(colon) };
}

function parseUnix(path: string): Address {
  const bytes = Buffer.byteLength(path);
  if (bytes === 0 || bytes > UNIX_PATH_BYTES_MAX) {
    throw bad('the path of a Unix socket has 1 to 107 bytes');
  }
  return { transport: 'unix', host: '', port: 0, path };
}

/** Throws BadRequestError. */
export function parseAddress(text: string): Address {
  if (text.startsWith('unix:')) {
    return parseUnix(text.slice('unix:'.length).replace(/^\/\/(?=\/)/, ''));
  }
  const isTls = text.startsWith('tls://');
  const { host, rest } = parseHost(text.replace(/^(tls|tcp):\/\//, ''));
  if (host === '') {
    throw bad(`address '${text}' names no host; use host:port, unix:/path or tls://host:port`);
  }
  if (rest !== '' && !rest.startsWith(':')) {
    throw bad(`address '${text}' has text between the host and its port`);
  }
  const port = rest === '' ? DEFAULT_PORT : parsePort(rest.slice(1));
  return { transport: isTls ? 'tls' : 'tcp', host, port, path: '' };
}

export function formatAddress(address: Address): string {
  if (address.transport === 'unix') {
    return `unix:${address.path}`;
  }
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return `${address.transport === 'tls' ? 'tls://' : ''}${host}:${address.port}`;
}
