"""Subscriptions of the asyncio client: one connection and one task for all channels.

Handlers run in that task, one at a time; what a handler raises is logged.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from ..errors import Error
from ..options import Options
from ..retry import Failure, now_ms
from ..wire import Notification, event_of
from .connection import Connection
from .pool import Pool

LOG = logging.getLogger("reprise")
Handler = Callable[[Any], Awaitable[None] | None]
Gap = Callable[[str], Awaitable[None] | None]


class Subscription(NamedTuple):
    handler: Handler
    on_gap: Gap | None


class Subscriptions:
    def __init__(self, pool: Pool, options: Options) -> None:
        self._pool = pool
        self._options = options
        self._lock = asyncio.Lock()
        self._channels: dict[str, list[Subscription]] = {}
        self._connection: Connection | None = None
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def add(self, channel: str, handler: Handler, on_gap: Gap | None) -> None:
        async with self._lock:
            connection = self._connection
            if connection is None or not connection.is_open:
                connection = await self._connect()
            await self._call(connection, "SUBSCRIBE", channel)
            self._channels.setdefault(channel, []).append(Subscription(handler, on_gap))
            if self._task is None:
                self._task = asyncio.get_running_loop().create_task(self._run())

    async def remove(self, channel: str) -> None:
        async with self._lock:
            if self._channels.pop(channel, None) and self._connection is not None:
                with contextlib.suppress(Error):
                    await self._call(self._connection, "UNSUBSCRIBE", channel)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._connection is not None:
            self._connection.close()
            await self._connection.wait_closed()

    async def _connect(self) -> Connection:
        """Under the lock: a connection with all channels subscribed."""
        try:
            connection = await self._pool.dedicated(now_ms() + self._options.request_timeout_ms)
        except Failure as failure:
            raise failure.error from None
        connection.on_notification = self._news.set
        try:
            for channel in self._channels:
                await self._call(connection, "SUBSCRIBE", channel)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    async def _call(self, connection: Connection, method: str, *params: Any) -> None:
        try:
            await connection.call(method, list(params),
                                  now_ms() + self._options.request_timeout_ms)
        except Failure as failure:
            raise failure.error from None

    async def _run(self) -> None:
        attempts = 0
        while True:
            try:
                if self._connection is not None and self._connection.is_open:
                    await self._listen(self._connection)
                else:
                    await self._reconnect()
                attempts = 0
            except (Error, Failure) as failure:
                attempts += 1
                LOG.info("subscriptions: %s", failure)
                wait_ms = min(self._options.reconnect.first_delay_ms * 2 ** min(attempts, 10),
                              self._options.reconnect.max_delay_ms)
                await asyncio.sleep(wait_ms / 1000 if attempts > 1 else 0)

    async def _reconnect(self) -> None:
        async with self._lock:
            if self._connection is not None and self._connection.is_open:
                return  # `add` was quicker.
            await self._connect()
            gaps = [(each.on_gap, channel) for channel, all_of in self._channels.items()
                    for each in all_of if each.on_gap is not None]
        for on_gap, channel in gaps:
            await self._guarded(on_gap, channel)

    async def _listen(self, connection: Connection) -> None:
        """Until the next events, or a PING when it was quiet: servers close what is idle."""
        try:
            async with asyncio.timeout(self._options.keepalive_ms / 1000):
                await self._news.wait()
        except TimeoutError:
            await self._call(connection, "PING")
        self._news.clear()
        while connection.notifications:
            await self._deliver(connection.notifications.popleft())

    async def _deliver(self, message: Notification) -> None:
        found = event_of(message)
        if found is not None:
            for each in list(self._channels.get(found[0], ())):
                await self._guarded(each.handler, found[1])

    @staticmethod
    async def _guarded(handler: Callable[[Any], Any], argument: Any) -> None:
        try:
            result = handler(argument)
            if inspect.isawaitable(result):
                await result
        except Exception:  # One bad handler must not end the others.
            LOG.exception("a handler of a subscription failed")
