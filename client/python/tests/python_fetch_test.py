"""fetch_or_compute of both flavours against a double: leases, renewal, failing open."""

import asyncio
import threading

from double import CacheDouble, Refusal
from support import Case, harness, reprise, timed, until

ANSWER = reprise.Answer("computed", tokens_in=3, tokens_out=5, cost_nano=70, model="m",
                        tags=["a"], ttl_ms=1000)


def never():
    raise AssertionError("fn must not run")


def fail_with(error):
    def fn():
        raise error
    return fn


def returns(value):
    async def fn():
        return value
    return fn


class Locked:
    def __init__(self):
        self.lock = threading.Lock()


class Odd(dict):
    def items(self):
        raise KeyError("odd")


class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def unsendable():
    """Answers that MessagePack has no form for, or that cannot be copied."""
    cyclic = []
    cyclic.append(cyclic)
    plain = [Locked(), cyclic, (each for each in "ab"), object(), {1, 2}, 2**70, "half \ud800",
             {"a": [Locked()]}, Odd(a=1)]
    return [*plain, *(reprise.Answer(each) for each in plain),
            reprise.Answer("x", tags=[Locked()]), reprise.Answer("y", model=threading.Lock())]


def response_of(answer):
    return answer.response if isinstance(answer, reprise.Answer) else answer


