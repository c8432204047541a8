"""When to try again: the delay between attempts, the circuit, and which calls may be sent twice."""

from __future__ import annotations

import copy
import dataclasses
import random
import threading
import time
from collections.abc import Callable

from .calls import may_change
from .errors import Error
from .generated.codes import (Busy, Corrupt, ShuttingDown, Timeout, Unavailable, UnknownOutcome)
from .options import Circuit, ReconnectOptions, Retry

DOUBLINGS_MAX = 30  # The delay reaches its maximum long before.


def now_ms() -> float:
    return time.monotonic() * 1000.0


def delay_ms(options: ReconnectOptions, failures: int, chance: random.Random) -> float:
    """Before the attempt that follows so many failures in a row; a random half is taken off."""
    doublings = min(max(failures, 1) - 1, DOUBLINGS_MAX)
    whole = min(options.first_delay_ms * 2**doublings, options.max_delay_ms)
    return whole - chance.uniform(0, whole / 2)


def seeded(options: ReconnectOptions) -> random.Random:
    return random.Random(options.jitter_seed or None)


@dataclasses.dataclass
class Failure(Exception):
    """How an attempt ended without the server's answer."""

    error: Error
    sent: bool = False  # bytes of the request may have left
    final: bool = False  # another attempt is of no use

    def __str__(self) -> str:
        return str(self.error)


class Breaker:
    """Failures in a row of reaching the server, for all connections of a client together.

    A failure is a connection that could not be made, or a server that stayed silent for the whole
    time of a call. Any reply ends the row. Safe from any thread.
    """

    def __init__(self, options: ReconnectOptions, clock: Callable[[], float] = now_ms) -> None:
        self._options = options
        self._clock = clock
        self._chance = seeded(options)
        self._lock = threading.Lock()
        self._failures = 0
        self._next_attempt = 0.0
        self._last: Error | None = None

    @property
    def circuit(self) -> Circuit:
        with self._lock:
            return self._circuit()

    @property
    def failures(self) -> int:
        return self._failures

    def _circuit(self) -> Circuit:
        if self._failures < self._options.failures_to_open:
            return Circuit.CLOSED
        return Circuit.OPEN if self._wait_ms() > 0 else Circuit.HALF_OPEN

    def _wait_ms(self) -> float:
        return max(0.0, self._next_attempt - self._clock()) if self._failures else 0.0

    def wait_ms(self) -> float:
        """How long to wait before connecting. Raises Failure when the circuit is open.

        When it is half open, the one that asks first tries, and the others are refused meanwhile.
        """
        with self._lock:
            circuit, wait = self._circuit(), self._wait_ms()
            if circuit is Circuit.OPEN:
                raise Failure(self._refusal(wait), final=True)
            if circuit is Circuit.HALF_OPEN:
                self._next_attempt = self._clock() + self._options.max_delay_ms
            return wait

    def refusal(self) -> Error:
        with self._lock:
            return self._refusal(self._wait_ms())

    def _refusal(self, wait: float) -> Error:
        reason = self._last.message if self._last else "the server cannot be reached"
        kind = type(self._last) if self._last is not None else Unavailable
        return kind(f"{reason} (failed {self._failures} times, next attempt in {wait:.0f} ms)")

    def succeeded(self) -> None:
        if self._failures:
            with self._lock:
                self._failures = 0
                self._next_attempt = 0.0

    def failed(self, error: Error) -> None:
        with self._lock:
            self._failures += 1
            self._last = error
            self._next_attempt = self._clock() + delay_ms(
                self._options, self._failures, self._chance)


def may_repeat(retry: Retry, idempotent: bool, failure: Failure) -> bool:
    if failure.final or not isinstance(failure.error, Unavailable):
        return False
    return retry is Retry.ALWAYS or retry is Retry.SAFE and (not failure.sent or idempotent)


def may_ask_again(retry: Retry, idempotent: bool, error: Error | None) -> bool:
    """A server that was too busy to begin has done nothing."""
    if not isinstance(error, (Busy, Unavailable, ShuttingDown)):
        return False
    return retry is Retry.ALWAYS or retry is Retry.SAFE and idempotent


def error_for(failure: Failure, methods: list[str]) -> Error:
    """For the caller: a command that writes and was sent has an unknown outcome."""
    lost = isinstance(failure.error, (Timeout, Unavailable, Corrupt))
    if failure.sent and lost and any(may_change(method) for method in methods):
        return UnknownOutcome(
            f"{failure.error.message}; the request had been sent and may have been applied",
            failure.error.details)
    return copy.copy(failure.error)  # Several calls may have ended with this one.
