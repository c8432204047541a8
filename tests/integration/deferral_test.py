"""Deferral: unurgent tasks wait for the cheap hours, never past their deadline, and the ledger knows."""

import datetime
import time
import unittest

import harness

HOUR_MS = 3_600_000
NOW = {"max_wait_ms": 0}


def clock_text(minutes_from_now):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes_from_now)
    return moment.strftime("%H:%M")


class Deferral(harness.Case):
    def setUp(self):
        super().setUp()
        self.running = self.server()
        self.rpc = self.connect(self.running)

    def window(self, begins, ends, **more):
        """A window that begins and ends so many minutes from now."""
        return self.rpc.call("BATCH.WINDOWS", set=[
            {"from": clock_text(begins), "to": clock_text(ends), **more}])

    def submit(self, **task):
        return self.rpc.call("BATCH.SUBMIT", {"payload": 1, **NOW, **task})[0]

    def wait_s(self, submitted):
        return submitted["not_before_ms"] / 1000 - time.time()


class WindowTest(Deferral):
    def test_an_unurgent_task_waits_for_the_window_and_says_why(self):
        self.window(30, 90)
        made = self.submit(defer="offpeak", deadline_in_ms=5 * HOUR_MS)
        self.assertLess(abs(self.wait_s(made) - 30 * 60), 61)
        view = self.rpc.call("BATCH.RESULT", made["ticket"])
        self.assertEqual((view["phase"], view["deferral"]), ("deferred", made["deferral"]))
        self.assertEqual(view["not_before_ms"], made["not_before_ms"])
        self.assertIsNone(self.rpc.call("BATCH.TAKE", "w"))
        self.assertEqual(self.rpc.call("BATCH.STATS")["queues"][0]["deferred"], 1)

    def test_who_is_urgent_or_did_not_ask_is_not_kept(self):
        self.window(30, 90)
        for task in ({}, {"defer": "never"}, {"defer": "offpeak", "deadline_in_ms": 20 * 60_000}):
            made = self.submit(**task)
            self.assertLess(self.wait_s(made), 1, task)
            self.assertEqual(self.rpc.call("BATCH.TAKE", "w")["items"][0]["ticket"], made["ticket"])

    def test_without_a_deadline_an_hour_is_the_most(self):
        self.window(90, 120)
        self.assertLess(self.wait_s(self.submit(defer="offpeak")), 1)
        self.rpc.call("CONFIG.SET", "jobs.defer_max_ms", 2 * HOUR_MS)
        self.assertGreater(self.wait_s(self.submit(defer="offpeak")), 80 * 60)

    def test_of_two_windows_the_cheapest_in_reach_is_taken_and_models_have_their_own(self):
        self.rpc.call("BATCH.WINDOWS", set=[
            {"from": clock_text(20), "to": clock_text(40), "factor": 0.8},
            {"from": clock_text(120), "to": clock_text(150), "factor": 0.2},
            {"from": clock_text(60), "to": clock_text(90), "factor": 0.1, "model": "special"}])
        far = {"defer": "offpeak", "deadline_in_ms": 6 * HOUR_MS}
        self.assertLess(abs(self.wait_s(self.submit(**far)) - 120 * 60), 61)
        self.assertLess(abs(self.wait_s(self.submit(model="special", **far)) - 60 * 60), 61)
        near = {**far, "deadline_in_ms": 100 * 60_000}
        self.assertLess(abs(self.wait_s(self.submit(**near)) - 20 * 60), 61)

    def test_inside_the_window_nothing_waits(self):
        self.window(-30, 60)
        made = self.submit(defer="offpeak", deadline_in_ms=5 * HOUR_MS)
        self.assertLess(self.wait_s(made), 1)

    def test_windows_that_never_open_or_make_no_sense_are_refused(self):
        for window, says in (({"from": "06:00", "to": "06:00"}, ""), ({"from": "6", "to": "07:00"}, "from"),
                             ({"from": "01:00", "to": "02:00", "days": []}, "day"),
                             ({"from": "01:00", "to": "02:00", "days": ["Monday"]}, "days"),
                             ({"from": "01:00", "to": "02:00", "factor": 1.5}, "factor"),
                             ({"from": "01:00", "to": "02:00", "factor": -1}, "factor")):
            error = self.assert_error("bad_request", self.rpc, "BATCH.WINDOWS", set=[window])
            self.assertIn(says, error.message)
        error = self.assert_error("not_found", self.rpc, "BATCH.WINDOWS", set=[
            {"from": "01:00", "to": "02:00", "zone": "Mars/Olympus"}])
        self.assertIn("Mars", error.message)
        kept = self.rpc.call("BATCH.WINDOWS")
        self.assertEqual([(w["from"], w["to"], w["factor"]) for w in kept], [("00:00", "06:00", 0.5)])

    def test_a_strategy_that_is_off_defers_and_groups_nothing(self):
        self.window(30, 90)
        self.rpc.call("STRATEGY.SET", "deferral", mode="off")
        self.assertLess(self.wait_s(self.submit(defer="offpeak", deadline_in_ms=5 * HOUR_MS)), 1)
        self.rpc.call("STRATEGY.SET", "batching", mode="off")
        for _ in range(2):
            self.submit(category="c")
        self.assertEqual(len(self.rpc.call("BATCH.TAKE", "w", categories=["c"])["items"]), 1)

    @unittest.skipIf(harness.is_in_memory(), "a kill without a disk leaves nothing")
    def test_windows_and_what_waits_for_them_outlast_kill_9(self):
        self.window(30, 90, factor=0.25)
        made = self.submit(defer="offpeak", deadline_in_ms=5 * HOUR_MS)
        self.running.restart(kill=True)
        self.rpc = self.connect(self.running)
        self.assertEqual(self.rpc.call("BATCH.WINDOWS")[0]["factor"], 0.25)
        view = self.rpc.call("BATCH.RESULT", made["ticket"])
        self.assertEqual((view["phase"], view["not_before_ms"]), ("deferred", made["not_before_ms"]))


