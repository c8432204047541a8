"""What fetch_or_compute asks and how it reads the answers. Pure; shared by both flavours."""

from __future__ import annotations

import dataclasses
import itertools
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .errors import Error, ServerError, TransientError, UpstreamFailed
from .generated.codes import BadRequest, Corrupt, TooLarge, Unavailable
from .generated.fetch_options import FetchOptions

LEASE_MS = 60_000  # assumed when a server names none
# How long to wait for another bot that computes, when the caller does not say.
WAIT_MS = 60_000
FETCH, FILL = "CACHE.FETCH", "CACHE.FILL"
RENEW, ABANDON, APPEND = "CACHE.RENEW", "CACHE.ABANDON", "CACHE.APPEND"
ERROR_CHARACTERS_MAX = 500


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a computing function may return instead of the plain response."""

    response: Any
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost_nano: int | None = None  # nano-dollars
    model: str | None = None
    tags: Sequence[str] | None = None
    ttl_ms: int | None = None

    def options(self) -> dict[str, Any]:
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del named["response"]
        return {name: value for name, value in named.items() if value is not None}


@dataclasses.dataclass
class Outcome:
    """What happened in one fetch_or_compute; given to `on_outcome`."""

    # hit, stale, lease, timeout, miss, bypass, error (the upstream failed for another caller), or
    # fail_open: the server did not answer, takes nothing so large, or cannot read the chat request
    status: str
    reason: str = ""
    fetched: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # the reply of CACHE.FETCH
    stored: Mapping[str, Any] | None = None  # the reply of CACHE.FILL
    error: Error | None = None  # why the server did not answer, or did not store


OnOutcome = Callable[[Outcome], None]


@dataclasses.dataclass(frozen=True)
class Times:
    """Of a lease: of each call for it, and how long an error is told to others."""

    call_ms: float
    error_ttl_ms: int | None


def fetch_request(request: str | Mapping[str, Any], options: Mapping[str, Any],
                  stream: str = "") -> tuple[str, list[Any]]:
    """The request of CACHE.FETCH. TypeError for an option that there is not."""
    unknown = options.keys() - FetchOptions.__annotations__.keys()
    if unknown:
        raise TypeError(f"fetch_or_compute has no option {', '.join(sorted(unknown))}")
    named = {name: value for name, value in options.items() if value is not None}
    if named.get("wait", True):
        named.setdefault("wait_ms", WAIT_MS)
    if stream:
        named["stream"] = stream
    if isinstance(request, str):
        return FETCH, [request, named]
    return FETCH, [None, {"request": dict(request), **named}]


def outcome_of(reply: Any) -> Outcome:
    if not isinstance(reply, dict) or not isinstance(reply.get("status"), str):
        raise Corrupt("the reply of CACHE.FETCH has no status")
    status = reply["status"]
    if status in ("hit", "stale") and "response" not in reply:
        raise Corrupt("a hit has no response")
    if status == "lease" and not isinstance(reply.get("lease"), str):
        raise Corrupt("a lease has no token")
    return Outcome(status, str(reply.get("reason", "")), reply)


def check_upstream(outcome: Outcome) -> None:
    """Raises UpstreamFailed when the upstream is to be left alone."""
    if outcome.status == "error":
        after = outcome.fetched.get("retry_after_ms", 0)
        raise UpstreamFailed(str(outcome.fetched.get("error", "")), outcome.fetched,
                             after if isinstance(after, int) else 0)


def has_answer(outcome: Outcome) -> bool:
    return outcome.status in ("hit", "stale")


def lease_of(outcome: Outcome) -> str | None:
    """The token when it is on the caller to compute and to fill."""
    return outcome.fetched["lease"] if outcome.status == "lease" else None


def renew_every_ms(outcome: Outcome) -> float:
    """A third of the lease, so that one lost renewal does no harm."""
    lease_ms = outcome.fetched.get("lease_ms")
    return max(1.0, (lease_ms if isinstance(lease_ms, (int, float)) and lease_ms > 0
                     else LEASE_MS) / 3)


def goes_on(error: Error, request: tuple[str, list[Any]]) -> bool:
    """Whether a bot that fails open goes on without the cache: with what is too large for it, and
    with a chat request that it cannot read, too; not with its own mistakes."""
    if isinstance(error, BadRequest):
        return request[1][0] is None  # No prompt, but a chat request: of an image only, say.
    return isinstance(error, (TransientError, ServerError, TooLarge)) or type(error) is Error


def plain(computed: Any) -> Answer:
    return computed if isinstance(computed, Answer) else Answer(computed)


def fill_request(lease: str, answer: Answer) -> tuple[str, list[Any]]:
    options = answer.options()
    return FILL, [lease, answer.response, options] if options else [lease, answer.response]


def _said(failure: BaseException) -> str:
    name = type(failure).__name__
    try:
        return f"{name}: {failure}"
    except Exception:  # A failure that cannot be told gives its lease up like any other.
        return name


def abandon_params(lease: str, reason: BaseException | str,
                   error_ttl_ms: int | None = None) -> list[Any]:
    """With `error_ttl_ms` an error of `fn` is told to all who ask the same meanwhile."""
    text = reason if isinstance(reason, str) else _said(reason)
    cut = text[:ERROR_CHARACTERS_MAX].encode("utf-8", "replace").decode("utf-8")
    options: dict[str, Any] = {"error": cut}
    if error_ttl_ms is not None and isinstance(reason, Exception):
        options["ttl_ms"] = error_ttl_ms
    return [lease, options]


def filling(outcome: Outcome, chunks: list[Any]) -> Answer | None:
    """What CACHE.FILL is given for a stream: nil where all chunks were appended; nothing at all
    where one was too large or too many, as all of them are then."""
    if isinstance(outcome.error, TooLarge):
        return None
    return Answer(None if chunks and outcome.error is None else chunks)


def late_lease(reply: Any) -> str | None:
    """The token of a lease that came when nobody waited any more: it has to be given back."""
    if isinstance(reply, dict) and reply.get("status") == "lease":
        return reply.get("lease") if isinstance(reply.get("lease"), str) else None
    return None


_LABELS = itertools.count(1)
_PROCESS = secrets.token_hex(6)


def new_label() -> str:
    """Names a stream of chunks; unique among all connections."""
    return f"{_PROCESS}-{next(_LABELS)}"


class Follower:
    """What a follower of a stream has passed on, and what is still to come.

    A holder that goes away is followed by another one, whose chunks begin anew.
    """

    def __init__(self, on_restart: Callable[[], None] | None) -> None:
        self._on_restart = on_restart
        self._passed: list[Any] = []
        self._complete = True  # no chunk was missed so far

    def restart(self) -> None:
        if not self._passed:
            return
        if self._on_restart is None:
            raise Unavailable(f"the stream was cut after {len(self._passed)} chunks and begins "
                              "anew; give on_restart to go on")
        self._passed = []
        self._on_restart()

    def take(self, index: int, chunk: Any) -> list[Any]:
        """What to pass on for a chunk that came."""
        if index == 0:
            self.restart()
            self._complete = True
        if index != len(self._passed) or not self._complete:
            self._complete = False  # The final answer brings what is missing.
            return []
        self._passed.append(chunk)
        return [chunk]

    def rest(self, response: Any) -> list[Any]:
        """What of the final answer was not passed on yet.

        All of it, when it does not begin with what was: somebody else computed another one.
        """
        chunks = response if isinstance(response, list) else [response]
        if chunks[:len(self._passed)] != self._passed:
            self.restart()
        return chunks[len(self._passed):]
