"""Typed methods of the spend commands.

Generated from client/commands.json by generate.py; do not edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..calls import AnyR, BoolR, Calls, IntR, Key, ListR, MapR, given
from ..options import CallOptions


class SpendCommands(Calls[AnyR, BoolR, IntR, MapR, ListR]):
    """The spend commands."""

    def budget_commit(
            self, reservation: int, actual_nano: int | None, *, usage: Any = None,
            provider: str | None = None, tier: str | None = None, model: str | None = None,
            charge_id: str | None = None, call: CallOptions | None = None) -> MapR:
        """Charges what a call really cost, frees the rest of its reservation, and writes the record
        of the ledger, in one. Sent twice it charges once. More than was reserved is charged as it
        is, and told; so is a commit after the lease was over, for 7 days. Reaching 50, 80 or 95 %
        of a limit is told on the channel budget.

        reservation: as BUDGET.RESERVE gave it
        actual_nano: what the call cost; nil: by `usage`
        usage: a map of input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
            cache_write_1h_tokens, input_audio_tokens, cache_audio_read_tokens,
            output_reasoning_tokens, output_audio_tokens, output_image_tokens, requests,
            web_searches; parts are counted inside input_tokens and output_tokens
        provider: whose price; needed where several have the model
        tier: standard (the default), batch, flex, or what the table has
        model: who really answered; as reserved when not given
        charge_id: names this charge: sent again within 30 days, it is not made again
        Result: {charged_nano, reserved_nano, over_nano: what it cost beyond that, duplicate: it had
        been charged before and nothing was done, late: the lease was over, and the money was free
        for others meanwhile, sequence: of the record in the ledger, exceeded: budgets that are
        above their limit now}.
        """
        return self._call(
                "BUDGET.COMMIT", [reservation, actual_nano], {"usage": usage, "provider": provider,
                "tier": tier, "model": model, "charge_id": charge_id}, call)

    def budget_del(
            self, budget: str, *, namespace: str | None = None,
            call: CallOptions | None = None) -> BoolR:
        """Removes a budget. Reservations that hold its money stay, in their other budgets.

        budget: its name: bot:coder/day
        namespace: whose; the caller's when not given
        Result: true.
        """
        return self._call("BUDGET.DEL", [budget], {"namespace": namespace}, call)

    def budget_release(self, reservation: int, *, call: CallOptions | None = None) -> MapR:
        """Gives the money of a reservation back: the call was not made, or cost nothing.

        reservation: as BUDGET.RESERVE gave it
        Result: {freed_nano: 0 when the lease was over, which had freed it}.
        """
        return self._call("BUDGET.RELEASE", [reservation], {}, call)

    def budget_reserve(
            self, scopes: Sequence[str], amount_nano: int | None, *, usage: Any = None,
            provider: str | None = None, tier: str | None = None, model: str | None = None,
            lease_ms: int | None = None, call: CallOptions | None = None) -> MapR:
        """Holds money for a call in all budgets of its scopes, or in none. What is held counts
        against their limits until it is committed, released, or its lease is over. A hard budget
        refuses what does not fit and says when it may; a soft one only tells.

        scopes: who pays: key:NAME (up to 8), bot:NAME, model:NAME, type:NAME. The namespace,
            `global`, the caller's bot and its access key count always
        amount_nano: the most that the call may cost; nil: by `usage`
        usage: a map of input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
            cache_write_1h_tokens, input_audio_tokens, cache_audio_read_tokens,
            output_reasoning_tokens, output_audio_tokens, output_image_tokens, requests,
            web_searches; parts are counted inside input_tokens and output_tokens
        provider: whose price; needed where several have the model
        tier: standard (the default), batch, flex, or what the table has
        model: the model that answers; the same as the scope model:NAME
        lease_ms: how long the money is held when nobody settles it; 60000 when not given
        Result: {granted, reservation or nil, amount_nano, expires_at_ms or nil, blocked_by: the
        first budget that refuses, or nil, retry_after_ms: when all have room if nothing else
        happens, nil: never, or granted, blocked: [{budget, limit_nano, spent_nano, reserved_nano,
        retry_after_ms}, ...] (figures of the scope global only for administrators), exceeded: soft
        budgets that it would bring above their limit}.
        """
        return self._call(
                "BUDGET.RESERVE", [scopes, amount_nano], {"usage": usage, "provider": provider,
                "tier": tier, "model": model, "lease_ms": lease_ms}, call)

    def budget_set(
            self, scope: str, limit_nano: int, *, period: str | None = None,
            window_ms: int | None = None, timezone: str | None = None, soft: bool | None = None,
            currency: str | None = None, namespace: str | None = None,
            call: CallOptions | None = None) -> MapR:
        """Makes a budget, or changes the limit, the kind and the time zone of the one with this
        scope and period. It counts what is spent from now on; a change keeps what is spent and
        reserved. A limit below that refuses what is new, and takes nothing back.

        scope: key:NAME, bot:NAME, model:NAME, type:NAME, namespace, or global (all namespaces)
        limit_nano: nano-dollars; 0: nothing may be spent
        period: hour, day, month (the default), rolling, or total (never begins anew)
        window_ms: of the period rolling
        timezone: where hour, day and month begin: UTC (the default), +05:30, Europe/Berlin
        soft: refuse nothing, only tell (default: false)
        currency: USD
        namespace: whose; the caller's when not given
        Result: {created, over_nano: spent and reserved beyond the limit, and the fields of
        BUDGET.STATUS}.
        """
        return self._call(
                "BUDGET.SET", [scope, limit_nano], {"period": period, "window_ms": window_ms,
                "timezone": timezone, "soft": soft, "currency": currency, "namespace": namespace},
                call)

    def budget_status(
            self, scopes: Sequence[str] | None = None, *, call: CallOptions | None = None) -> MapR:
        """The budgets of the namespace with what is spent and reserved, and how tight money is for
        a call with these scopes. Budgets of the scope global are shown to administrators.

        scopes: only the budgets that a call with these scopes counts in, as of BUDGET.RESERVE
        Result: {pressure: {used_ppm: spent and reserved of the tightest budget, in millionths of
        its limit, elapsed_ppm: of its period, left_nano: the least that hard budgets have left, or
        nil, budget: the tightest, or nil}, budgets: [{budget: its name, scope, period, window_ms,
        timezone, hard, limit_nano, spent_nano, reserved_nano, reservations, left_nano, used_ppm,
        starts_at_ms, ends_at_ms (nil: never)}, ...]}.
        """
        return self._call("BUDGET.STATUS", [*given(scopes)], {}, call)

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
            self, key: Key, quantity: int, *, limit: int | None = None,
            period_ms: int | None = None, burst: int | None = None, rule: str | None = None,
            algorithm: str | None = None, call: CallOptions | None = None) -> MapR:
        """Charges what was used already and only known behind the call, such as tokens: also when
        it is not free, so that the next calls wait until it is paid off.

        key: whose count it is, such as a user: str or bin; without `rule` and `limit` it is the
            name of a limit, too
        quantity: what was used beyond what was taken; to give back what was taken and not used,
            take with `lease_ms` and use LIMIT.RELEASE
        limit: instead of a name: how much in `period_ms`, or at a time
        period_ms: how long it takes until `limit` is free again
        burst: the most at once (gcra); `limit` when not given
        rule: the name of a limit: of the configuration (rate.limits), or made by LIMIT.SET
        algorithm: gcra (the default): a bucket of `burst` that fills evenly; window: at most
            `limit` in any `period_ms`; concurrency: at most `limit` held at a time, each by a lease
        Result: {limit, remaining, retry_after_ms: until one unit is free, reset_ms: until all is
        free}.
        """
        return self._call(
                "LIMIT.ADJUST", [key, quantity], {"limit": limit, "period_ms": period_ms,
                "burst": burst, "rule": rule, "algorithm": algorithm}, call)

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
            self, key: Key, *, limit: int | None = None, period_ms: int | None = None,
            burst: int | None = None, rule: str | None = None, algorithm: str | None = None,
            quantity: int | None = None, limits: Any = None,
            call: CallOptions | None = None) -> MapR:
        """What LIMIT.TAKE would say; nothing is taken.

        key: whose count it is, such as a user: str or bin; without `rule` and `limit` it is the
            name of a limit, too
        limit: instead of a name: how much in `period_ms`, or at a time
        period_ms: how long it takes until `limit` is free again
        burst: the most at once (gcra); `limit` when not given
        rule: the name of a limit: of the configuration (rate.limits), or made by LIMIT.SET
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
                "LIMIT.PEEK", [key], {"limit": limit, "period_ms": period_ms, "burst": burst,
                "rule": rule, "algorithm": algorithm, "quantity": quantity, "limits": limits}, call)

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
            call: CallOptions | None = None) -> MapR:
        """Makes a named limit of this namespace, or changes it; what was taken of it stays taken.
        Limits of all namespaces stand in the configuration (rate.limits).

        name: letters, digits, dot, dash, underscore; the first a letter or digit
        limit: how much in `period_ms`, or at a time; needed
        period_ms: how long it takes until `limit` is free again
        burst: the most at once (gcra); `limit` when not given
        algorithm: gcra (the default): a bucket of `burst` that fills evenly; window: at most
            `limit` in any `period_ms`; concurrency: at most `limit` held at a time, each by a lease
        lease_ms: of concurrency: how long a lease lives without LIMIT.RENEW; 60000 when not given
        Result: {algorithm, limit, period_ms, burst, lease_ms: nil where the algorithm has none, as
        period_ms and burst}.
        """
        return self._call(
                "LIMIT.SET", [name], {"limit": limit, "period_ms": period_ms, "burst": burst,
                "algorithm": algorithm, "lease_ms": lease_ms}, call)

    def limit_take(
            self, key: Key, *, limit: int | None = None, period_ms: int | None = None,
            burst: int | None = None, rule: str | None = None, algorithm: str | None = None,
            quantity: int | None = None, lease_ms: int | None = None, limits: Any = None,
            call: CallOptions | None = None) -> MapR:
        """Takes of a limit if it allows it, or of several limits: of all of them or of none. A
        limit has a name, or is given with the call; each key has a count of its own. What was
        granted survives restarts; after a crash at most what was granted in the last rate.flush_ms
        is granted twice. No clock that is set grants anything.

        key: whose count it is, such as a user: str or bin; without `rule` and `limit` it is the
            name of a limit, too
        limit: instead of a name: how much in `period_ms`, or at a time
        period_ms: how long it takes until `limit` is free again
        burst: the most at once (gcra); `limit` when not given
        rule: the name of a limit: of the configuration (rate.limits), or made by LIMIT.SET
        algorithm: gcra (the default): a bucket of `burst` that fills evenly; window: at most
            `limit` in any `period_ms`; concurrency: at most `limit` held at a time, each by a lease
        quantity: how much is taken, such as tokens; 1 when not given; 0 is allowed as long as
            nothing is owed
        lease_ms: how long the lease lives that a limit of concurrency gives, instead of what the
            limit says; of other limits: a lease with which LIMIT.RELEASE can put `quantity` right
        limits: several limits, all or none: an array of 1 to 16 maps with `rule`, or `limit`,
            `period_ms`, `burst`, `algorithm`; and `quantity`, and `key` where it is another
        Result: {allowed, limit: as the limit says, remaining: how much could be taken now,
        retry_after_ms: until this quantity is free (0 when it was allowed; -1: never, it is more
        than the limit lets through at once), reset_ms: until all is free}; with a lease also
        {lease, lease_ms}; with `limits` also {blocked_by: the place in `limits` of the one that
        blocks longest, if any, limits: [{rule, allowed, limit, remaining, retry_after_ms,
        reset_ms}, ...]}, and the first five fields are of that one, or of the one that is nearest
        to its end.
        """
        return self._call(
                "LIMIT.TAKE", [key], {"limit": limit, "period_ms": period_ms, "burst": burst,
                "rule": rule, "algorithm": algorithm, "quantity": quantity, "lease_ms": lease_ms,
                "limits": limits}, call)

    def price_import(
            self, file: str, *, replace: bool | None = None,
            call: CallOptions | None = None) -> MapR:
        """Reads a price file into the table of the server, all of it or nothing. Models of earlier
        imports are replaced; what PRICE.SET has set stays.

        file: the JSON text: a list of providers as genai-prices publishes it, or a map as
            conf/prices.toml has it
        replace: remove what earlier imports brought and this file has not (default: false)
        Result: {models, prices: taken over, kept: models that were set by hand, removed,
        skipped_patterns: match rules that are not read here and match nothing}.
        """
        return self._call("PRICE.IMPORT", [file], {"replace": replace}, call)

    def price_list(
            self, *, provider: str | None = None, model: str | None = None,
            after: str | None = None, limit: int | None = None,
            call: CallOptions | None = None) -> MapR:
        """The prices that are known, model by model: those of the namespace, of the server, and of
        the starter table. Of one model the first layer counts; of its prices the latest that holds.

        provider: only of this one
        model: only what this name means
        after: the `next` of the page before
        limit: models of one page; 100 when not given
        Result: {prices: [{provider, model, layer: namespace, server or starter, imported, tier,
        valid_from and valid_until: days or nil, daily: times of day or nil, prices: {item: a
        decimal text, or with steps an array}}, ...], next: give it as `after` for the next page, or
        nil}.
        """
        return self._call(
                "PRICE.LIST", [], {"provider": provider, "model": model, "after": after,
                "limit": limit}, call)

    def price_quote(
            self, model: str, usage: Any, *, provider: str | None = None, tier: str | None = None,
            at_ms: int | None = None, call: CallOptions | None = None) -> MapR:
        """What a call with this usage costs by the table. Exact: the sum of its parts is rounded to
        nano-dollars once, half to even.

        model: its name, or another that means it
        usage: a map of input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
            cache_write_1h_tokens, input_audio_tokens, cache_audio_read_tokens,
            output_reasoning_tokens, output_audio_tokens, output_image_tokens, requests,
            web_searches; parts are counted inside input_tokens and output_tokens
        provider: whose price; needed where several have the model
        tier: standard (the default), batch, flex, or what the table has
        at_ms: when, in milliseconds since 1970; now when not given
        Result: {cost_nano, exact: dollars as a decimal text, input, output, other: its parts,
        provider, model: as the table calls it, tier, valid_from}.
        """
        return self._call(
                "PRICE.QUOTE", [model, usage], {"provider": provider, "tier": tier, "at_ms": at_ms},
                call)

    def price_set(
            self, provider: str, model: str, prices: Any, *, tier: str | None = None,
            valid_from: str | None = None, valid_until: str | None = None, daily: str | None = None,
            aliases: Sequence[str] | None = None, currency: str | None = None,
            namespace: str | None = None, call: CallOptions | None = None) -> MapR:
        """Sets what a model costs from a day on, in one tier; the price of the same tier, day and
        hours is replaced, others stay. A namespace's own prices come before the server's, these
        before the starter table of the installation.

        provider: who sells it
        model: its name
        prices: a map of input, output, cache_read, cache_write, cache_write_1h, input_audio,
            cache_audio_read, output_reasoning, output_audio, output_image (dollars for a million
            tokens), request, web_search (for a thousand). A price is a text "2.50", a number, or
            with steps ["1.25", "above 200000: 2.50"] by input tokens. nil removes
        tier: standard (the default), batch, flex, or any name
        valid_from: the day from which it holds, 2026-11-30 (UTC); ever since, when not given
        valid_until: the day from which it holds no more
        daily: only at this time of day, 00:30-16:30 (UTC)
        aliases: other names of the model; a '*' at the start or end is any letters
        currency: USD
        namespace: only there; for the whole server when not given
        Result: {provider, model, tier}; without prices {provider, model, removed: how many}.
        """
        return self._call(
                "PRICE.SET", [provider, model, prices], {"tier": tier, "valid_from": valid_from,
                "valid_until": valid_until, "daily": daily, "aliases": aliases,
                "currency": currency, "namespace": namespace}, call)

    def spend_record(
            self, amount_nano: int | None, *, usage: Any = None, provider: str | None = None,
            tier: str | None = None, model: str | None = None, scopes: Sequence[str] | None = None,
            strategy: str | None = None, count: int | None = None, charge_id: str | None = None,
            currency: str | None = None, call: CallOptions | None = None) -> MapR:
        """Writes to the ledger what a call cost that had no reservation, or what a strategy saved.
        A call counts in its budgets, and is recorded whatever they say; a saving counts in none.
        With a charge_id it may be sent again, and is recorded once.

        amount_nano: what was spent, or saved; nil: by `usage`
        usage: a map of input_tokens, output_tokens, cache_read_tokens, cache_write_tokens,
            cache_write_1h_tokens, input_audio_tokens, cache_audio_read_tokens,
            output_reasoning_tokens, output_audio_tokens, output_image_tokens, requests,
            web_searches; parts are counted inside input_tokens and output_tokens
        provider: whose price; needed where several have the model
        tier: standard (the default), batch, flex, or what the table has
        model: the model that answers; the same as the scope model:NAME
        scopes: who pays: key:NAME (up to 8), bot:NAME, model:NAME, type:NAME. The namespace,
            `global`, the caller's bot and its access key count always
        strategy: a saving, and what saved it: cache.exact, cache.normalized, cache.semantic,
            routing, batching, deferral, context, compression or tools. Not given: a call that was
            paid for
        count: calls, or occasions of saving, that this is; 1 when not given
        charge_id: names this charge: sent again within 30 days, it is not made again
        currency: USD
        Result: {charged_nano, reserved_nano, over_nano: what it cost beyond that, duplicate: it had
        been charged before and nothing was done, late: the lease was over, and the money was free
        for others meanwhile, sequence: of the record in the ledger, exceeded: budgets that are
        above their limit now}.
        """
        return self._call(
                "SPEND.RECORD", [amount_nano], {"usage": usage, "provider": provider, "tier": tier,
                "model": model, "scopes": scopes, "strategy": strategy, "count": count,
                "charge_id": charge_id, "currency": currency}, call)

    def spend_report(
            self, *, from_: str | None = None, to: str | None = None,
            by: Sequence[str] | None = None, format: str | None = None,
            call: CallOptions | None = None) -> MapR:
        """What calls cost and what strategies saved, by day (UTC), bot, model, type and strategy.
        It adds up the totals of days, which are written with each record. A row of calls has the
        strategy "". The json of [day, strategy] has for each day the strategies with their counts,
        tokens and money saved, and the totals.

        from_: the first day, 2026-11-30 (UTC); 30 days back when not given
        to: the last day; today when not given
        by: what rows are told apart by: day, bot, model, type, strategy; [day, strategy] when not
            given
        format: table (the default): rows as maps; json, csv: one text
        Result: {from, to, by, rows: [{the fields of `by`, calls, tokens_in, tokens_out,
        tokens_cached, cost_nano, savings, tokens_saved_in, tokens_saved_out, cost_saved_nano},
        ...], totals}; json, csv: a str.
        """
        return self._call(
                "SPEND.REPORT", [], {"from": from_, "to": to, "by": by, "format": format}, call)

    def spend_verify(self, *, call: CallOptions | None = None) -> MapR:
        """Walks the ledger of every namespace from its first record, checks the chain of hashes,
        and compares what the records add up to with the totals of days and with what each budget
        says is spent. Keep the heads elsewhere: records up to a head that was noted cannot be
        changed without its hash changing.

        Result: {sound, records, budgets, totals: rows of days that were compared, problem_count,
        problems: the first 16 as texts, heads: [{namespace, sequence, sha256}, ...]}.
        """
        return self._call("SPEND.VERIFY", [], {}, call)
