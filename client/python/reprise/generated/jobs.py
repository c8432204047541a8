"""Typed methods of the jobs commands.

Generated from client/commands.json by generate.py; do not edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..calls import AnyR, BoolR, Calls, IntR, ListR, MapR, given
from ..options import CallOptions


class JobsCommands(Calls[AnyR, BoolR, IntR, MapR, ListR]):
    """The jobs commands."""

    def batch_beat(
            self, worker: str, *, lease_ms: int | None = None,
            call: CallOptions | None = None) -> MapR:
        """The heartbeat of a worker: starts the time of all its leases of this namespace anew.

        worker: the worker's name, for BATCH.BEAT and BATCH.STATS
        lease_ms: how long the worker has the batch from now on; jobs.lease_ms when not given
        Result: {leases}: how many it holds.
        """
        return self._call("BATCH.BEAT", [worker], {"lease_ms": lease_ms}, call)

    def batch_cancel(self, ticket: str, *, call: CallOptions | None = None) -> MapR:
        """Cancels a task that waits or runs; a worker that has it is told when it completes. Tasks
        that wait for it (`after`) are canceled, too. Answered when it is durable.

        ticket: as BATCH.SUBMIT gave it
        Result: {canceled, status}; canceled is false when the task had ended before.
        """
        return self._call("BATCH.CANCEL", [ticket], {}, call)

    def batch_classify(self, text: str, *, call: CallOptions | None = None) -> MapR:
        """The category that a task with this text would get; empty while BATCH.TRAIN was never
        called.

        text: as in the payload or `text` of a task
        Result: {category, score, margin}: score above 0 means that the category claims the text,
        margin is the distance to the next one.
        """
        return self._call("BATCH.CLASSIFY", [text], {}, call)

    def batch_complete(
            self, lease: str, ticket: str | None = None, *, result: Any = None, usage: Any = None,
            cost_nano: int | None = None, items: Any = None,
            call: CallOptions | None = None) -> MapR:
        """Hands in the result of an item, or of several. Each result is taken once: after the end
        of the lease, a cancel, or a second time it is refused, and the error says why. Answered
        when it is durable.

        lease: as BATCH.TAKE gave it
        ticket: of the item; nil when `items` are given
        result: any value; at most jobs.payload_bytes_max
        usage: what the call used, as the provider says it; any value
        cost_nano: what was paid for the item, in nano-dollars
        items: several items at once, all of them or none: [{ticket, result, usage, cost_nano},
            ...], at most 1000
        Result: {completed, filled}: how many, and how many went into the cache as their `fill`
        asked.
        """
        return self._call(
                "BATCH.COMPLETE", [lease, *given(ticket)], {"result": result, "usage": usage,
                "cost_nano": cost_nano, "items": items}, call)

    def batch_dead(
            self, action: str, *, tickets: Sequence[str] | None = None, after: str | None = None,
            limit: int | None = None, call: CallOptions | None = None) -> AnyR:
        """Dead letters: tasks that failed as often as they may, or for good. They are kept for
        jobs.dead_ttl_ms, at most jobs.dead_max of them.

        action: list, replay (try again from the start) or purge (give up)
        tickets: of replay and purge: these; the oldest when not given
        after: of list: behind this ticket
        limit: at most so many; list shows at most 100
        Result: of list {tasks: [as BATCH.RESULT], next: ticket or nil}; else {changed}.
        """
        return self._call(
                "BATCH.DEAD", [action], {"tickets": tickets, "after": after, "limit": limit}, call)

    def batch_extend(
            self, lease: str, *, lease_ms: int | None = None,
            call: CallOptions | None = None) -> MapR:
        """Starts the time of a lease anew; as long as BATCH.TAKE said, or as `lease_ms` says.

        lease: as BATCH.TAKE gave it
        lease_ms: how long the worker has the batch from now on; jobs.lease_ms when not given
        Result: {lease_ms}: how long it lives from now.
        """
        return self._call("BATCH.EXTEND", [lease], {"lease_ms": lease_ms}, call)

    def batch_fail(
            self, lease: str, ticket: str | None = None, *, error: str | None = None,
            retry: bool | None = None, call: CallOptions | None = None) -> MapR:
        """Says that an item failed, or the batch as a whole (its answer could not be read). A whole
        batch is tried again in halves, without counting as an attempt, until each task stands
        alone. A task is tried again after a wait that doubles, until max_attempts: then it is a
        dead letter.

        lease: as BATCH.TAKE gave it
        ticket: of the item; nil: all that are open, as a whole
        error: what went wrong
        retry: false: it would fail again; it becomes a dead letter at once
        Result: {retried, dead, retry_at_ms}.
        """
        return self._call(
                "BATCH.FAIL", [lease, *given(ticket)], {"error": error, "retry": retry}, call)

    def batch_pause(
            self, *, category: str | None = None, model: str | None = None,
            call: CallOptions | None = None) -> MapR:
        """Stops handing out tasks of a category, a model, or both; with neither, of the whole
        namespace. Tasks are still taken in, wait, and expire by their deadlines. It lasts until
        BATCH.RESUME with the same names, over restarts too.

        category: all categories when not given
        model: all models when not given
        Result: {changed}.
        """
        return self._call("BATCH.PAUSE", [], {"category": category, "model": model}, call)

    def batch_result(
            self, ticket: str, *, wait_ms: int | None = None,
            call: CallOptions | None = None) -> MapR:
        """How a task stands, or its result. Results are kept for jobs.result_ttl_ms. With `wait_ms`
        the answer comes when the task ends, or as it stands when that time is over.

        ticket: as BATCH.SUBMIT gave it
        wait_ms: wait for its end for so long; 0 (the default): how it stands now
        Result: {status: "succeeded", "failed", "canceled" or "expired", ticket, category, model,
        custom_id, attempts, submitted_ms, finished_ms, error, usage, result, cost_nano}; or
        {status: "queued", "leased" or (a dead letter) "failed", ticket, phase: ready, delayed,
        deferred, blocked, paused, leased or dead, category, model, context_key, custom_id,
        priority, attempts, attempts_max, age_ms, not_before_ms, deadline_ms, deferral, after,
        error; of a leased one worker, lease_ms}.
        """
        return self._call("BATCH.RESULT", [ticket], {"wait_ms": wait_ms}, call)

    def batch_resume(
            self, *, category: str | None = None, model: str | None = None,
            call: CallOptions | None = None) -> MapR:
        """Takes back a BATCH.PAUSE with the same names.

        category: all categories when not given
        model: all models when not given
        Result: {changed}.
        """
        return self._call("BATCH.RESUME", [], {"category": category, "model": model}, call)

    def batch_stats(
            self, *, category: str | None = None, model: str | None = None,
            call: CallOptions | None = None) -> MapR:
        """Depth, age, batch sizes, waits, retries and savings of each queue (category and model),
        the workers that were seen, and the pauses in force. Counters are those since the server's
        start; what was saved stands in the ledger.

        category: all categories when not given
        model: all models when not given
        Result: {tasks, tasks_max, bytes, bytes_max, groups, dead, waiting_takers, leases,
        oldest_lease_age_ms, queues: [{category, model, ready, delayed, blocked, leased, dead,
        oldest_age_ms, paused, calls_max, wait_p50_ms .. wait_p99_ms, service_p50_ms,
        service_p95_ms, submitted .. deadlines_missed, batches, items, batched_share, batch_sizes
        (of 1, 2, .. 16 and more), calls_saved, tokens_saved, cost_saved_nano}], workers: [{worker,
        seen_ms_ago, leases}], pauses: [{category, model}]}.
        """
        return self._call("BATCH.STATS", [], {"category": category, "model": model}, call)

    def batch_submit(
            self, tasks: Any, *, conversation: str | None = None,
            call: CallOptions | None = None) -> ListR:
        """Hands in tasks, all of them or none. Similar ones go to a worker as one batch; unurgent
        ones wait for a cheaper hour. Answered when they are durable (jobs.durability). With `dedup`
        it may be repeated: the same key is the same task until its result goes. A task without
        company goes out when max_wait_ms is over. Where that is not given, jobs.max_wait_ms holds,
        and up to jobs.late_ppm of the tasks may be held longer for company, never beyond their
        deadlines.

        tasks: a task, or an array of up to 1000. A task is a map: payload (any value); category
            (found in payload or `text` when not given), model, context (what tasks share: system
            prompt, tools; any value), context_key (a name for it), parameters (any value): tasks
            that agree in these may go out together; priority 0 to 9 (5); max_wait_ms for company;
            delay_ms or not_before_ms; deadline_ms or deadline_in_ms; defer: never, offpeak, any;
            dedup; custom_id; reply_to (a channel, SUBSCRIBE jobs:X); after: tickets, and numbers of
            tasks in this call; tokens; max_attempts; fill: {prompt, ...} as CACHE.STORE, to put the
            result into the cache. Times are milliseconds since 1970
        conversation: the conversation that it belongs to: what rollouts of strategies go by
            (STRATEGY.SET); the bot, when none is named
        Result: [{ticket, duplicate, category, not_before_ms, deferral}, ...] in the order of the
        tasks; deferral says whether and why the task waits.
        """
        return self._call("BATCH.SUBMIT", [tasks], {"conversation": conversation}, call)

    def batch_take(
            self, worker: str, *, categories: Sequence[str] | None = None,
            models: Sequence[str] | None = None, max_items: int | None = None,
            max_tokens: int | None = None, wait_ms: int | None = None, lease_ms: int | None = None,
            format: str | None = None, all_namespaces: bool | None = None,
            call: CallOptions | None = None) -> AnyR:
        """A batch of similar tasks under a lease, in shuffled order, with the context once; nil
        when there is none. Settle each item with BATCH.COMPLETE or BATCH.FAIL; BATCH.EXTEND or
        BATCH.BEAT keep the lease. When it ends, open items go to other workers, and what comes late
        is refused. `template` is a prompt that asks for all items at once, by number, in the order
        of `items`.

        worker: the worker's name, for BATCH.BEAT and BATCH.STATS
        categories: take tasks of these only
        models: take tasks of these only
        max_items: as many tasks at most; and no more than jobs.max_items
        max_tokens: as many tokens of payloads at most, but one task; no more than jobs.max_tokens
        wait_ms: wait for a batch for so long; 0 (the default): only what is there
        lease_ms: how long the worker has the batch from now on; jobs.lease_ms when not given
        format: openai or anthropic: `lines` has the items as lines of a provider's batch, with the
            ticket as custom_id
        all_namespaces: serve all namespaces, each by its weight (jobs.weights), one namespace a
            batch; needs the permission 'admin'
        Result: nil, or {lease, lease_ms, namespace, category, model, context_key, context,
        parameters, items: [{ticket, payload, custom_id, attempt, age_ms, deadline_ms}], template,
        lines (with `format`)}.
        """
        return self._call(
                "BATCH.TAKE", [worker], {"categories": categories, "models": models,
                "max_items": max_items, "max_tokens": max_tokens, "wait_ms": wait_ms,
                "lease_ms": lease_ms, "format": format, "all_namespaces": all_namespaces}, call)

    def batch_train(
            self, examples: Any, *, add: bool | None = None,
            call: CallOptions | None = None) -> MapR:
        """Makes the classifier of the namespace from examples: it finds the category of tasks that
        come without one. Takes seconds for ten thousand examples; meanwhile the old one is in
        force. At most 256 categories and 16 MiB of examples; give more than a frame holds with
        `add`.

        examples: an array of pairs [text, category]
        add: train on these and on all that were given before; else on these alone
        Result: {examples, categories, memory_bytes, right_share}; right_share is of the examples
        themselves, which is more than others will have.
        """
        return self._call("BATCH.TRAIN", [examples], {"add": add}, call)

    def batch_windows(self, *, set: Any = None, call: CallOptions | None = None) -> ListR:
        """The hours in which calls of this namespace cost less, shown or set. Tasks with defer =
        offpeak or any wait for the cheapest window that their deadline allows, or for at most
        jobs.defer_max_ms. A window follows the clocks of its zone, daylight saving included. Tasks
        that wait already are looked at again when their time comes.

        set: an array of windows that takes the place of those in force; a window is a map: from and
            to ("22:00", up to "24:00"; over midnight when `to` is before `from`), days (["mon",
            ...] on which it begins; all), zone ("UTC", "+02:00", "Europe/Berlin"; UTC), factor (the
            part of the price that is paid, 0 to below 1; 0.5), model (of this one only)
        Result: [{from, to, days, zone, factor, model}, ...].
        """
        return self._call("BATCH.WINDOWS", [], {"set": set}, call)
