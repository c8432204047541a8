"""Connection: one connection of the asyncio client, with any number of requests under way.

One task reads. Everything runs on the loop that opened it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from ..connection import NOTIFICATIONS_MAX
from ..errors import Error
from ..generated.codes import Timeout, Unavailable
from ..options import Address, Options, Transport
from ..register import Late, Register, greeting
from ..retry import Failure, now_ms
from ..stream import READ_BYTES, connect_error, lookup_error
from ..tls import check_pin, handshake_error, server_name
from ..wire import (Decoder, Message, Notification, chunk_of, notification_bytes, request_bytes)

LOG = logging.getLogger("reprise")
Request = tuple[str, list[Any]]
CLOSED = "the connection was closed"


class Slot:
    """One request under way. Settled once."""

    __slots__ = ("msgid", "size", "done", "lost", "error", "result", "chunks", "late", "news")

    def __init__(self, msgid: int = 0, size: int = 0) -> None:
        self.msgid = msgid
        self.size = size
        self.done = False
        self.lost = False  # no reply will come
        self.error: Error | None = None
        self.result: Any = None
        self.chunks: deque[Any] = deque()
        self.late: Late | None = None  # gets a result that comes after the slot was given up
        self.news: asyncio.Future[None] | None = None

    def settle(self, error: Error | None, result: Any, lost: bool = False) -> None:
        self.done, self.lost, self.error, self.result = True, lost, error, result
        self.rouse()

    def rouse(self) -> None:
        if self.news is not None and not self.news.done():
            self.news.set_result(None)


class Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
                 options: Options) -> None:
        self._reader, self._writer = reader, writer
        self._decoder = Decoder(options.response_bytes_max)
        self._register: Register[Slot] = Register()
        self._streams: dict[str, Slot] = {}
        self._failure: Error | None = None
        self.notifications: deque[Notification] = deque(maxlen=NOTIFICATIONS_MAX)
        self.on_notification: Callable[[], None] | None = None  # something is in `notifications`
        self.heard_at = now_ms()
        self._task = asyncio.get_running_loop().create_task(self._read())

    @classmethod
    async def open(cls, options: Options, address: Address, context: ssl.SSLContext | None,
                   probe: bool) -> Connection:
        """Connected, authenticated and introduced. Raises Failure, of which nothing was sent."""
        try:
            async with asyncio.timeout(options.connect_timeout_ms / 1000):
                reader, writer = await _connect(options, address, context)
        except Error as error:
            raise Failure(error) from error
        except OSError as failure:  # TimeoutError is one.
            raise Failure(connect_error(options, failure)) from failure
        connection = cls(reader, writer, options)
        deadline = now_ms() + options.connect_timeout_ms
        try:
            for method, params in greeting(options, probe):
                await connection.call(method, params, deadline)
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

    async def call(self, method: str, params: list[Any], deadline: float) -> Any:
        slot = self.start([(method, params)])[0]
        try:
            await self.wait(slot, deadline)
        finally:
            self.give_up(slot)
        if slot.error is not None:
            raise slot.error
        return slot.result

    def start(self, requests: Sequence[Request], stream: str = "") -> list[Slot]:
        """Sends the requests. `stream`: label under which chunks come for the first of them."""
        msgids = [self._register.new_msgid() for _ in requests]
        frames = [request_bytes(msgid, *request) for msgid, request in zip(msgids, requests)]
        if self._failure is not None:
            raise Failure(self._failure)
        slots = [Slot(msgid, len(frame)) for msgid, frame in zip(msgids, frames)]
        for slot in slots:
            self._register.add(slot.msgid, slot)
        if stream:
            self._streams[stream] = slots[0]
        self._writer.write(b"".join(frames))
        return slots

    def notify(self, method: str, params: list[Any]) -> None:
        """Sends what is not answered."""
        if self.is_open:
            self._writer.write(notification_bytes(method, params))

    async def wait(self, slot: Slot, deadline: float, until_chunk: bool = False) -> None:
        """Until the slot is settled (or has a chunk). Raises Failure when no reply came."""
        while not (slot.done or until_chunk and slot.chunks):
            slot.news = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(max(0.0, deadline - now_ms()) / 1000):
                    await slot.news
            except TimeoutError:
                if slot.done:
                    break
                self.give_up(slot)
                raise Failure(Timeout("no reply in time"), sent=True, final=True) from None
        if slot.lost and not slot.chunks:
            raise Failure(slot.error or Unavailable(CLOSED), sent=True)

    def give_up(self, slot: Slot) -> None:
        """The caller does not wait any more; a result that still comes is given to slot.late."""
        self._register.give_up(slot.msgid, slot.late)
        for label in [label for label, each in self._streams.items() if each is slot]:
            del self._streams[label]

    def close(self, error: Error | None = None) -> None:
        self._end(error or Unavailable(CLOSED))

    async def wait_closed(self) -> None:
        try:
            await self._task
        except asyncio.CancelledError:
            if not self._task.cancelled():
                raise
        try:
            async with asyncio.timeout(1):
                await self._writer.wait_closed()
        except OSError:
            pass

    async def _read(self) -> None:
        try:
            while True:
                data = await self._reader.read(READ_BYTES)
                if not data:
                    raise ConnectionResetError("the server closed the connection")
                for message in self._decoder.feed(data):
                    self._dispatch(message)
                self.heard_at = now_ms()
        except OSError as failure:
            self._end(Unavailable(f"the connection was lost: {failure.strerror or failure}"))
        except Error as error:
            self._end(error)
        except Exception as failure:
            self._end(Unavailable(f"the connection was lost: {failure!r}"))
            raise

    def _dispatch(self, message: Message) -> None:
        if isinstance(message, Notification):
            self._notified(message)
        elif message.msgid == 0 and message.error is not None:
            blamed = self._register.blamed(message.error)
            if blamed is not None:
                self._register.waiting.pop(blamed[0]).settle(message.error, None)
        else:
            slot, late = self._register.take(message)
            if slot is not None:
                slot.settle(message.error, message.result)
            elif late is not None:
                late(message.result)

    def _notified(self, message: Notification) -> None:
        chunk = chunk_of(message)
        slot = self._streams.get(chunk[0]) if chunk else None
        if slot is not None and chunk is not None:
            slot.chunks.append(chunk[1:])
            slot.rouse()
            return
        self.notifications.append(message)
        if self.on_notification is not None:
            self.on_notification()

    def _end(self, error: Error) -> None:
        if self._failure is not None:
            return
        self._failure = error
        for slot in list(self._register.waiting.values()):
            slot.settle(error, None, lost=True)
        self._register.waiting.clear()
        self._writer.close()
        if self.on_notification is not None:
            self.on_notification()
        if asyncio.current_task() is not self._task:
            self._task.cancel()


async def _connect(options: Options, address: Address, context: ssl.SSLContext | None
                   ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if address.transport is Transport.UNIX:
        return await asyncio.open_unix_connection(address.path)
    try:
        if context is None:
            reader, writer = await asyncio.open_connection(address.host, address.port)
            plain = writer.get_extra_info("socket")
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return reader, writer
        reader, writer = await asyncio.open_connection(
            address.host, address.port, ssl=context,
            server_hostname=server_name(options.tls, address))
    except socket.gaierror as failure:
        raise lookup_error(address, failure) from failure
    except ssl.SSLError as failure:
        raise handshake_error(address, failure) from failure
    try:
        check_pin(options.tls, writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
    except Error:
        writer.close()
        raise
    return reader, writer
