"""Subscriptions of the blocking client: one connection and one thread for all channels.

The thread begins with the first subscription. Handlers run on it, one at a time; what a handler
raises is logged. A handler may use the client, and subscribe.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from .connection import Connection, Slot
from .errors import Error
from .generated.codes import Unavailable
from .options import Options
from .pool import Pool
from .retry import Failure, now_ms
from .wire import Notification, event_of

LOG = logging.getLogger("reprise")
Handler = Callable[[Any], None]
Gap = Callable[[str], None]


class Subscription(NamedTuple):
    handler: Handler
    on_gap: Gap | None


class Subscriptions:
    def __init__(self, pool: Pool, options: Options) -> None:
        self._pool = pool
        self._options = options
        self._lock = threading.Lock()
        self._channels: dict[str, list[Subscription]] = {}
        self._connection: Connection | None = None
        self._listener = Slot()
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    def add(self, channel: str, handler: Handler, on_gap: Gap | None) -> None:
        with self._lock:
            connection = self._connection
            if connection is None or not connection.is_open:
                connection = self._connect()
            self._call(connection, "SUBSCRIBE", channel)
            self._channels.setdefault(channel, []).append(Subscription(handler, on_gap))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="reprise-events",
                                                daemon=True)
                self._thread.start()

    def remove(self, channel: str) -> None:
        with self._lock:
            if self._channels.pop(channel, None) and self._connection is not None:
                with contextlib.suppress(Error):
                    self._call(self._connection, "UNSUBSCRIBE", channel)

    def close(self) -> None:
        self._closed.set()
        connection, thread = self._connection, self._thread
        if connection is not None:
            connection.close()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _connect(self) -> Connection:
        """Under the lock: a connection with all channels subscribed."""
        try:
            connection = self._pool.dedicated(now_ms() + self._options.request_timeout_ms)
        except Failure as failure:
            raise failure.error from None
        connection.listener = self._listener
        try:
            for channel in self._channels:
                self._call(connection, "SUBSCRIBE", channel)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _call(self, connection: Connection, method: str, *params: Any) -> None:
        try:
            connection.call(method, list(params), now_ms() + self._options.request_timeout_ms)
        except Failure as failure:
            raise failure.error from None

    def _run(self) -> None:
        attempts = 0
        while not self._closed.is_set():
            try:
                if self._connection is not None and self._connection.is_open:
                    self._listen(self._connection)
                else:
                    self._reconnect()
                attempts = 0
            except (Error, Failure) as failure:
                attempts += 1
                LOG.info("subscriptions: %s", failure)
                wait_ms = min(self._options.reconnect.first_delay_ms * 2 ** min(attempts, 10),
                              self._options.reconnect.max_delay_ms)
                self._closed.wait(wait_ms / 1000 if attempts > 1 else 0)
        if self._connection is not None:
            self._connection.close(Unavailable("the client is closed"))

    def _reconnect(self) -> None:
        with self._lock:
            if self._connection is not None and self._connection.is_open:
                return  # `add` was quicker.
            self._connect()
            gaps = [(each.on_gap, channel) for channel, all_of in self._channels.items()
                    for each in all_of if each.on_gap is not None]
        for on_gap, channel in gaps:
            self._guarded(on_gap, channel)

    def _listen(self, connection: Connection) -> None:
        """Until the next events, or a PING when it was quiet: servers close what is idle."""
        try:
            connection.wait(self._listener, now_ms() + self._options.keepalive_ms, until_chunk=True)
        except Failure as failure:
            if not connection.is_open:
                raise
            if failure.final:
                self._call(connection, "PING")
        while self._listener.chunks:
            self._deliver(self._listener.chunks.popleft())

    def _deliver(self, message: Notification) -> None:
        found = event_of(message)
        if found is None:
            return
        with self._lock:
            subscriptions = list(self._channels.get(found[0], ()))
        for each in subscriptions:
            self._guarded(each.handler, found[1])

    @staticmethod
    def _guarded(handler: Callable[[Any], None], argument: Any) -> None:
        try:
            handler(argument)
        except Exception:  # One bad handler must not end the others.
            LOG.exception("a handler of a subscription failed")
