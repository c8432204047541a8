"""AsyncClient: the asyncio client. A pool of connections, shared by all tasks of one loop.

    async with reprise.AsyncClient("127.0.0.1:7377") as client:
        await client.set("greeting", "hello", ttl_ms=60_000)
        answer = await client.fetch_or_compute("What is RAII?", ask_the_model)
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from types import TracebackType
from typing import Any

from ..calls import parameters
from ..executor import options_from
from ..generated.commands import Commands
from ..options import CallOptions, Circuit, Options
from .connection import Request
from .events import Gap, Handler, Subscriptions
from .executor import Executor
from .fetch import FetchMethods


class AsyncPipeline(Commands[None, None, None, None, None]):
    """Requests that are sent together and answered together: one round trip for all of them.

    Filled by the typed methods or `add`, which give back nothing, then `run`. It may be run again.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.requests: list[Request] = []

    def add(self, method: str, *arguments: Any, **options: Any) -> None:
        self.requests.append((method, parameters(arguments, options)))

    def _call(self, method: str, arguments: list[Any], options: dict[str, Any],
              call: CallOptions | None) -> None:
        self.requests.append((method, parameters(arguments, options)))

    def __len__(self) -> int:
        return len(self.requests)

    async def run(self, *, raise_errors: bool = True,
                  call: CallOptions | None = None) -> list[Any]:
        """The results in order. A request that failed raises, or stands as its Error in the list.

        Without all replies the call fails as a whole; what had been applied by then is unknown.
        """
        if not self.requests:
            return []
        slots = await self._executor.execute(list(self.requests), call or CallOptions())
        if raise_errors:
            for slot in slots:
                if slot.error is not None:
                    raise slot.error
        return [slot.result if slot.error is None else slot.error for slot in slots]


class AsyncClient(Executor, FetchMethods,
                  Commands[Awaitable[Any], Awaitable[bool], Awaitable[int],
                           Awaitable[dict[str, Any]], Awaitable[list[Any]]]):
    """`AsyncClient("tls://host:7377", access_key=..., request_timeout_ms=...)`; see Options."""

    def __init__(self, address: str | Options | None = None, **options: Any) -> None:
        super().__init__(options_from(address, options))
        self._subscriptions = Subscriptions(self._pool, self._options)

    @property
    def options(self) -> Options:
        return self._options

    @property
    def circuit(self) -> Circuit:
        return self._pool.breaker.circuit

    @property
    def connections(self) -> int:
        return self._pool.size

    async def connect(self) -> None:
        """Connects now if there is no connection. The first call would do it as well."""
        await self.call("PING")

    async def call(self, method: str, *arguments: Any, options: Mapping[str, Any] | None = None,
                   call: CallOptions | None = None) -> Any:
        """Any command by its name: await call("SET", "k", "v", options={"ttl_ms": 60_000})."""
        return await self._call(method, list(arguments), dict(options or {}), call)

    async def _call(self, method: str, arguments: list[Any], options: dict[str, Any],
                    call: CallOptions | None) -> Any:
        request = (method, parameters(arguments, options))
        slot = (await self.execute([request], call or CallOptions()))[0]
        if slot.error is not None:
            raise slot.error
        return slot.result

    def pipeline(self) -> AsyncPipeline:
        return AsyncPipeline(self)

    async def subscribe(self, channel: str, handler: Handler, on_gap: Gap | None = None) -> None:
        """Calls (and awaits, if it is a coroutine function) the handler with each event.

        After a lost connection it subscribes again, and then calls `on_gap(channel)`: events may
        have been missed, so whoever keeps a copy throws it away. Errors: NotFound, Forbidden.
        """
        await self._subscriptions.add(channel, handler, on_gap)

    async def unsubscribe(self, channel: str) -> None:
        """Ends all handlers of a channel."""
        await self._subscriptions.remove(channel)

    async def close(self) -> None:
        """Ends all connections; calls under way fail with Unavailable."""
        await self._subscriptions.close()
        await self._pool.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, value: BaseException | None,
                        trace: TracebackType | None) -> None:
        await self.close()
