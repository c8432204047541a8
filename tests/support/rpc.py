"""A raw MessagePack-RPC client: blocking calls, pipelining, partial sends, raw bytes.

It shares no code with the clients of the project, so that both sides cannot be wrong together.
"""

import select
import socket
import ssl
import time

import msgpack


class RpcError(Exception):
    """The server answered with an error: [code, message, details]."""

    def __init__(self, error):
        if not (isinstance(error, list) and len(error) == 3):
            raise AssertionError(f"an error must be [code, message, details], got {error!r}")
        self.code, self.message, self.details = error
        super().__init__(f"{self.code}: {self.message}")


class Closed(Exception):
    """The server closed the connection (or nothing came within the time limit)."""


def pack(value):
    return msgpack.packb(value, use_bin_type=True, unicode_errors="surrogateescape")


def unpack(data):
    return msgpack.unpackb(
        data, raw=False, strict_map_key=False, unicode_errors="surrogateescape",
        max_str_len=1 << 28, max_bin_len=1 << 28)


def request(msgid, method, params):
    return pack([0, msgid, method, params])


def parameters(positional, options):
    params = list(positional)
    if options:
        params.append(options)
    return params


class Connection:
    """One connection to the server. Not for use by several threads at a time."""

    def __init__(self, address, timeout=15.0, tls=None):
        self.timeout = timeout
        if isinstance(address, str):
            plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        else:
            plain = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        plain.settimeout(timeout)
        try:
            plain.connect(address)
            if not isinstance(address, str):
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.socket = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
        except BaseException:
            plain.close()
            raise
        self.unpacker = self._new_unpacker()
        self.last_id = 0

    @staticmethod
    def _new_unpacker():
        return msgpack.Unpacker(
            raw=False, strict_map_key=False, unicode_errors="surrogateescape",
            max_buffer_size=1 << 30)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.socket.close()
        except OSError:
            pass

    def send_bytes(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed(str(error)) from error

    def send(self, method, *params, **options):
        """Sends a request without waiting; answers its message id."""
        self.last_id += 1
        self.send_bytes(request(self.last_id, method, parameters(params, options)))
        return self.last_id

    def notify(self, method, *params, **options):
        self.send_bytes(pack([2, method, parameters(params, options)]))

    def receive(self, timeout=None):
        """The next message, whole."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            try:
                return next(self.unpacker)
            except StopIteration:
                pass
            self.unpacker.feed(self._read_some(deadline))

    def _read_some(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no reply within the time limit")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(1 << 16)
        except (socket.timeout, ssl.SSLWantReadError) as error:
            raise TimeoutError("no reply within the time limit") from error
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError) as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed("the server closed the connection")
        return data

    def reply(self, msgid, timeout=None):
        """The next reply, which must be for this request: replies come in order."""
        message = self.receive(timeout)
        if not (isinstance(message, list) and len(message) == 4 and message[0] == 1):
            raise AssertionError(f"not a MessagePack-RPC response: {message!r:.200}")
        if message[1] == 0 and msgid != 0 and message[2] is not None:
            raise Closed(f"the server refused the connection: {message[2]!r:.200}")
        if message[1] != msgid:
            raise AssertionError(f"reply for request {message[1]}, expected {msgid}")
        if message[2] is not None:
            raise RpcError(message[2])
        return message[3]

    def call(self, method, *params, **options):
        return self.reply(self.send(method, *params, **options))

    def error_of(self, method, *params, **options):
        """The code of the error that the call must end with."""
        try:
            result = self.call(method, *params, **options)
        except RpcError as error:
            return error
        raise AssertionError(f"{method} was expected to fail, but answered {result!r:.200}")

    def pipeline(self, calls, timeout=60.0):
        """Sends all calls at once and reads while it sends. `calls` holds (method, params list).

        Answers a list with a result or an RpcError for each call.
        """
        first = self.last_id + 1
        data = b"".join(
            request(first + i, method, params) for i, (method, params) in enumerate(calls))
        self.last_id += len(calls)
        messages = self.exchange(data, len(calls), timeout)
        results = []
        for i, message in enumerate(messages):
            if message[:2] != [1, first + i]:
                raise AssertionError(f"reply {message[:2]!r}, expected [1, {first + i}]")
            results.append(message[3] if message[2] is None else RpcError(message[2]))
        return results

    def exchange(self, data, count, timeout=60.0):
        """Sends `data` and reads `count` messages at the same time, so that neither side blocks."""
        deadline = time.monotonic() + timeout
        messages = []
        view = memoryview(data)
        self.socket.setblocking(False)
        try:
            while len(messages) < count:
                self._step(view, deadline)
                view = self._send_part(view)
                messages.extend(self.unpacker)
        finally:
            self.socket.settimeout(self.timeout)
        return messages

    def _step(self, view, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the pipeline was not answered within the time limit")
        readable, _, _ = select.select(
            [self.socket], [self.socket] if len(view) else [], [], min(left, 1.0))
        if not readable:
            return
        # To the end: what TLS has decrypted already, select does not see.
        while True:
            try:
                data = self.socket.recv(1 << 18)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            except ConnectionResetError as error:
                raise Closed(str(error)) from error
            if not data:
                raise Closed("the server closed the connection")
            self.unpacker.feed(data)

    def _send_part(self, view):
        if not len(view):
            return view
        try:
            return view[self.socket.send(view[:1 << 18]):]
        except (BlockingIOError, ssl.SSLWantWriteError):
            return view
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed(str(error)) from error

    def raw_result(self, data, timeout=None):
        """Sends one encoded request; answers the bytes of the result as they stood on the wire."""
        self.send_bytes(data)
        return self.read_raw_result(timeout)

    def read_raw_result(self, timeout=None):
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        received = b""
        while True:
            parser = self._new_unpacker()
            parser.feed(received)
            try:
                if parser.read_array_header() != 4:
                    raise AssertionError("a response has four items")
                for _ in range(3):
                    parser.skip()
                error_end = parser.tell()
                parser.skip()
                end = parser.tell()
                break
            except msgpack.OutOfData:
                received += self._read_some(deadline)
        message = unpack(received[:end])
        if message[2] is not None:
            raise RpcError(message[2])
        return received[error_end:end]

    def read_until_closed(self, timeout=5.0):
        """All bytes until the server closes. TimeoutError when it keeps the connection open."""
        deadline = time.monotonic() + timeout
        data = b""
        while True:
            try:
                data += self._read_some(deadline)
            except Closed:
                return data

    def is_open(self):
        """A PING is answered."""
        try:
            return self.call("PING") == "PONG"
        except (Closed, OSError):
            return False
