"""Upkeep: INFO, STATS, SLOWLOG, COMMAND.*, SAVE, BACKUP, VERIFY, persistence over restarts."""

import os

import harness


def everything(rpc):
    """All keys of the namespace with their values."""
    found, after = {}, None
    while True:
        options = {"limit": 1000}
        if after is not None:
            options["after"] = after
        page = rpc.call("SCAN", **options)
        if page["keys"]:
            found.update(zip(page["keys"], rpc.call("MGET", *page["keys"])))
        after = page["next"]
        if after is None:
            return found


class UpkeepTest(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.shared = harness.Server(settings={"log.slow_micros": 1}).start()
        cls.addClassCleanup(cls.shared.destroy)

    def setUp(self):
        super().setUp()
        self.rpc = self.connect(self.shared)

    def test_info_is_a_map_of_sections(self):
        info = self.rpc.call("INFO")
        self.assertGreater(len(info), 2)
        for name, section in info.items():
            self.assertIsInstance(section, dict, name)
            self.assertEqual(set(self.rpc.call("INFO", name)), {name})
        self.rpc.error_of("INFO", "no-such-section")

    def test_commands_are_listed_and_documented(self):
        names = self.rpc.call("COMMAND.LIST")
        for name in ("GET", "SET", "CACHE.LOOKUP", "BACKUP", "KEY.CREATE", "HELLO", "VERIFY"):
            self.assertIn(name, names)
        docs = self.rpc.call("COMMAND.DOCS")
        self.assertEqual(len(docs), len(names))
        self.assertIn("ttl_ms", repr(self.rpc.call("COMMAND.DOCS", "SET")))

    def test_stats_count_the_calls_of_a_command(self):
        self.assertIn("ECHO", self.calls_after(lambda: self.rpc.pipeline([("ECHO", [1])] * 10)))

    def calls_after(self, work):
        work()
        return repr(self.rpc.call("STATS"))

    def test_the_slow_log_names_slow_commands_and_never_their_content(self):
        self.rpc.call("SET", "slow-key-canary", "slow-value-canary")
        self.rpc.call("SCAN", prefix="slow")
        entries = self.rpc.call("SLOWLOG", limit=100)
        self.assertTrue(entries)
        self.assertIn("SCAN", repr(entries))
        self.assertNotIn("canary", repr(entries))
        self.assertLessEqual(len(self.rpc.call("SLOWLOG", limit=1)), 1)

    def test_verify_reads_every_row_and_finds_no_fault(self):
        self.rpc.pipeline([("SET", [f"v{i}", i]) for i in range(500)])
        report = self.rpc.call("VERIFY")
        self.assertGreaterEqual(report["rows"], 500)
        self.assertEqual((report["bad_rows"], report["problems"]), (0, []))

    def test_save_answers_a_sequence_that_grows(self):
        first = self.rpc.call("SAVE")["sequence"]
        self.rpc.call("SET", "k", 1)
        self.assertGreater(self.rpc.call("SAVE")["sequence"], first)


class BackupTest(harness.Case):
    def test_a_backup_opens_as_a_data_directory_with_the_same_content(self):
        server = self.server()
        rpc = self.connect(server)
        rpc.pipeline([("SET", [f"k{i:04}", {"n": i}]) for i in range(1500)])
        rpc.pipeline([("DEL", [f"k{i:04}"]) for i in range(0, 1500, 3)])
        rpc.call("SET", "with-ttl", 1, ttl_ms=3_600_000)
        rpc.call("CACHE.STORE", "question?", "answer")
        before = everything(rpc)
        report = rpc.call("BACKUP", "first")
        rpc.call("SET", "after-the-backup", 1)
        self.assertTrue(os.path.isdir(report["path"]), report)
        self.assertGreaterEqual(report["rows"], 1001)
        copy = self.prepared(directory=report["path"])
        copy.start()
        other = self.connect(copy)
        self.assertEqual(everything(other), before)
        self.assertTrue(0 < other.call("TTL", "with-ttl") <= 3_600_000)
        self.assertEqual(other.call("CACHE.LOOKUP", "QUESTION")["response"], "answer")
        other.call("SET", "only-in-the-copy", 1)
        self.assertIsNone(rpc.call("GET", "only-in-the-copy"))

    def test_backup_names_are_checked_and_not_reused(self):
        rpc = self.connect(self.server())
        rpc.call("SET", "k", 1)
        rpc.call("BACKUP", "one")
        self.assert_error("exists", rpc, "BACKUP", "one")
        for name in ("", "../escape", "a/b", "/tmp/b", ".", "..", ".hidden", "-rf", "-", "x" * 65,
                     "nul\0byte", "a b", "ä"):
            error = rpc.error_of("BACKUP", name)
            self.assertIn(error.code, ("bad_request", "too_large"), name)
        for name in ("_", "0-1.2", "x" * 64):
            self.assertTrue(rpc.call("BACKUP", name)["path"].endswith("/" + name))


class PersistenceTest(harness.Case):
    def check_restart(self, kill, **settings):
        server = self.server(settings=settings)
        with server.connect() as rpc:
            rpc.pipeline([("SET", [f"k{i}", {"value": i}]) for i in range(300)])
            rpc.pipeline([("DEL", [f"k{i}"]) for i in range(50)])
            rpc.call("INCRBY", "n", 41)
            rpc.call("SET", "live", 1, ttl_ms=3_600_000)
            rpc.call("SET", "short", 1, ttl_ms=150)
            rpc.call("SET", "made-permanent", 1, ttl_ms=150)
            rpc.call("PERSIST", "made-permanent")
            left = rpc.call("TTL", "live")
        server.restart(kill=kill)
        rpc = self.connect(server)
        self.assertEqual(rpc.call("INCRBY", "n", 1), 42)
        values = rpc.call("MGET", *[f"k{i}" for i in range(300)])
        self.assertEqual(values, [None] * 50 + [{"value": i} for i in range(50, 300)])
        after = rpc.call("TTL", "live")
        self.assertTrue(left - 60_000 < after <= left, (left, after))
        self.assertEqual(rpc.call("TTL", "made-permanent"), -1)
        harness.wait_until(lambda: rpc.call("GET", "short") is None, 5, "expiry over a restart")

    def test_a_clean_restart_keeps_everything(self):
        self.check_restart(kill=False)

    def test_kill_9_keeps_everything_in_every_durability_mode(self):
        for mode in ("always", "interval", "none"):
            with self.subTest(durability=mode):
                self.check_restart(True, **{"store.durability": mode})

    def test_the_memory_engine_serves_and_forgets(self):
        server = self.server(settings={"store.engine": "memory"})
        server.call("SET", "k", 1)
        self.assertEqual(server.call("GET", "k"), 1)
        server.restart()
        self.assertIsNone(server.call("GET", "k"))


if __name__ == "__main__":
    harness.main()