class LedgerTest(Deferral):
    def row(self, strategy):
        rows = self.rpc.call("SPEND.REPORT", by=["strategy"])["rows"]
        return next((row for row in rows if row["strategy"] == strategy), None)

    def test_what_a_batch_saved_stands_in_the_ledger_with_its_price(self):
        self.rpc.call("PRICE.SET", "p", "m", {"input": "10", "output": "20"})
        context = {"system": "Be a careful translator of short texts. " * 20}
        self.rpc.call("BATCH.SUBMIT", [{"payload": f"text {i}", "model": "m", "context": context,
                                        **NOW} for i in range(4)])
        batch = self.rpc.call("BATCH.TAKE", "w")
        self.rpc.call("BATCH.COMPLETE", batch["lease"], items=[
            {"ticket": item["ticket"], "result": 1} for item in batch["items"]])
        row = self.row("batching")
        queue = self.rpc.call("BATCH.STATS")["queues"][0]
        # The context went out once instead of four times.
        self.assertGreater(row["tokens_saved_in"], 3 * 100)
        self.assertEqual(row["tokens_saved_in"], queue["tokens_saved"])
        self.assertEqual(row["cost_saved_nano"], row["tokens_saved_in"] * 10_000)
        self.assertTrue(self.rpc.call("SPEND.VERIFY")["sound"])

    def test_a_single_saves_nothing(self):
        self.submit(model="m", context="c" * 4_000)
        batch = self.rpc.call("BATCH.TAKE", "w")
        self.rpc.call("BATCH.COMPLETE", batch["lease"], batch["items"][0]["ticket"], result=1)
        self.assertIsNone(self.row("batching"))


if __name__ == "__main__":
    harness.main()
