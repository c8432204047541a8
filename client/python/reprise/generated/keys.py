"""Typed methods of the keys commands.

Generated from client/commands.json by generate.py; do not edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..calls import AnyR, BoolR, Calls, IntR, Key, ListR, MapR, flat
from ..options import CallOptions


class KeysCommands(Calls[AnyR, BoolR, IntR, MapR, ListR]):
    """The keys commands."""

    def del_(self, *keys: Key, call: CallOptions | None = None) -> IntR:
        """Removes keys.

        key: the key: str or bin, the same by its bytes
        Result: how many of them were there.
        """
        return self._call("DEL", [*keys], {}, call)

    def exists(self, *keys: Key, call: CallOptions | None = None) -> IntR:
        """Counts which of the keys are there; a key given twice counts twice.

        key: the key: str or bin, the same by its bytes
        Result: the number of keys that are there.
        """
        return self._call("EXISTS", [*keys], {}, call)

    def expire(self, key: Key, ttl_ms: int, *, call: CallOptions | None = None) -> BoolR:
        """Sets or replaces the time to live of a key, from now.

        key: the key: str or bin, the same by its bytes
        ttl_ms: time to live
        Result: true; false when the key is absent.
        """
        return self._call("EXPIRE", [key, ttl_ms], {}, call)

    def get(self, key: Key, *, call: CallOptions | None = None) -> AnyR:
        """The value at a key, or nil when it is absent or expired.

        key: the key: str or bin, the same by its bytes
        Result: the value, or nil.
        """
        return self._call("GET", [key], {}, call)

    def incrby(
            self, key: Key, delta: int, *, ttl_ms: int | None = None,
            call: CallOptions | None = None) -> IntR:
        """Adds to the integer at a key; an absent key counts as 0. The expiry stays unless ttl_ms
        is given. Integers are signed, of 64 bits.

        key: the key: str or bin, the same by its bytes
        delta: what to add; may be negative
        ttl_ms: time to live
        Result: the new integer.
        """
        return self._call("INCRBY", [key, delta], {"ttl_ms": ttl_ms}, call)

    def mget(self, *keys: Key, call: CallOptions | None = None) -> ListR:
        """The values at several keys, in their order, nil where one is absent.

        key: the key: str or bin, the same by its bytes
        Result: an array with a value or nil for each key.
        """
        return self._call("MGET", [*keys], {}, call)

    def mset(
            self, pairs: Mapping[Key, Any], *, ttl_ms: int | None = None,
            call: CallOptions | None = None) -> BoolR:
        """Puts values at several keys, all of them or none.

        key: the key: str or bin, the same by its bytes
        value: any MessagePack value; it is given back as it came
        ttl_ms: time to live
        Result: true.
        """
        return self._call("MSET", [*flat(pairs)], {"ttl_ms": ttl_ms}, call)

    def persist(self, key: Key, *, call: CallOptions | None = None) -> BoolR:
        """Removes the time to live of a key, so that it stays.

        key: the key: str or bin, the same by its bytes
        Result: true when the key was there and had a time to live.
        """
        return self._call("PERSIST", [key], {}, call)

    def scan(
            self, *, prefix: str | None = None, after: str | None = None, limit: int | None = None,
            call: CallOptions | None = None) -> MapR:
        """Keys in byte order, a page at a time: give `next` as `after` until it is nil.

        prefix: only keys that begin so
        after: start behind this key
        limit: most keys of this page; 100 when not given
        Result: {keys: [key, ...], next: the last key, or nil at the end}.
        """
        return self._call("SCAN", [], {"prefix": prefix, "after": after, "limit": limit}, call)

    def set(
            self, key: Key, value: Any, *, ttl_ms: int | None = None, nx: bool | None = None,
            xx: bool | None = None, call: CallOptions | None = None) -> BoolR:
        """Puts a value at a key, with or without a time to live; what was there goes, its expiry
        too.

        key: the key: str or bin, the same by its bytes
        value: any MessagePack value; it is given back as it came
        ttl_ms: time to live
        nx: only when the key is absent
        xx: only when the key is there
        Result: true; false when nx or xx forbade it.
        """
        return self._call("SET", [key, value], {"ttl_ms": ttl_ms, "nx": nx, "xx": xx}, call)

    def ttl(self, key: Key, *, call: CallOptions | None = None) -> AnyR:
        """The milliseconds that a key still lives.

        key: the key: str or bin, the same by its bytes
        Result: milliseconds; -1 when it does not expire; nil when it is absent.
        """
        return self._call("TTL", [key], {}, call)
