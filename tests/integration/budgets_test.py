"""Budgets: reserve, commit, release and expiry; who may, who is told, what stays after a restart."""

import datetime
import unittest
import zoneinfo

import harness

NAN = float("nan")
HUGE = 2**63 - 1


class Budgets(harness.Case):
    figures = ()

    def setUp(self):
        super().setUp()
        self.running = self.server()
        self.rpc = self.connect(self.running)
        self.key, self.keys = None, {}

    def tearDown(self):
        """Whatever was tried, the books are balanced."""
        with self.running.connect() as rpc:
            if self.key:
                rpc.call("AUTH", self.key)
            report = rpc.call("SPEND.VERIFY")
            self.assertTrue(report["sound"], report["problems"])
        super().tearDown()

    def budget(self, name, rpc=None):
        budgets = {each["budget"]: each for each in (rpc or self.rpc).call("BUDGET.STATUS")["budgets"]}
        return budgets[name]

    def tenants(self):
        """Connections of an administrator and of two namespaces."""
        for name in ("one", "two"):
            self.rpc.call("NAMESPACE.CREATE", name)
        self.key = self.rpc.call("KEY.CREATE", "default",
                                 permissions=["read", "write", "admin"])["key"]
        self.rpc.call("AUTH", self.key)
        connections = []
        for name in ("one", "two"):
            self.keys[name] = self.rpc.call("KEY.CREATE", name, label=f"bot-{name}")["key"]
            connections.append(self.login(self.keys[name]))
        return connections

    def login(self, key):
        connection = self.connect(self.running)
        connection.call("AUTH", key)
        return connection


