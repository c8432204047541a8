"""The cache family: tiers, identity, types and their ttl, counters, the bound with LRU."""

import time
import unittest

import harness

DEFAULT_TYPES = {
    "research": 3_600_000,
    "factLookup": 7_200_000,
    "codePattern": 86_400_000,
    "commonTemplate": 86_400_000,
    "general": 3_600_000,
    "live": 60_000,
}


def counter(stats, kind, *names):
    """A counter of one query type; absent counts as zero."""
    row = stats["types"].get(kind, {})
    for name in names:
        if name in row:
            return row[name]
    return 0


class CacheTest(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.shared = harness.Server().start()
        cls.addClassCleanup(cls.shared.destroy)

    def setUp(self):
        super().setUp()
        self.rpc = self.connect(self.shared)
        self.identity = {"model": "gpt-4o", "test": self._testMethodName}

    def lookup(self, prompt, **options):
        return self.rpc.call("CACHE.LOOKUP", prompt, **{"identity": self.identity, **options})

    def store(self, prompt, response, **options):
        return self.rpc.call("CACHE.STORE", prompt, response,
                             **{"identity": self.identity, **options})

    def test_a_stored_answer_is_an_exact_hit(self):
        stored = self.store("What is the capital of France?", "Paris", tokens_in=12, tokens_out=3,
                            cost_nano=4500)
        self.assertIn("id", stored)
        hit = self.lookup("What is the capital of France?")
        self.assertEqual(hit["status"], "hit")
        self.assertEqual(hit["tier"], "exact")
        self.assertEqual(hit["response"], "Paris")
        self.assertEqual(hit["id"], stored["id"])
        self.assertEqual(hit["expires_at_ms"], stored["expires_at_ms"])
        self.assertEqual((hit["tokens_in"], hit["tokens_out"], hit["cost_nano"]), (12, 3, 4500))
        self.assertEqual(hit["type"], "general")
        self.assertTrue(0 <= hit["age_ms"] < 10_000)

    def test_a_trivially_rephrased_question_is_a_normalized_hit(self):
        self.store("What is the capital of France?", "Paris")
        for rephrased in ("what is the capital of france", "  What  is the\tcapital of France ?",
                          "WHAT IS THE CAPITAL OF FRANCE!", "Ｗｈａｔ is the capital of France?"):
            hit = self.lookup(rephrased)
            self.assertEqual((hit["status"], hit.get("tier")), ("hit", "normalized"), rephrased)
            self.assertEqual(hit["response"], "Paris")

    def test_a_question_with_another_meaning_is_a_miss(self):
        self.store("What is 2+2?", "4")
        for other in ("What is 2+3?", "What is 22?", "What is not 2+2?", "What is 2-2?"):
            self.assertEqual(self.lookup(other)["status"], "miss", other)
        for same in ("2+2 is what?", "is 2+2"):  # for the tier that knows other words
            self.assertEqual(self.lookup(same, tier="normalized")["status"], "miss", same)

    def test_tier_exact_forbids_the_normalized_tier(self):
        self.store("How are you?", "Fine")
        self.assertEqual(self.lookup("how are you", tier="normalized")["status"], "hit")
        self.assertEqual(self.lookup("how are you", tier="exact")["status"], "miss")

    def test_a_difference_of_identity_never_hits(self):
        base = {"model": "a", "system": "s", "temperature": 0.5, "tools": [{"name": "t"}],
                "test": self._testMethodName}
        self.store("question", "answer", identity=base)
        self.assertEqual(self.lookup("question", identity=base)["status"], "hit")
        different = [
            {**base, "model": "b"}, {**base, "system": "S"}, {**base, "temperature": 0.6},
            {**base, "tools": []}, {**base, "extra": 1}, {}, None, "a", [base],
            {key: value for key, value in base.items() if key != "system"},
        ]
        for identity in different:
            self.assertEqual(
                self.lookup("question", identity=identity)["status"], "miss", repr(identity))

    def test_the_order_of_identity_keys_does_not_matter(self):
        self.store("q", "a", identity={"x": 1, "y": {"b": 2, "a": 1}})
        hit = self.lookup("q", identity={"y": {"a": 1, "b": 2}, "x": 1})
        self.assertEqual(hit["status"], "hit")

    def test_the_spelling_of_a_number_in_the_identity_does_not_matter(self):
        self.store("question", "answer", identity={**self.identity, "temperature": 1})
        for temperature, status in ((1.0, "hit"), (1.5, "miss"), ("1", "miss")):
            identity = {**self.identity, "temperature": temperature}
            self.assertEqual(self.lookup("question", identity=identity)["status"], status)

    def test_a_new_answer_replaces_the_old_one(self):
        self.store("q?", "old")
        self.store("q?", "new")
        self.assertEqual(self.lookup("q?")["response"], "new")

    def test_responses_of_every_type_come_back_as_they_came(self):
        for response in ("text", b"\x00bin", {"choices": [{"message": "m"}]}, [1, 2.5, None], 7,
                         True, "x" * 100_000):
            self.store("typed question", response)
            got = self.lookup("typed question")["response"]
            self.assertEqual(got, response)
            self.assertIs(type(got), type(response))

    def test_types_have_the_ttl_of_the_configuration(self):
        self.assertEqual(
            {name: row["ttl_ms"] for name, row in self.rpc.call("CACHE.TYPES").items()},
            DEFAULT_TYPES)
        for name, ttl_ms in DEFAULT_TYPES.items():
            if name == "live":
                continue  # not kept
            before = time.time() * 1000
            stored = self.store("question of " + name, "answer", type=name)
            self.assertAlmostEqual(stored["expires_at_ms"] - before, ttl_ms, delta=5000)

    def test_an_unknown_type_is_an_error_that_names_the_known_ones(self):
        error = self.assert_error("bad_request", self.rpc, "CACHE.STORE", "q", "a", type="nonsense")
        self.assertIn("research", error.message)

    def test_a_ttl_of_the_call_wins_and_ends_in_time(self):
        self.store("short-lived", "answer", ttl_ms=300)
        self.assertEqual(self.lookup("short-lived")["status"], "hit")
        harness.wait_until(
            lambda: self.lookup("short-lived")["status"] == "miss", 5, "expiry of an entry")

    def test_max_age_refuses_an_old_answer(self):
        self.store("old", "answer")
        self.assertEqual(self.lookup("old", max_age_ms=60_000)["status"], "hit")
        harness.wait_until(lambda: self.lookup("old", max_age_ms=50)["status"] == "miss", 5,
                           "an entry older than max_age_ms")
        self.assertEqual(self.lookup("old")["status"], "hit", "it is not deleted")

    def test_a_miss_says_why(self):
        miss = self.lookup("never stored")
        self.assertEqual(miss["status"], "miss")
        self.assertTrue(miss["reason"])
        self.assertNotIn("response", {k: v for k, v in miss.items() if v is not None})

    def test_counters_count_hits_misses_and_savings(self):
        kind = "research"
        before = self.rpc.call("CACHE.STATS")
        self.store("counted?", "yes", type=kind, tokens_in=100, tokens_out=20, cost_nano=7000)
        for prompt in ("counted?", "counted?", "COUNTED", "not there"):
            self.lookup(prompt, type=kind)
        after = harness.wait_until(
            lambda: self._if_grown(before, kind), 5, "counters of the cache")
        for name, grown in (("hits_exact", 2), ("hits_normalized", 1), ("misses", 1), ("stores", 1),
                            ("tokens_saved_in", 300), ("tokens_saved_out", 60),
                            ("cost_saved_nano", 21_000)):
            self.assertEqual(counter(after, kind, name) - counter(before, kind, name), grown, name)
        self.assertEqual(after["entries_max"], 10_000)

    def _if_grown(self, before, kind):
        stats = self.rpc.call("CACHE.STATS")
        grown = counter(stats, kind, "misses") > counter(before, kind, "misses")
        return stats if grown else None

    def test_limits_of_prompt_and_tags_are_errors(self):
        self.assert_error("too_large", self.rpc, "CACHE.STORE", "p" * (256 * 1024 + 1), "a")
        self.assert_error("too_large", self.rpc, "CACHE.STORE", "p", "a" * ((1 << 20) + 1))
        for options in ({"tags": ["t"] * 33}, {"tags": ["t" * 129]}):
            error = self.rpc.error_of("CACHE.STORE", "p", "a", **options)
            self.assertIn(error.code, ("too_large", "bad_request"))
        self.assert_error("bad_request", self.rpc, "CACHE.STORE", 5, "a")
        self.assert_error("bad_request", self.rpc, "CACHE.STORE", "p", "a", tokens_in=-1)


class CacheBoundTest(harness.Case):
    def test_the_least_recently_used_entry_is_evicted_first(self):
        server = self.server(settings={"cache.entries_max": 20})
        rpc = self.connect(server)
        rpc.pipeline([("CACHE.STORE", [f"question {i}", i]) for i in range(20)])
        for i in range(10):
            self.assertEqual(rpc.call("CACHE.LOOKUP", f"question {i}")["status"], "hit")
        rpc.pipeline([("CACHE.STORE", [f"new {i}", i]) for i in range(10)])
        self.assertLessEqual(rpc.call("CACHE.STATS")["entries"], 20)
        statuses = {i: rpc.call("CACHE.LOOKUP", f"question {i}")["status"] for i in range(20)}
        self.assertEqual([i for i in range(10) if statuses[i] != "hit"], [],
                         "entries that were used lately were evicted")
        self.assertEqual([i for i in range(10, 20) if statuses[i] != "miss"], [],
                         "entries that were not used stayed")

    def test_types_of_the_operator_come_from_the_configuration(self):
        server = self.server(settings={"cache.types.weather.ttl_ms": 1234,
                                       "cache.types.research.ttl_ms": 99_000})
        rpc = self.connect(server)
        types = rpc.call("CACHE.TYPES")
        self.assertEqual(types["weather"]["ttl_ms"], 1234)
        self.assertEqual(types["research"]["ttl_ms"], 99_000)
        self.assertEqual(types["factLookup"]["ttl_ms"], DEFAULT_TYPES["factLookup"])
        self.assertIn("id", rpc.call("CACHE.STORE", "q", "a", type="weather"))


@unittest.skipIf(harness.is_in_memory(), "the in-memory store keeps nothing")
class CacheRestartTest(harness.Case):
    def fill(self, rpc):
        for i in range(30):
            rpc.call("CACHE.STORE", f"Question number {i}?", f"answer {i}", tokens_out=10)
        for i in range(30):
            self.assertEqual(rpc.call("CACHE.LOOKUP", f"Question number {i}?")["status"], "hit")
        rpc.call("CACHE.LOOKUP", "question NUMBER 3")
        rpc.call("CACHE.LOOKUP", "not there")

    def check(self, server):
        rpc = self.connect(server)
        stats = rpc.call("CACHE.STATS")
        self.assertEqual(stats["entries"], 30)
        self.assertEqual(counter(stats, "general", "hits_exact"), 30)
        self.assertEqual(counter(stats, "general", "hits_normalized"), 1)
        self.assertEqual(counter(stats, "general", "misses"), 1)
        self.assertEqual(counter(stats, "general", "tokens_saved_out"), 310)
        for i in range(30):
            hit = rpc.call("CACHE.LOOKUP", f"Question number {i}?")
            self.assertEqual((hit["status"], hit["response"]), ("hit", f"answer {i}"))
        self.assertEqual(rpc.call("CACHE.LOOKUP", "question number 3")["tier"], "normalized")

    def test_entries_and_counters_survive_a_restart(self):
        server = self.server()
        with server.connect() as rpc:
            self.fill(rpc)
        server.restart()
        self.check(server)

    def test_entries_and_counters_survive_kill_9_after_the_flush_interval(self):
        server = self.server(settings={"cache.counters_flush_ms": 200})
        with server.connect() as rpc:
            self.fill(rpc)
            time.sleep(1.0)  # Ten times the interval that is promised.
        server.restart(kill=True)
        self.check(server)


if __name__ == "__main__":
    harness.main()
