"""Pool: the connections of a blocking client. Safe from any thread."""

from __future__ import annotations

import threading

from .choice import Otherwise, choose
from .connection import Connection
from .generated.codes import Busy, Unavailable
from .options import Options, Transport, parse_address
from .retry import Breaker, Failure, now_ms
from .tls import make_context

CLIENT_CLOSED = "the client is closed"


class Pool:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._address = parse_address(options.address)
        self._context = (make_context(options.tls)
                         if self._address.transport is Transport.TLS else None)
        self.breaker = Breaker(options.reconnect)
        self._changed = threading.Condition()
        self._connections: list[Connection] = []
        self._opening = 0
        self._closed = threading.Event()

    @property
    def size(self) -> int:
        with self._changed:
            return sum(each.is_open for each in self._connections)

    def acquire(self, deadline: float) -> Connection:
        """A connection with room for a request. Raises Failure, of which nothing was sent."""
        backoff_ms = self._admitted()
        room_deadline = min(deadline, now_ms() + self._options.pool.wait_ms)
        while True:
            chosen = self._choose(deadline, room_deadline)
            if chosen is None:
                return self._open(backoff_ms, deadline)
            if chosen.is_usable():
                return chosen

    def dedicated(self, deadline: float) -> Connection:
        """A connection that nobody else uses; the caller closes it."""
        return self._connect(self._admitted(), deadline)

    def _admitted(self) -> float:
        if self._closed.is_set():
            raise Failure(Unavailable(CLIENT_CLOSED), final=True)
        return self.breaker.wait_ms()

    def _choose(self, deadline: float, room_deadline: float) -> Connection | None:
        """None: the caller opens one, and is counted as opening."""
        with self._changed:
            while True:
                self._connections = [each for each in self._connections if each.is_open]
                chosen = choose(self._connections, self._opening, self._options.pool)
                if isinstance(chosen, Connection):
                    # The one that was used last stands last.
                    self._connections.remove(chosen)
                    self._connections.append(chosen)
                    return chosen
                if chosen is Otherwise.OPEN:
                    self._opening += 1
                    return None
                # While connections are being opened there may be room as soon as one is.
                until = deadline if self._opening else room_deadline
                if not self._changed.wait(max(0.0, until - now_ms()) / 1000) and (
                        now_ms() >= until):
                    raise Failure(Busy(f"all {self._options.pool.connections_max} connections of "
                                       "the pool were full"), final=True)

    def _open(self, backoff_ms: float, deadline: float) -> Connection:
        connection = None
        try:
            connection = self._connect(backoff_ms, deadline)
            return connection
        finally:
            with self._changed:
                self._opening -= 1
                if connection is not None:
                    self._connections.append(connection)
                self._changed.notify_all()

    def _connect(self, backoff_ms: float, deadline: float) -> Connection:
        if now_ms() + backoff_ms >= deadline:
            raise Failure(self.breaker.refusal(), final=True)
        if self._closed.wait(backoff_ms / 1000):
            raise Failure(Unavailable(CLIENT_CLOSED), final=True)
        try:
            connection = Connection.open(self._options, self._address, self._context,
                                         probe=self.breaker.failures > 0)
        except Failure as failure:
            self.breaker.failed(failure.error)
            raise
        self.breaker.succeeded()
        if self._closed.is_set():
            connection.close()
            raise Failure(Unavailable(CLIENT_CLOSED), final=True)
        return connection

    def release(self) -> None:
        """Somebody's request was answered: there may be room again."""
        with self._changed:
            self._changed.notify()

    def sleep(self, wait_ms: float) -> None:
        self._closed.wait(wait_ms / 1000)

    def close(self) -> None:
        self._closed.set()
        with self._changed:
            connections, self._connections = self._connections, []
            self._changed.notify_all()
        for connection in connections:
            connection.close(Unavailable(CLIENT_CLOSED))