class Blocking(Case):
    def setUp(self):
        super().setUp()
        self.server = self.double(CacheDouble)
        self.cache = self.client(self.server)

    def test_a_miss_computes_and_fills_and_a_hit_computes_nothing(self):
        seen = []
        first = self.cache.fetch_or_compute("q", lambda: ANSWER, on_outcome=seen.append)
        second = self.cache.fetch_or_compute("q", never, on_outcome=seen.append)
        self.assertEqual([first, second], ["computed", "computed"])
        self.assertEqual([each.status for each in seen], ["lease", "hit"])
        self.assertEqual(seen[0].stored["id"], "e1")
        self.assertEqual(self.server.filled, [["lease-1", "computed", {
            "tokens_in": 3, "tokens_out": 5, "cost_nano": 70, "model": "m", "tags": ["a"],
            "ttl_ms": 1000}]])

    def test_a_chat_request_and_every_option_reach_the_server(self):
        request = {"model": "m", "messages": [{"role": "user", "content": "q"}]}
        self.cache.fetch_or_compute(request=request, fn=lambda: 1, identity={"a": 1}, type="t",
                                    tier="exact", max_age_ms=1, wait_ms=3)
        self.assertEqual(self.server.calls("CACHE.FETCH"), [[None, {
            "request": request, "identity": {"a": 1}, "type": "t", "tier": "exact",
            "max_age_ms": 1, "wait_ms": 3}]])
        with self.assertRaisesRegex(TypeError, "no option mistake"):
            self.cache.fetch_or_compute("q", never, mistake=1)

    def test_a_renewal_goes_out_at_a_third_of_the_lease_while_fn_runs(self):
        self.server.lease_ms = 60

        def slow():
            harness.wait_until(lambda: len(self.server.renewals) >= 3, 5, "three renewals")
            return "slow"

        self.assertEqual(self.cache.fetch_or_compute("q", slow), "slow")
        count = len(self.server.renewals)
        self.assertEqual(self.cache.fetch_or_compute("other", lambda: 1), 1)
        self.assertEqual([each for each in self.server.renewals[count:] if each == "lease-1"], [])

    def test_what_fn_raises_is_raised_and_the_lease_is_given_up_at_once(self):
        with self.assertRaisesRegex(KeyError, "upstream"):
            self.cache.fetch_or_compute("q", fail_with(KeyError("upstream")))
        harness.wait_until(lambda: self.server.abandoned, 5, "the lease is given up")
        self.assertEqual(self.server.abandoned[0][0], "lease-1")
        self.assertIn("KeyError", self.server.abandoned[0][1]["error"])
        self.assertEqual(self.cache.fetch_or_compute("q", lambda: "later"), "later")

    def test_an_interrupted_fn_gives_the_lease_up_too(self):
        with self.assertRaises(KeyboardInterrupt):
            self.cache.fetch_or_compute("q", fail_with(KeyboardInterrupt()))
        harness.wait_until(lambda: self.server.abandoned, 5, "the lease is given up")

    def test_many_threads_with_one_question_compute_once_even_over_one_connection(self):
        cache = self.client(self.server, pool=reprise.PoolOptions(connections_max=1))
        computed = []

        def fn():
            harness.wait_until(lambda: len(self.server.flights["q"].waiters) == 39, 10, "all wait")
            computed.append(1)
            return "once"

        waiting = [self.background(cache.fetch_or_compute, "q", fn) for _ in range(40)]
        self.assertEqual([each.result(20) for each in waiting], ["once"] * 40)
        self.assertEqual((len(computed), cache.connections), (1, 1))

    def test_a_waiter_takes_over_when_the_holder_is_gone(self):
        holder = self.client(self.server)
        lent, go_on = threading.Event(), threading.Event()

        def hold():
            lent.set()
            go_on.wait(10)
            return "late"

        held = self.background(holder.fetch_or_compute, "q", hold)
        self.assertTrue(lent.wait(5))
        taken = self.background(self.cache.fetch_or_compute, "q", lambda: "taken over")
        harness.wait_until(lambda: self.server.flights["q"].waiters, 5, "a waiter")
        holder.close()
        self.assertEqual(taken.result(10), "taken over")
        go_on.set()
        self.assertEqual(held.result(10), "late")  # An answer that is not stored is an answer.
        self.assertEqual([each[1] for each in self.server.filled], ["taken over"])

    def test_timeout_miss_and_bypass_compute_and_store_nothing(self):
        self.server.lend("busy", None)
        for options, status in (({"wait_ms": 20}, "timeout"), ({"wait": False}, "miss"),
                                ({"no_store": True}, "bypass"), ({"only_if_cached": True}, "miss")):
            seen = []
            self.assertEqual(self.cache.fetch_or_compute(
                "busy", lambda: 7, on_outcome=seen.append, **options), 7)
            self.assertEqual(seen[0].status, status)
        self.assertEqual(self.server.filled, [])

    def test_a_stale_answer_serves_when_fn_fails_and_the_caller_says_so(self):
        def lend_stale(session, _msgid, params):
            return {**self.server.lend(params[0], session), "response": "old"}
        self.server.handlers["CACHE.FETCH"] = lend_stale
        with self.assertRaises(ValueError):
            self.cache.fetch_or_compute("a", fail_with(ValueError("down")))
        seen = []
        self.assertEqual(self.cache.fetch_or_compute(
            "b", fail_with(ValueError("down")), stale_if_error=True, on_outcome=seen.append), "old")
        self.assertEqual(seen[0].status, "stale")

    def test_an_answer_that_is_not_stored_is_an_answer_and_nobody_waits_for_it(self):
        @self.server.on("CACHE.FILL")
        def _refuse(*_):
            raise Refusal("too_large", "response_bytes_max")
        seen = []
        self.assertEqual(self.cache.fetch_or_compute("q", lambda: "x" * 9, on_outcome=seen.append),
                         "x" * 9)
        self.assertIsInstance(seen[0].error, reprise.TooLarge)
        harness.wait_until(lambda: self.server.abandoned, 5, "the lease is given up")

    def test_an_answer_that_cannot_be_sent_is_an_answer_and_nobody_waits_for_it(self):
        answers = unsendable()
        for answer in answers:
            seen = []
            self.assertIs(self.cache.fetch_or_compute("q", lambda a=answer: a,
                                                      on_outcome=seen.append),
                          response_of(answer))
            self.assertIsInstance(seen[0].error, reprise.BadRequest)

        async def test(cache):
            for answer in answers:
                self.assertIs(await cache.fetch_or_compute("q", returns(answer)),
                              response_of(answer))
        self.run_async(self.server, test)
        self.assertEqual(self.cache.fetch_or_compute("q", lambda: 1, wait_ms=5_000), 1)
        harness.wait_until(lambda: len(self.server.abandoned) == 2 * len(answers), 5, "all leases")

    def test_an_error_that_cannot_be_told_gives_the_lease_up_too(self):
        for failure in (ValueError("half \ud800"), Mute()):
            with self.assertRaises(type(failure)):
                self.cache.fetch_or_compute("q", fail_with(failure))
        self.assertEqual(self.cache.fetch_or_compute("q", lambda: 1, wait_ms=5_000), 1)

    def test_a_lease_that_comes_too_late_is_given_back(self):
        go_on = threading.Event()
        fetch = self.server.handlers["CACHE.FETCH"]

        @self.server.on("CACHE.FETCH")
        def _slow(session, msgid, params):
            go_on.wait(10)
            return fetch(session, msgid, params)

        with self.assertRaises((reprise.Timeout, reprise.UnknownOutcome)):
            self.cache.fetch_or_compute("q", never, call=reprise.CallOptions(timeout_ms=50))
        go_on.set()
        harness.wait_until(lambda: self.cache.call("PING") and self.server.abandoned, 5,
                           "the late lease is given back")
        self.assertEqual(self.server.flights, {})


