"""SPEND.*: what was recorded is reported in every form, adds up, and can be proved."""

import csv
import datetime
import io
import json
import random

import harness

STRATEGIES = ["cache.exact", "cache.normalized", "cache.semantic", "routing", "batching",
              "deferral", "context", "compression", "tools"]
FIGURES = ("calls", "tokens_in", "tokens_out", "tokens_cached", "cost_nano", "savings",
           "tokens_saved_in", "tokens_saved_out", "cost_saved_nano")


class SpendTest(harness.Case):
    def setUp(self):
        super().setUp()
        self.running = self.server()
        self.rpc = self.connect(self.running)

    def fill(self, records=200, seed=7):
        """Random records; what they add up to, by (bot, model, type, strategy)."""
        chance, sums = random.Random(seed), {}
        for _ in range(records):
            key = (f"bot-{chance.randrange(3)}", f"m,{chance.randrange(2)}",
                   f"type-{chance.randrange(2)}", chance.choice([""] * 5 + STRATEGIES))
            tokens = chance.randrange(1000), chance.randrange(100)
            nano = chance.randrange(10**9)
            options = {"scopes": [f"bot:{key[0]}", f"model:{key[1]}", f"type:{key[2]}"],
                       "usage": {"input_tokens": tokens[0], "output_tokens": tokens[1],
                                 "cache_read_tokens": tokens[0] // 2}}
            if key[3]:
                options["strategy"] = key[3]
            self.rpc.call("SPEND.RECORD", nano, **options)
            row = sums.setdefault(key, dict.fromkeys(FIGURES, 0))
            if key[3]:
                added = {"savings": 1, "tokens_saved_in": tokens[0],
                         "tokens_saved_out": tokens[1], "cost_saved_nano": nano}
            else:
                added = {"calls": 1, "tokens_in": tokens[0], "tokens_out": tokens[1],
                         "tokens_cached": tokens[0] // 2, "cost_nano": nano}
            for name, value in added.items():
                row[name] += value
        return sums

    @staticmethod
    def grouped(sums, places):
        groups = {}
        for key, row in sums.items():
            group = groups.setdefault(tuple(key[place] for place in places),
                                      dict.fromkeys(FIGURES, 0))
            for name in FIGURES:
                group[name] += row[name]
        return groups

    def test_what_hits_save_is_reported_by_tier_and_survives_a_kill(self):
        self.rpc.call("CACHE.STORE", "What is RAII?", "an idiom",
                      model="big", type="research", tokens_in=10, tokens_out=20, cost_nano=300)
        for question, hits in (("What is RAII?", 3), ("what is  raii?", 2)):
            for _ in range(hits):
                self.assertEqual(self.rpc.call("CACHE.LOOKUP", question)["status"], "hit")
        by = ["model", "type", "strategy"]
        rows = self.rpc.call("SPEND.REPORT", by=by)["rows"]
        found = {(row["model"], row["type"], row["strategy"]):
                 (row["savings"], row["tokens_saved_out"], row["cost_saved_nano"]) for row in rows}
        self.assertEqual(found, {("big", "research", "cache.exact"): (3, 60, 900),
                                 ("big", "research", "cache.normalized"): (2, 40, 600)})
        self.running.restart(kill=True)
        with self.running.connect() as rpc:
            self.assertEqual(rpc.call("SPEND.REPORT", by=by)["rows"], rows)

    def test_a_report_is_the_sum_of_its_records_however_it_is_grouped(self):
        sums = self.fill()
        names = ("bot", "model", "type", "strategy")
        for places in ((0,), (1, 3), (3,), (0, 1, 2, 3), ()):
            by = [names[place] for place in places]
            report = self.rpc.call("SPEND.REPORT", by=by)
            found = {tuple(row[name] for name in by): {name: row[name] for name in FIGURES}
                     for row in report["rows"]}
            self.assertEqual(found, self.grouped(sums, places), by)
            self.assertEqual(report["totals"], self.grouped(sums, ())[()])
            text = self.rpc.call("SPEND.REPORT", by=by, format="csv")
            rows = list(csv.DictReader(io.StringIO(text)))
            self.assertEqual(
                {tuple(row[name] for name in by): {name: int(row[name]) for name in FIGURES}
                 for row in rows}, found)
            self.assertEqual(
                json.loads(self.rpc.call("SPEND.REPORT", by=by, format="json")), report)

    def test_the_daily_json_has_every_strategy_and_the_totals(self):
        sums = self.fill()
        daily = json.loads(self.rpc.call("SPEND.REPORT", format="json"))
        days = {day["day"] for day in daily["days"]}
        today = datetime.datetime.now(datetime.timezone.utc).date()
        self.assertTrue(days <= {str(today), str(today - datetime.timedelta(days=1))})
        by_strategy = self.grouped(sums, (3,))
        self.assertEqual(list(daily["strategies"]), STRATEGIES)
        for name, row in daily["strategies"].items():
            expected = by_strategy.get((name,), dict.fromkeys(FIGURES, 0))
            self.assertEqual((row["count"], row["tokens_saved_in"], row["tokens_saved_out"],
                              row["cost_saved_nano"]),
                             tuple(expected[each] for each in FIGURES[5:]), name)
        self.assertEqual(daily["totals"], self.grouped(sums, ())[()])
        for day in daily["days"]:
            self.assertEqual(list(day["strategies"]), STRATEGIES)
            self.assertEqual(set(day["totals"]), set(FIGURES))

    def test_a_charge_with_an_id_is_made_once(self):
        options = {"charge_id": "call-1", "scopes": ["bot:coder"]}
        first = self.rpc.call("SPEND.RECORD", 500, **options)
        again = self.rpc.call("SPEND.RECORD", 500, **options)
        self.assertEqual((first["duplicate"], again["duplicate"]), (False, True))
        self.assertEqual(first["sequence"], again["sequence"])
        self.assert_error("exists", self.rpc, "SPEND.RECORD", 501, **options)
        self.assertEqual(self.rpc.call("SPEND.REPORT")["totals"]["cost_nano"], 500)

    def test_the_bot_is_the_one_that_said_hello(self):
        self.rpc.call("HELLO", client="writer", version="1.0")
        self.rpc.call("SPEND.RECORD", 5)
        self.assertEqual([row["bot"] for row in self.rpc.call("SPEND.REPORT", by=["bot"])["rows"]],
                         ["writer"])

    def test_a_verified_ledger_has_a_head_that_only_grows(self):
        self.fill(20)
        first = self.rpc.call("SPEND.VERIFY")
        self.assertTrue(first["sound"])
        self.assertEqual(first["records"], 20)
        self.rpc.call("SPEND.RECORD", 1)
        second = self.rpc.call("SPEND.VERIFY")
        self.assertEqual(second["heads"][0]["sequence"], first["heads"][0]["sequence"] + 1)
        self.assertNotEqual(second["heads"][0]["sha256"], first["heads"][0]["sha256"])


if __name__ == "__main__":
    harness.main()
