"""Typed methods of the control commands.

Generated from client/commands.json by generate.py; do not edit.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..calls import AnyR, BoolR, Calls, IntR, ListR, MapR, given
from ..options import CallOptions


class ControlCommands(Calls[AnyR, BoolR, IntR, MapR, ListR]):
    """The control commands."""

    def guardrail_rearm(
            self, name: str | None = None, *, namespace: str | None = None,
            call: CallOptions | None = None) -> MapR:
        """Ends the trip of a guardrail, before its cool-down does: the strategies that it turned
        off are as STRATEGY.SET and the configuration say, and its evidence begins anew.

        name: of the guardrail that tripped; all that did, when not given
        namespace: another namespace than that of the access key; needs the permission `admin`
        Result: {rearmed: [name]}.
        """
        return self._call("GUARDRAIL.REARM", [*given(name)], {"namespace": namespace}, call)

    def guardrail_set(
            self, name: str, *, metric: str | None = None, limit: float | None = None,
            strategies: Sequence[str] | None = None, cool_down_ms: int | None = None,
            off: bool | None = None, reset: bool | None = None, namespace: str | None = None,
            call: CallOptions | None = None) -> MapR:
        """Makes or changes a guardrail of the namespace: when the figure of a strategy is worse
        than its limit, all strategies of the guardrail are turned off. In place of the
        configuration's guardrail of the same name (control.guardrails). What is not given stays as
        it was. Two guardrails must not set two limits for one metric of one strategy. A trip that
        holds stays.

        name: of the guardrail: a letter, then letters, digits, '_', '-' and '.'
        metric: quality, error_rate, response_time or cost_reduction
        limit: quality and cost_reduction (less is bad) and error_rate (more is bad): from 0.001 to
            0.999; response_time: how many times that of the control group, 1.01 to 100
        strategies: those that are watched and, when one of them is at fault, turned off together;
            ["all"]: all
        cool_down_ms: how long they stay off, without GUARDRAIL.REARM; 0: until then;
            control.cool_down_ms when never given
        off: true: this guardrail does not count in the namespace
        reset: true: back to the configuration, or away when it has none of the name
        namespace: another namespace than that of the access key; needs the permission `admin`
        Result: {name, metric, limit, strategies, source: configuration or namespace, off,
        cool_down_ms}; {name} when it is gone.
        """
        return self._call(
                "GUARDRAIL.SET", [name], {"metric": metric, "limit": limit,
                "strategies": strategies, "cool_down_ms": cool_down_ms, "off": off, "reset": reset,
                "namespace": namespace}, call)

    def guardrail_status(
            self, name: str | None = None, *, namespace: str | None = None,
            call: CallOptions | None = None) -> MapR:
        """The guardrails of the namespace, what each sees of the strategies that it watches, and
        the trips that hold, with their evidence.

        name: of one guardrail; all, when not given
        namespace: another namespace than that of the access key; needs the permission `admin`
        Result: {slice_ms, needed: evidence from which on a guardrail trips, guardrails: [{name,
        metric, limit, strategies, source, off, cool_down_ms, trip: nil or {guardrail, metric,
        limit, strategy: whose calls were the evidence, turned_off, at_ms, ends_at_ms: 0: when it is
        re-armed, since_ms: from then on it was bad, slices, samples, control_samples, estimate,
        bound, evidence, needed}, watched: [{strategy, samples, control_samples: calls so far,
        estimate: what the limit is about, over the last 64 slices, treated, control: mean quality,
        share of failures, typical response_ms or mean cost_nano of each group, slices, evidence: 1
        when nothing speaks against it, since_ms: since when something does (0: nothing), bound:
        since then the figure is at best this, at 99 % confidence, lacks: what keeps it from saying
        anything, or ""}]}]}.
        """
        return self._call("GUARDRAIL.STATUS", [*given(name)], {"namespace": namespace}, call)

    def quality_record(
            self, *, quality: float | None = None, error: bool | None = None,
            response_ms: int | None = None, cost_nano: int | None = None,
            baseline_nano: int | None = None, bot: str | None = None,
            conversation: str | None = None, strategies: Sequence[str] | None = None,
            held_out: Sequence[str] | None = None, call: CallOptions | None = None) -> MapR:
        """Tells how one call of a model went. Guardrails (GUARDRAIL.STATUS) go by it: a strategy
        under which calls are worse than allowed, on the evidence of many slices of time, is turned
        off. A verdict that comes late should name the `strategies` of its call.

        quality: how good the answer was, 0 to 1, by whatever judges it
        error: true: the call failed (default false); its response time is not compared
        response_ms: from the question to the whole answer
        cost_nano: what it cost, in nano-dollars
        baseline_nano: what it would have cost without routing and the rest; the control group's
            mean cost stands in where it is not given
        bot: the bot that it is about; who asks, when none is named
        conversation: the conversation that it belongs to: what rollouts of strategies go by
            (STRATEGY.SET); the bot, when none is named
        strategies: those that were in force for the call; as is decided now, when not given
        held_out: beside `strategies`: those that were withheld by lot, for comparison, where the
            caller draws the lots itself
        Result: {tripped: names of the guardrails that tripped by this call}.
        """
        return self._call(
                "QUALITY.RECORD", [], {"quality": quality, "error": error,
                "response_ms": response_ms, "cost_nano": cost_nano, "baseline_nano": baseline_nano,
                "bot": bot, "conversation": conversation, "strategies": strategies,
                "held_out": held_out}, call)

    def strategy_list(
            self, *, bot: str | None = None, conversation: str | None = None,
            namespace: str | None = None, call: CallOptions | None = None) -> ListR:
        """All strategies: how they are set, rolled out and overridden, and what is decided for one
        bot or conversation, and why.

        bot: the bot that it is about; who asks, when none is named
        conversation: the conversation that it belongs to: what rollouts of strategies go by
            (STRATEGY.SET); the bot, when none is named
        namespace: another namespace than that of the access key; needs the permission `admin`
        Result: [{strategy, mode, source: configuration or namespace, rollout_percent,
        hold_out_percent, unit, tripped_by: the guardrail that turned it off, or nil, overrides:
        [{scope: conversation, bot or namespace, name, mode, set_at_ms, expires_at_ms: 0: never}],
        decision: {mode, group: treated, control or none, reason}}].
        """
        return self._call(
                "STRATEGY.LIST", [], {"bot": bot, "conversation": conversation,
                "namespace": namespace}, call)

    def strategy_set(
            self, strategy: str, *, mode: str | None = None, rollout_percent: float | None = None,
            hold_out_percent: float | None = None, unit: str | None = None,
            reset: bool | None = None, override: str | None = None, bot: str | None = None,
            conversation: str | None = None, ttl_ms: int | None = None,
            namespace: str | None = None, call: CallOptions | None = None) -> AnyR:
        """Switches a strategy of the namespace on, off or to shadow, rolls it out to a share of the
        conversations or bots, or overrides it for one of them. What is not given stays as it was.
        Goes before the configuration, at once and over restarts. Of several overrides that of the
        conversation counts, then that of the bot; one that is older than the trip of a guardrail
        does not put on what the trip turned off.

        strategy: cache.exact, cache.normalized, cache.semantic, routing, batching, deferral,
            context, compression or tools
        mode: on; off; or shadow: it decides and counts, and changes nothing
        rollout_percent: share of the units, 0 to 100, that have the mode; the others have it off.
            Raising it only adds units
        hold_out_percent: share of the units, 0 to 50, that stay without even when it is rolled out
            to all, for comparison; control.hold_out_percent when never given, and none of the tiers
            of the cache
        unit: what is in or outside as a whole: conversation (the default; the bot where a call
            names no conversation, and then it is never held out), or bot
        reset: true: back to the configuration; overrides stay
        override: on, shadow or off, whatever mode and rollout say, for one conversation, one bot or
            the whole namespace; none: takes the override back
        bot: of the override: for this bot
        conversation: of the override: for this conversation
        ttl_ms: of the override: how long it holds; for good when not given
        namespace: another namespace than that of the access key; needs the permission `admin`
        Result: as an item of STRATEGY.LIST.
        """
        return self._call(
                "STRATEGY.SET", [strategy], {"mode": mode, "rollout_percent": rollout_percent,
                "hold_out_percent": hold_out_percent, "unit": unit, "reset": reset,
                "override": override, "bot": bot, "conversation": conversation, "ttl_ms": ttl_ms,
                "namespace": namespace}, call)