class BudgetsTest(Budgets):
    def test_a_call_reserves_commits_and_frees_the_rest(self):
        self.rpc.call("BUDGET.SET", "bot:coder", 1_000, period="day")
        self.rpc.call("BUDGET.SET", "global", 5_000)
        first = self.rpc.call("BUDGET.RESERVE", ["bot:coder"], 800)
        self.assertTrue(first["granted"])
        refused = self.rpc.call("BUDGET.RESERVE", ["bot:coder"], 300)
        self.assertEqual((refused["granted"], refused["blocked_by"], refused["reservation"]),
                         (False, "bot:coder/day", None))
        self.assertTrue(0 < refused["retry_after_ms"] <= 60_000)
        done = self.rpc.call("BUDGET.COMMIT", first["reservation"], 500, usage={"input_tokens": 7})
        self.assertEqual((done["charged_nano"], done["reserved_nano"], done["over_nano"]),
                         (500, 800, 0))
        self.assertEqual(self.budget("bot:coder/day")["left_nano"], 500)
        self.assertEqual(self.budget("global/month")["spent_nano"], 500)
        self.assertTrue(self.rpc.call("BUDGET.COMMIT", first["reservation"], 500)["duplicate"])
        self.assert_error("exists", self.rpc, "BUDGET.COMMIT", first["reservation"], 501)
        second = self.rpc.call("BUDGET.RESERVE", ["bot:coder"], 500)["reservation"]
        self.assertEqual(self.rpc.call("BUDGET.RELEASE", second)["freed_nano"], 500)
        self.assert_error("not_found", self.rpc, "BUDGET.RELEASE", second)
        self.assert_error("not_found", self.rpc, "BUDGET.COMMIT", second, 5)

    def test_a_lease_frees_its_money_and_a_late_commit_is_charged_and_told(self):
        self.rpc.call("BUDGET.SET", "bot:coder", 1_000, period="day")
        late = self.rpc.call("BUDGET.RESERVE", ["bot:coder"], 1_000, lease_ms=100)["reservation"]
        harness.wait_until(lambda: self.budget("bot:coder/day")["reserved_nano"] == 0, 10,
                           "the lease is over")
        granted = self.rpc.call("BUDGET.RESERVE", ["bot:coder"], 1_000)
        self.assertTrue(granted["granted"])
        done = self.rpc.call("BUDGET.COMMIT", late, 900)
        self.assertTrue(done["late"])
        done = self.rpc.call("BUDGET.COMMIT", granted["reservation"], 1_000)
        self.assertEqual(done["exceeded"], ["bot:coder/day"])
        self.assertEqual(self.budget("bot:coder/day")["spent_nano"], 1_900)

    def test_usage_is_priced_by_the_table(self):
        self.rpc.call("PRICE.SET", "acme", "m", {"input": "3", "output": "15"})
        self.rpc.call("BUDGET.SET", "model:m", 10_000_000)
        estimate = {"input_tokens": 1_000, "output_tokens": 400}
        held = self.rpc.call("BUDGET.RESERVE", ["bot:coder"], None, model="m", provider="acme",
                             usage=estimate)
        self.assertEqual(held["amount_nano"], 9_000_000)
        done = self.rpc.call("BUDGET.COMMIT", held["reservation"], None,
                             usage={"input_tokens": 1_000, "output_tokens": 100})
        self.assertEqual(done["charged_nano"], 4_500_000)
        self.assertEqual(self.budget("model:m/month")["spent_nano"], 4_500_000)

    @unittest.skipIf(harness.is_in_memory(), "a restart without a disk has nothing to find")
    def test_money_is_there_again_after_kill_9(self):
        self.rpc.call("BUDGET.SET", "bot:coder", 1_000, period="total")
        held = self.rpc.call("BUDGET.RESERVE", ["bot:coder"], 600)["reservation"]
        self.rpc.call("SPEND.RECORD", 100, scopes=["bot:coder"])
        self.running.kill()
        self.running.start()
        rpc = self.connect(self.running)
        budget = self.budget("bot:coder/total", rpc)
        self.assertEqual((budget["spent_nano"], budget["reserved_nano"]), (100, 600))
        self.assertFalse(rpc.call("BUDGET.RESERVE", ["bot:coder"], 301)["granted"])
        self.assertFalse(rpc.call("BUDGET.COMMIT", held, 600)["late"])

    def test_thresholds_are_told_to_the_namespace_and_to_administrators(self):
        one, two = self.tenants()
        self.rpc.call("BUDGET.SET", "bot:bot-one", 100, namespace="one")
        self.rpc.call("BUDGET.SET", "global", 1_000)
        one.call("SUBSCRIBE", "budget")
        two.call("SUBSCRIBE", "budget")
        self.rpc.call("SUBSCRIBE", "budgets")
        self.assert_error("forbidden", one, "SUBSCRIBE", "budgets")
        self.login(self.keys["one"]).call("SPEND.RECORD", 80)
        heard = [one.receive()[2][1]["threshold_percent"] for _ in range(2)]
        self.assertEqual(heard, [50, 80])
        event = self.rpc.receive()[2]
        self.assertEqual(event[0], "budgets")
        self.assertEqual((event[1]["namespace"], event[1]["budget"], event[1]["spent_nano"]),
                         ("one", "bot:bot-one/month", 80))
        self.assertRaises(TimeoutError, two.receive, 0.3)

    def test_tenants_neither_see_nor_settle_nor_spend_for_each_other(self):
        one, two = self.tenants()
        self.rpc.call("BUDGET.SET", "namespace", 1_000, namespace="one")
        self.rpc.call("BUDGET.SET", "global", 1_500)
        held = one.call("BUDGET.RESERVE", [], 800)["reservation"]
        self.assert_error("not_found", two, "BUDGET.COMMIT", held, 5)
        self.assert_error("not_found", two, "BUDGET.RELEASE", held)
        self.assertEqual(two.call("BUDGET.STATUS")["budgets"], [])
        self.assertEqual(two.call("SPEND.REPORT")["rows"], [])
        # The server's own budget refuses, and keeps its figures to itself.
        blocked = two.call("BUDGET.RESERVE", [], 800)
        self.assertEqual(blocked["blocked_by"], "global/month")
        self.assertEqual(set(blocked["blocked"][0]), {"budget", "retry_after_ms"})
        self.assert_error("forbidden", one, "BUDGET.RESERVE", ["bot:bot-two"], 1)
        for method, *params in (("BUDGET.SET", "namespace", 5), ("BUDGET.DEL", "namespace/month"),
                                ("SPEND.VERIFY",)):
            self.assert_error("forbidden", one, method, *params)
        one.call("BUDGET.COMMIT", held, 700)
        self.rpc.call("NAMESPACE.DEL", "one")
        self.assertEqual(self.budget("global/month")["spent_nano"], 700)
        self.assertEqual(self.budget("global/month")["reserved_nano"], 0)

    def test_periods_end_where_the_calendar_of_the_zone_says(self):
        for zone in ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe",
                     "America/St_Johns", "Africa/Cairo", "Pacific/Auckland"):
            place = zoneinfo.ZoneInfo(zone)
            made = self.rpc.call("BUDGET.SET", "bot:coder", 1, period="day", timezone=zone)
            start = datetime.datetime.fromtimestamp(made["starts_at_ms"] / 1000, place)
            end = datetime.datetime.fromtimestamp(made["ends_at_ms"] / 1000, place)
            self.assertEqual(start.date() + datetime.timedelta(days=1), end.date(), zone)
            self.assertEqual((end.hour, end.minute), (0, 0), zone)
            month = self.rpc.call("BUDGET.SET", "bot:coder", 1, period="month", timezone=zone)
            end = datetime.datetime.fromtimestamp(month["ends_at_ms"] / 1000, place)
            self.assertEqual((end.day, end.hour, end.minute), (1, 0, 0), zone)


