"""Strategies and guardrails over the wire: rollouts, overrides, shadows, trips and their end."""

import unittest

import harness
import traps

# Slices of 10 ms, so that a trip takes hundreds of calls and no minutes.
FAST = {"control.slice_ms": 10}
PATIENCE_S = 60.0


def strategy(rpc, name, **who):
    listed = {item["strategy"]: item for item in rpc.call("STRATEGY.LIST", **who)}
    return listed[name]


def decision(rpc, name, **who):
    return strategy(rpc, name, **who)["decision"]


def guardrail(rpc, name):
    return rpc.call("GUARDRAIL.STATUS", name)["guardrails"][0]


class StrategyTest(harness.Case):
    def setUp(self):
        super().setUp()
        # What another tier finds would hide what the exact one does not.
        self.running = self.server(settings={"cache.semantic": "off"})
        self.rpc = self.connect(self.running)

    def bot(self, name):
        rpc = self.connect(self.running)
        rpc.call("HELLO", client=name)
        return rpc

    def test_a_rollout_reaches_some_bots_and_the_cache_obeys(self):
        self.rpc.call("CACHE.STORE", "What is RAII?", "an idiom")
        self.rpc.call("STRATEGY.SET", "cache.exact", mode="on", rollout_percent=40, unit="bot")
        self.rpc.call("STRATEGY.SET", "cache.normalized", mode="off")
        reached = set()
        for number in range(30):
            rpc = self.bot(f"bot-{number}")
            status = rpc.call("CACHE.LOOKUP", "What is RAII?")["status"]
            decided = decision(rpc, "cache.exact")
            self.assertEqual(status == "hit", decided["mode"] == "on")
            self.assertEqual(decided["group"], "treated" if status == "hit" else "control")
            self.assertEqual(decided, decision(self.rpc, "cache.exact", bot=f"bot-{number}"))
            if status == "hit":
                reached.add(number)
        self.assertTrue(3 < len(reached) < 24, reached)
        self.rpc.call("STRATEGY.SET", "cache.exact", rollout_percent=80)
        grown = {number for number in range(30)
                 if decision(self.rpc, "cache.exact", bot=f"bot-{number}")["mode"] == "on"}
        self.assertLess(reached, grown)

    def test_conversations_are_units_of_a_rollout(self):
        self.rpc.call("CACHE.STORE", "What is RAII?", "an idiom")
        self.rpc.call("STRATEGY.SET", "cache.normalized", mode="off")
        self.rpc.call("STRATEGY.SET", "cache.exact", rollout_percent=50)
        hits = [self.rpc.call("CACHE.LOOKUP", "What is RAII?", conversation=f"talk-{i}")["status"]
                for i in range(40)]
        self.assertEqual(set(hits), {"hit", "miss"})
        again = [self.rpc.call("CACHE.FETCH", "What is RAII?", conversation=f"talk-{i}",
                               only_if_cached=True)["status"] for i in range(40)]
        self.assertEqual(hits, again)

    def test_an_override_goes_before_the_rest_until_it_ends(self):
        self.rpc.call("CACHE.STORE", "What is RAII?", "an idiom")
        self.rpc.call("STRATEGY.SET", "cache.exact", mode="off")
        self.rpc.call("STRATEGY.SET", "cache.normalized", mode="off")
        ann, bob = self.bot("ann"), self.bot("bob")
        self.assertEqual(ann.call("CACHE.LOOKUP", "What is RAII?")["status"], "miss")
        self.rpc.call("STRATEGY.SET", "cache.exact", override="on", bot="ann")
        self.assertEqual(ann.call("CACHE.LOOKUP", "What is RAII?")["status"], "hit")
        self.assertEqual(bob.call("CACHE.LOOKUP", "What is RAII?")["status"], "miss")
        self.rpc.call("STRATEGY.SET", "cache.exact", override="on", ttl_ms=1)
        harness.wait_until(lambda: bob.call("CACHE.LOOKUP", "What is RAII?")["status"] == "miss",
                           10, "the override of the namespace has ended")
        harness.wait_until(lambda: len(strategy(self.rpc, "cache.exact")["overrides"]) == 1, 10,
                           "and is no longer listed")
        self.rpc.call("STRATEGY.SET", "cache.exact", override="none", bot="ann")
        self.assertEqual(ann.call("CACHE.LOOKUP", "What is RAII?")["status"], "miss")

    def test_the_configuration_is_the_default_and_a_setting_goes_before_it(self):
        self.rpc.call("CACHE.STORE", "What is RAII?", "an idiom")
        self.rpc.call("CONFIG.SET", "cache.exact", "off")
        self.rpc.call("CONFIG.SET", "cache.normalized", "off")
        self.assertEqual(self.rpc.call("CACHE.LOOKUP", "What is RAII?")["status"], "miss")
        listed = strategy(self.rpc, "cache.exact")
        self.assertEqual((listed["mode"], listed["source"]), ("off", "configuration"))
        self.rpc.call("STRATEGY.SET", "cache.exact", mode="on")
        self.assertEqual(self.rpc.call("CACHE.LOOKUP", "What is RAII?")["status"], "hit")
        self.rpc.call("STRATEGY.SET", "cache.exact", mode="shadow")
        before = self.rpc.call("CACHE.STATS")["total"]["shadow_hits"]
        self.assertEqual(self.rpc.call("CACHE.LOOKUP", "What is RAII?")["status"], "miss")
        self.assertEqual(self.rpc.call("CACHE.STATS")["total"]["shadow_hits"], before + 1)
        tiers = self.rpc.call("CACHE.EXPLAIN", "What is RAII?")["tiers"]
        self.assertEqual(tiers["exact"], {"mode": "shadow", "status": "hit",
                                          "reason": "the same prompt and identity"})
        self.rpc.call("STRATEGY.SET", "cache.exact", reset=True)
        self.assertEqual(self.rpc.call("CACHE.LOOKUP", "What is RAII?")["status"], "miss")

    def test_single_flight_joins_by_normal_form_only_who_may_use_that_tier(self):
        first = self.rpc.call("CACHE.FETCH", "What is RAII?")
        self.assertEqual(first["status"], "lease")
        self.assertEqual(self.bot("ann").call("CACHE.FETCH", "what is raii", wait=False)["status"],
                         "miss")
        self.rpc.call("STRATEGY.SET", "cache.normalized", override="off", bot="bob")
        self.assertEqual(self.bot("bob").call("CACHE.FETCH", "what is raii", wait=False)["status"],
                         "lease")

    def test_bad_requests_say_what_is_allowed(self):
        for method, params, options, words in (
                ("STRATEGY.SET", ["telepathy"], {"mode": "on"}, "cache.semantic"),
                ("STRATEGY.SET", ["tools"], {"mode": "maybe"}, "on, shadow or off"),
                ("STRATEGY.SET", ["tools"], {"rollout_percent": 100.5}, "from 0 to 100"),
                ("STRATEGY.SET", ["tools"], {"rollout_percent": -1}, "from 0 to 100"),
                ("STRATEGY.SET", ["tools"], {"rollout_percent": float("nan")}, "from 0 to 100"),
                ("STRATEGY.SET", ["tools"], {"hold_out_percent": 51}, "from 0 to 50"),
                ("STRATEGY.SET", ["tools"], {}, "nothing is said"),
                ("STRATEGY.SET", ["tools"], {"bot": "x"}, "override"),
                ("STRATEGY.SET", ["tools"], {"override": "on", "bot": "x", "conversation": "y"},
                 "both"),
                ("STRATEGY.SET", ["tools"], {"override": "on", "mode": "off"}, "one of them"),
                ("STRATEGY.SET", ["tools"], {"unit": "key"}, "conversation or bot"),
                ("QUALITY.RECORD", [], {"quality": float("nan")}, "from 0 to 1"),
                ("QUALITY.RECORD", [], {"quality": float("inf")}, "from 0 to 1"),
                ("QUALITY.RECORD", [], {"quality": -0.1}, "from 0 to 1"),
                ("QUALITY.RECORD", [], {"response_ms": 1 << 62}, "86400000"),
                ("QUALITY.RECORD", [], {"response_ms": -1}, "86400000"),
                ("QUALITY.RECORD", [], {"cost_nano": -1}, "must be from 0"),
                ("QUALITY.RECORD", [], {"baseline_nano": 1, "quality": 1}, "cost_nano"),
                ("QUALITY.RECORD", [], {}, "nothing is said"),
                ("QUALITY.RECORD", [], {"quality": 1, "strategies": ["magic"]}, "magic"),
                ("QUALITY.RECORD", [], {"quality": 1, "held_out": ["tools"]}, "strategies"),
                ("QUALITY.RECORD", [],
                 {"quality": 1, "strategies": ["tools"], "held_out": ["tools"]}, "held_out"),
                ("GUARDRAIL.SET", ["quality"], {"limit": 1}, "0.999"),
                ("GUARDRAIL.SET", ["quality"], {"limit": float("nan")}, "from 0 to 100"),
                ("GUARDRAIL.SET", ["x"], {"metric": "quality"}, "needs"),
                ("GUARDRAIL.SET", ["x"], {"metric": "mood", "limit": 0.5, "strategies": ["tools"]},
                 "error_rate"),
                ("GUARDRAIL.SET", ["x"], {"metric": "quality", "limit": 0.5, "strategies": []},
                 "empty"),
                ("GUARDRAIL.SET", ["x"],
                 {"metric": "quality", "limit": 0.5, "strategies": ["context"]}, "contradict"),
                ("GUARDRAIL.SET", ["1"],
                 {"metric": "quality", "limit": 0.5, "strategies": ["tools"]}, "a letter"),
                ("CONFIG.SET", ["control.guardrails",
                                ["a: quality < 0.9: tools", "b: quality < 0.8: all"]], {},
                 "contradict"),
                ("CONFIG.SET", ["control.guardrails", ["a: quality > 0.9: tools"]], {},
                 "written with <")):
            error = self.assert_error("bad_request", self.rpc, method, *params, **options)
            self.assertIn(words, error.message, f"{method} {params} {options}")
        self.assert_error("not_found", self.rpc, "STRATEGY.SET", "tools", override="none", bot="x")
        self.assert_error("not_found", self.rpc, "GUARDRAIL.REARM", "quality")
        self.assert_error("not_found", self.rpc, "STRATEGY.LIST", namespace="nowhere")

    @unittest.skipIf(harness.is_in_memory(), "a restart without a disk has nothing to find")
    def test_settings_and_overrides_outlast_kill_9(self):
        self.rpc.call("STRATEGY.SET", "compression", rollout_percent=12.5, unit="bot")
        self.rpc.call("STRATEGY.SET", "tools", override="off", conversation="talk")
        before = [decision(self.rpc, "compression", bot=f"bot-{i}") for i in range(50)]
        listed = self.rpc.call("STRATEGY.LIST")
        self.running.kill()
        self.running.start()
        rpc = self.connect(self.running)
        self.assertEqual(rpc.call("STRATEGY.LIST"), listed)
        self.assertEqual([decision(rpc, "compression", bot=f"bot-{i}") for i in range(50)], before)


