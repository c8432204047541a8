"""Typed methods of the routing commands.

Generated from client/commands.json by generate.py; do not edit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..calls import AnyR, BoolR, Calls, IntR, ListR, MapR
from ..options import CallOptions


class RoutingCommands(Calls[AnyR, BoolR, IntR, MapR, ListR]):
    """The routing commands."""

    def route_feedback(
            self, decision: int, *, model: str | None = None, quality: float | None = None,
            error: bool | None = None, latency_ms: int | None = None, tokens_in: int | None = None,
            tokens_out: int | None = None, cost_nano: int | None = None,
            call: CallOptions | None = None) -> MapR:
        """Tells how the answer to a decision of ROUTE.SELECT was. The next choices of the namespace
        go by it, over restarts too; other namespaces learn nothing from it.

        decision: as ROUTE.SELECT gave it
        model: who answered; the chosen one when not given. Others may be told of as well, once each
        quality: how good the answer was, 0 to 1; without it nothing is learned of the prompt
        error: true: the call failed; a model that fails often is expected to fail again, for some
            minutes
        latency_ms: how long the answer took
        tokens_in: input tokens of the call
        tokens_out: output tokens of the call
        cost_nano: what it cost; by its tokens when not given
        Result: {model, learned: whether it had a quality, outcome: number of what is kept of the
        prompt, or nil}.
        """
        return self._call(
                "ROUTE.FEEDBACK", [decision], {"model": model, "quality": quality, "error": error,
                "latency_ms": latency_ms, "tokens_in": tokens_in, "tokens_out": tokens_out,
                "cost_nano": cost_nano}, call)

    def route_model_del(
            self, model: str, *, shared: bool | None = None,
            call: CallOptions | None = None) -> BoolR:
        """Takes a model out of the catalogue: it is not chosen any more. What was learned of it is
        kept as long as there is room, for the day it comes back.

        model: as ROUTE.MODELS shows it
        shared: true: of the list that all namespaces see; needs the permission `admin`
        Result: true.
        """
        return self._call("ROUTE.MODEL.DEL", [model], {"shared": shared}, call)

    def route_model_set(
            self, model: str, *, provider: str | None = None, input_nano: int | None = None,
            output_nano: int | None = None, cached_input_nano: int | None = None,
            context_window: int | None = None, capabilities: Sequence[str] | None = None,
            latency_ms: int | None = None, strength: float | None = None,
            shared: bool | None = None, call: CallOptions | None = None) -> MapR:
        """Puts a model into the catalogue, or replaces the card that it has there. What was learned
        of it stays.

        model: its name, as the caller's provider knows it
        provider: whose model it is; for the price table
        input_nano: price of a million input tokens in nano-dollars; together with output_nano.
            Without them the price table decides (PRICE.SET)
        output_nano: price of a million output tokens
        cached_input_nano: price of a million input tokens that the provider's prompt cache has;
            that of other input when not given
        context_window: tokens that prompt and answer may have together; 0: any
        capabilities: of tools, vision, json, reasoning
        latency_ms: how long an ordinary answer takes, until feedback tells; 0: not known
        strength: 0, the weakest, to 1, the strongest of the models; by price when not given. What
            is expected of a model begins with it
        shared: true: of the list that all namespaces see; needs the permission `admin`
        Result: {model, added: false: it was there}.
        """
        return self._call(
                "ROUTE.MODEL.SET", [model], {"provider": provider, "input_nano": input_nano,
                "output_nano": output_nano, "cached_input_nano": cached_input_nano,
                "context_window": context_window, "capabilities": capabilities,
                "latency_ms": latency_ms, "strength": strength, "shared": shared}, call)

    def route_models(self, *, call: CallOptions | None = None) -> ListR:
        """The catalogue: the models that ROUTE.SELECT chooses from, those of the namespace and
        those that all namespaces share, by name.

        Result: [{model, provider, input_nano, output_nano, cached_input_nano: of a million tokens
        (nil: as the price table says; see PRICE.SET), context_window: in tokens (0: not known),
        capabilities: of tools and vision and json and reasoning, latency_ms, strength: 0 to 1 among
        the models (nil: by price), shared}, ...].
        """
        return self._call("ROUTE.MODELS", [], {}, call)

    def route_score(
            self, prompt: str, *, model: str | None = None, type: str | None = None,
            context_tokens: int | None = None, answer_tokens: int | None = None,
            factors: int | None = None, nearest: int | None = None, vector: Any = None,
            call: CallOptions | None = None) -> MapR:
        """How hard a prompt is: the chance, in percent, that a model's answer is not good enough
        (routing.good_enough_ppm), with what speaks for it and the nearest past cases. It decides
        nothing and counts nothing.

        prompt: what the model will be asked, UTF-8
        model: whose score; the cheapest model's when not given
        type: kind of question, as the caller tells them apart; how each differs is learned, for up
            to 64
        context_tokens: tokens of the whole input; estimated from the prompt when not given
        answer_tokens: tokens that the answer will have; 300 when not given
        factors: at most so many (default 8)
        nearest: at most so many past cases (default 3)
        vector: bin of little-endian float32: the prompt's vector by the server's embedder, or,
            where semantic.embedder is `client`, the caller's; any length but zero
        Result: {model: whose score (nil while the catalogue is empty), score: 0 to 100, level:
        simple or straightforward or complex or very complex, confidence: 0 to 1, gain: what the
        strongest model is expected to add to the cheapest one's quality; order prompts by it to
        send the right ones to the strong model, models: [{model, score, quality: expected, dense,
        hashed, near: as each of three views sees it, type_shift: what the type adds, outcomes: that
        it was learned from}, ...], factors: [{name: a figure of the prompt or some of its words,
        points: what it adds to the score}, ...], nearest: [{outcome, similarity: 0 to 1, prompt:
        its beginning, qualities: {model: quality}}, ...]}.
        """
        return self._call(
                "ROUTE.SCORE", [prompt], {"model": model, "type": type,
                "context_tokens": context_tokens, "answer_tokens": answer_tokens,
                "factors": factors, "nearest": nearest, "vector": vector}, call)

    def route_select(
            self, prompt: str, *, models: Sequence[str] | None = None, type: str | None = None,
            critical: bool | None = None, importance: float | None = None,
            conversation: str | None = None, context_tokens: int | None = None,
            answer_tokens: int | None = None, max_cost_nano: int | None = None,
            max_latency_ms: int | None = None, min_quality: float | None = None,
            needs: Sequence[str] | None = None, scopes: Sequence[str] | None = None,
            pressure: float | None = None, vector: Any = None,
            call: CallOptions | None = None) -> MapR:
        """Chooses the model that answers a prompt, by the quality that is expected of each and what
        it costs. What was learned from ROUTE.FEEDBACK in this namespace decides, before that the
        shipped prior. Cheap models get at least routing.cheap_share_ppm of the calls, those that
        lose least by it; more of them while a budget is tight. A conversation keeps its model
        unless a stronger one is worth it, or a cheaper one saves more than the provider's prompt
        cache that is lost. Where the strategy `routing` is off or in shadow, the strongest model
        answers.

        prompt: what the model will be asked, UTF-8
        models: names to choose from; all of the catalogue when not given
        type: kind of question, as the caller tells them apart; how each differs is learned, for up
            to 64
        critical: true: the best quality, whatever the mix; the last to feel a budget
        importance: weight of quality against cost, 0 to 1 (default 0.5): what matters less becomes
            cheap first
        conversation: the conversation that it belongs to: what rollouts of strategies go by
            (STRATEGY.SET); the bot, when none is named
        context_tokens: tokens of the whole input; estimated from the prompt when not given
        answer_tokens: tokens that the answer will have; 300 when not given
        max_cost_nano: models whose call is expected to cost more are out
        max_latency_ms: models that are expected to take longer are out
        min_quality: models that are expected to be worse are out, unless all are;
            routing.quality_floor_ppm when not given
        needs: of tools, vision, json, reasoning: models without are out
        scopes: who pays, as in BUDGET.RESERVE: the tightest of these budgets presses
        pressure: of the budget, instead of that: felt from 0.5 on, 1: spent; above, critical calls
            feel it, too
        vector: bin of little-endian float32: the prompt's vector by the server's embedder, or,
            where semantic.embedder is `client`, the caller's; any length but zero
        Result: {decision: its number, for ROUTE.FEEDBACK, model, score: 0 to 100, the chance that
        the cheapest model's answer is not good enough, level: simple or straightforward or complex
        or very complex, confidence: 0 to 1, how much of that was learned here, quality: expected of
        `model`, gain: what the strongest model is expected to add to the cheapest one's quality,
        cost_nano: expected, 0 where no price is known, propensity: the probability with which
        `model` was chosen, reason, fallbacks: the other models that can take the call, the best
        first, would: in shadow, the model that would have been chosen, else nil}.
        """
        return self._call(
                "ROUTE.SELECT", [prompt], {"models": models, "type": type, "critical": critical,
                "importance": importance, "conversation": conversation,
                "context_tokens": context_tokens, "answer_tokens": answer_tokens,
                "max_cost_nano": max_cost_nano, "max_latency_ms": max_latency_ms,
                "min_quality": min_quality, "needs": needs, "scopes": scopes, "pressure": pressure,
                "vector": vector}, call)

    def route_stats(self, *, call: CallOptions | None = None) -> MapR:
        """What ROUTE.SELECT chose in this namespace, what that cost beside the strongest model for
        everything, how good the answers were, and how right the scores. The counts survive
        restarts; a crash loses what came after the last tick.

        Result: {decisions, cheap_share: of the calls where there were cheap and dear models (nil:
        none), critical, explored: by chance, stayed: with the conversation's model, degraded: by
        budgets, shadow, levels: {level: decisions}, cost_nano: as feedback told, else as expected,
        strongest_cost_nano: had the strongest model answered all, saved_nano, judged: calls whose
        answer was judged, quality: of these, on average, regret: estimate of the quality that the
        best single model would have had more (negative: less), calibration: {error: expected
        calibration error, bins: [{judged, score: mean, failed_percent}, ...]}, models: {model:
        {chosen, judged, quality, always_quality: estimate had it answered all judged calls, errors,
        cost_nano, tokens_in, tokens_out, latency_ms: mean, learned: outcomes that it is estimated
        from}}, outcomes: prompts kept, outcomes_max, drifts: times that a model was learned anew,
        memory_bytes}.
        """
        return self._call("ROUTE.STATS", [], {}, call)

    def route_teach(self, examples: Any, *, call: CallOptions | None = None) -> MapR:
        """Learns from prompts whose answers were judged elsewhere, as ROUTE.FEEDBACK does from
        decisions: logs of before, an evaluation, feedback that came after a restart. All examples
        are checked before the first one is learned.

        examples: array of [prompt, {model: quality from 0 to 1, ...}], or of [prompt, {...}, type],
            at most 1000
        Result: {examples, learned: qualities that were learned}.
        """
        return self._call("ROUTE.TEACH", [examples], {}, call)