class BadInputTest(Budgets):
    def test_what_is_wrong_is_refused_and_changes_nothing(self):
        self.rpc.call("BUDGET.SET", "bot:coder", 1_000, period="day")
        held = self.rpc.call("BUDGET.RESERVE", ["bot:coder"], 100)["reservation"]
        before = self.rpc.call("BUDGET.STATUS")["budgets"]
        for method, params in (
                ("BUDGET.RESERVE", [["bot:coder"], -1]), ("BUDGET.RESERVE", [["bot:coder"], NAN]),
                ("BUDGET.RESERVE", [["bot:coder"], 1.5]), ("BUDGET.RESERVE", [["bot:coder"], HUGE]),
                ("BUDGET.RESERVE", [["bot:coder"], None]), ("BUDGET.RESERVE", ["bot:coder", 1]),
                ("BUDGET.RESERVE", [["bot:"], 1]), ("BUDGET.RESERVE", [["coder"], 1]),
                ("BUDGET.RESERVE", [["bot:a", "bot:b"], 1]), ("BUDGET.RESERVE", [[5], 1]),
                ("BUDGET.RESERVE", [["bot:a\nb"], 1]), ("BUDGET.RESERVE", [["global:x"], 1]),
                ("BUDGET.RESERVE", [["bot:coder"], 1, {"lease_ms": 0}]),
                ("BUDGET.RESERVE", [["bot:coder"], 1, {"lease_ms": HUGE}]),
                ("BUDGET.RESERVE", [["bot:coder"], None, {"usage": {"input_tokens": 5}}]),
                ("BUDGET.COMMIT", [held, -1]), ("BUDGET.COMMIT", [held, NAN]),
                ("BUDGET.COMMIT", [held, HUGE]), ("BUDGET.COMMIT", [held, None]),
                ("BUDGET.COMMIT", ["mine", 1]), ("BUDGET.COMMIT", [-held, 1]),
                ("BUDGET.COMMIT", [held, 1, {"charge_id": ""}]),
                ("BUDGET.COMMIT", [held, 1, {"charge_id": "a\0b"}]),
                ("BUDGET.COMMIT", [held, 1, {"usage": {"input_tokens": -5}}]),
                ("BUDGET.SET", ["bot:coder", -1]), ("BUDGET.SET", ["bot:coder", NAN]),
                ("BUDGET.SET", ["bot:coder", HUGE]), ("BUDGET.SET", ["everything", 1]),
                ("BUDGET.SET", ["bot:coder", 1, {"period": "week"}]),
                ("BUDGET.SET", ["bot:coder", 1, {"period": "rolling"}]),
                ("BUDGET.SET", ["bot:coder", 1, {"period": "day", "window_ms": 60_000}]),
                ("BUDGET.SET", ["bot:coder", 1, {"period": "total", "timezone": "Europe/Berlin"}]),
                ("BUDGET.SET", ["bot:coder", 1, {"timezone": "../../etc/passwd"}]),
                ("BUDGET.SET", ["bot:coder", 1, {"currency": "EUR"}]),
                ("SPEND.RECORD", [-1]), ("SPEND.RECORD", [NAN]), ("SPEND.RECORD", [HUGE]),
                ("SPEND.RECORD", [None]), ("SPEND.RECORD", [1, {"strategy": "luck"}]),
                ("SPEND.RECORD", [1, {"currency": "EUR"}]), ("SPEND.RECORD", [1, {"count": 0}]),
                ("SPEND.REPORT", [{"by": ["colour"]}]), ("SPEND.REPORT", [{"from": "2026-13-01"}]),
                ("SPEND.REPORT", [{"from": "2026-01-02", "to": "2026-01-01"}]),
                ("SPEND.REPORT", [{"from": "1970-01-01"}]), ("SPEND.REPORT", [{"format": "pdf"}])):
            with self.subTest(method=method, params=repr(params)):
                self.assert_error("bad_request", self.rpc, method, *params)
        for method, params in (("BUDGET.SET", ["bot:coder", 1, {"timezone": "Mars/Base"}]),
                               ("BUDGET.SET", ["bot:coder", 1, {"namespace": "nobody"}]),
                               ("BUDGET.DEL", ["bot:coder/month"]), ("BUDGET.COMMIT", [10**9, 1]),
                               ("BUDGET.RELEASE", [10**9]),
                               ("BUDGET.RESERVE", [["bot:coder"], None, {
                                   "model": "none", "usage": {"input_tokens": 5}}])):
            with self.subTest(method=method, params=repr(params)):
                self.assert_error("not_found", self.rpc, method, *params)
        after = self.rpc.call("BUDGET.STATUS")["budgets"]
        self.assertEqual(after, before)
        self.assertEqual(self.rpc.call("BUDGET.COMMIT", held, 60)["charged_nano"], 60)

    def test_a_limit_below_what_is_reserved_takes_nothing_back(self):
        self.rpc.call("BUDGET.SET", "bot:coder", 1_000, period="day")
        held = self.rpc.call("BUDGET.RESERVE", ["bot:coder"], 900)["reservation"]
        lowered = self.rpc.call("BUDGET.SET", "bot:coder", 500, period="day")
        self.assertEqual((lowered["created"], lowered["over_nano"], lowered["reserved_nano"]),
                         (False, 400, 900))
        self.assertFalse(self.rpc.call("BUDGET.RESERVE", ["bot:coder"], 1)["granted"])
        self.assertEqual(self.rpc.call("BUDGET.COMMIT", held, 450)["exceeded"], [])
        self.assertTrue(self.rpc.call("BUDGET.RESERVE", ["bot:coder"], 50)["granted"])

    def test_huge_sums_do_not_overflow(self):
        self.rpc.call("BUDGET.SET", "bot:coder", 10**18, period="total", soft=True)
        for _ in range(20):
            self.rpc.call("SPEND.RECORD", 10**15, scopes=["bot:coder"])
        budget = self.budget("bot:coder/total")
        self.assertEqual(budget["spent_nano"], 20 * 10**15)
        self.assertEqual(self.rpc.call("SPEND.REPORT")["totals"]["cost_nano"], 20 * 10**15)


if __name__ == "__main__":
    harness.main()
