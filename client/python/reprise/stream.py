"""Streams of bytes for the blocking client: TCP, Unix socket, TLS. Never waits but in `connect`.

TLS runs over memory buffers behind a lock, because one thread may read while another one writes.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading

from .errors import Error
from .generated.codes import BadRequest, Unavailable
from .options import Address, Options, Transport
from .retry import now_ms
from .tls import check_pin, handshake_error, server_name

READ_BYTES = 64 * 1024
WRITE_BYTES = 256 * 1024


class Stream:
    """A connected socket that does not block."""

    backlog = False  # whether `write` has to be called again although all was taken

    def __init__(self, plain: socket.socket) -> None:
        plain.setblocking(False)
        self._socket = plain

    def fileno(self) -> int:
        return self._socket.fileno()

    def read(self) -> bytes:
        """What is there, or nothing. OSError at the end of the stream."""
        try:
            data = self._socket.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return b""
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return data

    def write(self, data: memoryview) -> int:
        """How many bytes were taken; 0 when there is no room."""
        try:
            return self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            return 0

    def shut(self) -> None:
        """Ends both directions; whoever waits for the socket wakes up."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        self._socket.close()


class TlsStream(Stream):
    def __init__(self, plain: socket.socket, context: ssl.SSLContext, name: str) -> None:
        super().__init__(plain)
        self._lock = threading.Lock()
        self._received, self._produced = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._produced, server_hostname=name)
        self._unsent = b""

    def handshake(self, deadline: float) -> None:
        while True:
            try:
                self._tls.do_handshake()
                self._flush_before(deadline)
                return
            except ssl.SSLWantReadError:
                self._flush_before(deadline)
                _await(self, select.POLLIN, deadline)
                self._received.write(super().read())

    def certificate(self) -> bytes | None:
        return self._tls.getpeercert(binary_form=True)

    def _flush_before(self, deadline: float) -> None:
        while not self._flush():
            _await(self, select.POLLOUT, deadline)

    def _flush(self) -> bool:
        self._unsent += self._produced.read()
        while self._unsent:
            count = super().write(memoryview(self._unsent))
            if count == 0:
                break
            self._unsent = self._unsent[count:]
        self.backlog = bool(self._unsent)
        return not self._unsent

    def read(self) -> bytes:
        data = super().read()
        with self._lock:
            self._received.write(data)
            plain = []
            while True:
                try:
                    piece = self._tls.read(READ_BYTES)
                except ssl.SSLWantReadError:
                    return b"".join(plain)
                except ssl.SSLError as failure:
                    piece = b""
                    reason = str(failure.reason or failure)
                else:
                    reason = "the server closed the connection"
                if not piece:
                    if plain:
                        return b"".join(plain)
                    raise ConnectionResetError(reason)
                plain.append(piece)

    def write(self, data: memoryview) -> int:
        with self._lock:
            if not self._flush() or not data:
                return 0
            count = self._tls.write(data[:WRITE_BYTES])
            self._flush()
            return count


def readiness(stream: Stream, events: int, wait_ms: float) -> int:
    """The events of poll(2) that are true within the time; 0: none."""
    waiter = select.poll()
    waiter.register(stream.fileno(), events)
    found = waiter.poll(max(0.0, wait_ms))
    return found[0][1] if found else 0


def _await(stream: Stream, events: int, deadline: float) -> None:
    if not readiness(stream, events, deadline - now_ms()):
        raise TimeoutError("connect_timeout_ms is over")


def connect(options: Options, address: Address, context: ssl.SSLContext | None,
            deadline: float) -> Stream:
    """A connection that may be used. Errors: BadRequest, Unavailable, Unauthenticated."""
    try:
        plain = _connected_socket(address, deadline)
    except socket.gaierror as failure:
        raise lookup_error(address, failure) from failure
    except OSError as failure:
        raise connect_error(options, failure) from failure
    try:
        if context is None:
            return Stream(plain)
        stream = TlsStream(plain, context, server_name(options.tls, address))
        stream.handshake(deadline)
        check_pin(options.tls, stream.certificate())
        return stream
    except BaseException as failure:
        plain.close()
        if isinstance(failure, ssl.SSLError):
            raise handshake_error(address, failure) from failure
        if isinstance(failure, OSError):
            raise connect_error(options, failure) from failure
        raise


def lookup_error(address: Address, failure: socket.gaierror) -> Error:
    kind = BadRequest if failure.errno == socket.EAI_NONAME else Unavailable
    return kind(f"cannot look up {address.host}: {failure.strerror}")


def connect_error(options: Options, failure: OSError) -> Error:
    if isinstance(failure, TimeoutError):
        return Unavailable(f"cannot connect to {options.address} in time (connect_timeout_ms is "
                           f"{options.connect_timeout_ms})")
    return Unavailable(f"cannot connect to {options.address}: {failure.strerror or failure}")


def _connected_socket(address: Address, deadline: float) -> socket.socket:
    def seconds() -> float:
        return max(0.001, (deadline - now_ms()) / 1000)

    if address.transport is Transport.UNIX:
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            plain.settimeout(seconds())
            plain.connect(address.path)
            return plain
        except BaseException:
            plain.close()
            raise
    plain = socket.create_connection((address.host, address.port), timeout=seconds())
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain
