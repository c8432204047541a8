"""fetch_or_compute against the real server: one computes, everybody has the answer."""

import asyncio
import threading

from support import Case, harness, reprise, until

QUESTION = {"role": "user", "content": "What is RAII?"}
# One request of each shape, and the same once more: other order, volatile fields, NFD.
CHATS = [
    ({"model": "m", "temperature": 0, "messages": [{"role": "system", "content": "Caf\u00e9."},
                                                   QUESTION]},
     {"messages": [{"content": "Cafe\u0301.", "role": "system"}, dict(reversed(QUESTION.items()))],
      "user": "u", "stream": True, "temperature": 0.0, "model": "m"}),
    ({"model": "m", "instructions": "Be brief.", "input": "What is RAII?"},
     {"input": [QUESTION], "metadata": {"a": "b"}, "instructions": "Be brief.", "model": "m"}),
    ({"model": "claude-x", "max_tokens": 9, "system": "Be brief.", "messages": [QUESTION]},
     {"messages": [QUESTION], "metadata": {"user_id": "u"}, "max_tokens": 9, "model": "claude-x",
      "system": [{"type": "text", "text": "Be brief."}]}),
]

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
# An image alone is a question for a bot, but not for the cache; an object cannot be sent at all.
UNREADABLE = ({}, {"model": "m"}, {"model": "m", "messages": [{"role": "robot"}]},
              {"model": "m", "messages": [{"role": "user", "content": [IMAGE]}]},
              {"model": "m", "messages": [{"role": "user", "content": object()}]})


def never():
    raise AssertionError("fn must not run")


class SingleFlight(Case):
    def setUp(self):
        super().setUp()
        self.running = self.server(unix=True)
        self.where = f"unix:{self.running.unix_path}"
        self.cache = self.client(self.where)

    def calls(self, method):
        return self.cache.stats().get(method, {}).get("calls", 0)

    def status(self, *arguments, **options):
        seen = []
        result = self.cache.fetch_or_compute(*arguments, on_outcome=seen.append, **options)
        return result, seen[0].status

    def test_an_answer_is_computed_once_and_found_again_also_after_a_restart(self):
        answer = reprise.Answer({"text": "An idiom."}, tokens_in=12, tokens_out=40,
                                cost_nano=90_000, model="m", tags=["a"], ttl_ms=60_000)
        question = ("What is RAII?", "what is  raii")
        identity = {"model": "m"}
        self.assertEqual(self.status(question[0], lambda: answer, identity=identity),
                         ({"text": "An idiom."}, "lease"))
        self.assertEqual(self.status(question[1], never, identity=identity),
                         ({"text": "An idiom."}, "hit"))
        total = self.cache.cache_stats()["total"]
        self.assertEqual((total["tokens_saved_out"], total["cost_saved_nano"]), (40, 90_000))
        self.cache.save()
        self.running.restart(kill=True)
        self.assertEqual(self.status(question[0], never, identity=identity)[1], "hit")

    def test_what_is_not_to_be_stored_is_computed_and_not_stored(self):
        for options, status in (({"no_store": True}, "bypass"), ({"only_if_cached": True}, "miss")):
            self.assertEqual(self.status("q", lambda: 7, **options), (7, status))
            self.assertEqual(self.cache.cache_lookup("q")["status"], "miss")
        self.assertEqual(self.status("q", lambda: 7), (7, "lease"))
        self.assertEqual(self.status("q", lambda: 8, no_cache=True), (8, "lease"))
        self.assertEqual(self.status("q", never), (8, "hit"))

    def test_the_lease_is_renewed_for_as_long_as_fn_runs(self):
        def slow():
            harness.wait_until(lambda: self.calls("CACHE.RENEW") >= 6, 20, "six renewals")
            return "slow"
        self.assertEqual(self.status("q", slow, lease_ms=100), ("slow", "lease"))
        self.assertEqual(self.status("q", never), ("slow", "hit"))

    def test_an_upstream_error_hands_the_lease_to_who_waits(self):
        other = self.client(self.where, client_name="other")
        lent, fail = threading.Event(), threading.Event()

        def failing():
            lent.set()
            fail.wait(20)
            raise KeyError("upstream")

        holder = self.background(self.cache.fetch_or_compute, "q", failing)
        self.assertTrue(lent.wait(10))
        waiter = self.background(other.fetch_or_compute, "q", lambda: "second")
        harness.wait_until(lambda: any(each["in_flight"] for each in self.cache.client_list()
                                       if each["client"] == "other"), 10, "the other one waits")
        fail.set()
        with self.assertRaises(KeyError):
            holder.result(10)
        self.assertEqual(waiter.result(10), "second")

    def test_a_wait_ends_when_the_caller_says_so(self):
        lent, go_on = threading.Event(), threading.Event()
        holder = self.background(self.cache.fetch_or_compute, "q",
                                 lambda: (lent.set(), go_on.wait(20), "held")[2])
        self.assertTrue(lent.wait(10))
        self.assertEqual(self.status("q", lambda: "own", wait_ms=50), ("own", "timeout"))
        self.assertEqual(self.status("q", lambda: "own", wait=False), ("own", "miss"))
        go_on.set()
        self.assertEqual(holder.result(10), "held")
        self.assertEqual(self.status("q", never), ("held", "hit"))

    def test_a_dead_server_is_no_dead_bot(self):
        def crash():
            self.running.kill()
            return "answered all the same"
        seen = []
        self.assertEqual(self.cache.fetch_or_compute("q", crash, on_outcome=seen.append),
                         "answered all the same")
        self.assertIsInstance(seen[0].error, reprise.Error)
        self.assertEqual(self.status("q", lambda: 7, fail_open=True), (7, "fail_open"))
        with self.assertRaises(reprise.Unavailable):
            self.cache.fetch_or_compute("q", never)
        self.running.start()
        harness.wait_until(lambda: self.cache.circuit is not reprise.Circuit.OPEN, 10,
                           "the pause after the failures")
        self.assertEqual(self.status("q", lambda: 8), (8, "lease"))

    def test_of_many_tasks_of_two_bots_one_computes_and_when_it_dies_one_more(self):
        computed = []

        async def test(first):
            async with reprise.AsyncClient(self.where) as second:
                go_on = asyncio.Event()

                async def fn():
                    computed.append(1)
                    await go_on.wait()
                    return "once"

                tasks = [asyncio.create_task(bot.fetch_or_compute("q", fn))
                         for _ in range(100) for bot in (first, second)]
                await until(lambda: computed, "somebody computes")
                go_on.set()
                self.assertEqual(set(await asyncio.gather(*tasks)), {"once"})
                self.assertEqual(len(computed), 1)

                doomed = reprise.AsyncClient(self.where)
                go_on.clear()
                held = asyncio.create_task(doomed.fetch_or_compute("r", fn))
                await until(lambda: len(computed) == 2, "the doomed one computes")
                tasks = [asyncio.create_task(second.fetch_or_compute("r", fn))
                         for _ in range(100)]
                await asyncio.sleep(0)
                await doomed.close()
                await until(lambda: len(computed) == 3, "one takes over")
                go_on.set()
                self.assertEqual(set(await asyncio.gather(*tasks)), {"once"})
                await held
                self.assertEqual(len(computed), 3)
        self.run_async(self.where, test)

    def test_a_stream_is_followed_chunk_by_chunk_stored_and_replayed(self):
        seen, other = [], self.client(self.where)
        holder = self.cache.fetch_or_compute_stream("q", lambda: iter(["An", " idiom", "."]))
        self.assertEqual(next(holder), "An")
        follower = self.background(lambda: [seen.append(each) for each in
                                            other.fetch_or_compute_stream("q", never)])
        harness.wait_until(lambda: seen == ["An"], 10, "the first chunk")
        self.assertEqual(next(holder), " idiom")
        harness.wait_until(lambda: seen == ["An", " idiom"], 10, "the second chunk")
        self.assertEqual(list(holder), ["."])
        follower.result(10)
        self.assertEqual(seen, ["An", " idiom", "."])
        self.assertEqual(list(self.cache.fetch_or_compute_stream("q", never)), seen)

    def test_a_stream_that_is_cut_leaves_nothing_and_its_follower_begins_anew(self):
        holder = self.cache.fetch_or_compute_stream("q", lambda: iter("abc"))
        next(holder)
        restarts, other = [], self.client(self.where)
        follower = other.fetch_or_compute_stream("q", lambda: iter("xy"),
                                                 on_restart=lambda: restarts.append(1))
        self.assertEqual(next(follower), "a")
        holder.close()
        self.assertEqual(list(follower), ["x", "y"])
        self.assertEqual(restarts, [1])
        self.assertEqual(list(self.cache.fetch_or_compute_stream("q", never)), ["x", "y"])

    def test_asyncio_streams_are_followed_and_replayed(self):
        async def chunks():
            for each in ("An", " idiom", "."):
                yield each

        async def test(cache):
            holder = cache.fetch_or_compute_stream("q", chunks)
            self.assertEqual(await anext(holder), "An")
            async with reprise.AsyncClient(self.where) as other:
                follower = other.fetch_or_compute_stream("q", never)
                self.assertEqual(await anext(follower), "An")
                self.assertEqual([each async for each in holder], [" idiom", "."])
                self.assertEqual([each async for each in follower], [" idiom", "."])
        self.run_async(self.where, test)

    def test_a_chat_request_is_known_again_however_it_is_spelled(self):
        for request, again in CHATS:
            self.assertEqual(self.status(request, lambda: "An idiom."), ("An idiom.", "lease"))
            self.assertEqual(self.status(again, never), ("An idiom.", "hit"))
            self.assertEqual(self.status({**request, "model": "n"}, lambda: 7), (7, "lease"))
            found = self.cache.cache_lookup(None, request=again)
            self.assertEqual((found["status"], found["model"]), ("hit", request["model"]))
        longer = {**CHATS[0][0], "messages": [{"role": "user", "content": "Hello"}, QUESTION]}
        self.assertEqual(self.status(longer, lambda: 8), (8, "lease"))
        self.assertEqual(self.status(longer, lambda: 9, identity_mode="prompt_only"), (9, "lease"))
        self.assertEqual(self.status({"model": "o", "input": "What is RAII?"}, never,
                                     identity_mode="prompt_only"), (9, "hit"))

    def test_a_chat_request_that_is_none_is_refused_and_nothing_computed_or_stored(self):
        for request in UNREADABLE:
            with self.assertRaises(reprise.BadRequest):
                self.cache.fetch_or_compute(request, never)
            with self.assertRaises(reprise.BadRequest):
                next(self.cache.fetch_or_compute_stream(request, never))
        self.assertEqual(self.cache.cache_stats()["entries"], 0)

    def test_a_bot_that_fails_open_goes_on_with_a_chat_request_that_the_cache_cannot_read(self):
        async def chunks():
            yield "a"

        async def test(cache):
            for request in UNREADABLE:
                self.assertEqual(await cache.fetch_or_compute(request, lambda: 8), 8)
                stream = cache.fetch_or_compute_stream(request, chunks)
                self.assertEqual([each async for each in stream], ["a"])

        for request in UNREADABLE:
            seen = []
            self.assertEqual(self.cache.fetch_or_compute(request, lambda: 7, fail_open=True,
                                                         on_outcome=seen.append), 7)
            self.assertEqual((seen[0].status, seen[0].error.code), ("fail_open", "bad_request"))
            stream = self.cache.fetch_or_compute_stream(request, lambda: iter("ab"), fail_open=True)
            self.assertEqual(list(stream), ["a", "b"])
        self.run_async(self.where, test, fail_open=True)
        self.assertEqual(self.cache.cache_stats()["entries"], 0)
        with self.assertRaises(reprise.BadRequest):
            self.cache.fetch_or_compute("", never, fail_open=True)

    def test_asyncio_and_streams_take_chat_requests(self):
        async def chunks():
            yield "An"
            yield " idiom."

        async def test(cache):
            for request, again in CHATS:
                made = [each async for each in cache.fetch_or_compute_stream(request, chunks)]
                self.assertEqual(made, ["An", " idiom."])
                self.assertEqual(await cache.fetch_or_compute(again, never), made)
        self.run_async(self.where, test)
        streamed = self.cache.fetch_or_compute_stream(CHATS[0][1], never)
        self.assertEqual(list(streamed), ["An", " idiom."])

    def test_a_stream_with_as_many_chunks_as_fit_is_read_again_and_one_with_more_goes_on(self):
        most = 32_768
        seen = []
        for prompt, count in (("fits", most), ("over", most + 1)):
            chunks = self.cache.fetch_or_compute_stream(prompt, lambda n=count: iter(range(n)),
                                                        on_outcome=seen.append)
            self.assertEqual(sum(1 for _ in chunks), count)
        self.assertEqual([each.error and each.error.code for each in seen], [None, "too_large"])
        self.assertEqual(self.cache.fetch_or_compute("fits", never), list(range(most)))
        self.assertEqual(self.cache.cache_lookup("over")["status"], "miss")
        page = self.cache.cache_export()
        self.assertEqual([entry["prompt"] for entry in page["entries"]], ["fits"])

    def test_an_upstream_error_is_told_to_others_for_as_long_as_asked(self):
        def fail():
            raise ValueError("overloaded")
        with self.assertRaises(ValueError):
            self.cache.fetch_or_compute("q", fail, error_ttl_ms=3_000)
        with self.assertRaisesRegex(reprise.UpstreamFailed, "overloaded") as caught:
            self.client(self.where).fetch_or_compute("q", never, fail_open=True)
        self.assertTrue(0 < caught.exception.retry_after_ms <= 3_001)

        async def test(cache):
            with self.assertRaises(reprise.UpstreamFailed):
                await cache.fetch_or_compute("q", never)
            with self.assertRaises(reprise.UpstreamFailed):
                await anext(cache.fetch_or_compute_stream("q", never))
        self.run_async(self.where, test)
        with self.assertRaises(reprise.UpstreamFailed):
            next(self.cache.fetch_or_compute_stream("q", never))
        self.assertEqual(self.status("q", lambda: 7, no_cache=True), (7, "lease"))

    def test_a_bot_that_may_only_read_waits_or_computes_for_itself(self):
        with reprise.Client(self.where) as first:
            admin = first.key_create("default", permissions=["admin"])["key"]
        key = self.client(self.where, access_key=admin).key_create("default", permissions=["read"])
        reader = self.client(self.where, access_key=key["key"])
        self.assertEqual(reader.fetch_or_compute("q", lambda: 7), 7)
        with self.assertRaises(reprise.Forbidden):
            reader.set("k", 1)


if __name__ == "__main__":
    harness.main()
