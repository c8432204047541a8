"""Which request a reply belongs to, on one connection. Shared by both flavours of a connection.

A reply is given only to the request with its msgid. When a call gives up, its late reply is
expected and dropped; a reply that nobody waits for or gave up means that the two sides disagree,
and raises Corrupt (client/cpp/notes/0003 has the reasons).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from .errors import Error
from .generated.codes import Corrupt
from .options import Options
from .wire import MSGID_MASK, Response

Late = Callable[[Any], None]  # what to do with a result that came too late


class Sized(Protocol):
    size: int


SlotT = TypeVar("SlotT", bound=Sized)


class Register(Generic[SlotT]):
    def __init__(self) -> None:
        self._last_msgid = 0
        self.waiting: dict[int, SlotT] = {}
        self._given_up: dict[int, Late | None] = {}

    def new_msgid(self) -> int:
        """Never 0, under which a server reports what belongs to no request."""
        self._last_msgid = self._last_msgid % MSGID_MASK + 1
        return self._last_msgid

    def add(self, msgid: int, slot: SlotT) -> None:
        self.waiting[msgid] = slot

    def give_up(self, msgid: int, late: Late | None) -> None:
        if self.waiting.pop(msgid, None) is not None:
            self._given_up[msgid] = late

    def take(self, response: Response) -> tuple[SlotT | None, Late | None]:
        """The slot that waits for this reply, or what is to be done with a late one."""
        slot = self.waiting.pop(response.msgid, None)
        if slot is not None:
            return slot, None
        if response.msgid in self._given_up:
            late = self._given_up.pop(response.msgid)
            return None, late if response.error is None else None
        raise Corrupt("the server answered a request that was not made")

    def blamed(self, error: Error) -> tuple[int, Error] | None:
        """Whom an error without a request belongs to: the largest request that is unanswered.

        A server reports a frame that it refuses to read under msgid 0, and closes.
        """
        if not self.waiting:
            return None
        msgid = max(self.waiting, key=lambda each: self.waiting[each].size)
        return msgid, error


def greeting(options: Options, probe: bool) -> list[tuple[str, list[Any]]]:
    """What a new connection sends first, one at a time: AUTH, then HELLO, as client/cpp does.

    `probe`: the server failed before, so that something has to be answered.
    """
    calls: list[tuple[str, list[Any]]] = []
    if options.access_key:
        calls.append(("AUTH", [options.access_key]))
    if options.client_name:
        calls.append(("HELLO", [{"client": options.client_name}]))
    return calls or ([("PING", [])] if probe else [])
