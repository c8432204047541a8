"""How long answers live: stale answers, upstream errors, policies of query types, controls."""

import threading

import harness

STALE = {"cache.types.faq.ttl_ms": 1, "cache.types.faq.stale_ms": 600_000}


class FreshnessTest(harness.Case):
    def serve(self, **settings):
        self.running = self.server(settings=settings)
        return self.connect(self.running)

    def fetch(self, rpc, prompt="What are your hours?", **options):
        return rpc.call("CACHE.FETCH", prompt, **options)

    def store_stale(self, rpc, prompt="What are your hours?", response="9 to 5"):
        self.assertTrue(rpc.call("CACHE.STORE", prompt, response, type="faq", tokens_out=7)["stored"])
        harness.wait_until(lambda: rpc.call("CACHE.LOOKUP", prompt, stale_ok_ms=0)["status"] == "miss",
                           5, "the answer to expire")

    def count(self, rpc, name):
        return rpc.call("CACHE.STATS")["types"]["faq"][name]

    def test_one_caller_gets_the_lease_and_the_others_the_stale_answer(self):
        rpc = self.serve(**STALE)
        self.store_stale(rpc)
        saved = self.count(rpc, "tokens_saved_out")
        first = self.fetch(rpc, type="faq")
        self.assertEqual((first["status"], first["response"], first["type"]),
                         ("lease", "9 to 5", "faq"))
        other = self.connect(self.running)
        for prompt in ("What are your hours?", "what are your hours"):
            reply = self.fetch(other, prompt, type="faq")
            self.assertEqual((reply["status"], reply["response"]), ("stale", "9 to 5"))
            self.assertGreater(reply["age_ms"], 0)
        self.assertEqual(self.count(rpc, "stale"), 2)
        self.assertEqual(self.count(rpc, "tokens_saved_out") - saved, 14)
        rpc.call("CACHE.FILL", first["lease"], "8 to 6", ttl_ms=600_000)
        self.assertEqual(self.fetch(other, type="faq")["response"], "8 to 6")
        self.assertEqual(self.fetch(other, type="faq")["status"], "hit")

    def test_a_stale_answer_is_served_to_who_wants_no_lease_and_to_nobody_who_wants_it_fresh(self):
        rpc = self.serve(**STALE)
        self.store_stale(rpc)
        for options in ({"only_if_cached": True}, {"no_store": True}):
            self.assertEqual(self.fetch(rpc, type="faq", **options)["status"], "stale")
        self.assertEqual(rpc.call("CACHE.LOOKUP", "what are your hours", type="faq")["status"], "stale")
        self.assertEqual(self.fetch(rpc, type="faq", stale_ok_ms=0, only_if_cached=True)["status"],
                         "miss")
        lease = self.fetch(rpc, type="faq", stale_ok_ms=0)
        self.assertNotIn("response", lease)
        self.assertEqual(lease["status"], "lease")

    def test_a_stale_answer_outlives_a_restart_but_not_its_window(self):
        rpc = self.serve(**{**STALE, "cache.types.brief.ttl_ms": 1, "cache.types.brief.stale_ms": 1})
        self.store_stale(rpc)
        rpc.call("CACHE.STORE", "brief", "answer", type="brief")
        rpc.call("SAVE")
        self.running.restart(kill=True)
        rpc = self.connect(self.running)
        self.assertEqual(rpc.call("CACHE.LOOKUP", "What are your hours?")["status"], "stale")
        self.assertEqual(rpc.call("CACHE.LOOKUP", "brief")["status"], "miss")

    def test_an_upstream_error_is_told_to_waiters_and_to_who_asks_soon(self):
        rpc = self.serve(**{"cache.negative_ttl_ms": "10m"})
        lease = self.fetch(rpc)["lease"]
        waiter = self.connect(self.running)
        told = []
        thread = threading.Thread(target=lambda: told.append(self.fetch(waiter)))
        thread.start()
        other = self.connect(self.running)
        harness.wait_until(lambda: other.call("INFO", "cache")["cache"]["waiters"] == 1, 10, "a waiter")
        rpc.call("CACHE.ABANDON", lease, error="429: slow down", ttl_ms=300_000)
        thread.join(10)
        self.assertEqual((told[0]["status"], told[0]["error"]), ("error", "429: slow down"))
        again = self.fetch(other, "what are your hours")
        self.assertEqual(again["status"], "error")
        self.assertLessEqual(again["retry_after_ms"], 300_000)
        self.assertGreater(again["retry_after_ms"], 200_000)
        self.assertEqual(self.fetch(other, "What else?")["status"], "lease")
        self.assertEqual(self.fetch(other, only_if_cached=True)["status"], "miss")
        # Who insists computes; the answer ends it for all.
        lease = self.fetch(other, no_cache=True)["lease"]
        other.call("CACHE.FILL", lease, "9 to 5")
        self.assertEqual(self.fetch(rpc)["status"], "hit")

    def test_errors_end_in_time_and_can_be_forbidden(self):
        rpc = self.serve(**{"cache.negative_ttl_ms": 50})
        rpc.call("CACHE.ABANDON", self.fetch(rpc)["lease"], error="x", ttl_ms=3_600_000)
        lease = {}

        def leads():
            lease.update(self.fetch(rpc))
            return lease["status"] == "lease"

        harness.wait_until(leads, 5, "the error to be forgotten")
        rpc.call("CONFIG.SET", "cache.negative_ttl_ms", "0")
        rpc.call("CACHE.ABANDON", lease["lease"], error="x", ttl_ms=1_000)
        self.assertEqual(self.fetch(rpc)["status"], "lease")

    def test_a_stale_answer_bridges_an_upstream_that_fails(self):
        rpc = self.serve(**{**STALE, "cache.negative_ttl_ms": "10m"})
        self.store_stale(rpc)
        lease = self.fetch(rpc, type="faq")
        rpc.call("CACHE.ABANDON", lease["lease"], error="503", ttl_ms=60_000)
        self.assertEqual(self.fetch(rpc, type="faq")["status"], "stale")

    def test_a_used_answer_of_a_sliding_type_is_still_there_when_an_unused_one_has_gone(self):
        rpc = self.serve(**{"cache.types.faq.ttl_ms": 2_000, "cache.types.faq.sliding": "true",
                            "cache.counters_flush_ms": 200})
        rpc.call("CACHE.STORE", "used", "a", type="faq")
        rpc.call("CACHE.STORE", "unused", "b", type="faq")

        def unused_has_gone():
            self.assertEqual(rpc.call("CACHE.LOOKUP", "used")["status"], "hit")
            return rpc.call("INFO", "cache")["cache"]["entries"] == 1

        harness.wait_until(unused_has_gone, 20, "the unused answer to go")
        self.assertEqual(rpc.call("CACHE.LOOKUP", "unused")["status"], "miss")

    def test_types_are_found_by_rules_and_refuse_with_the_reason(self):
        rpc = self.serve(**{"cache.types.faq.ttl_ms": 99_000, "cache.rules": "faq: opening hours",
                            "cache.bypass_rules": "password"})
        self.assertEqual(self.fetch(rpc, "When are your Opening Hours?")["type"], "faq")
        for prompt, part in (("What is the weather in Paris?", "weather"),
                             ("Please delete my account", "delete"),
                             ("My password is x", "cache.bypass_rules")):
            reply = self.fetch(rpc, prompt)
            self.assertEqual(reply["status"], "bypass")
            self.assertIn(part, reply["reason"])
            self.assertFalse(rpc.call("CACHE.STORE", prompt, "answer")["stored"])
            self.assertEqual(rpc.call("CACHE.LOOKUP", prompt)["status"], "miss")
        with self.assertRaises(harness.RpcError) as refused:
            rpc.call("CONFIG.SET", "cache.rules", "nonsense: a b")
        self.assertIn("nonsense", str(refused.exception))

    def test_a_new_time_to_live_is_kept_over_a_crash(self):
        rpc = self.serve()
        rpc.call("CACHE.STORE", "q", "a")
        self.assertIs(rpc.call("CACHE.EXPIRE", "q", 5), True)
        harness.wait_until(lambda: rpc.call("CACHE.LOOKUP", "q")["status"] == "miss", 5, "the end")
        self.assertIs(rpc.call("CACHE.EXPIRE", "q", 5), False)
        rpc.call("CACHE.STORE", "q", "a", ttl_ms=60_000)
        self.assertIs(rpc.call("CACHE.EXPIRE", "q", 86_400_000), True)
        rpc.call("SAVE")
        self.running.restart(kill=True)
        hit = self.connect(self.running).call("CACHE.LOOKUP", "q")
        self.assertGreater(hit["expires_at_ms"] - hit["age_ms"], 0)
        self.assertEqual(hit["status"], "hit")


if __name__ == "__main__":
    harness.main()
