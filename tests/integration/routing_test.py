"""ROUTE.*: models are chosen by what was learned, in the mix asked for, over restarts, each tenant for itself."""

import math
import unittest

import harness

CHEAP = {"input_nano": 150_000_000, "output_nano": 600_000_000}
DEAR = {"input_nano": 2_500_000_000, "output_nano": 10_000_000_000, "capabilities": ["tools"]}
# Only the mix decides, and nothing by chance.
PLAIN = {"routing.explore_ppm": 0, "routing.cost_weight_ppm": 0}
NAN = float("nan")


class RoutingTest(harness.Case):
    def start(self, **settings):
        self.running = self.server(settings={**PLAIN, **settings})
        self.rpc = self.connect(self.running)
        return self.rpc

    @staticmethod
    def models(rpc):
        rpc.call("ROUTE.MODEL.SET", "cheap", **CHEAP)
        rpc.call("ROUTE.MODEL.SET", "dear", **DEAR)

    @staticmethod
    def teach(rpc, count=20):
        rpc.call("ROUTE.TEACH", [[f"Prove that lemma {number} holds.", {"cheap": 0.0, "dear": 1.0}]
                                 for number in range(count)]
                 + [[f"Name the capital of country {number}.", {"cheap": 1.0, "dear": 1.0}]
                    for number in range(count)])

    def scores(self, rpc):
        return [rpc.call("ROUTE.SCORE", prompt)["score"]
                for prompt in ("Prove that lemma 99 holds.", "Name the capital of country 99.")]

    def test_what_was_learned_decides_and_is_there_again_after_kill_9(self):
        rpc = self.start(**{"routing.cheap_share_ppm": 0, "routing.cost_weight_ppm": 200_000})
        self.models(rpc)
        self.teach(rpc)
        hard, easy = before = self.scores(rpc)
        self.assertGreater(hard, easy + 30)
        self.assertEqual(rpc.call("ROUTE.SELECT", "Prove that lemma 99 holds.")["model"], "dear")
        chosen = rpc.call("ROUTE.SELECT", "Name the capital of country 99.")
        self.assertEqual((chosen["model"], chosen["fallbacks"]), ("cheap", ["dear"]))
        told = rpc.call("ROUTE.FEEDBACK", chosen["decision"], quality=1.0, latency_ms=800,
                        tokens_in=12, tokens_out=5)
        self.assertEqual((told["model"], told["learned"]), ("cheap", True))
        before = self.scores(rpc)
        self.running.restart(kill=True)
        rpc = self.connect(self.running)
        self.assertEqual([round(score, 3) for score in self.scores(rpc)],
                         [round(score, 3) for score in before])
        self.assertEqual(len(rpc.call("ROUTE.MODELS")), 2)
        self.assertEqual(rpc.call("ROUTE.STATS")["outcomes"], 41)
        self.assert_error("not_found", rpc, "ROUTE.FEEDBACK", chosen["decision"], quality=1.0)
        self.running.restart()
        self.assertEqual([round(score, 3) for score in self.scores(self.connect(self.running))],
                         [round(score, 3) for score in before])

    def test_45_percent_become_cheap_and_they_are_those_that_lose_least(self):
        rpc = self.start()
        self.models(rpc)
        self.teach(rpc)
        chosen = []
        for number in range(600):
            prompt = (f"Prove that theorem {number} holds." if number % 5 < 2 else
                      f"Name the capital of country {number}.")
            chosen.append(rpc.call("ROUTE.SELECT", prompt)["model"] == "cheap")
        settled = chosen[200:]
        self.assertAlmostEqual(sum(settled) / len(settled), 0.45, delta=0.04)
        proofs = [cheap for number, cheap in enumerate(chosen) if number % 5 < 2 and number >= 200]
        self.assertLess(sum(proofs), 0.05 * len(proofs))
        stats = rpc.call("ROUTE.STATS")
        self.assertEqual(stats["decisions"], 600)
        self.assertEqual(stats["cheap_share"], sum(chosen) / 600)
        self.assertGreater(stats["saved_nano"], 0.3 * stats["strongest_cost_nano"])
        self.assertEqual(stats["cost_nano"] + stats["saved_nano"], stats["strongest_cost_nano"])

    def test_a_budget_presses_those_who_pay_from_it(self):
        rpc = self.start(**{"routing.cheap_share_ppm": 0})
        self.models(rpc)
        ask = {"importance": 0.5, "scopes": ["bot:coder"]}
        for _ in range(40):
            self.assertEqual(rpc.call("ROUTE.SELECT", "Prove it.", **ask)["model"], "dear")
        rpc.call("BUDGET.SET", "bot:coder", 1_000, period="total")
        held = rpc.call("BUDGET.RESERVE", ["bot:coder"], 1_000)
        self.assertTrue(held["granted"])
        pressed = rpc.call("ROUTE.SELECT", "Prove it.", **ask)
        self.assertEqual(pressed["model"], "cheap")
        self.assertIn("budget", pressed["reason"])
        other = {**ask, "scopes": ["bot:other"]}
        self.assertEqual(rpc.call("ROUTE.SELECT", "Prove it.", **other)["model"], "dear")
        rpc.call("BUDGET.RELEASE", held["reservation"])
        self.assertEqual(rpc.call("ROUTE.SELECT", "Prove it.", **ask)["model"], "dear")

    def test_the_strategy_decides_whether_routing_does(self):
        rpc = self.start()
        self.models(rpc)
        ask = {"pressure": 1.0, "conversation": "c-1"}
        rpc.call("STRATEGY.SET", "routing", mode="on")
        on = rpc.call("ROUTE.SELECT", "What is RAII?", **ask)
        self.assertEqual((on["model"], on["would"]), ("cheap", None))
        rpc.call("STRATEGY.SET", "routing", mode="shadow")
        shadow = rpc.call("ROUTE.SELECT", "What is RAII?", pressure=1.0)
        self.assertEqual((shadow["model"], shadow["would"]), ("dear", "cheap"))
        rpc.call("STRATEGY.SET", "routing", mode="off")
        off = rpc.call("ROUTE.SELECT", "What is RAII?", pressure=1.0)
        self.assertEqual((off["model"], off["would"], off["propensity"]), ("dear", None, 1.0))
        self.assertIn("off", off["reason"])

    def test_prices_come_from_the_price_table_when_the_card_has_none(self):
        rpc = self.start()
        rpc.call("PRICE.SET", "acme", "m-1", {"input": 1, "output": 2})
        rpc.call("ROUTE.MODEL.SET", "m-1", provider="acme")
        chosen = rpc.call("ROUTE.SELECT", "What is RAII?", context_tokens=1_000, answer_tokens=100)
        self.assertEqual(chosen["cost_nano"], 1_000 * 1_000 + 100 * 2_000)

    def test_tenants_are_apart_and_a_deleted_one_leaves_nothing(self):
        admin = self.start()
        for name in ("one", "two"):
            admin.call("NAMESPACE.CREATE", name)
        key = admin.call("KEY.CREATE", "default", permissions=["read", "write", "admin"])["key"]
        keys = {name: self.connect_key(admin, key, name) for name in ("one", "two")}
        one, two = keys["one"], keys["two"]
        self.models(one)
        self.assertEqual(two.call("ROUTE.MODELS"), [])
        self.assert_error("forbidden", one, "ROUTE.MODEL.SET", "all", shared=True)
        self.models(two)
        self.teach(one)
        self.assertEqual(two.call("ROUTE.SCORE", "Prove it.")["confidence"], 0.0)
        decision = one.call("ROUTE.SELECT", "Prove it.")["decision"]
        self.assert_error("not_found", two, "ROUTE.FEEDBACK", decision, quality=1.0)
        self.assertEqual(two.call("ROUTE.STATS")["decisions"], 0)
        admin = self.connect(self.running)
        admin.call("AUTH", key)
        admin.call("ROUTE.MODEL.SET", "all", shared=True)
        self.assertEqual([model["model"] for model in two.call("ROUTE.MODELS")],
                         ["all", "cheap", "dear"])
        admin.call("NAMESPACE.DEL", "one")
        admin.call("NAMESPACE.CREATE", "one")
        again = self.connect_key(admin, key, "one")
        self.assertEqual([model["model"] for model in again.call("ROUTE.MODELS")], ["all"])
        self.assertEqual(again.call("ROUTE.STATS")["outcomes"], 0)
        self.assertEqual(len(two.call("ROUTE.MODELS")), 3)

    def connect_key(self, admin, admin_key, name):
        admin.call("AUTH", admin_key)
        key = admin.call("KEY.CREATE", name, permissions=["read", "write"])["key"]
        rpc = self.connect(self.running)
        rpc.call("AUTH", key)
        return rpc

    def test_bad_input_is_refused_and_changes_nothing(self):
        rpc = self.start()
        self.assert_error("not_found", rpc, "ROUTE.SELECT", "What is RAII?")
        self.models(rpc)
        decision = rpc.call("ROUTE.SELECT", "What is RAII?")["decision"]
        before = rpc.call("ROUTE.STATS")
        for options in ({"quality": NAN}, {"quality": math.inf}, {"quality": -0.1}, {"quality": 1.01},
                        {"tokens_in": -1}, {"tokens_out": 2**63 - 1}, {"latency_ms": -5},
                        {"cost_nano": -1}, {"quality": "good"}, {}):
            self.assert_error("bad_request", rpc, "ROUTE.FEEDBACK", decision, **options)
        for options in ({"importance": NAN}, {"pressure": -1.0}, {"pressure": 1e300},
                        {"needs": ["dreams"]}, {"scopes": ["nonsense"]}, {"max_cost_nano": -1},
                        {"vector": b"123"}, {"vector": b""}, {"models": [1]}, {"min_quality": 2.0},
                        {"context_tokens": 2**62}):
            self.assert_error("bad_request", rpc, "ROUTE.SELECT", "What is RAII?", **options)
        for card in ({"input_nano": 1}, {"input_nano": -1, "output_nano": 1}, {"strength": NAN},
                     {"strength": 1.5}, {"context_window": -1}, {"capabilities": [3]}):
            self.assert_error("bad_request", rpc, "ROUTE.MODEL.SET", "m", **card)
        self.assert_error("bad_request", rpc, "ROUTE.MODEL.SET", "")
        self.assert_error("bad_request", rpc, "ROUTE.SELECT", "")
        self.assert_error("not_found", rpc, "ROUTE.SELECT", "What?", models=["unknown"])
        self.assert_error("not_found", rpc, "ROUTE.MODEL.DEL", "unknown")
        self.assert_error("not_found", rpc, "ROUTE.FEEDBACK", decision, model="unknown", quality=1.0)
        for examples in ([["p", {"cheap": NAN}]], [["p", {}]], [["", {"cheap": 1.0}]], [["p"]], "p",
                         [["p", {"cheap": 1.0}], ["q", {"cheap": 2.0}]]):
            self.assert_error("bad_request", rpc, "ROUTE.TEACH", examples)
        after = rpc.call("ROUTE.STATS")
        self.assertEqual({**after, "memory_bytes": 0}, {**before, "memory_bytes": 0})
        self.assertTrue(rpc.call("ROUTE.FEEDBACK", decision, quality=1.0)["learned"])


if __name__ == "__main__":
    harness.main()
