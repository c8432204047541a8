"""Typed methods of the cache commands.

Generated from client/commands.json by generate.py; do not edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..calls import AnyR, BoolR, Calls, IntR, ListR, MapR, given
from ..options import CallOptions


class CacheCommands(Calls[AnyR, BoolR, IntR, MapR, ListR]):
    """The cache commands."""

    def cache_abandon(
            self, lease: str, *, error: str | None = None, ttl_ms: int | None = None,
            call: CallOptions | None = None) -> MapR:
        """Gives a lease back without an answer: the caller who has waited longest gets it. With an
        error and a time nobody gets it: all are told the error until the time is over.

        lease: as CACHE.FETCH gave it
        error: what went wrong; told to others only with `ttl_ms`
        ttl_ms: the upstream is to be left alone for so long: whoever waits, and whoever asks the
            same meanwhile, is told the error; at most cache.negative_ttl_ms
        Result: {}.
        """
        return self._call("CACHE.ABANDON", [lease], {"error": error, "ttl_ms": ttl_ms}, call)

    def cache_append(self, lease: str, chunk: Any, *, call: CallOptions | None = None) -> MapR:
        """Adds a piece of the answer, which callers who wait with `stream` get at once. Nothing can
        be found before CACHE.FILL; a stream that is cut leaves nothing.

        lease: as CACHE.FETCH gave it
        chunk: any MessagePack value; replayed as it came
        Result: {chunks}: how many there are.
        """
        return self._call("CACHE.APPEND", [lease, chunk], {}, call)

    def cache_calibrate(
            self, pairs: Any, *, type: str | None = None, max_error: float | None = None,
            apply: bool | None = None, replace: bool | None = None,
            call: CallOptions | None = None) -> MapR:
        """Judges labelled pairs of questions as the semantic tier would, keeps them as evidence of
        this namespace and query type, and reports from which probability on answers may be served
        inside the error budget. Pairs that a guard vetoes are never served and say nothing of the
        threshold. The same pair with the same label is evidence once, however often it is given, in
        one call or in several.

        pairs: array of [stored question, asked question, whether the answer of the first serves the
            second], at most 2000; empty: only report
        type: the query type that is calibrated (default general)
        max_error: share of wrong answers that the semantic tier may give; the query type's budget
            when not given; 0: that tier answers nothing
        apply: false: report what these pairs alone would say, and keep nothing; without a pair,
            what is in force (default true)
        replace: true: forget the pairs of earlier calls (default false)
        Result: {pairs: different ones, vetoed, repeated: not counted, for they were given before,
        in this call or an earlier one, serves, threshold: of p_correct, bound: the 99 % upper
        confidence bound of the wrong share from there on, wrong_share: of the pairs seen from there
        on, hit_share: of all pairs, those above, evidence: pairs known of this namespace and type
        from calibration, verification and feedback, before: {serves, threshold, bound} in force
        when the call came}.
        """
        return self._call(
                "CACHE.CALIBRATE", [pairs], {"type": type, "max_error": max_error, "apply": apply,
                "replace": replace}, call)

    def cache_expire(
            self, prompt: str | None, ttl_ms: int, *, identity: Any = None, request: Any = None,
            identity_mode: str | None = None, call: CallOptions | None = None) -> AnyR:
        """Sets the time to live of the entry with exactly this prompt and identity, from now; false
        when there is none. How long it may be stale afterwards does not change.

        prompt: the question, UTF-8; nil when `request` is given
        ttl_ms: time to live, from now
        identity: all besides the prompt that can change the answer: model, system prompt, tools,
            temperature ...; compared exactly, but for the order of keys, the spelling of numbers (1
            and 1.0 are the same) and of Unicode (canonically equivalent text is the same)
        request: a whole chat request in the shape of OpenAI's Chat Completions, OpenAI's Responses
            or Anthropic's Messages, instead of prompt and identity, which are derived from it: the
            prompt is what the user said last, all else that can change the answer is the identity
        identity_mode: what of the request is compared: strict (the default) everything;
            conversation not the earlier turns, so that "and the second one?" may get the answer
            from another conversation; prompt_only nothing but the user's turn, so that the answer
            may be another model's, another persona's or of another format
        Result: bool.
        """
        return self._call(
                "CACHE.EXPIRE", [prompt, ttl_ms], {"identity": identity, "request": request,
                "identity_mode": identity_mode}, call)

    def cache_explain(
            self, prompt: str | None, *, identity: Any = None, request: Any = None,
            identity_mode: str | None = None, type: str | None = None,
            max_age_ms: int | None = None, tier: str | None = None, stale_ok_ms: int | None = None,
            rows: int | None = None, max_error: float | None = None, vector: Any = None,
            conversation: str | None = None, call: CallOptions | None = None) -> MapR:
        """What CACHE.LOOKUP would answer and why: the type and which rule found it, each tier by
        itself, who computes the answer, and the nearest entries with the fields in which their
        identities differ. Counts nothing and changes nothing.

        prompt: the question, UTF-8; nil when `request` is given
        identity: all besides the prompt that can change the answer: model, system prompt, tools,
            temperature ...; compared exactly, but for the order of keys, the spelling of numbers (1
            and 1.0 are the same) and of Unicode (canonically equivalent text is the same)
        request: a whole chat request in the shape of OpenAI's Chat Completions, OpenAI's Responses
            or Anthropic's Messages, instead of prompt and identity, which are derived from it: the
            prompt is what the user said last, all else that can change the answer is the identity
        identity_mode: what of the request is compared: strict (the default) everything;
            conversation not the earlier turns, so that "and the second one?" may get the answer
            from another conversation; prompt_only nothing but the user's turn, so that the answer
            may be another model's, another persona's or of another format
        type: the query type; found by rules when not given
        max_age_ms: older entries are a miss
        tier: the last tier that is tried: exact, normalized, or semantic (the default)
        stale_ok_ms: take an answer that is past its time to live by up to this much, as far as its
            type keeps such answers (stale_ms, which is also the default); 0: none
        rows: how many entries are read in search of the nearest ones (default 10000)
        max_error: share of wrong answers that the semantic tier may give; the query type's budget
            when not given; 0: that tier answers nothing
        vector: bin of little-endian float32: the prompt's vector, where semantic.embedder is
            `client`; any length but zero
        conversation: the conversation that it belongs to: what rollouts of strategies go by
            (STRATEGY.SET); the bot, when none is named
        Result: {status, reason, type, type_reason, kept, ttl_ms, normalized, tier_keys, tiers:
        {name: {mode, status, reason}, of semantic also max_error, threshold, bound: of the wrong
        share from there on, evidence: judged pairs of this namespace and type, considered: [{id,
        embedder, prompt, similarity, p_correct, barred, refused: why the two prompts are not
        compared, or "", guards: [{guard, veto, asked, stored}]}]}, computing: "nobody", "another
        caller" or "failed", nearest: [{id, prompt, model, expires_at_ms, same_prompt, overlap,
        differences: [{path, asked, stored}]}], rows_read, complete}; asked and stored are JSON,
        empty where there is nothing.
        """
        return self._call(
                "CACHE.EXPLAIN", [prompt], {"identity": identity, "request": request,
                "identity_mode": identity_mode, "type": type, "max_age_ms": max_age_ms,
                "tier": tier, "stale_ok_ms": stale_ok_ms, "rows": rows, "max_error": max_error,
                "vector": vector, "conversation": conversation}, call)

    def cache_export(
            self, *, after: str | None = None, limit: int | None = None, type: str | None = None,
            tag: str | None = None, call: CallOptions | None = None) -> MapR:
        """The entries of the namespace, a page at a time: give `next` as `after` until it is nil.
        The order is that of the stored rows: an entry that is not stored anew meanwhile is given
        once, whatever is written and however often the server starts between two pages. Not given:
        what has expired or was invalidated. Nothing is counted or marked as used.

        after: `next` of the page before
        limit: most entries of this page; 100 when not given
        type: only entries of this query type
        tag: only entries with this tag
        Result: {entries: [{id, prompt, identity, response, type, model, tags, tokens_in,
        tokens_out, cost_nano, created_at_ms, expires_at_ms}], next: a cursor, or nil at the end}; a
        page may be empty. An identity or response nested deeper than 60 levels or with more than
        16384 values is given as bin with its MessagePack bytes: identity_packed, response_packed.
        """
        return self._call(
                "CACHE.EXPORT", [], {"after": after, "limit": limit, "type": type, "tag": tag},
                call)

    def cache_feedback(self, hit: int, verdict: str, *, call: CallOptions | None = None) -> MapR:
        """Tells whether a hit of the semantic tier was right. After `bad` this question and its
        close relatives never get that entry again; others still do. Both verdicts count as evidence
        of the query type, and move the probability from which on answers are served.

        hit: the `hit` of CACHE.LOOKUP or CACHE.FETCH
        verdict: good: the answer was right (of `verify`: the model's own answer agrees); bad
        Result: {quarantined}.
        """
        return self._call("CACHE.FEEDBACK", [hit, verdict], {}, call)

    def cache_fetch(
            self, prompt: str | None, *, identity: Any = None, request: Any = None,
            identity_mode: str | None = None, type: str | None = None,
            max_age_ms: int | None = None, tier: str | None = None, stale_ok_ms: int | None = None,
            wait: bool | None = None, wait_ms: int | None = None, lease_ms: int | None = None,
            no_cache: bool | None = None, no_store: bool | None = None,
            only_if_cached: bool | None = None, bypass: bool | None = None,
            stream: str | None = None, replay: str | None = None, max_error: float | None = None,
            vector: Any = None, conversation: str | None = None,
            call: CallOptions | None = None) -> MapR:
        """The stored answer; or a lease, when nobody computes it yet: compute, then CACHE.FILL; or
        the wait for the caller who has the lease. When that one gives up, goes away or does not
        renew in time, the next waiter gets the lease. Where a stale answer is allowed, one caller
        gets the lease and the others that answer. A key without the permission 'write' waits, but
        never gets a lease.

        prompt: the question, UTF-8; nil when `request` is given
        identity: all besides the prompt that can change the answer: model, system prompt, tools,
            temperature ...; compared exactly, but for the order of keys, the spelling of numbers (1
            and 1.0 are the same) and of Unicode (canonically equivalent text is the same)
        request: a whole chat request in the shape of OpenAI's Chat Completions, OpenAI's Responses
            or Anthropic's Messages, instead of prompt and identity, which are derived from it: the
            prompt is what the user said last, all else that can change the answer is the identity
        identity_mode: what of the request is compared: strict (the default) everything;
            conversation not the earlier turns, so that "and the second one?" may get the answer
            from another conversation; prompt_only nothing but the user's turn, so that the answer
            may be another model's, another persona's or of another format
        type: the query type; found by rules when not given
        max_age_ms: older entries are a miss
        tier: the last tier that is tried: exact, normalized, or semantic (the default)
        stale_ok_ms: take an answer that is past its time to live by up to this much, as far as its
            type keeps such answers (stale_ms, which is also the default); 0: none
        wait: false: answer `miss` instead of waiting for another caller (default true)
        wait_ms: answer `timeout` when the answer has not come by then; otherwise the wait lasts
            while somebody computes
        lease_ms: how long a lease lives without CACHE.RENEW (default 60000)
        no_cache: do not take a stored answer; a new one is stored
        no_store: take a stored answer, but never a lease: `bypass` instead
        only_if_cached: a stored answer or `miss`, at once
        bypass: as if there were no cache: always `bypass`
        stream: a label of yours: pieces of an answer that another caller streams arrive as EVENT
            ["chunk", {stream, index, chunk}]; index 0 again means from the start
        replay: how an answer that was streamed is given: chunks (the default): the array of its
            pieces as they were appended; joined: as one answer, as the same API gives it without
            streaming. A response that is no stream is given as it is; bad_request when the stream
            is no answer (stored by CACHE.STORE, which looks at none)
        max_error: share of wrong answers that the semantic tier may give; the query type's budget
            when not given; 0: that tier answers nothing
        vector: bin of little-endian float32: the prompt's vector, where semantic.embedder is
            `client`; any length but zero
        conversation: the conversation that it belongs to: what rollouts of strategies go by
            (STRATEGY.SET); the bot, when none is named
        Result: {status: "hit" or "stale", ... as CACHE.LOOKUP}; {status: "verify", lease, lease_ms,
        ... as CACHE.LOOKUP}: compute, fill, and tell CACHE.FEEDBACK whether the answers agree;
        {status: "lease", lease, lease_ms, type, reason}, with the fields of a stale answer when
        there is one, should the upstream fail; {status: "error", error, retry_after_ms, reason}:
        the upstream failed for another caller, leave it alone for so long; or {status: "miss",
        "bypass" or "timeout", reason}: compute, but there is nothing to fill.
        """
        return self._call(
                "CACHE.FETCH", [prompt], {"identity": identity, "request": request,
                "identity_mode": identity_mode, "type": type, "max_age_ms": max_age_ms,
                "tier": tier, "stale_ok_ms": stale_ok_ms, "wait": wait, "wait_ms": wait_ms,
                "lease_ms": lease_ms, "no_cache": no_cache, "no_store": no_store,
                "only_if_cached": only_if_cached, "bypass": bypass, "stream": stream,
                "replay": replay, "max_error": max_error, "vector": vector,
                "conversation": conversation}, call)

    def cache_fill(
            self, lease: str, response: Any, *, tags: Sequence[str] | None = None,
            ttl_ms: int | None = None, tokens_in: int | None = None, tokens_out: int | None = None,
            cost_nano: int | None = None, model: str | None = None, vector: Any = None,
            call: CallOptions | None = None) -> MapR:
        """Stores the answer that a lease was for, and hands it to everybody who waits for it. An
        empty answer, an error of the upstream and a stream that was cut are refused, and the lease
        stays.

        lease: as CACHE.FETCH gave it
        response: the answer; nil when it was given by CACHE.APPEND: then it is the array of the
            pieces. Beside pieces no other answer than theirs: all of them, or what they are when
            joined
        tags: labels of the entry; at most 32 of at most 128 bytes
        ttl_ms: time to live
        tokens_in: input tokens of the call that made the answer
        tokens_out: output tokens of that call
        cost_nano: price of that call in nano-dollars
        model: who answered; for reports and invalidation, not part of the identity; that of the
            `request` when not given
        vector: bin of little-endian float32: the prompt's vector, where semantic.embedder is
            `client`; any length but zero
        Result: {stored: true, id, tier_keys: {exact, normalized}, expires_at_ms}, or {stored:
        false, reason} when the policies keep no such answer: whoever waits has it all the same.
        """
        return self._call(
                "CACHE.FILL", [lease, response], {"tags": tags, "ttl_ms": ttl_ms,
                "tokens_in": tokens_in, "tokens_out": tokens_out, "cost_nano": cost_nano,
                "model": model, "vector": vector}, call)

    def cache_import(
            self, entries: Any, *, keep_expiry: bool | None = None, replace: bool | None = None,
            default_type: str | None = None, call: CallOptions | None = None) -> MapR:
        """Stores entries as CACHE.EXPORT gives them, each checked as CACHE.STORE does; a bad one
        costs only itself. Skipped are entries that have expired, and those that are there already
        and were not made before: the same import twice stores once. A time to live is never
        lengthened.

        entries: an array of at most 1000 maps: prompt, response (or response_packed), identity (or
            identity_packed), type, model, tags, tokens_in, tokens_out, cost_nano, created_at_ms,
            expires_at_ms; all but the first two may be missing. id is not looked at: an imported
            entry has a new one
        keep_expiry: keep created_at_ms and expires_at_ms (the default); false: as if it were stored
            now, for the time to live of its type
        replace: store also what is there already and was not made before (default: false)
        default_type: the query type of entries with none, or with one that is not configured here
        Result: {stored, skipped, refused: [{index, reason}]}; index counts from 0.
        """
        return self._call(
                "CACHE.IMPORT", [entries], {"keep_expiry": keep_expiry, "replace": replace,
                "default_type": default_type}, call)

    def cache_invalidate(
            self, what: str, value: str | None = None, *, identity: Any = None, request: Any = None,
            identity_mode: str | None = None, dry_run: bool | None = None,
            call: CallOptions | None = None) -> MapR:
        """Voids all entries with a tag, type, model or identity (one model, persona and set of
        tools, whatever was asked), one entry, or all of the namespace; what is stored later is not
        meant. As safe as a stored answer when it replies (store.durability); told on the channel
        invalidation; space comes back in the background.

        what: entry, tag, type, model, identity or all
        value: the prompt of the entry, or the name of the tag, type or model; not for identity and
            all, nor beside `request`
        identity: all besides the prompt that can change the answer: model, system prompt, tools,
            temperature ...; compared exactly, but for the order of keys, the spelling of numbers (1
            and 1.0 are the same) and of Unicode (canonically equivalent text is the same)
        request: a whole chat request in the shape of OpenAI's Chat Completions, OpenAI's Responses
            or Anthropic's Messages, instead of prompt and identity, which are derived from it: the
            prompt is what the user said last, all else that can change the answer is the identity
        identity_mode: what of the request is compared: strict (the default) everything;
            conversation not the earlier turns, so that "and the second one?" may get the answer
            from another conversation; prompt_only nothing but the user's turn, so that the answer
            may be another model's, another persona's or of another format
        dry_run: only say how many entries it would be (not for entry)
        Result: {entries}: how many; one that another invalidation voided a moment ago may be
        counted again.
        """
        return self._call(
                "CACHE.INVALIDATE", [what, *given(value)], {"identity": identity,
                "request": request, "identity_mode": identity_mode, "dry_run": dry_run}, call)

    def cache_log(
            self, *, after: int | None = None, limit: int | None = None, bot: str | None = None,
            type: str | None = None, call: CallOptions | None = None) -> MapR:
        """Decisions of the cache, oldest first: hits with what they saved, misses, bypasses,
        refused fills. cache.log_sample_ppm says how many are recorded, and each record of how many
        it is one (1000000 / sample_ppm); cache.log_keep_ms how long they stay. Records appear
        within a second. Prompts and answers are never recorded.

        after: records behind this position; the oldest when not given
        limit: most records of this page; 100 when not given
        bot: only what this bot asked
        type: only this query type
        Result: {records: [{position, time_ms, decision (hit, stale, miss, bypass, refused), reason,
        tier or nil, id or 0, type, model, bot, tokens_in, tokens_out, cost_nano, sample_ppm}, ...],
        next: give it as `after` for the next page, more: whether that may have records now,
        sample_ppm: of decisions from now on}.
        """
        return self._call(
                "CACHE.LOG", [], {"after": after, "limit": limit, "bot": bot, "type": type}, call)

    def cache_lookup(
            self, prompt: str | None, *, identity: Any = None, request: Any = None,
            identity_mode: str | None = None, type: str | None = None,
            max_age_ms: int | None = None, tier: str | None = None, stale_ok_ms: int | None = None,
            replay: str | None = None, max_error: float | None = None, vector: Any = None,
            conversation: str | None = None, call: CallOptions | None = None) -> MapR:
        """The stored answer to a prompt, or a miss: first by the same text, then by the same text
        but for case, white space and terminal punctuation, then the answer to the same question in
        other words, as long as the error budget allows. `verify` instead of `hit`: ask the model,
        and tell CACHE.FEEDBACK whether the answers agree.

        prompt: the question, UTF-8; nil when `request` is given
        identity: all besides the prompt that can change the answer: model, system prompt, tools,
            temperature ...; compared exactly, but for the order of keys, the spelling of numbers (1
            and 1.0 are the same) and of Unicode (canonically equivalent text is the same)
        request: a whole chat request in the shape of OpenAI's Chat Completions, OpenAI's Responses
            or Anthropic's Messages, instead of prompt and identity, which are derived from it: the
            prompt is what the user said last, all else that can change the answer is the identity
        identity_mode: what of the request is compared: strict (the default) everything;
            conversation not the earlier turns, so that "and the second one?" may get the answer
            from another conversation; prompt_only nothing but the user's turn, so that the answer
            may be another model's, another persona's or of another format
        type: the query type; found by rules when not given
        max_age_ms: older entries are a miss
        tier: the last tier that is tried: exact, normalized, or semantic (the default)
        stale_ok_ms: take an answer that is past its time to live by up to this much, as far as its
            type keeps such answers (stale_ms, which is also the default); 0: none
        replay: how an answer that was streamed is given: chunks (the default): the array of its
            pieces as they were appended; joined: as one answer, as the same API gives it without
            streaming. A response that is no stream is given as it is; bad_request when the stream
            is no answer (stored by CACHE.STORE, which looks at none)
        max_error: share of wrong answers that the semantic tier may give; the query type's budget
            when not given; 0: that tier answers nothing
        vector: bin of little-endian float32: the prompt's vector, where semantic.embedder is
            `client`; any length but zero
        conversation: the conversation that it belongs to: what rollouts of strategies go by
            (STRATEGY.SET); the bot, when none is named
        Result: {status: "hit", "stale" or "verify", tier, id, response, type, age_ms,
        expires_at_ms, tokens_in, tokens_out, cost_nano, model, reason}, of the semantic tier also
        {hit: its number for CACHE.FEEDBACK, similarity, p_correct: the probability that the answer
        is right, bound: of the wrong share of such hits}; or {status: "miss", reason}.
        """
        return self._call(
                "CACHE.LOOKUP", [prompt], {"identity": identity, "request": request,
                "identity_mode": identity_mode, "type": type, "max_age_ms": max_age_ms,
                "tier": tier, "stale_ok_ms": stale_ok_ms, "replay": replay, "max_error": max_error,
                "vector": vector, "conversation": conversation}, call)

    def cache_renew(self, lease: str, *, call: CallOptions | None = None) -> MapR:
        """Says that the answer is still being computed: the lease lives for its whole time again.

        lease: as CACHE.FETCH gave it
        Result: {lease_ms}.
        """
        return self._call("CACHE.RENEW", [lease], {}, call)

    def cache_stats(self, *, by: str | None = None, call: CallOptions | None = None) -> MapR:
        """Entries, and what each query type, model or bot did and saved since the namespace was
        made. The sums over types, over models and over bots are equal. The counters survive
        restarts, and after a crash they agree with CACHE.LOG.

        by: what accounts are shown: type (the default), model (who made the answer; "" where there
            is none), bot (who asked: the label of its access key, or its name in HELLO, or
            `unnamed`)
        Result: {entries, entries_max, bytes, bytes_max, eviction, memory_bytes, types (or models,
        or bots): {name: counters}, total: counters, log: {sample_ppm, pending, recorded, dropped,
        dropped_tokens_in, dropped_tokens_out, dropped_cost_nano}, semantic: {type: {serves: whether
        the tier may answer at all, threshold: of p_correct, bound: of the wrong share above it,
        evidence: judged pairs, verified and verified_wrong: hits that were verified, wrong_share
        with its 95 % interval wrong_share_low to wrong_share_high}}}; counters are {lookups,
        hits_exact, hits_normalized, misses, stores, evictions, tokens_saved_in, tokens_saved_out,
        cost_saved_nano, followers, stale, shadow_hits, shadow_cost_nano, bypasses, misses_expired,
        misses_too_old, misses_invalidated, misses_by_policy, refused_fills, hit_age_ms,
        lookup_micros, follower_wait_ms, hits_semantic, misses_guarded, misses_unsure,
        misses_barred, misses_no_vector, misses_to_verify, misses_template, misses_context,
        misses_too_long, misses_unknown, hit_ages: hits [under a minute, an hour, a day old, older],
        lookup_times: lookups [under 10 us, 100 us, 1 ms, 10 ms, 100 ms, longer]}.
        """
        return self._call("CACHE.STATS", [], {"by": by}, call)

    def cache_store(
            self, prompt: str | None, response: Any, *, identity: Any = None, request: Any = None,
            identity_mode: str | None = None, type: str | None = None,
            tags: Sequence[str] | None = None, ttl_ms: int | None = None,
            tokens_in: int | None = None, tokens_out: int | None = None,
            cost_nano: int | None = None, model: str | None = None, vector: Any = None,
            call: CallOptions | None = None) -> MapR:
        """Stores the answer to a prompt; the same prompt and identity replaces what was there.

        prompt: the question, UTF-8; nil when `request` is given
        response: the answer: any MessagePack value but nil
        identity: all besides the prompt that can change the answer: model, system prompt, tools,
            temperature ...; compared exactly, but for the order of keys, the spelling of numbers (1
            and 1.0 are the same) and of Unicode (canonically equivalent text is the same)
        request: a whole chat request in the shape of OpenAI's Chat Completions, OpenAI's Responses
            or Anthropic's Messages, instead of prompt and identity, which are derived from it: the
            prompt is what the user said last, all else that can change the answer is the identity
        identity_mode: what of the request is compared: strict (the default) everything;
            conversation not the earlier turns, so that "and the second one?" may get the answer
            from another conversation; prompt_only nothing but the user's turn, so that the answer
            may be another model's, another persona's or of another format
        type: the query type; found by rules when not given
        tags: labels of the entry; at most 32 of at most 128 bytes
        ttl_ms: time to live
        tokens_in: input tokens of the call that made the answer
        tokens_out: output tokens of that call
        cost_nano: price of that call in nano-dollars
        model: who answered; for reports and invalidation, not part of the identity; that of the
            `request` when not given
        vector: bin of little-endian float32: the prompt's vector, where semantic.embedder is
            `client`; any length but zero
        Result: {stored: true, id, tier_keys: {exact, normalized}, expires_at_ms}, or {stored:
        false, reason} when the policies keep no answer to this question (see CACHE.TYPES).
        """
        return self._call(
                "CACHE.STORE", [prompt, response], {"identity": identity, "request": request,
                "identity_mode": identity_mode, "type": type, "tags": tags, "ttl_ms": ttl_ms,
                "tokens_in": tokens_in, "tokens_out": tokens_out, "cost_nano": cost_nano,
                "model": model, "vector": vector}, call)

    def cache_types(self, *, call: CallOptions | None = None) -> MapR:
        """The configured query types with their policies.

        Result: {name: {ttl_ms, stale_ms, jitter_percent, sliding, store, response_bytes_max,
        semantic, error_budget_ppm}, ...}.
        """
        return self._call("CACHE.TYPES", [], {}, call)
