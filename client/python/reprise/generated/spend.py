"""Typed methods of the spend commands.

Generated from client/commands.json by generate.py; do not edit.
"""

from __future__ import annotations

from typing import Any

from ..calls import AnyR, BoolR, Calls, IntR, Key, ListR, MapR
from ..options import CallOptions


class SpendCommands(Calls[AnyR, BoolR, IntR, MapR, ListR]):
    """The spend commands."""

    def limit_acquire(
            self, key: Key, *, rule: str | None = None, limit: int | None = None,
            quantity: int | None = None, lease_ms: int | None = None,
            call: CallOptions | None = None) -> MapR:
        """Takes a place of a limit of concurrency. It is held by a lease until LIMIT.RELEASE, or
        until the lease ends by itself. LIMIT.TAKE does the same together with other limits.

        key: whose count it is, such as a user: str or bin; without `rule` and `limit` it is the
            name of a limit, too
        rule: the name of a limit: of the configuration (rate.limits), or made by LIMIT.SET
        limit: instead of a name: how much at a time
        quantity: how many places; 1 when not given
        lease_ms: how long the lease lives without LIMIT.RENEW, instead of what the limit says
        Result: {allowed, limit, remaining, retry_after_ms: until a place is free at the latest,
        reset_ms: until all are free at the latest}; when it was allowed also {lease, lease_ms}.
        """
        return self._call(
                "LIMIT.ACQUIRE", [key], {"rule": rule, "limit": limit, "quantity": quantity,
                "lease_ms": lease_ms}, call)

    def limit_adjust(
            self, key: Key, quantity: int, *, rule: str | None = None, limit: int | None = None,
            period_ms: int | None = None, burst: int | None = None, algorithm: str | None = None,
            call: CallOptions | None = None) -> MapR:
        """Charges what was used already and only known behind the call, such as tokens: also when
        it is not free, so that the next calls wait until it is paid off.

        key: whose count it is, such as a user: str or bin; without `rule` and `limit` it is the
            name of a limit, too
        quantity: what was used beyond what was taken; to give back what was taken and not used,
            take with `lease_ms` and use LIMIT.RELEASE
        rule: the name of a limit: of the configuration (rate.limits), or made by LIMIT.SET
        limit: instead of a name: how much in `period_ms`, or at a time
        period_ms: how long it takes until `limit` is free again
        burst: the most at once (gcra); `limit` when not given
        algorithm: gcra (the default): a bucket of `burst` that fills evenly; window: at most
            `limit` in any `period_ms`; concurrency: at most `limit` held at a time, each by a lease
        Result: {limit, remaining, retry_after_ms: until one unit is free, reset_ms: until all is
        free}.
        """
        return self._call(
                "LIMIT.ADJUST", [key, quantity], {"rule": rule, "limit": limit,
                "period_ms": period_ms, "burst": burst, "algorithm": algorithm}, call)

    def limit_del(self, name: str, *, call: CallOptions | None = None) -> BoolR:
        """Removes a named limit of this namespace. What was taken of it is remembered until it
        would be free again, should a limit of this name come back.

        name: as LIMIT.SET made it
        Result: true; false when there was none of this name.
        """
        return self._call("LIMIT.DEL", [name], {}, call)

    def limit_list(self, *, call: CallOptions | None = None) -> ListR:
        """The named limits that hold in this namespace, by name.

        Result: [{name, from: configuration or namespace, algorithm, limit, period_ms, burst,
        lease_ms}, ...].
        """
        return self._call("LIMIT.LIST", [], {}, call)

    def limit_peek(
            self, key: Key, *, rule: str | None = None, limit: int | None = None,
            period_ms: int | None = None, burst: int | None = None, algorithm: str | None = None,
            quantity: int | None = None, limits: Any = None,
            call: CallOptions | None = None) -> MapR:
        """What LIMIT.TAKE would say; nothing is taken.

        key: whose count it is, such as a user: str or bin; without `rule` and `limit` it is the
            name of a limit, too
        rule: the name of a limit: of the configuration (rate.limits), or made by LIMIT.SET
        limit: instead of a name: how much in `period_ms`, or at a time
        period_ms: how long it takes until `limit` is free again
        burst: the most at once (gcra); `limit` when not given
        algorithm: gcra (the default): a bucket of `burst` that fills evenly; window: at most
            `limit` in any `period_ms`; concurrency: at most `limit` held at a time, each by a lease
        quantity: how much is taken, such as tokens; 1 when not given; 0 is allowed as long as
            nothing is owed
        limits: several limits, all or none: an array of 1 to 16 maps with `rule`, or `limit`,
            `period_ms`, `burst`, `algorithm`; and `quantity`, and `key` where it is another
        Result: {allowed, limit, remaining, retry_after_ms, reset_ms}, and with `limits` also
        {blocked_by, limits}, as LIMIT.TAKE.
        """
        return self._call(
                "LIMIT.PEEK", [key], {"rule": rule, "limit": limit, "period_ms": period_ms,
                "burst": burst, "algorithm": algorithm, "quantity": quantity, "limits": limits},
                call)

    def limit_release(
            self, lease: str, *, quantity: int | None = None,
            call: CallOptions | None = None) -> MapR:
        """Ends a lease of LIMIT.TAKE or LIMIT.ACQUIRE: its places of limits of concurrency are
        free, and what it took of others can be put right now that it is known.

        lease: as LIMIT.TAKE or LIMIT.ACQUIRE gave it
        quantity: what was really used of the limits that were taken with a `quantity`: more is
            charged, also when it is not free; less is given back as far as that cannot grant more
            than the limit
        Result: {given_back, charged}: by how much the quantity was put right; of several limits the
        least. Behind a restart nothing is given back.
        """
        return self._call("LIMIT.RELEASE", [lease], {"quantity": quantity}, call)

    def limit_renew(
            self, lease: str, *, lease_ms: int | None = None,
            call: CallOptions | None = None) -> MapR:
        """Gives a lease of LIMIT.TAKE or LIMIT.ACQUIRE its whole time once more.

        lease: as LIMIT.TAKE or LIMIT.ACQUIRE gave it
        lease_ms: how long from now; as long as before when not given
        Result: {lease_ms}.
        """
        return self._call("LIMIT.RENEW", [lease], {"lease_ms": lease_ms}, call)

    def limit_set(
            self, name: str, *, limit: int | None = None, period_ms: int | None = None,
            burst: int | None = None, algorithm: str | None = None, lease_ms: int | None = None,
            call: CallOptions | None = None) -> AnyR:
        """Makes a named limit of this namespace, or changes it; what was taken of it stays taken.
        Limits of all namespaces stand in the configuration (rate.limits).

        name: letters, digits, dot, dash, underscore; the first a letter or digit
        limit: how much in `period_ms`, or at a time; needed
        period_ms: how long it takes until `limit` is free again
        burst: the most at once (gcra); `limit` when not given
        algorithm: gcra (the default): a bucket of `burst` that fills evenly; window: at most
            `limit` in any `period_ms`; concurrency: at most `limit` held at a time, each by a lease
        lease_ms: of concurrency: how long a lease lives without LIMIT.RENEW; 60000 when not given
        Result: {algorithm, limit, period_ms, burst, lease_ms}, nil where the algorithm has none.
        """
        return self._call(
                "LIMIT.SET", [name], {"limit": limit, "period_ms": period_ms, "burst": burst,
                "algorithm": algorithm, "lease_ms": lease_ms}, call)

    def limit_take(
            self, key: Key, *, rule: str | None = None, limit: int | None = None,
            period_ms: int | None = None, burst: int | None = None, algorithm: str | None = None,
            quantity: int | None = None, lease_ms: int | None = None, limits: Any = None,
            call: CallOptions | None = None) -> AnyR:
        """Takes of a limit if it allows it, or of several limits: of all of them or of none. A
        limit has a name, or is given with the call; each key has a count of its own. What was
        granted survives restarts; after a crash at most what was granted in the last rate.flush_ms
        is granted twice. No clock that is set grants anything.

        key: whose count it is, such as a user: str or bin; without `rule` and `limit` it is the
            name of a limit, too
        rule: the name of a limit: of the configuration (rate.limits), or made by LIMIT.SET
        limit: instead of a name: how much in `period_ms`, or at a time
        period_ms: how long it takes until `limit` is free again
        burst: the most at once (gcra); `limit` when not given
        algorithm: gcra (the default): a bucket of `burst` that fills evenly; window: at most
            `limit` in any `period_ms`; concurrency: at most `limit` held at a time, each by a lease
        quantity: how much is taken, such as tokens; 1 when not given; 0 is allowed as long as
            nothing is owed
        lease_ms: how long the lease lives that a limit of concurrency gives, instead of what the
            limit says; of other limits: a lease with which LIMIT.RELEASE can put `quantity` right
        limits: several limits, all or none: an array of 1 to 16 maps with `rule`, or `limit`,
            `period_ms`, `burst`, `algorithm`; and `quantity`, and `key` where it is another
        Result: {allowed, limit: as the limit says, remaining: how much could be taken now,
        retry_after_ms: until this quantity is free (0 when it was allowed), reset_ms: until all is
        free}; with a lease also {lease, lease_ms}; with `limits` also {blocked_by: the place in
        `limits` of the one that blocks longest, or nil, limits: [{rule, allowed, limit, remaining,
        retry_after_ms, reset_ms}, ...]}, and the first five fields are of that one, or of the one
        that is nearest to its end.
        """
        return self._call(
                "LIMIT.TAKE", [key], {"rule": rule, "limit": limit, "period_ms": period_ms,
                "burst": burst, "algorithm": algorithm, "quantity": quantity, "lease_ms": lease_ms,
                "limits": limits}, call)
