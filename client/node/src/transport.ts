// Opening a socket: TCP, Unix or TLS, and telling whether the server behind it is the right one.
//
// Errors: UnavailableError when it cannot be reached, UnauthenticatedError when its certificate is
// not trusted, BadRequestError when a certificate file cannot be read.
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { formatAddress, type Address } from './address.js';
import { errorOf, type RepriseError } from './errors.js';
import type { TlsOptions } from './options.js';

const KEEP_ALIVE_MS = 30_000;

/** What is needed to open connections to one server; made once. */
export interface Route {
  address: Address;
  tls: TlsOptions;
  secureContext: tls.SecureContext | undefined;
}

export function routeOf(address: Address, options: TlsOptions): Route {
  if (address.transport !== 'tls') {
    return { address, tls: options, secureContext: undefined };
  }
  try {
    const ca = options.caFile === undefined ? undefined : readFileSync(options.caFile);
    const secureContext = tls.createSecureContext({ ca, minVersion: 'TLSv1.2' });
    return { address, tls: options, secureContext };
  } catch (error) {
    throw errorOf(
      'bad_request',
      `cannot read certificates from '${options.caFile}': ${(error as Error).message}`,
    );
  }
}

function openTls(route: Route): tls.TLSSocket {
  const { address, tls: options } = route;
  const name = options.serverName ?? address.host;
  return tls.connect({
    host: address.host,
    port: address.port,
    servername: net.isIP(name) === 0 ? name : '',
    secureContext: route.secureContext,
    // The verdict is asked for in trustProblem(), before anything is sent.
    rejectUnauthorized: false,
    checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(name, certificate),
  });
}

const hexDigits = (text: string): string => text.replaceAll(':', '').toLowerCase();

/** Why the server's certificate is not to be trusted; null when it is. */
function trustProblem(socket: tls.TLSSocket, options: TlsOptions): string | null {
  if (options.insecure === true) {
    return null;
  }
  if (options.pinnedSha256 !== undefined) {
    const digest = socket.getPeerCertificate().fingerprint256 ?? '';
    const isPinned = hexDigits(digest) === hexDigits(options.pinnedSha256);
    return isPinned ? null : "the server's certificate is not the pinned one";
  }
  if (socket.authorized) {
    return null;
  }
  return (
    `the server's certificate is not trusted: ${String(socket.authorizationError)} ` +
    '(name its authority with caFile, or pin the certificate)'
  );
}

export interface Opening {
  socket: net.Socket;
  /** Settles when the socket can be used; the socket is gone when it rejects. */
  ready: Promise<void>;
}

export function openSocket(route: Route): Opening {
  const { address } = route;
  const isTls = address.transport === 'tls';
  const socket = isTls
    ? openTls(route)
    : net.connect(
        address.transport === 'unix'
          ? { path: address.path }
          : { host: address.host, port: address.port },
      );
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  const ready = new Promise<void>((resolve, reject) => {
    const fail = (error: RepriseError): void => {
      socket.destroy();
      reject(error);
    };
    socket.on('error', (error) => fail(unreachable(address, error.message)));
    socket.once('close', () => fail(unreachable(address, 'the server closed the connection')));
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      const problem = isTls ? trustProblem(socket as tls.TLSSocket, route.tls) : null;
      if (problem === null) {
        resolve();
      } else {
        fail(errorOf('unauthenticated', problem));
      }
    });
  });
  return { socket, ready };
}

export function unreachable(address: Address, reason: string): RepriseError {
  return errorOf('unavailable', `cannot connect to ${formatAddress(address)}: ${reason}`);
}
