"""Calls: what the generated methods stand on, and what all flavours of a client share.

A subclass decides what a call gives back: the blocking client the value, the asyncio client an
awaitable of it, a pipeline nothing. The five type variables carry that to type checkers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from .generated.flags import FLAGS
from .options import CallOptions

AnyR = TypeVar("AnyR")
BoolR = TypeVar("BoolR")
IntR = TypeVar("IntR")
MapR = TypeVar("MapR")
ListR = TypeVar("ListR")
Key = str | bytes


class Calls(Generic[AnyR, BoolR, IntR, MapR, ListR]):
    """One method to implement; every typed method ends in it."""

    def _call(self, method: str, arguments: list[Any], options: dict[str, Any],
              call: CallOptions | None) -> Any:
        raise NotImplementedError


def parameters(arguments: Iterable[Any], options: Mapping[str, Any]) -> list[Any]:
    """The params of a request: the positional arguments, then a map of the options given."""
    named = {name: value for name, value in options.items() if value is not None}
    return [*arguments, named] if named else [*arguments]


def given(*optional: Any) -> list[Any]:
    """Optional positional arguments up to the first that is absent."""
    present: list[Any] = []
    for value in optional:
        if value is None:
            break
        present.append(value)
    return present


def flat(pairs: Mapping[Any, Any]) -> list[Any]:
    """{a: 1, b: 2} -> [a, 1, b, 2]."""
    return [each for pair in pairs.items() for each in pair]


def is_idempotent(method: str) -> bool:
    """Whether the row says that the command may be sent again. Unknown commands may not."""
    return "idempotent" in FLAGS.get(method.upper(), frozenset())


def may_change(method: str) -> bool:
    """Whether a caller has to find out what happened when no reply came."""
    flags = FLAGS.get(method.upper(), frozenset())
    return "write" in flags or not flags & {"read", "idempotent"}