class SemanticShadowTest(harness.Case):
    STORED = "How do I reset my password?"
    REPHRASED = "What do I have to do to reset my password?"

    def test_one_namespace_shadows_the_semantic_tier_while_another_is_answered(self):
        running = self.server(settings={"semantic.embedder": "hash"})
        rpc = self.connect(running)
        admin = rpc.call("KEY.CREATE", "default", permissions=["read", "write", "admin"])["key"]
        rpc.call("AUTH", admin)
        rpc.call("NAMESPACE.CREATE", "careful")
        rpc.call("STRATEGY.SET", "cache.semantic", mode="shadow", namespace="careful")
        bots = {}
        for name in ("default", "careful"):
            bots[name] = self.connect(running)
            bots[name].call("AUTH", rpc.call("KEY.CREATE", name)["key"])
            bots[name].call("CACHE.STORE", self.STORED, "By mail.")
            bots[name].call("CACHE.CALIBRATE",
                            traps.labelled(self.STORED, self.REPHRASED, True, 500))
        harness.wait_until(lambda: rpc.call("INFO", "semantic")["semantic"]["vectors"] == 2,
                           PATIENCE_S, "both entries are indexed")
        for name, status, mode, shadow_hits in (("default", "hit", "on", 0),
                                                ("careful", "miss", "shadow", 1)):
            bot = bots[name]
            self.assertEqual(bot.call("CACHE.LOOKUP", self.REPHRASED)["status"], status, name)
            self.assertEqual(bot.call("CACHE.STATS")["total"]["shadow_hits"], shadow_hits, name)
            tier = bot.call("CACHE.EXPLAIN", self.REPHRASED)["tiers"]["semantic"]
            self.assertEqual((tier["mode"], tier["status"]), (mode, "hit"))
            self.assertEqual(decision(bot, "cache.semantic")["mode"], mode)
            self.assert_error("forbidden", bot, "STRATEGY.SET", "cache.semantic", mode="on")
            other = "careful" if name == "default" else "default"
            self.assert_error("forbidden", bot, "STRATEGY.LIST", namespace=other)
            self.assert_error("forbidden", bot, "GUARDRAIL.STATUS", namespace=other)

    def test_a_namespace_may_have_the_tier_that_the_configuration_has_off(self):
        running = self.server(settings={"semantic.embedder": "hash", "cache.semantic": "off"})
        rpc = self.connect(running)
        rpc.call("CACHE.STORE", "How do I reset my password?", "By mail.")
        harness.wait_until(lambda: running.info("semantic", "queued") == 0, 10, "nothing is queued")
        self.assertEqual(running.info("semantic", "vectors"), 0)
        rpc.call("STRATEGY.SET", "cache.semantic", mode="shadow")
        rpc.call("CACHE.STORE", "How do I change my address?", "In the settings.")
        harness.wait_until(lambda: running.info("semantic", "vectors") == 2, PATIENCE_S,
                           "both are indexed, the older one as well")


