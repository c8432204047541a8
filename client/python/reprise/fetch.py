"""fetch_or_compute of the blocking client: fetch, compute, renew, fill, abandon, and streams."""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Unpack

from .connection import Connection, Request, Slot
from .errors import Error
from .generated.codes import TooLarge
from .generated.fetch_options import FetchOptions
from .options import CallOptions
from .retry import Failure, error_for, now_ms
from .single_flight import (ABANDON, APPEND, RENEW, Follower, OnOutcome, Outcome, Times,
                            abandon_params, check_upstream, fetch_request, fill_request, filling,
                            goes_on, has_answer, late_lease, lease_of, new_label, outcome_of, plain,
                            renew_every_ms)

if TYPE_CHECKING:
    from .client import Client

LOG = logging.getLogger("reprise")


class Lease:
    """A lease on the connection that got it: the server takes it back when that one is lost."""

    def __init__(self, connection: Connection, token: str, outcome: Outcome, times: Times) -> None:
        self.connection = connection
        self.token = token
        self._timeout_ms = times.call_ms
        self._error_ttl_ms = times.error_ttl_ms
        self._every_ms = renew_every_ms(outcome)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="reprise-lease", daemon=True)

    def __enter__(self) -> Lease:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def call(self, request: Request) -> Any:
        """Raises Error."""
        try:
            return self.connection.call(*request, now_ms() + self._timeout_ms)
        except Failure as failure:
            raise error_for(failure, [request[0]]) from None

    def abandon(self, failure: BaseException | str) -> None:
        """Told without waiting for an answer: whoever waits for the answer goes first."""
        self.connection.notify(ABANDON, abandon_params(self.token, failure, self._error_ttl_ms))

    def _renew(self) -> None:
        """Told without waiting for an answer: of a lease that is lost, the fill will tell."""
        while self.connection.is_open and not self._over.wait(self._every_ms / 1000):
            self.connection.notify(RENEW, [self.token])


class Fetcher:
    """One fetch_or_compute."""

    def __init__(self, client: Client, call: CallOptions, fail_open: bool,
                 error_ttl_ms: int | None) -> None:
        self._client = client
        self.call = call
        self._fail_open = fail_open
        self._error_ttl_ms = error_ttl_ms

    def fetch(self, request: Request) -> tuple[Outcome, Connection | None]:
        """With `fail_open` a server that is down is an outcome, too."""
        try:
            slots, connection = self._client.execute_on([request], self.call, give_back)
            slot = slots[0]
            if slot.error is not None:
                raise slot.error
            return outcome_of(slot.result), connection
        except Error as error:
            return self.opened(error, request), None

    def opened(self, error: Error, request: Request) -> Outcome:
        if not self._fail_open or not goes_on(error, request):
            raise error
        LOG.info("computing without the cache: %s", error)
        return Outcome("fail_open", str(error), error=error)

    def lease(self, outcome: Outcome, connection: Connection | None) -> Lease | None:
        token = lease_of(outcome)
        if token is None or connection is None:
            return None
        timeout_ms = self.call.timeout_ms or self._client.options.request_timeout_ms
        return Lease(connection, token, outcome, Times(timeout_ms, self._error_ttl_ms))


def give_back(connection: Connection, result: Any) -> None:
    """A lease that came too late would keep everybody waiting until it expires."""
    token = late_lease(result)
    if token is not None:
        connection.notify(ABANDON, abandon_params(token, "the caller did not wait"))


def fill(lease: Lease, outcome: Outcome, computed: Any) -> None:
    """An answer that could not be stored is an answer all the same."""
    try:
        outcome.stored = lease.call(fill_request(lease.token, plain(computed)))
    except Error as error:
        outcome.error = error
        LOG.warning("an answer was not stored: %s", error)
        lease.abandon(str(error))


