"""Pool: the connections of an asyncio client."""

from __future__ import annotations

import asyncio

from ..choice import Otherwise, choose
from ..generated.codes import Busy, Unavailable
from ..options import Options, Transport, parse_address
from ..pool import CLIENT_CLOSED
from ..retry import Breaker, Failure, now_ms
from ..tls import make_context
from .connection import Connection


class Pool:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._address = parse_address(options.address)
        self._context = (make_context(options.tls)
                         if self._address.transport is Transport.TLS else None)
        self.breaker = Breaker(options.reconnect)
        self._connections: list[Connection] = []
        self._opening = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._closed = False

    @property
    def size(self) -> int:
        return sum(each.is_open for each in self._connections)

    async def acquire(self, deadline: float) -> Connection:
        """A connection with room for a request. Raises Failure, of which nothing was sent."""
        backoff_ms = self._admitted()
        room_deadline = min(deadline, now_ms() + self._options.pool.wait_ms)
        while True:
            self._connections = [each for each in self._connections if each.is_open]
            chosen = choose(self._connections, self._opening, self._options.pool)
            if isinstance(chosen, Connection):
                # The one that was used last stands last.
                self._connections.remove(chosen)
                self._connections.append(chosen)
                return chosen
            if chosen is Otherwise.OPEN:
                return await self._open(backoff_ms, deadline)
            # While connections are being opened there may be room as soon as one is.
            until = deadline if self._opening else room_deadline
            if now_ms() >= until:
                raise Failure(Busy(f"all {self._options.pool.connections_max} connections of the "
                                   "pool were full"), final=True)
            await self._changed(until)

    async def dedicated(self, deadline: float) -> Connection:
        """A connection that nobody else uses; the caller closes it."""
        return await self._connect(self._admitted(), deadline)

    def _admitted(self) -> float:
        if self._closed:
            raise Failure(Unavailable(CLIENT_CLOSED), final=True)
        return self.breaker.wait_ms()

    async def _changed(self, until: float) -> None:
        news: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(news)
        try:
            async with asyncio.timeout(max(0.0, until - now_ms()) / 1000):
                await news
        except TimeoutError:
            pass
        finally:
            if news in self._waiting:
                self._waiting.remove(news)
            if self._closed:
                raise Failure(Unavailable(CLIENT_CLOSED), final=True)

    async def _open(self, backoff_ms: float, deadline: float) -> Connection:
        self._opening += 1
        try:
            connection = await self._connect(backoff_ms, deadline)
            self._connections.append(connection)
            return connection
        finally:
            self._opening -= 1
            self.release(everybody=True)

    async def _connect(self, backoff_ms: float, deadline: float) -> Connection:
        if now_ms() + backoff_ms >= deadline:
            raise Failure(self.breaker.refusal(), final=True)
        await asyncio.sleep(backoff_ms / 1000)
        try:
            connection = await Connection.open(self._options, self._address, self._context,
                                               probe=self.breaker.failures > 0)
        except Failure as failure:
            self.breaker.failed(failure.error)
            raise
        self.breaker.succeeded()
        if self._closed:
            connection.close()
            raise Failure(Unavailable(CLIENT_CLOSED), final=True)
        return connection

    def release(self, everybody: bool = False) -> None:
        """Somebody's request was answered: there may be room again."""
        for news in self._waiting[:None if everybody else 1]:
            self._waiting.remove(news)
            if not news.done():
                news.set_result(None)

    async def close(self) -> None:
        self._closed = True
        connections, self._connections = self._connections, []
        self.release(everybody=True)
        for connection in connections:
            connection.close(Unavailable(CLIENT_CLOSED))
        for connection in connections:
            await connection.wait_closed()
