"""The options of CACHE.FETCH that fetch_or_compute takes.

Generated from client/commands.json by generate.py; do not edit.
"""

from typing import Any, TypedDict


class FetchOptions(TypedDict, total=False):
    """Each may be left out. What is said of one stands below it."""

    identity: Any
    # all besides the prompt that can change the answer: model, system prompt, tools, temperature
    # ...; compared exactly, but for the order of keys, the spelling of numbers (1 and 1.0 are the
    # same) and of Unicode (canonically equivalent text is the same)
    identity_mode: str
    # what of the request is compared: strict (the default) everything; conversation not the earlier
    # turns, so that "and the second one?" may get the answer from another conversation; prompt_only
    # nothing but the user's turn, so that the answer may be another model's, another persona's or
    # of another format
    type: str
    # the query type; found by rules when not given
    max_age_ms: int
    # older entries are a miss
    tier: str
    # the last tier that is tried: exact, normalized, or semantic (the default)
    stale_ok_ms: int
    # take an answer that is past its time to live by up to this much, as far as its type keeps such
    # answers (stale_ms, which is also the default); 0: none
    wait: bool
    # false: answer `miss` instead of waiting for another caller (default true)
    wait_ms: int
    # answer `timeout` when the answer has not come by then; otherwise the wait lasts while somebody
    # computes
    lease_ms: int
    # how long a lease lives without CACHE.RENEW (default 60000)
    no_cache: bool
    # do not take a stored answer; a new one is stored
    no_store: bool
    # take a stored answer, but never a lease: `bypass` instead
    only_if_cached: bool
    # a stored answer or `miss`, at once
    bypass: bool
    # as if there were no cache: always `bypass`
    replay: str
    # how an answer that was streamed is given: chunks (the default): the array of its pieces as
    # they were appended; joined: as one answer, as the same API gives it without streaming. A
    # response that is no stream is given as it is; bad_request when the stream is no answer (stored
    # by CACHE.STORE, which looks at none)
    max_error: float
    # share of wrong answers that the semantic tier may give; the query type's budget when not
    # given; 0: that tier answers nothing
    vector: Any
    # bin of little-endian float32: the prompt's vector, where semantic.embedder is `client`; any
    # length but zero
    conversation: str
    # the conversation that it belongs to: what rollouts of strategies go by (STRATEGY.SET); the
    # bot, when none is named
