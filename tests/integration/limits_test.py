"""LIMIT.*: rate limits over the wire: names, several at once, leases, tenants, permissions, bad input."""

import math
import threading

import harness


class LimitsTest(harness.Case):
    def setUp(self):
        super().setUp()
        self.running = self.server(settings={"rate.limits": "shared: 3 per 1h,calls: 2 at a time for 30s"})
        self.rpc = self.connect(self.running)

    def take(self, key, **options):
        return self.rpc.call("LIMIT.TAKE", key, **options)

    def test_a_limit_given_with_the_call_at_one_under_at_and_one_over(self):
        options = {"limit": 5, "period_ms": 3_600_000}
        for left in (4, 3, 2, 1, 0):
            reply = self.take("user", **options)
            self.assertEqual((reply["allowed"], reply["remaining"], reply["limit"]), (True, left, 5))
            self.assertEqual(reply["retry_after_ms"], 0)
        reply = self.take("user", **options)
        self.assertFalse(reply["allowed"])
        self.assertEqual(set(reply), {"allowed", "limit", "remaining", "retry_after_ms", "reset_ms"})
        self.assertTrue(0 < reply["retry_after_ms"] <= 720_000)
        self.assertTrue(3_500_000 < reply["reset_ms"] <= 3_600_000)
        self.assertTrue(self.take("other", **options)["allowed"])

    def test_a_quantity_beyond_the_limit_is_never_allowed(self):
        for more, never in ((4, False), (5, False), (6, True)):
            reply = self.take(f"user {more}", limit=5, period_ms=1_000, quantity=more)
            self.assertEqual((reply["allowed"], reply["retry_after_ms"] == -1), (not never, never))
            self.assertEqual(reply["remaining"], 5 if never else 5 - more)

    def test_a_bucket_fills_evenly(self):
        options = {"limit": 20, "period_ms": 1_000, "burst": 2}
        self.take("k", quantity=2, **options)
        denied = self.take("k", **options)
        self.assertFalse(denied["allowed"])
        self.assertLessEqual(denied["retry_after_ms"], 50)
        harness.wait_until(lambda: self.take("k", **options)["allowed"], 5, "the next unit")

    def test_a_name_alone_is_enough(self):
        for _ in range(3):
            self.assertTrue(self.take("shared")["allowed"])
        self.assertFalse(self.take("shared")["allowed"])
        self.assertTrue(self.take("user-1", rule="shared")["allowed"], "each key has a count of its own")

    def test_names_are_made_changed_listed_and_removed_at_run_time(self):
        made = self.rpc.call("LIMIT.SET", "mine", limit=2, period_ms=3_600_000)
        self.assertEqual(made, {"algorithm": "gcra", "limit": 2, "period_ms": 3_600_000, "burst": 2, "lease_ms": None})
        self.assertTrue(self.take("mine", quantity=2)["allowed"])
        self.assertFalse(self.take("mine")["allowed"])
        self.rpc.call("LIMIT.SET", "mine", limit=4, period_ms=3_600_000)
        names = {row["name"]: row["from"] for row in self.rpc.call("LIMIT.LIST")}
        self.assertEqual(names, {"calls": "configuration", "shared": "configuration", "mine": "namespace"})
        self.assert_error("exists", self.rpc, "LIMIT.SET", "shared", limit=2, period_ms=1)
        self.assert_error("exists", self.rpc, "LIMIT.DEL", "shared")
        if not harness.is_in_memory():
            self.running.restart(kill=True)
            self.rpc = self.connect(self.running)
        self.assertEqual(len(self.rpc.call("LIMIT.LIST")), 3)
        self.assertIs(self.rpc.call("LIMIT.DEL", "mine"), True)
        self.assertIs(self.rpc.call("LIMIT.DEL", "mine"), False)
        self.assert_error("not_found", self.rpc, "LIMIT.TAKE", "mine")

    def test_the_configuration_changes_while_it_runs(self):
        self.assertTrue(self.take("shared", quantity=3)["allowed"])
        self.rpc.call("CONFIG.SET", "rate.limits", ["shared: 9 per 1h", "new: 1 per 1h"])
        self.assertTrue(self.take("new")["allowed"])
        self.assertFalse(self.take("new")["allowed"])
        self.assertEqual(self.rpc.call("LIMIT.PEEK", "shared")["limit"], 9)
        for bad in ("shared", "shared: 0 per 1h", "a: 1 per 1h,a: 2 per 1h"):
            self.assert_error("bad_request", self.rpc, "CONFIG.SET", "rate.limits", bad)

    def test_several_limits_are_taken_all_or_none(self):
        limits = [{"limit": 100, "period_ms": 3_600_000}, {"rule": "shared", "key": "team"},
                  {"limit": 10_000, "period_ms": 3_600_000, "algorithm": "window", "quantity": 1_500}]
        for _ in range(3):
            reply = self.take("user", limits=limits)
            self.assertEqual((reply["allowed"], reply["blocked_by"]), (True, None))
        reply = self.take("user", limits=limits)
        self.assertEqual((reply["allowed"], reply["blocked_by"]), (False, 1))
        self.assertEqual([each["allowed"] for each in reply["limits"]], [True, False, True])
        self.assertEqual(reply["limits"][1]["rule"], "shared")
        self.assertEqual(reply["retry_after_ms"], reply["limits"][1]["retry_after_ms"])
        self.assertEqual([each["remaining"] for each in self.rpc.call("LIMIT.PEEK", "user", limits=limits)["limits"]],
                         [97, 0, 5_500])

    def test_places_are_held_by_leases(self):
        first = self.rpc.call("LIMIT.ACQUIRE", "model", rule="calls")
        self.assertEqual(first["lease_ms"], 30_000)
        second = self.rpc.call("LIMIT.ACQUIRE", "model", rule="calls", lease_ms=300)
        self.assertNotEqual(first["lease"], second["lease"])
        full = self.rpc.call("LIMIT.ACQUIRE", "model", rule="calls")
        self.assertEqual((full["allowed"], "lease" in full), (False, False))
        self.assertTrue(0 < full["retry_after_ms"] <= 300)
        harness.wait_until(lambda: self.rpc.call("LIMIT.PEEK", "model", rule="calls")["allowed"], 5, "the end of a lease")
        self.assert_error("not_found", self.rpc, "LIMIT.RENEW", second["lease"])
        self.assertEqual(self.rpc.call("LIMIT.RENEW", first["lease"], lease_ms=60_000), {"lease_ms": 60_000})
        self.assertEqual(self.rpc.call("LIMIT.RELEASE", first["lease"]), {"given_back": 0, "charged": 0})
        self.assert_error("not_found", self.rpc, "LIMIT.RELEASE", first["lease"])
        self.assertEqual(self.rpc.call("LIMIT.PEEK", "model", rule="calls")["remaining"], 2)
        self.assert_error("bad_request", self.rpc, "LIMIT.ACQUIRE", "shared")

    def test_one_call_around_a_model_call(self):
        tokens = {"limit": 10_000, "period_ms": 3_600_000, "key": "org"}
        limits = [{"rule": "shared"}, {**tokens, "quantity": 4_000}, {"rule": "calls"}]
        taken = self.take("bot", limits=limits)
        self.assertEqual(taken["lease_ms"], 30_000)
        self.assertEqual(self.rpc.call("LIMIT.RELEASE", taken["lease"], quantity=1_000),
                         {"given_back": 3_000, "charged": 0})
        self.assertEqual(self.rpc.call("LIMIT.PEEK", "bot", limits=[tokens])["remaining"], 9_000)
        taken = self.take("bot", limits=limits)
        self.assertEqual(self.rpc.call("LIMIT.RELEASE", taken["lease"], quantity=9_500),
                         {"given_back": 0, "charged": 5_500})
        self.assertEqual(self.rpc.call("LIMIT.PEEK", "bot", limits=[tokens])["remaining"], 0)
        self.assertEqual(self.rpc.call("LIMIT.PEEK", "bot", rule="calls")["remaining"], 2)

    def test_what_was_used_already_is_charged(self):
        reply = self.rpc.call("LIMIT.ADJUST", "k", 150, limit=100, period_ms=100_000)
        self.assertEqual(reply["remaining"], 0)
        self.assertTrue(50_000 < reply["retry_after_ms"] <= 51_000)
        self.assert_error("bad_request", self.rpc, "LIMIT.ADJUST", "k", 5, rule="calls")

    def test_a_take_sees_the_limit_that_was_set_before_it_on_the_same_connection(self):
        calls = []
        for number in range(50):
            calls += [("LIMIT.SET", ["p", {"limit": number + 1, "period_ms": 3_600_000}]), ("LIMIT.PEEK", ["p"]),
                      ("LIMIT.TAKE", [f"user-{number}", {"rule": "p"}])]
        results = self.rpc.pipeline(calls)
        self.assertEqual([reply["limit"] for reply in results[2::3]], list(range(1, 51)))
        self.assertEqual([reply["limit"] for reply in results[1::3]], list(range(1, 51)))

    def test_callers_at_once_get_what_there_is_and_no_more(self):
        granted = []

        def work():
            with self.running.connect() as rpc:
                replies = rpc.pipeline([("LIMIT.TAKE", ["herd", {"limit": 1_000, "period_ms": 3_600_000}])] * 400)
                granted.append(sum(reply["allowed"] for reply in replies))

        threads = [threading.Thread(target=work) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(sum(granted), 1_000)

    def test_bad_input_says_what_is_wrong_and_takes_nothing(self):
        good = {"limit": 5, "period_ms": 1_000}
        for options, word in (
                ({"limit": -1, "period_ms": 1_000}, "limit"), ({"limit": 0, "period_ms": 1_000}, "limit"),
                ({"limit": 10**13, "period_ms": 1_000}, "limit"), ({"limit": 2**64 - 1, "period_ms": 1_000}, "limit"),
                ({"limit": math.nan, "period_ms": 1_000}, "limit"), ({"limit": 5}, "period_ms"),
                ({"limit": 5, "period_ms": 0}, "period_ms"), ({"limit": 5, "period_ms": 10**12}, "period_ms"),
                ({**good, "quantity": -1}, "quantity"), ({**good, "quantity": math.nan}, "quantity"),
                ({**good, "quantity": 1.5}, "quantity"),
                ({**good, "burst": 0}, "burst"), ({**good, "rule": "shared"}, "rule"),
                ({"period_ms": 1_000}, "limit"), ({**good, "algorithm": "magic"}, "algorithm"),
                ({**good, "algorithm": "window", "burst": 3}, "burst"),
                ({"limit": 5, "algorithm": "concurrency", "period_ms": 1_000}, "period_ms"),
                ({"limit": 1, "period_ms": 2_678_400_000, "burst": 10**12}, "ten years"),
                ({"rule": "a b"}, "rule"), ({"limits": []}, "limits"), ({"limits": {}}, "limits"),
                ({"limits": [5]}, "map"), ({"limits": [{"limit": 5}]}, "period_ms"),
                ({"limits": [{**good, "colour": 1}]}, "colour"), ({"limits": [good], "quantity": 2}, "limits"),
                ({"limits": [good, good]}, "twice"), ({"limits": [good], "rule": "shared"}, "limits"),
                ({**good, "lease_ms": 1}, "lease_ms"), ({"limits": [{**good, "timeout_ms": 5}]}, "timeout_ms")):
            error = self.assert_error("bad_request", self.rpc, "LIMIT.TAKE", "k", **options)
            self.assertIn(word, error.message, options)
        self.assert_error("too_large", self.rpc, "LIMIT.TAKE", "k", limits=[good] * 17)
        self.assert_error("too_large", self.rpc, "LIMIT.TAKE", "k" * 257, **good)
        self.assert_error("bad_request", self.rpc, "LIMIT.TAKE", "", **good)
        for key, options in (("none", {}), ("k", {"rule": "none"}), ("no name", {}), (b"\xff\xfe", {})):
            self.assert_error("not_found", self.rpc, "LIMIT.TAKE", key, **options)
        self.assertTrue(self.take("k" * 256, **good)["allowed"])
        self.assertTrue(self.take(b"\xff\xfe", **good)["allowed"], "any bytes are a key")
        self.assertEqual(self.running.info("limits", "keys"), 2)

    def test_two_tenants_with_the_same_key_and_name(self):
        admin = self.rpc
        admin.call("NAMESPACE.CREATE", "tenant")
        keys = {name: admin.call("KEY.CREATE", "default", permissions=["read", "write", "admin"])["key"]
                for name in ("default",)}
        admin.call("AUTH", keys["default"])
        tenant = self.connect(self.running)
        tenant.call("AUTH", admin.call("KEY.CREATE", "tenant", permissions=["read", "write"])["key"])
        admin.call("LIMIT.SET", "mine", limit=1, period_ms=3_600_000)
        self.assert_error("not_found", tenant, "LIMIT.TAKE", "mine")
        for rpc in (admin, tenant):
            for left in (2, 1, 0):
                self.assertEqual(rpc.call("LIMIT.TAKE", "user", rule="shared")["remaining"], left)
            self.assertFalse(rpc.call("LIMIT.TAKE", "user", rule="shared")["allowed"])
        lease = admin.call("LIMIT.ACQUIRE", "m", rule="calls")["lease"]
        self.assert_error("not_found", tenant, "LIMIT.RELEASE", lease)
        self.assertEqual(tenant.call("LIMIT.PEEK", "m", rule="calls")["remaining"], 2)
        admin.call("NAMESPACE.DEL", "tenant")
        self.assert_error("unauthenticated", tenant, "LIMIT.TAKE", "user", rule="shared")
        self.assertEqual(admin.call("LIMIT.PEEK", "user", rule="shared")["remaining"], 0)

    def test_reading_may_look_and_writing_may_take(self):
        admin = self.rpc
        admin.call("AUTH", admin.call("KEY.CREATE", "default", permissions=["read", "write", "admin"])["key"])
        reader = self.connect(self.running)
        reader.call("AUTH", admin.call("KEY.CREATE", "default", permissions=["read"])["key"])
        self.assertTrue(reader.call("LIMIT.PEEK", "shared")["allowed"])
        self.assertEqual(len(reader.call("LIMIT.LIST")), 2)
        for method, params in (("LIMIT.TAKE", ["shared"]), ("LIMIT.ACQUIRE", ["calls"]), ("LIMIT.ADJUST", ["shared", 1]),
                               ("LIMIT.RELEASE", ["0" * 16]), ("LIMIT.RENEW", ["0" * 16]), ("LIMIT.DEL", ["x"])):
            self.assert_error("forbidden", reader, method, *params)

    def test_when_the_table_is_full_a_new_key_is_refused_and_known_ones_go_on(self):
        self.rpc.call("CONFIG.SET", "rate.keys_max", 16)
        options = {"limit": 2, "period_ms": 3_600_000}
        for number in range(16):
            self.assertTrue(self.take(f"k{number}", **options)["allowed"])
        error = self.assert_error("busy", self.rpc, "LIMIT.TAKE", "one more", **options)
        self.assertIn("rate.keys_max", error.message)
        self.assertTrue(self.take("k3", **options)["allowed"])
        self.assertFalse(self.take("k3", **options)["allowed"])
        self.rpc.call("CONFIG.SET", "rate.keys_max", 17)
        self.assertTrue(self.take("one more", **options)["allowed"])

    def test_figures_are_in_info_and_metrics(self):
        self.take("shared", quantity=3)
        self.take("shared")
        self.assertEqual(self.running.info("limits", "allowed"), 1)
        self.assertEqual(self.running.info("limits", "denied"), 1)
        metrics = self.running.metrics()
        self.assertEqual(metrics.get("reprise_limit_allowed_total"), 1)
        self.assertEqual(metrics.get("reprise_limit_denied_total"), 1)


if __name__ == "__main__":
    harness.main()