class GuardrailTest(harness.Case):
    def setUp(self):
        super().setUp()
        self.running = self.server(settings=FAST)
        self.rpc = self.connect(self.running)

    def record_until_trip(self, rpc, name, **figures):
        """Records such calls until the guardrail trips."""
        def step():
            replies = rpc.pipeline([("QUALITY.RECORD", [figures])] * 50)
            return any(name in reply["tripped"] for reply in replies)
        harness.wait_until(step, PATIENCE_S, f"{name} trips")

    def test_bad_quality_turns_compression_and_context_off_and_tells_subscribers(self):
        listener = self.connect(self.running)
        listener.call("SUBSCRIBE", "guardrail")
        good = [("QUALITY.RECORD", [{"quality": 0.97}])] * 50
        harness.wait_until(
            lambda: self.rpc.pipeline(good) and guardrail(self.rpc, "quality")["watched"][0]["slices"],
            PATIENCE_S, "a slice has ended")
        self.assertIsNone(guardrail(self.rpc, "quality")["trip"])
        self.assertAlmostEqual(guardrail(self.rpc, "quality")["watched"][0]["estimate"], 0.97, 4)
        self.record_until_trip(self.rpc, "quality", quality=0.8)
        kind, _, (channel, event) = listener.receive()
        self.assertEqual((kind, channel), (2, "guardrail"))
        trip = guardrail(self.rpc, "quality")["trip"]
        self.assertEqual(event, {"what": "tripped", **trip})
        self.assertEqual(trip["turned_off"], ["context", "compression"])
        self.assertAlmostEqual(trip["estimate"], 0.8, delta=0.05)
        self.assertGreater(trip["slices"], 12)
        self.assertGreaterEqual(trip["samples"], 30 * trip["slices"])
        self.assertGreaterEqual(trip["evidence"], trip["needed"])
        self.assertLessEqual(trip["since_ms"], trip["at_ms"])
        self.assertEqual(trip["ends_at_ms"], trip["at_ms"] + 86_400_000)
        for name in ("context", "compression"):
            self.assertEqual(decision(self.rpc, name)["reason"], "turned off by a guardrail")
            self.assertEqual(strategy(self.rpc, name)["tripped_by"], "quality")
        self.assertEqual(decision(self.rpc, "routing")["mode"], "on")
        self.assertIn("guardrail", self.running.log())
        self.assertEqual(self.running.metrics().get("reprise_guardrails_tripped"), 1)

        self.assertEqual(self.rpc.call("GUARDRAIL.REARM", "quality"), {"rearmed": ["quality"]})
        self.assertEqual(listener.receive()[2][1]["what"], "rearmed")
        self.assertEqual(decision(self.rpc, "compression")["mode"], "on")
        self.assertIsNone(guardrail(self.rpc, "quality")["trip"])
        self.assertEqual(guardrail(self.rpc, "quality")["watched"][0]["samples"], 0)

    @unittest.skipIf(harness.is_in_memory(), "a restart without a disk has nothing to find")
    def test_what_tripped_is_still_off_after_kill_9(self):
        self.rpc.call("CACHE.STORE", "What is RAII?", "an idiom")
        self.assertEqual(self.rpc.call("CACHE.LOOKUP", "What is RAII?")["status"], "hit")
        self.record_until_trip(self.rpc, "errors", error=True)
        trip = guardrail(self.rpc, "errors")["trip"]
        self.running.kill()
        self.running.start()
        rpc = self.connect(self.running)
        self.assertEqual(guardrail(rpc, "errors")["trip"], trip)
        for item in rpc.call("STRATEGY.LIST"):
            self.assertEqual(item["decision"]["mode"], "off", item)
        self.assertEqual(rpc.call("CACHE.LOOKUP", "What is RAII?")["status"], "miss")
        # A person who looked into it may put one bot on again.
        rpc.call("STRATEGY.SET", "cache.exact", override="on", bot="tester")
        self.assertEqual(decision(rpc, "cache.exact", bot="tester")["mode"], "on")
        self.assertEqual(rpc.call("GUARDRAIL.REARM"), {"rearmed": ["errors"]})
        self.assertEqual(rpc.call("CACHE.LOOKUP", "What is RAII?")["status"], "hit")

    def test_a_cool_down_ends_a_trip(self):
        self.rpc.call("GUARDRAIL.SET", "quality", cool_down_ms=1)
        listener = self.connect(self.running)
        listener.call("SUBSCRIBE", "guardrail")
        self.record_until_trip(self.rpc, "quality", quality=0.5)
        self.assertEqual(listener.receive()[2][1]["what"], "tripped")
        self.assertEqual(listener.receive()[2][1]["what"], "cooled_down")
        self.assertEqual(decision(self.rpc, "compression")["mode"], "on")

    def test_slow_deferral_is_found_by_comparison(self):
        """Half of the conversations are outside the rollout; the others take four times as long."""
        self.rpc.call("STRATEGY.SET", "deferral", rollout_percent=50)
        talks = [f"talk-{i}" for i in range(200)]
        has_it = {talk: decision(self.rpc, "deferral", conversation=talk)["mode"] == "on"
                  for talk in talks}
        calls = [("QUALITY.RECORD",
                  [{"conversation": talk, "response_ms": 400 if has_it[talk] else 100}])
                 for talk in talks]
        harness.wait_until(
            lambda: any("slow" in reply["tripped"] for reply in self.rpc.pipeline(calls)),
            PATIENCE_S, "the guardrail slow trips")
        trip = guardrail(self.rpc, "slow")["trip"]
        self.assertAlmostEqual(trip["estimate"], 4, delta=0.2)
        self.assertEqual(trip["turned_off"], ["deferral"])
        self.assertEqual(decision(self.rpc, "deferral", conversation="talk-1")["mode"], "off")

    def test_routing_that_saves_nothing_is_turned_off(self):
        self.record_until_trip(self.rpc, "savings", cost_nano=1_000_000, baseline_nano=1_000_000)
        self.assertEqual(decision(self.rpc, "routing")["reason"], "turned off by a guardrail")

    def test_a_minute_of_failures_is_not_enough(self):
        self.rpc.call("CONFIG.SET", "control.slice_ms", "1m")
        for _ in range(40):
            self.rpc.pipeline([("QUALITY.RECORD", [{"error": True}])] * 50)
        self.assertEqual(decision(self.rpc, "routing")["mode"], "on")
        self.assertEqual(guardrail(self.rpc, "errors")["watched"][0]["samples"], 2_000)

    def test_namespaces_trip_apart_and_go_with_all_they_have(self):
        admin = self.rpc.call("KEY.CREATE", "default", permissions=["read", "write", "admin"])["key"]
        self.rpc.call("AUTH", admin)
        self.rpc.call("NAMESPACE.CREATE", "other")
        other = self.connect(self.running)
        other.call("AUTH", self.rpc.call("KEY.CREATE", "other")["key"])
        listener = self.connect(self.running)
        listener.call("AUTH", self.rpc.call("KEY.CREATE", "other")["key"])
        listener.call("SUBSCRIBE", "guardrail")
        mine = self.connect(self.running)
        mine.call("AUTH", self.rpc.call("KEY.CREATE", "default")["key"])
        self.record_until_trip(mine, "quality", quality=0.5)
        self.assertEqual(decision(mine, "compression")["mode"], "off")
        self.assertEqual(decision(other, "compression")["mode"], "on")
        self.assertEqual(guardrail(other, "quality")["watched"][0]["samples"], 0)
        self.assertEqual(listener.call("PING"), "PONG")  # and no event before it
        self.assert_error("forbidden", mine, "GUARDRAIL.REARM", "quality")
        self.assert_error("forbidden", mine, "GUARDRAIL.SET", "quality", limit=0.5)
        self.record_until_trip(other, "quality", quality=0.5)
        self.assertEqual(listener.receive()[2][1]["what"], "tripped")
        self.rpc.call("NAMESPACE.DEL", "other")
        self.rpc.call("NAMESPACE.CREATE", "other")
        fresh = self.rpc.call("GUARDRAIL.STATUS", "quality", namespace="other")["guardrails"][0]
        self.assertIsNone(fresh["trip"])
        self.assertEqual(fresh["watched"][0]["samples"], 0)


if __name__ == "__main__":
    harness.main()
