"""Connection: one connection of the blocking client, used by any number of threads at a time.

It starts no thread. Of the threads that wait for a reply one reads, and hands out what comes for
the others; when it has its own reply, the next one reads. Requests carry msgids, so that one that
waits in the server holds nobody up (notes/0001).

Locks: `_lock` guards the fields and is never held during input or output; `_sending` is held while
one frame is written. Deadlines are those of `now_ms`.
"""

from __future__ import annotations

import contextlib
import select
import ssl
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from .errors import Error
from .generated.codes import Timeout, Unavailable
from .options import Address, Options
from .register import Late, Register, greeting
from .retry import Failure, now_ms
from .stream import Stream, connect, readiness
from .wire import (Decoder, Message, Notification, chunk_of, notification_bytes,
                   request_bytes)

Request = tuple[str, list[Any]]
NOTIFICATIONS_MAX = 4096  # between two deliveries; the oldest are dropped
# A connection that nobody read from for longer is looked at before it is used again: a server may
# have closed it, and a request would be sent into nothing.
TRUSTED_IDLE_MS = 5
SHARED_ROOM_MS = 50  # how often a writer looks whether it may read
CLOSED = "the connection was closed"


class OutOfTime(Exception):
    """The deadline passed while a request was being written."""


class Slot:
    """One request under way. Settled once."""

    __slots__ = ("msgid", "size", "done", "lost", "error", "result", "chunks", "wake",
                 "late")

    def __init__(self, msgid: int = 0, size: int = 0) -> None:
        self.msgid = msgid
        self.size = size
        self.done = False
        self.lost = False  # no reply will come
        self.error: Error | None = None
        self.result: Any = None
        self.chunks: deque[Any] = deque()
        self.wake: threading.Event | None = None
        self.late: Late | None = None  # gets a result that comes after the slot was given up

    def settle(self, error: Error | None, result: Any, lost: bool = False) -> None:
        self.done, self.lost, self.error, self.result = True, lost, error, result
        self.rouse()

    def rouse(self) -> None:
        if self.wake is not None:
            self.wake.set()


