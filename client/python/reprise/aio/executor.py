"""Executor: sends requests over the pool, and sends them again where that is safe."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from ..executor import LOG, SILENCE_MS, Attempts
from ..generated.codes import Timeout
from ..options import CallOptions, Options
from ..retry import Failure, now_ms, seeded
from .connection import Connection, Request, Slot
from .pool import Pool

LateReply = Callable[[Connection, Any], None]


@contextlib.asynccontextmanager
async def closing(chunks: AsyncIterator[Any]) -> AsyncIterator[None]:
    """Ends an asynchronous generator together with the one that reads it."""
    try:
        yield
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()


class Executor:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._pool = Pool(options)
        self._chance = seeded(options.reconnect)

    async def execute(self, requests: Sequence[Request], call: CallOptions) -> list[Slot]:
        """Settled slots, one for each request. Raises the Error of a call that got no reply."""
        return (await self.execute_on(requests, call, None))[0]

    async def execute_on(self, requests: Sequence[Request], call: CallOptions,
                         late: LateReply | None) -> tuple[list[Slot], Connection]:
        """The same, and the connection. `late` gets a result that nobody waits for any more."""
        attempts = Attempts(self._options, call, requests, self._chance)
        while True:
            attempts.begin()
            try:
                connection = await self._pool.acquire(attempts.deadline)
                slots = await self._attempt(connection, requests, attempts.deadline, late)
            except Failure as failure:
                attempts.failed(failure)
                continue
            pause_ms = attempts.pause_ms([slot.error for slot in slots])
            if pause_ms is None:
                return slots, connection
            await asyncio.sleep(pause_ms / 1000)

    async def chunks_of(self, request: Request, label: str, call: CallOptions, late: LateReply,
                        settled: list[tuple[Slot, Connection]]) -> AsyncIterator[Any]:
        """The (index, chunk) that come before the reply, which is put into `settled`."""
        attempts = Attempts(self._options, call, [request], self._chance)
        while not settled:
            attempts.begin()
            try:
                connection = await self._pool.acquire(attempts.deadline)
                coming = self._chunks(connection, request, label, attempts.deadline, late, settled)
                async with closing(coming):
                    async for chunk in coming:
                        yield chunk
            except Failure as failure:
                attempts.failed(failure)

    async def _attempt(self, connection: Connection, requests: Sequence[Request], deadline: float,
                       late: LateReply | None) -> list[Slot]:
        began, slots = now_ms(), list[Slot]()
        try:
            slots = connection.start(requests)
            for slot in slots:
                slot.late = late and functools.partial(late, connection)
            for slot in slots:
                await connection.wait(slot, deadline)
            self._pool.breaker.succeeded()
            return slots
        except BaseException as failure:
            self._clean_up(connection, slots, failure, began)
            raise
        finally:
            self._pool.release()
            self._deliver(connection)

    async def _chunks(self, connection: Connection, request: Request, label: str, deadline: float,
                      late: LateReply, settled: list[tuple[Slot, Connection]]
                      ) -> AsyncIterator[Any]:
        began, slots = now_ms(), list[Slot]()
        try:
            slots = connection.start([request], label)
            slot = slots[0]
            slot.late = functools.partial(late, connection)
            while not slot.done or slot.chunks:
                await connection.wait(slot, deadline, until_chunk=True)
                while slot.chunks:
                    yield slot.chunks.popleft()
                if slot.lost:
                    await connection.wait(slot, deadline)
            self._pool.breaker.succeeded()
            settled.append((slot, connection))
            connection.give_up(slot)
        except BaseException as failure:
            self._clean_up(connection, slots, failure, began)
            raise
        finally:
            self._pool.release()
            self._deliver(connection)

    def _clean_up(self, connection: Connection, slots: Sequence[Slot], failure: BaseException,
                  began: float) -> None:
        for slot in slots:
            connection.give_up(slot)
            if slot.done and not slot.lost and slot.error is None and slot.late is not None:
                slot.late(slot.result)  # It came in the moment in which the caller was canceled.
        # A server that said nothing during the whole call counts as one that is down.
        silent = connection.heard_at < began and now_ms() - began >= SILENCE_MS
        if isinstance(failure, Failure) and isinstance(failure.error, Timeout) and silent:
            self._pool.breaker.failed(failure.error)
            if connection.in_flight == 0:
                connection.close()

    def _deliver(self, connection: Connection) -> None:
        handler = self._options.on_notification
        while connection.notifications and handler is not None:
            message = connection.notifications.popleft()
            try:
                handler(message.method, message.params)
            except Exception:  # A handler's mistake is not the mistake of the call that read it.
                LOG.exception("the notification handler failed")