class FetchMethods:
    """Mixed into Client."""

    def fetch_or_compute(
            self, request: str | Mapping[str, Any], fn: Callable[[], Any], *,
            fail_open: bool | None = None, stale_if_error: bool = False,
            error_ttl_ms: int | None = None, on_outcome: OnOutcome | None = None,
            call: CallOptions | None = None, **options: Unpack[FetchOptions]) -> Any:
        """The cached response, or what `fn` computes; of equal requests at once one computes.

        request: a prompt, or a whole chat request as a map
        fn: returns the response, or an Answer with tokens, cost, model, tags and time to live
        fail_open: compute when the server cannot answer, takes nothing so large or cannot read the
            chat request; Options.fail_open when not given
        stale_if_error: when `fn` raises and the server offered a stale answer, that one
        error_ttl_ms: what `fn` raises is told to all who ask the same within this time, as
            UpstreamFailed; without it the next caller tries
        Result: the response. What `fn` raises is raised, and the lease is given up.
        """
        if inspect.isgeneratorfunction(fn):
            raise TypeError("fn is a generator; use fetch_or_compute_stream")
        client: Client = self  # type: ignore[assignment]
        fetcher = Fetcher(client, call or CallOptions(),
                          client.options.fail_open if fail_open is None else fail_open,
                          error_ttl_ms)
        outcome, connection = fetcher.fetch(fetch_request(request, options))
        try:
            return self._answer(outcome, fetcher.lease(outcome, connection), fn, stale_if_error)
        finally:
            if on_outcome is not None:
                on_outcome(outcome)

    @staticmethod
    def _answer(outcome: Outcome, lease: Lease | None, fn: Callable[[], Any],
                stale_if_error: bool) -> Any:
        if has_answer(outcome):
            return outcome.fetched["response"]
        check_upstream(outcome)
        if lease is None:
            return plain(fn()).response
        try:
            with lease:
                computed = fn()
        except BaseException as failure:
            lease.abandon(failure)
            if stale_if_error and isinstance(failure, Exception) and "response" in outcome.fetched:
                outcome.status, outcome.reason = "stale", f"fn failed: {failure}"
                return outcome.fetched["response"]
            raise
        fill(lease, outcome, computed)
        return plain(computed).response

    def fetch_or_compute_stream(
            self, request: str | Mapping[str, Any], fn: Callable[[], Iterator[Any]], *,
            fail_open: bool | None = None, on_restart: Callable[[], None] | None = None,
            error_ttl_ms: int | None = None, on_outcome: OnOutcome | None = None,
            call: CallOptions | None = None, **options: Unpack[FetchOptions]) -> Iterator[Any]:
        """The chunks of the answer: of the cached one, as `fn` yields them, or as another bot's do.

        fn: yields chunks; they are stored as a list when it ends
        on_restart: called when a stream that was followed was cut and begins anew, so that what
            was shown can be taken back; without it that raises Unavailable
        error_ttl_ms: as of fetch_or_compute
        An iterator that is not read to its end gives the lease up.
        """
        client: Client = self  # type: ignore[assignment]
        fetcher = Fetcher(client, call or CallOptions(),
                          client.options.fail_open if fail_open is None else fail_open,
                          error_ttl_ms)
        label = new_label()
        return _stream(fetcher, client, fetch_request(request, options, label), label, fn,
                       Follower(on_restart), on_outcome)


def _stream(fetcher: Fetcher, client: Client, request: Request, label: str,
            fn: Callable[[], Iterator[Any]], follower: Follower,
            on_outcome: OnOutcome | None) -> Iterator[Any]:
    outcome, connection = Outcome(""), None
    try:
        settled: list[tuple[Slot, Connection]] = []
        for index, chunk in client.chunks_of(request, label, fetcher.call, give_back, settled):
            yield from follower.take(index, chunk)
        slot, connection = settled[0]
        if slot.error is not None:
            raise slot.error
        outcome = outcome_of(slot.result)
    except Error as error:
        outcome = fetcher.opened(error, request)
    try:
        if has_answer(outcome):
            yield from follower.rest(outcome.fetched["response"])
        else:
            check_upstream(outcome)
            yield from _computed(fetcher.lease(outcome, connection), outcome, fn, follower)
    finally:
        if on_outcome is not None:
            on_outcome(outcome)


def _computed(lease: Lease | None, outcome: Outcome, fn: Callable[[], Iterator[Any]],
              follower: Follower) -> Iterator[Any]:
    if lease is None:
        follower.restart()
        yield from fn()
        return
    chunks: list[Any] = []
    try:
        follower.restart()
        with lease:
            for chunk in fn():
                chunks.append(chunk)
                _append(lease, outcome, chunk)
                yield chunk
    except BaseException as failure:
        lease.abandon(failure)
        raise
    answer = filling(outcome, chunks)
    if answer is not None:
        fill(lease, outcome, answer)


def _append(lease: Lease, outcome: Outcome, chunk: Any) -> None:
    """When followers cannot be told, they get the whole answer at the end. One that is too large
    goes on to its caller only: the lease is given up at once."""
    if outcome.error is not None:
        return
    try:
        lease.call((APPEND, [lease.token, chunk]))
    except Error as error:
        outcome.error = error
        LOG.warning("a chunk was not passed on: %s", error)
        if isinstance(error, TooLarge):
            lease.abandon(str(error))
