"""A small MessagePack-RPC server that can misbehave, with single flight as the real one has it.

It shares no code with the client. Each connection has a thread; all state is behind one lock.
"""

import itertools
import socket
import threading
import time

import msgpack


class Refusal(Exception):
    """The reply is an error."""

    def __init__(self, code, message="refused by the double", details=None):
        super().__init__(message)
        self.error = [code, message, details or {}]


LATER = object()  # the reply is sent by somebody else


class Session:
    def __init__(self, double, sock):
        self.double, self.socket = double, sock
        self.calls = []
        self.lock = threading.Lock()

    def send(self, message):
        self.send_bytes(msgpack.packb(message, use_bin_type=True))

    def send_bytes(self, data):
        try:
            with self.lock:
                self.socket.sendall(data)
        except OSError:
            pass

    def reply(self, msgid, result):
        self.send([1, msgid, None, result])

    def event(self, channel, event):
        self.send([2, "EVENT", [channel, event]])

    def cut(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def run(self):
        unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)
        try:
            while data := self.socket.recv(65536):
                unpacker.feed(data)
                for message in unpacker:
                    self.handle(message)
        except OSError:
            pass
        finally:
            self.double.ended(self)
            self.socket.close()

    def handle(self, message):
        msgid, method, params = (message[1:] if message[0] == 0 else (None, *message[1:]))
        self.calls.append((method, params))
        handler = self.double.handlers.get(method)
        try:
            if handler is None:
                raise Refusal("unknown_command")
            result = handler(self, msgid, params)
        except Refusal as refusal:
            if msgid is not None:
                self.send([1, msgid, refusal.error, None])
            return
        if result is not LATER and msgid is not None:
            self.reply(msgid, result)


class Double:
    """`handlers`: method -> function(session, msgid, params) that gives the result or LATER."""

    def __init__(self, port=0):
        self.handlers = {"PING": lambda *_: "PONG"}
        self.sessions = []
        self.lock = threading.RLock()
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.accepted = 0
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(self, sock)
            with self.lock:
                self.accepted += 1
                self.sessions.append(session)
            threading.Thread(target=session.run, daemon=True).start()

    def on(self, method):
        def register(handler):
            self.handlers[method] = handler
            return handler
        return register

    def calls(self, method):
        with self.lock:
            return [params for session in self.sessions for name, params in list(session.calls)
                    if name == method]

    def ended(self, session):
        """A session is over."""

    def cut_all(self):
        with self.lock:
            for session in self.sessions:
                session.cut()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        self.cut_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Flight:
    def __init__(self, key, token, session):
        self.key, self.token, self.holder = key, token, session
        self.chunks, self.waiters = [], []
        self.renewed_at = time.monotonic()


class CacheDouble(Double):
    """CACHE.FETCH, FILL, RENEW, ABANDON, APPEND over a dict."""

    def __init__(self, port=0, lease_ms=60_000):
        super().__init__(port)
        self.lease_ms = lease_ms
        self.entries, self.flights, self.tokens = {}, {}, itertools.count(1)
        self.filled, self.abandoned, self.renewals = [], [], []
        for name in ("FETCH", "FILL", "RENEW", "ABANDON", "APPEND"):
            self.handlers[f"CACHE.{name}"] = self._locked(getattr(self, name.lower()))

    def _locked(self, handler):
        def run(session, msgid, params):
            with self.lock:
                return handler(session, msgid, params)
        return run

    @staticmethod
    def hit(response):
        return {"status": "hit", "tier": "exact", "id": "e1", "response": response,
                "type": "general", "age_ms": 1, "reason": "exact"}

    def fetch(self, session, msgid, params):
        prompt, options = params
        key = prompt if prompt is not None else repr(sorted(options["request"].items()))
        if key in self.entries and not options.get("no_cache"):
            return self.hit(self.entries[key])
        if options.get("no_store"):
            return {"status": "bypass", "reason": "no_store"}
        flight = self.flights.get(key)
        if options.get("only_if_cached") or flight and not options.get("wait", True):
            return {"status": "miss", "reason": "absent"}
        if flight is None:
            return self.lend(key, session)
        flight.waiters.append((session, msgid, options.get("stream")))
        for index, chunk in enumerate(flight.chunks):
            self.send_chunk(session, options.get("stream"), index, chunk)
        if "wait_ms" in options:
            timer = threading.Timer(options["wait_ms"] / 1000, self.wait_over,
                                    [key, msgid, session])
            timer.daemon = True
            timer.start()
        return LATER

    def wait_over(self, key, msgid, session):
        with self.lock:
            flight = self.flights.get(key)
            for waiter in list(flight.waiters if flight else ()):
                if waiter[:2] == (session, msgid):
                    flight.waiters.remove(waiter)
                    session.reply(msgid, {"status": "timeout", "reason": "wait_ms"})

    def lend(self, key, session, waiters=()):
        flight = Flight(key, f"lease-{next(self.tokens)}", session)
        flight.waiters = list(waiters)
        self.flights[key] = flight
        return {"status": "lease", "lease": flight.token, "lease_ms": self.lease_ms,
                "reason": "absent"}

    def flight_of(self, token):
        for flight in self.flights.values():
            if flight.token == token:
                return flight
        raise Refusal("not_found", "this lease has ended")

    def fill(self, _session, _msgid, params):
        flight = self.flight_of(params[0])
        del self.flights[flight.key]
        response = flight.chunks if params[1] is None else params[1]
        self.entries[flight.key] = response
        self.filled.append(params)
        for session, msgid, _ in flight.waiters:
            session.reply(msgid, self.hit(response))
        return {"id": "e1", "tier_keys": {}, "expires_at_ms": 1}

    def renew(self, _session, _msgid, params):
        self.flight_of(params[0])
        self.renewals.append(params[0])
        return {"lease_ms": self.lease_ms}

    def append(self, _session, _msgid, params):
        flight = self.flight_of(params[0])
        flight.chunks.append(params[1])
        for session, _, stream in flight.waiters:
            self.send_chunk(session, stream, len(flight.chunks) - 1, params[1])
        return {"chunks": len(flight.chunks)}

    @staticmethod
    def send_chunk(session, stream, index, chunk):
        if stream:
            session.event("chunk", {"stream": stream, "index": index, "chunk": chunk})

    def abandon(self, _session, _msgid, params):
        flight = self.flight_of(params[0])
        self.abandoned.append(params)
        self.hand_over(flight)
        return {}

    def hand_over(self, flight):
        del self.flights[flight.key]
        if flight.waiters:
            session, msgid, _ = flight.waiters[0]
            session.reply(msgid, self.lend(flight.key, session, flight.waiters[1:]))

    def ended(self, session):
        with self.lock:
            for flight in list(self.flights.values()):
                flight.waiters = [each for each in flight.waiters if each[0] is not session]
                if flight.holder is session:
                    self.hand_over(flight)