class BlockingFailOpen(Case):
    def test_without_a_server_a_bot_goes_on_by_choice_only(self):
        cache = self.client("127.0.0.1:1")
        with self.assertRaises(reprise.Unavailable):
            cache.fetch_or_compute("q", never)
        seen = []
        self.assertEqual(cache.fetch_or_compute("q", lambda: ANSWER, fail_open=True,
                                                on_outcome=seen.append), "computed")
        self.assertEqual(seen[0].status, "fail_open")
        self.assertIsInstance(seen[0].error, reprise.Unavailable)
        self.assertEqual(list(cache.fetch_or_compute_stream("q", lambda: iter("ab"),
                                                            fail_open=True)), ["a", "b"])

    def test_the_callers_own_mistakes_are_raised_although_it_fails_open(self):
        server = self.double(CacheDouble)

        @server.on("CACHE.FETCH")
        def _refuse(*_):
            raise Refusal("forbidden")
        with self.assertRaises(reprise.Forbidden):
            self.client(server, fail_open=True).fetch_or_compute("q", never)

    def test_what_is_too_large_to_be_cached_does_not_stop_a_bot_that_fails_open(self):
        server = self.double(CacheDouble)

        @server.on("CACHE.FETCH")
        def _refuse(*_):
            raise Refusal("too_large", "prompt_bytes: ...")
        with self.assertRaises(reprise.TooLarge):
            self.client(server).fetch_or_compute("q", never)
        open_one = self.client(server, fail_open=True)
        seen = []
        self.assertEqual(open_one.fetch_or_compute("q", lambda: 7, on_outcome=seen.append), 7)
        self.assertEqual((seen[0].status, seen[0].error.code), ("fail_open", "too_large"))
        self.assertEqual(list(open_one.fetch_or_compute_stream("q", lambda: iter("ab"))),
                         ["a", "b"])

        async def test(cache):
            self.assertEqual(await cache.fetch_or_compute("q", lambda: 8, fail_open=True), 8)
        self.run_async(server, test)

    def test_what_fn_raises_is_raised_although_it_fails_open(self):
        with self.assertRaises(reprise.Unavailable):
            self.client("127.0.0.1:1", fail_open=True).fetch_or_compute(
                "q", fail_with(reprise.Unavailable("the model's own cache")))

    def test_an_open_circuit_costs_a_bot_next_to_nothing(self):
        server = self.double(CacheDouble)
        server.handlers = {}
        silent = self.client(server, request_timeout_ms=1_050, fail_open=True, reconnect=(
            reprise.ReconnectOptions(failures_to_open=1, first_delay_ms=60_000,
                                     max_delay_ms=60_000)))
        over = threading.Event()
        self.addCleanup(over.set)
        server.handlers["CACHE.FETCH"] = lambda *_: over.wait(30)
        options = {"wait": False}
        _, slow_ms = timed(lambda: silent.fetch_or_compute("q", lambda: 1, **options))
        self.assertGreater(slow_ms, 1_000)
        self.assertIs(silent.circuit, reprise.Circuit.OPEN)
        result, quick_ms = timed(lambda: silent.fetch_or_compute("q", lambda: 2, **options))
        self.assertEqual(result, 2)
        self.assertLess(quick_ms, 500)


