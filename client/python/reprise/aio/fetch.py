"""fetch_or_compute of the asyncio client: fetch, compute, renew, fill, abandon, and streams."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Unpack

from ..errors import Error
from ..generated.codes import TooLarge
from ..generated.fetch_options import FetchOptions
from ..options import CallOptions
from ..retry import Failure, error_for, now_ms
from ..single_flight import (ABANDON, APPEND, RENEW, Follower, OnOutcome, Outcome, Times,
                             abandon_params, check_upstream, fetch_request, fill_request, filling,
                             goes_on, has_answer, late_lease, lease_of, new_label, outcome_of,
                             plain, renew_every_ms)
from .connection import Connection, Request, Slot
from .executor import closing

if TYPE_CHECKING:
    from .client import AsyncClient

LOG = logging.getLogger("reprise")


class Lease:
    """A lease on the connection that got it: the server takes it back when that one is lost."""

    def __init__(self, connection: Connection, token: str, outcome: Outcome, times: Times) -> None:
        self.connection = connection
        self.token = token
        self._timeout_ms = times.call_ms
        self._error_ttl_ms = times.error_ttl_ms
        self._every_ms = renew_every_ms(outcome)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Lease:
        self._task = asyncio.get_running_loop().create_task(self._renew())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def call(self, request: Request) -> Any:
        """Raises Error."""
        try:
            return await self.connection.call(*request, now_ms() + self._timeout_ms)
        except Failure as failure:
            raise error_for(failure, [request[0]]) from None

    def abandon(self, failure: BaseException | str) -> None:
        """Told without waiting for an answer: whoever waits for the answer goes first."""
        self.connection.notify(ABANDON, abandon_params(self.token, failure, self._error_ttl_ms))

    async def _renew(self) -> None:
        """Told without waiting for an answer: of a lease that is lost, the fill will tell."""
        while self.connection.is_open:
            await asyncio.sleep(self._every_ms / 1000)
            self.connection.notify(RENEW, [self.token])


class Fetcher:
    """One fetch_or_compute."""

    def __init__(self, client: AsyncClient, call: CallOptions, fail_open: bool,
                 error_ttl_ms: int | None) -> None:
        self._client = client
        self.call = call
        self._fail_open = fail_open
        self._error_ttl_ms = error_ttl_ms

    async def fetch(self, request: Request) -> tuple[Outcome, Connection | None]:
        """With `fail_open` a server that is down is an outcome, too."""
        try:
            slots, connection = await self._client.execute_on([request], self.call, give_back)
            if slots[0].error is not None:
                raise slots[0].error
            return outcome_of(slots[0].result), connection
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


async def computed_by(fn: Callable[[], Any]) -> Any:
    result = fn()
    return await result if inspect.isawaitable(result) else result


async def fill(lease: Lease, outcome: Outcome, computed: Any) -> None:
    """An answer that could not be stored is an answer all the same."""
    try:
        outcome.stored = await lease.call(fill_request(lease.token, plain(computed)))
    except Error as error:
        outcome.error = error
        LOG.warning("an answer was not stored: %s", error)
        lease.abandon(str(error))


class FetchMethods:
    """Mixed into AsyncClient."""

    async def fetch_or_compute(
            self, request: str | Mapping[str, Any], fn: Callable[[], Awaitable[Any] | Any], *,
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
        if inspect.isasyncgenfunction(fn) or inspect.isgeneratorfunction(fn):
            raise TypeError("fn is a generator; use fetch_or_compute_stream")
        client: AsyncClient = self  # type: ignore[assignment]
        fetcher = Fetcher(client, call or CallOptions(),
                          client.options.fail_open if fail_open is None else fail_open,
                          error_ttl_ms)
        outcome, connection = await fetcher.fetch(fetch_request(request, options))
        try:
            return await self._answer(outcome, fetcher.lease(outcome, connection), fn,
                                      stale_if_error)
        finally:
            if on_outcome is not None:
                on_outcome(outcome)

    @staticmethod
    async def _answer(outcome: Outcome, lease: Lease | None, fn: Callable[[], Any],
                      stale_if_error: bool) -> Any:
        if has_answer(outcome):
            return outcome.fetched["response"]
        check_upstream(outcome)
        if lease is None:
            return plain(await computed_by(fn)).response
        try:
            async with lease:
                computed = await computed_by(fn)
        except BaseException as failure:
            lease.abandon(failure)
            if stale_if_error and isinstance(failure, Exception) and "response" in outcome.fetched:
                outcome.status, outcome.reason = "stale", f"fn failed: {failure}"
                return outcome.fetched["response"]
            raise
        await fill(lease, outcome, computed)
        return plain(computed).response

    def fetch_or_compute_stream(
            self, request: str | Mapping[str, Any], fn: Callable[[], AsyncIterator[Any]], *,
            fail_open: bool | None = None, on_restart: Callable[[], None] | None = None,
            error_ttl_ms: int | None = None, on_outcome: OnOutcome | None = None,
            call: CallOptions | None = None, **options: Unpack[FetchOptions]) -> AsyncIterator[Any]:
        """The chunks of the answer: of the cached one, as `fn` yields them, or as another bot's do.

        fn: yields chunks; they are stored as a list when it ends
        on_restart: called when a stream that was followed was cut and begins anew, so that what
            was shown can be taken back; without it that raises Unavailable
        error_ttl_ms: as of fetch_or_compute
        An iterator that is closed (`aclose`) before its end gives the lease up.
        """
        client: AsyncClient = self  # type: ignore[assignment]
        fetcher = Fetcher(client, call or CallOptions(),
                          client.options.fail_open if fail_open is None else fail_open,
                          error_ttl_ms)
        label = new_label()
        return _stream(fetcher, client, fetch_request(request, options, label), label, fn,
                       Follower(on_restart), on_outcome)


async def _stream(fetcher: Fetcher, client: AsyncClient, request: Request, label: str,
                  fn: Callable[[], AsyncIterator[Any]], follower: Follower,
                  on_outcome: OnOutcome | None) -> AsyncIterator[Any]:
    outcome, connection = Outcome(""), None
    try:
        settled: list[tuple[Slot, Connection]] = []
        coming = client.chunks_of(request, label, fetcher.call, give_back, settled)
        async with closing(coming):
            async for index, chunk in coming:
                for each in follower.take(index, chunk):
                    yield each
        slot, connection = settled[0]
        if slot.error is not None:
            raise slot.error
        outcome = outcome_of(slot.result)
    except Error as error:
        outcome = fetcher.opened(error, request)
    try:
        if has_answer(outcome):
            for each in follower.rest(outcome.fetched["response"]):
                yield each
            return
        check_upstream(outcome)
        computed = _computed(fetcher.lease(outcome, connection), outcome, fn, follower)
        async with closing(computed):
            async for each in computed:
                yield each
    finally:
        if on_outcome is not None:
            on_outcome(outcome)


async def _computed(lease: Lease | None, outcome: Outcome, fn: Callable[[], AsyncIterator[Any]],
                    follower: Follower) -> AsyncIterator[Any]:
    if lease is None:
        follower.restart()
        made = fn()
        async with closing(made):
            async for chunk in made:
                yield chunk
        return
    chunks: list[Any] = []
    try:
        follower.restart()
        made = fn()
        async with lease, closing(made):
            async for chunk in made:
                chunks.append(chunk)
                await _append(lease, outcome, chunk)
                yield chunk
    except BaseException as failure:
        lease.abandon(failure)
        raise
    answer = filling(outcome, chunks)
    if answer is not None:
        await fill(lease, outcome, answer)


async def _append(lease: Lease, outcome: Outcome, chunk: Any) -> None:
    """When followers cannot be told, they get the whole answer at the end. One that is too large
    goes on to its caller only: the lease is given up at once."""
    if outcome.error is not None:
        return
    try:
        await lease.call((APPEND, [lease.token, chunk]))
    except Error as error:
        outcome.error = error
        LOG.warning("a chunk was not passed on: %s", error)
        if isinstance(error, TooLarge):
            lease.abandon(str(error))
