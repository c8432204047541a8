"""Which connection of a pool serves the next request. Pure; shared by both flavours of a client."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Protocol, TypeVar

from .options import PoolOptions


class Loaded(Protocol):
    @property
    def in_flight(self) -> int: ...

    @property
    def is_open(self) -> bool: ...


class Otherwise(enum.Enum):
    OPEN = "open one more"
    WAIT = "wait for room"


ConnectionT = TypeVar("ConnectionT", bound=Loaded)


def choose(connections: Sequence[ConnectionT], opening: int,
           limits: PoolOptions) -> ConnectionT | Otherwise:
    """An idle one, used last, so that few stay warm; else a new one; else the least loaded."""
    alive = [each for each in connections if each.is_open]
    for each in reversed(alive):
        if each.in_flight == 0:
            return each
    if len(alive) + opening < limits.connections_max:
        return Otherwise.OPEN
    least = min(alive, key=lambda each: each.in_flight, default=None)
    return least if least is not None and least.in_flight < limits.window else Otherwise.WAIT