class Asynchronous(Case):
    def setUp(self):
        super().setUp()
        self.server = self.double(CacheDouble)

    def test_one_of_a_thousand_tasks_computes_and_all_have_the_answer(self):
        async def test(cache):
            computed = []

            async def fn():
                await until(lambda: len(self.server.flights["q"].waiters) == 999, "all wait")
                computed.append(1)
                return ANSWER

            answers = await asyncio.gather(*(cache.fetch_or_compute("q", fn)
                                             for _ in range(1000)))
            self.assertEqual((set(answers), computed), ({"computed"}, [1]))
            self.assertLessEqual(cache.connections, 8)
            self.assertEqual(await cache.fetch_or_compute("plain", lambda: 5), 5)
        self.run_async(self.server, test)

    def test_renewal_abandon_and_cancellation(self):
        self.server.lease_ms = 60

        async def test(cache):
            async def slow():
                await until(lambda: len(self.server.renewals) >= 3, "three renewals")
                raise KeyError("upstream")
            with self.assertRaises(KeyError):
                await cache.fetch_or_compute("q", slow)
            await until(lambda: len(self.server.abandoned) == 1, "the lease is given up")
            computing = asyncio.create_task(cache.fetch_or_compute("r", lambda: asyncio.sleep(60)))
            await until(lambda: "r" in self.server.flights, "the lease")
            computing.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await computing
            await until(lambda: len(self.server.abandoned) == 2, "the lease is given up")
        self.run_async(self.server, test)

    def test_a_lease_for_a_canceled_task_is_given_back(self):
        go_on, fetch = threading.Event(), self.server.handlers["CACHE.FETCH"]

        @self.server.on("CACHE.FETCH")
        def _slow(session, msgid, params):
            go_on.wait(10)
            return fetch(session, msgid, params)

        async def test(cache):
            fetching = asyncio.create_task(cache.fetch_or_compute("q", never))
            await until(lambda: self.server.calls("CACHE.FETCH"), "the request")
            fetching.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await fetching
            go_on.set()
            await until(lambda: self.server.abandoned, "the late lease is given back")
        self.run_async(self.server, test)

    def test_streams_are_followed_stored_and_given_up(self):
        async def chunks():
            for each in "abcd":
                yield each

        async def test(cache):
            holder = cache.fetch_or_compute_stream("q", chunks)
            self.assertEqual([await anext(holder), await anext(holder)], ["a", "b"])
            seen = []

            async def follow():
                async for each in cache.fetch_or_compute_stream("q", never):
                    seen.append(each)
            following = asyncio.create_task(follow())
            await until(lambda: seen == ["a", "b"], "the first chunks")
            self.assertEqual([each async for each in holder], ["c", "d"])
            await following
            self.assertEqual(seen, ["a", "b", "c", "d"])
            stopped = cache.fetch_or_compute_stream("r", chunks)
            await anext(stopped)
            await stopped.aclose()
            await until(lambda: self.server.abandoned, "the lease is given up")
        self.run_async(self.server, test)

    def test_failing_open_is_a_choice(self):
        async def test(cache):
            with self.assertRaises(reprise.Unavailable):
                await cache.fetch_or_compute("q", never)
            self.assertEqual(await cache.fetch_or_compute("q", lambda: 5, fail_open=True), 5)
        self.run_async("127.0.0.1:1", test)


if __name__ == "__main__":
    harness.main()
