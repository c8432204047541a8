"""CACHE.EXPLAIN and shadow mode over the wire."""

import harness


class ExplainTest(harness.Case):
    def setUp(self):
        super().setUp()
        self.running = self.server()
        self.rpc = self.connect(self.running)

    def explain(self, prompt, **options):
        return self.rpc.call("CACHE.EXPLAIN", prompt, **options)

    def test_the_nearest_entry_is_told_field_by_field(self):
        self.rpc.call("CACHE.STORE", "What is RAII?", "An idiom.",
                      identity={"model": "large", "tools": [{"name": "f"}]})
        told = self.explain("what is raii", identity={"model": "small", "tools": []})
        self.assertEqual(told["status"], "miss")
        self.assertEqual(
            {each["path"]: (each["asked"], each["stored"])
             for each in told["nearest"][0]["differences"]},
            {"model": ('"small"', '"large"'), "tools[0]": ("", '{"name":"f"}')})

    def test_it_agrees_with_lookup_and_changes_nothing(self):
        self.rpc.call("CACHE.STORE", "What is RAII?", "An idiom.")
        before = self.rpc.call("CACHE.STATS")["total"]
        for prompt, status in (("What is RAII?", "hit"), ("what is raii", "hit"),
                               ("What is RAID?", "miss"), ("What is the weather?", "bypass")):
            told = self.explain(prompt)
            self.assertEqual(told["status"], status, prompt)
            self.assertIn(told["type"], ("general", "live"))
        self.assertEqual(self.explain("what is raii")["tiers"]["exact"]["status"], "miss")
        self.assertEqual(self.explain("what is raii")["tiers"]["normalized"]["status"], "hit")
        self.assertEqual(self.rpc.call("CACHE.STATS")["total"], before)

    def test_the_very_same_prompt_is_called_that_whichever_tier_finds_it(self):
        server = self.server(settings={"cache.exact": "shadow", "cache.normalized": "on"})
        rpc = self.connect(server)
        rpc.call("CACHE.STORE", "What is RAII?", "An idiom.")
        for prompt, reason in (("What is RAII?", "the same prompt and identity"),
                               ("what is raii",
                                "the same prompt but for case, space or punctuation")):
            told = rpc.call("CACHE.EXPLAIN", prompt)
            self.assertEqual((told["status"], told["reason"]), ("hit", reason))
            self.assertEqual(told["tiers"]["normalized"]["reason"], reason)

    def test_it_says_who_computes(self):
        lease = self.rpc.call("CACHE.FETCH", "q")["lease"]
        self.assertEqual(self.explain("Q")["computing"], "another caller")
        self.rpc.call("CACHE.ABANDON", lease, error="503", ttl_ms=5_000)
        self.assertEqual(self.explain("q")["computing"], "failed")
        self.assertEqual(self.explain("other")["computing"], "nobody")

    def test_other_namespaces_are_not_told_of(self):
        self.rpc.call("CACHE.STORE", "What is RAII?", "A secret.")
        self.rpc.call("NAMESPACE.CREATE", "other")
        admin = self.rpc.call("KEY.CREATE", "default", permissions=["read", "write", "admin"])["key"]
        self.rpc.call("AUTH", admin)
        key = self.rpc.call("KEY.CREATE", "other", permissions=["read"])["key"]
        other = self.connect(self.running)
        other.call("AUTH", key)
        told = other.call("CACHE.EXPLAIN", "What is RAII?")
        self.assertEqual((told["nearest"], told["rows_read"]), ([], 0))

    def test_a_tier_in_shadow_mode_counts_and_does_not_answer(self):
        self.rpc.call("CACHE.STORE", "What is RAII?", "An idiom.", cost_nano=500)
        self.rpc.call("CONFIG.SET", "cache.normalized", "shadow")
        self.rpc.call("CONFIG.SET", "cache.semantic", "off")  # It would answer as well.
        self.assertEqual(self.rpc.call("CACHE.LOOKUP", "what is raii")["status"], "miss")
        self.assertEqual(self.explain("what is raii")["tiers"]["normalized"]["mode"], "shadow")
        total = self.rpc.call("CACHE.STATS")["total"]
        self.assertEqual((total["shadow_hits"], total["shadow_cost_nano"], total["cost_saved_nano"]),
                         (1, 500, 0))
        self.rpc.call("CONFIG.SET", "cache.normalized", "on")
        self.assertEqual(self.rpc.call("CACHE.LOOKUP", "what is raii")["status"], "hit")


if __name__ == "__main__":
    harness.main()
