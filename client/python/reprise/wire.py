"""MessagePack-RPC as bytes: requests out, messages in. No input or output happens here.

Strings with bytes that are no UTF-8 survive: they come as surrogate escapes and go back as the
same bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgpack

from .errors import Error
from .generated.codes import BY_CODE, BadRequest, Corrupt, TooLarge

REQUEST, RESPONSE, NOTIFICATION = 0, 1, 2
MSGID_MASK = 0xFFFFFFFF
SHAPES = ((4, RESPONSE, int), (3, NOTIFICATION, str))  # fields, kind, msgid or method


class Response(NamedTuple):
    msgid: int
    error: Error | None
    result: Any


class Notification(NamedTuple):
    method: str
    params: list[Any]


Message = Response | Notification


def _pack(message: list[Any]) -> bytes:
    try:
        packed: bytes = msgpack.packb(message, use_bin_type=True, unicode_errors="surrogateescape")
    except Exception as failure:  # Also what the methods of a caller's own classes raise.
        raise BadRequest(f"cannot be sent as MessagePack: {failure}") from failure
    return packed


def request_bytes(msgid: int, method: str, params: list[Any]) -> bytes:
    return _pack([REQUEST, msgid, method, params])


def notification_bytes(method: str, params: list[Any]) -> bytes:
    return _pack([NOTIFICATION, method, params])


def error_from(value: Any) -> Error:
    """[code_name, message, details] as an exception of the class that belongs to the code."""
    if not (isinstance(value, (list, tuple)) and len(value) == 3 and isinstance(value[0], str)):
        return Corrupt(f"an error of the server has no code: {value!r:.200}")
    code, message, details = value
    kind = BY_CODE.get(code)
    made = kind(str(message), details if isinstance(details, dict) else {}) if kind else Error(
        str(message), details if isinstance(details, dict) else {})
    if kind is None:  # A newer server: the code is kept, the family is not known.
        made.__dict__["code"] = code
    return made


class Decoder:
    """Bytes as they come -> messages. What is not the protocol raises Corrupt or TooLarge.

    A reply that Python cannot show (a map with an array as a key, say) is an error of the call that
    asked for it, and of no other.
    """

    def __init__(self, response_bytes_max: int) -> None:
        self._limit = response_bytes_max
        self._bytes: list[bytes] = []  # of the message under way
        self._begin_at(0)

    def _begin_at(self, skipped: int) -> None:
        """A fresh unpacker, for what is behind so many of the bytes."""
        data = b"".join(self._bytes)[skipped:]
        self._unpacker = msgpack.Unpacker(
            raw=False, strict_map_key=False, unicode_errors="surrogateescape",
            max_buffer_size=self._limit)
        self._skimmed: Iterator[Message | None] | None = None
        self._bytes, self._fed = [], 0
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        self._bytes.append(data)
        self._fed += len(data)
        try:
            self._unpacker.feed(data)
        except msgpack.exceptions.BufferFull as failure:
            raise TooLarge(f"a reply is above response_bytes_max ({self._limit})") from failure

    def feed(self, data: bytes) -> Iterator[Message]:
        self._feed(data)
        begin = None
        while True:
            try:
                if self._skimmed is None:
                    value = self._unpacker.unpack()
                    begin = self._unpacker.tell()
                    yield _message(value)
                    continue
            except msgpack.exceptions.OutOfData:
                self._keep_from(begin)
                return
            except (msgpack.exceptions.UnpackException, ValueError, TypeError) as failure:
                self._keep_from(begin)
                self._begin_at(0)
                self._skimmed = self._skim(failure)
            message = next(self._skimmed)
            if message is None:
                return
            self._begin_at(self._unpacker.tell())
            begin = None
            if isinstance(message, Response):
                yield message

    def _keep_from(self, begin: int | None) -> None:
        """A message that ended, ended in the bytes that came last."""
        if begin is not None:
            rest = self._fed - begin
            self._bytes = [self._bytes[-1][-rest:]] if rest else []

    def _skim(self, reason: Exception) -> Iterator[Message | None]:
        """The next message without building its values; None while bytes of it are missing."""
        unpacker, head = self._unpacker, list[Any]()
        steps = deque([unpacker.read_array_header, unpacker.unpack, unpacker.unpack])
        try:
            while steps:
                try:
                    head.append(steps[0]())
                except msgpack.exceptions.OutOfData:
                    yield None
                    continue
                steps.popleft()
                if len(head) == len(SHAPES[0]):
                    if (head[0], head[1], type(head[2])) not in SHAPES:
                        raise ValueError(reason)
                    steps.extend([unpacker.skip] * (head[0] - 2))
        except (msgpack.exceptions.UnpackException, ValueError, TypeError):
            raise Corrupt(f"the server's bytes are not the protocol: {reason}") from reason
        if head[1] == RESPONSE:
            yield Response(head[2], Corrupt(f"the reply cannot be shown in Python: {reason}"), None)
        else:
            yield Notification("", [])


def _message(value: Any) -> Message:
    if isinstance(value, list) and value:
        if value[0] == RESPONSE and len(value) == 4 and isinstance(value[1], int):
            error = None if value[2] is None else error_from(value[2])
            return Response(value[1], error, value[3])
        if (value[0] == NOTIFICATION and len(value) == 3 and isinstance(value[1], str)
                and isinstance(value[2], list)):
            return Notification(value[1], value[2])
    raise Corrupt(f"the server's bytes are not the protocol: {value!r:.100}")


def event_of(message: Notification) -> tuple[str, Any] | None:
    """(channel, event) of EVENT; None for any other notification."""
    if message.method == "EVENT" and len(message.params) == 2:
        channel, event = message.params
        if isinstance(channel, str):
            return channel, event
    return None


def chunk_of(message: Notification) -> tuple[str, int, Any] | None:
    """(stream, index, chunk) of a chunk of an answer that somebody else computes."""
    found = event_of(message)
    if found is None or found[0] != "chunk" or not isinstance(found[1], dict):
        return None
    event = found[1]
    stream, index = event.get("stream"), event.get("index")
    if isinstance(stream, str) and isinstance(index, int):
        return stream, index, event.get("chunk")
    return None
