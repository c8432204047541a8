"""Executor: sends requests over the pool, and sends them again where that is safe."""

from __future__ import annotations

import dataclasses
import functools
import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .calls import is_idempotent
from .connection import Connection, Request, Slot
from .errors import Error
from .generated.codes import Timeout
from .options import CallOptions, Options
from .pool import Pool
from .retry import (Failure, delay_ms, error_for, may_ask_again, may_repeat, now_ms, seeded)

LOG = logging.getLogger("reprise")
# A server that said nothing for a shorter time than this may only have been slow.
SILENCE_MS = 1_000
LateReply = Callable[[Connection, Any], None]


def options_from(address: str | Options | None, changes: Mapping[str, Any]) -> Options:
    base = address if isinstance(address, Options) else (
        Options() if address is None else Options(address=address))
    return dataclasses.replace(base, **changes)


def timeout_of(options: Options, call: CallOptions, requests: Sequence[Request]) -> float:
    """A call that asks the server to wait gets that time on top."""
    if call.timeout_ms is not None:
        return call.timeout_ms
    named = [params[-1] for _, params in requests if params and isinstance(params[-1], dict)]
    waits = [each["wait_ms"] for each in named if isinstance(each.get("wait_ms"), int)]
    return options.request_timeout_ms + max(waits, default=0)


class Attempts:
    """The attempts of one call: counts them, and says which failure is the last word."""

    def __init__(self, options: Options, call: CallOptions, requests: Sequence[Request],
                 chance: random.Random) -> None:
        self._reconnect, self._chance = options.reconnect, chance
        self._call = call
        self._methods = [method for method, _ in requests]
        self._idempotent = all(is_idempotent(method) for method in self._methods)
        self._left = options.attempts_max
        self.deadline = now_ms() + timeout_of(options, call, requests)
        self._made = 0

    def begin(self) -> None:
        self._made += 1
        self._left -= 1

    def failed(self, failure: Failure) -> None:
        """Raises the Error of the call when there is to be no other attempt."""
        if self._left <= 0 or not may_repeat(self._call.retry, self._idempotent, failure):
            raise error_for(failure, self._methods) from None

    def pause_ms(self, errors: Sequence[Error | None]) -> float | None:
        """How long to wait before a server that was too busy is asked again; None: do not ask."""
        if self._left <= 0 or len(errors) != 1 or (
                not may_ask_again(self._call.retry, self._idempotent, errors[0])):
            return None
        pause_ms = delay_ms(self._reconnect, self._made, self._chance)
        return pause_ms if now_ms() + pause_ms < self.deadline else None


class Executor:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._pool = Pool(options)
        self._chance = seeded(options.reconnect)

    def execute(self, requests: Sequence[Request], call: CallOptions) -> list[Slot]:
        """Settled slots, one for each request. Raises the Error of a call that got no reply."""
        return self.execute_on(requests, call, None)[0]

    def execute_on(self, requests: Sequence[Request], call: CallOptions,
                   late: LateReply | None) -> tuple[list[Slot], Connection]:
        """The same, and the connection. `late` gets a result that nobody waits for any more."""
        attempts = Attempts(self._options, call, requests, self._chance)
        while True:
            attempts.begin()
            try:
                connection = self._pool.acquire(attempts.deadline)
                slots = self._attempt(connection, requests, attempts.deadline, late)
            except Failure as failure:
                attempts.failed(failure)
                continue
            pause_ms = attempts.pause_ms([slot.error for slot in slots])
            if pause_ms is None:
                return slots, connection
            self._pool.sleep(pause_ms)

    def chunks_of(self, request: Request, label: str, call: CallOptions, late: LateReply,
                  settled: list[tuple[Slot, Connection]]) -> Iterator[Any]:
        """The (index, chunk) that come before the reply, which is put into `settled`."""
        attempts = Attempts(self._options, call, [request], self._chance)
        while not settled:
            attempts.begin()
            try:
                connection = self._pool.acquire(attempts.deadline)
                yield from self._chunks(connection, request, label, attempts.deadline, late,
                                        settled)
            except Failure as failure:
                attempts.failed(failure)

    def _attempt(self, connection: Connection, requests: Sequence[Request], deadline: float,
                 late: LateReply | None) -> list[Slot]:
        began, slots = now_ms(), list[Slot]()
        try:
            slots = connection.start(requests, deadline)
            for slot in slots:
                slot.late = late and functools.partial(late, connection)
            for slot in slots:
                connection.wait(slot, deadline)
            self._pool.breaker.succeeded()
            return slots
        except BaseException as failure:
            self._clean_up(connection, slots, failure, began)
            raise
        finally:
            self._pool.release()
            self._deliver(connection)

    def _chunks(self, connection: Connection, request: Request, label: str, deadline: float,
                late: LateReply, settled: list[tuple[Slot, Connection]]) -> Iterator[Any]:
        began, slots = now_ms(), list[Slot]()
        try:
            slots = connection.start([request], deadline, label)
            slot = slots[0]
            slot.late = functools.partial(late, connection)
            while not slot.done or slot.chunks:
                connection.wait(slot, deadline, until_chunk=True)
                while slot.chunks:
                    yield slot.chunks.popleft()
                if slot.lost:
                    connection.wait(slot, deadline)
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
                slot.late(slot.result)  # It came in the moment in which the caller gave up.
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