class Connection:
    def __init__(self, stream: Stream, options: Options) -> None:
        self._stream = stream
        self._decoder = Decoder(options.response_bytes_max)
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._register: Register[Slot] = Register()
        self._streams: dict[str, Slot] = {}
        self._followers: dict[int, Slot] = {}
        self._has_reader = False
        self._users = 0  # threads inside a read or a write; the last one closes the stream
        self._failure: Error | None = None
        self.notifications: deque[Notification] = deque(maxlen=NOTIFICATIONS_MAX)
        self.listener: Slot | None = None  # takes the notifications instead
        self.heard_at = now_ms()

    @classmethod
    def open(cls, options: Options, address: Address, context: ssl.SSLContext | None,
             probe: bool) -> Connection:
        """Connected, authenticated and introduced. Raises Failure, of which nothing was sent."""
        deadline = now_ms() + options.connect_timeout_ms
        try:
            connection = cls(connect(options, address, context, deadline), options)
        except Error as error:
            raise Failure(error) from error
        try:
            for method, params in greeting(options, probe):
                connection.call(method, params, deadline)
            return connection
        except Failure as failure:
            connection.close()
            error = failure.error
            if isinstance(error, Timeout):
                error = Unavailable(f"{options.address} accepts connections and does not answer")
            raise Failure(error) from failure
        except BaseException as failure:
            connection.close()
            if isinstance(failure, Error):
                raise Failure(failure) from failure
            raise

    @property
    def in_flight(self) -> int:
        return len(self._register.waiting)

    @property
    def is_open(self) -> bool:
        return self._failure is None

    def is_usable(self) -> bool:
        """Looks, without waiting, whether the server has closed the connection meanwhile."""
        if self.is_open and now_ms() - self.heard_at > TRUSTED_IDLE_MS and self._enter_reader():
            try:
                self._read(0)
            finally:
                self._leave_reader()
        return self.is_open

    def call(self, method: str, params: list[Any], deadline: float) -> Any:
        slot = self.start([(method, params)], deadline)[0]
        self.wait(slot, deadline)
        if slot.error is not None:
            raise slot.error
        return slot.result

    def start(self, requests: Sequence[Request], deadline: float,
              stream: str = "") -> list[Slot]:
        """Sends the requests. `stream`: label under which chunks come for the first of them."""
        with self._lock:
            msgids = [self._register.new_msgid() for _ in requests]
        frames = [request_bytes(msgid, *request) for msgid, request in zip(msgids, requests)]
        slots = [Slot(msgid, len(frame)) for msgid, frame in zip(msgids, frames)]
        with self._lock:
            if self._failure is not None:
                raise Failure(self._failure)
            for slot in slots:
                self._register.add(slot.msgid, slot)
            if stream:
                self._streams[stream] = slots[0]
        try:
            self._send(b"".join(frames), deadline)
        except BaseException as failure:
            if all(slot.done and not slot.lost for slot in slots):
                return slots  # A server that refuses and closes may have answered first.
            for slot in slots:
                self.give_up(slot)
            if isinstance(failure, Failure):
                refused = next((slot.error for slot in slots if slot.done and not slot.lost), None)
                raise Failure(refused or failure.error, failure.sent, failure.final) from failure
            raise
        return slots

    def notify(self, method: str, params: list[Any]) -> None:
        """Sends what is not answered, as far as that is possible at once."""
        with contextlib.suppress(Failure):
            self._send(notification_bytes(method, params), now_ms() + 1_000)

    def wait(self, slot: Slot, deadline: float, until_chunk: bool = False) -> None:
        """Until the slot is settled (or has a chunk). Raises Failure when no reply came."""
        while True:
            with self._lock:
                settled = slot.done or until_chunk and bool(slot.chunks)
                if settled or self._failure is not None:
                    self._rouse_next()
                    break
                leads = self._try_to_lead()
                if not leads:
                    slot.wake = slot.wake or threading.Event()
                    slot.wake.clear()
                    self._followers[id(slot)] = slot
            if not self._wait_once(slot, leads, deadline):
                self.give_up(slot)
                raise Failure(Timeout("no reply in time"), sent=True, final=True)
        if not settled or slot.lost and not slot.chunks:
            raise Failure(slot.error or self._failure or Unavailable(CLOSED), sent=True)

    def _wait_once(self, slot: Slot, leads: bool, deadline: float) -> bool:
        """False when the time is over."""
        left_ms = deadline - now_ms()
        try:
            if leads and left_ms > 0:
                self._read(left_ms)
            elif left_ms > 0 and slot.wake is not None:
                slot.wake.wait(left_ms / 1000)
        finally:
            if leads:
                self._leave_reader()
            else:
                with self._lock:
                    self._followers.pop(id(slot), None)
                    if left_ms <= 0:
                        self._rouse_next()
        return left_ms > 0

    def give_up(self, slot: Slot) -> None:
        """The caller does not wait any more; a result that still comes is given to slot.late."""
        with self._lock:
            self._register.give_up(slot.msgid, slot.late)
            self._streams = {label: each for label, each in self._streams.items()
                             if each is not slot}

    def close(self, error: Error | None = None) -> None:
        self._end(error or Unavailable(CLOSED))

    # Reading: by whoever has entered as the reader.

    def _try_to_lead(self) -> bool:
        if self._has_reader or self._failure is not None:
            return False
        self._has_reader = True
        self._users += 1
        return True

    def _enter_reader(self) -> bool:
        with self._lock:
            return self._try_to_lead()

    def _leave_reader(self) -> None:
        with self._lock:
            self._has_reader = False
            self._rouse_next()
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            closes = self._users == 0 and self._failure is not None
        if closes:
            self._stream.close()

    def _rouse_next(self) -> None:
        """Somebody who waits has to read when nobody does."""
        if not self._has_reader and self._followers:
            next(iter(self._followers.values())).rouse()

    def _read(self, wait_ms: float) -> None:
        if not readiness(self._stream, select.POLLIN, wait_ms):
            return
        self._take()

    def _take(self) -> None:
        try:
            data = self._stream.read()
            for message in self._decoder.feed(data) if data else ():
                self._dispatch(message)
            self.heard_at = now_ms()
        except OSError as failure:
            self._end(Unavailable(f"the connection was lost: {failure.strerror or failure}"))
        except Error as error:
            self._end(error)
        except Exception as failure:  # Half of what was read is lost; others must not wait for it.
            self._end(Unavailable(f"the connection was lost: {failure!r}"))
            raise

    def _dispatch(self, message: Message) -> None:
        if isinstance(message, Notification):
            self._notified(message)
            return
        with self._lock:
            if message.msgid == 0 and message.error is not None:
                self._blame(message.error)
                return
            slot, late = self._register.take(message)
            if slot is not None:
                slot.settle(message.error, message.result)
        if late is not None:
            late(message.result)

    def _blame(self, error: Error) -> None:
        blamed = self._register.blamed(error)
        if blamed is not None:
            self._register.waiting.pop(blamed[0]).settle(error, None)

    def _notified(self, message: Notification) -> None:
        chunk = chunk_of(message)
        with self._lock:
            slot = self._streams.get(chunk[0]) if chunk else None
            if slot is not None and chunk is not None:
                slot.chunks.append(chunk[1:])
            elif self.listener is not None:
                slot = self.listener
                slot.chunks.append(message)
            else:
                self.notifications.append(message)
            if slot is not None:
                slot.rouse()

    def _end(self, error: Error) -> None:
        with self._lock:
            if self._failure is not None:
                return
            self._failure = error
            for slot in list(self._register.waiting.values()):
                slot.settle(error, None, lost=True)
            self._register.waiting.clear()
            for slot in self._followers.values():
                slot.rouse()
            closes = self._users == 0
        self._stream.shut()
        if closes:
            self._stream.close()

    # Writing.

    @contextlib.contextmanager
    def _writer(self, deadline: float) -> Iterator[None]:
        if not self._sending.acquire(timeout=max(0.0, (deadline - now_ms()) / 1000)):
            raise Failure(Timeout("the connection had no room in time"), final=True)
        try:
            with self._lock:
                if self._failure is not None:
                    raise Failure(self._failure)
                self._users += 1
            try:
                yield
            finally:
                self._leave()
        finally:
            self._sending.release()

    def _send(self, data: bytes, deadline: float) -> None:
        with self._writer(deadline):
            view, written = memoryview(data), 0
            try:
                while written < len(view) or self._stream.backlog:
                    count = self._stream.write(view[written:])
                    written += count
                    if count == 0 and (written < len(view) or self._stream.backlog):
                        self._make_room(deadline)
            except OutOfTime:
                error = Timeout("the server took no request in time")
                if written:  # Half a frame was sent: only a new connection is clean.
                    self._end(Unavailable(error.message))
                raise Failure(error, sent=written > 0, final=True) from None
            except BaseException as failure:
                lost = Unavailable(f"the connection was lost: {failure}")
                if written or isinstance(failure, OSError):
                    self._read_rest()
                    self._end(lost)
                if isinstance(failure, OSError):
                    raise Failure(lost, sent=written > 0) from failure
                raise

    def _make_room(self, deadline: float) -> None:
        """Waits until more can be written; reads meanwhile, as a server that is not read stops."""
        left_ms = deadline - now_ms()
        if left_ms <= 0:
            raise OutOfTime
        if self._failure is not None:
            raise ConnectionAbortedError(self._failure.message)
        if not self._enter_reader():
            readiness(self._stream, select.POLLOUT, min(left_ms, SHARED_ROOM_MS))
            return
        try:
            if readiness(self._stream, select.POLLIN | select.POLLOUT, left_ms) & ~select.POLLOUT:
                self._take()
        finally:
            self._leave_reader()

    def _read_rest(self) -> None:
        """What the server said before it closed."""
        if self._enter_reader():
            try:
                while self.is_open and readiness(self._stream, select.POLLIN, 0):
                    self._take()
            finally:
                self._leave_reader()
