"""Configuration: flags, file, CONFIG.GET and CONFIG.SET, SIGHUP, and errors that say what to do."""

import os
import signal
import subprocess

import harness


class ConfigTest(harness.Case):
    def write(self, text):
        path = os.path.join(self.temp, "reprise.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def refused(self, *arguments):
        """The server must end with exit code 2; answers what it said."""
        failure = self.prepared().expect_refusal(*arguments)
        self.assertEqual(failure.code, 2, failure.log)
        self.assertGreater(len(failure.log.strip()), 20, "a refusal explains itself")
        return failure.log

    def test_version_and_help_print_and_end(self):
        for flag, word in (("--version", "0.1.0"), ("--help", "--config")):
            done = subprocess.run([harness.server_path(), flag], capture_output=True, text=True,
                                  timeout=20, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(word, done.stdout)

    def test_a_file_is_read_and_flags_win_over_it(self):
        path = self.write('[store]\ndurability = "always"\n[cache]\nentries_max = 77\n'
                          '[cache.types.mine]\nttl_ms = "5s"\n')
        server = self.server(arguments=["--config", path], settings={"cache.entries_max": 88})
        rpc = self.connect(server)
        self.assertEqual(str(rpc.call("CONFIG.GET", "store.durability")["store.durability"]),
                         "always")
        self.assertEqual(str(rpc.call("CONFIG.GET", "cache.entries_max")["cache.entries_max"]),
                         "88")
        self.assertEqual(rpc.call("CACHE.TYPES")["mine"]["ttl_ms"], 5000)

    def test_an_unknown_key_of_the_file_is_an_error_with_line_and_nearest_key(self):
        path = self.write('# comment\n[store]\ndurabilty = "always"\n')
        log = self.refused("--config", path)
        self.assertIn("durabilty", log)
        self.assertIn("durability", log)
        self.assertRegex(log, r"(line 3|:3\b)")
        self.assertIn("reprise.toml", log)

    def test_a_value_out_of_range_names_line_and_range(self):
        path = self.write('[network]\nconnections_max = 0\n')
        log = self.refused("--config", path)
        self.assertIn("connections_max", log)
        self.assertRegex(log, r"(line 2|:2\b)")
        self.assertRegex(log, r"1 to 1000000")

    def test_a_value_of_the_wrong_type_and_broken_toml_name_their_line(self):
        log = self.refused("--config", self.write('[network]\n\nidle_ms = [1]\n'))
        self.assertRegex(log, r"(line 3|:3\b)")
        log = self.refused("--config", self.write('[network\nidle_ms = 1\n'))
        self.assertRegex(log, r"(line 1|:1\b)")

    def test_a_missing_file_and_bad_flags_are_refused(self):
        self.assertIn("nowhere.toml", self.refused("--config", "/nowhere.toml"))
        self.assertIn("no.such", self.refused("--set", "no.such=1"))
        self.assertIn("always", self.refused("--set", "store.durability=sometimes"))
        self.refused("--set", "store.durability")
        self.refused("--no-such-flag")

    def test_numbers_at_and_beyond_their_limits(self):
        for name, value in (("http.port", "65536"), ("network.idle_ms", "-5"),
                            ("network.frame_bytes_max", "1"), ("store.sync_interval_ms", "abc"),
                            ("cache.entries_max", "99999999999999999999")):
            with self.subTest(setting=f"{name}={value}"):
                self.assertIn(name, self.refused("--set", f"{name}={value}"))

    def test_config_get_lists_every_key_and_filters_by_prefix(self):
        rpc = self.connect(self.server())
        every = rpc.call("CONFIG.GET")
        for name in ("store.durability", "network.port", "http.port", "cache.entries_max",
                     "log.level"):
            self.assertIn(name, every)
        store = rpc.call("CONFIG.GET", "store.")
        self.assertTrue(store)
        self.assertTrue(all(name.startswith("store.") for name in store))

    def test_config_set_changes_a_live_key_at_once(self):
        rpc = self.connect(self.server())
        self.assertIs(rpc.call("CONFIG.SET", "cache.entries_max", "55"), True)
        self.assertEqual(str(rpc.call("CONFIG.GET", "cache.entries_max")["cache.entries_max"]),
                         "55")
        self.assertEqual(rpc.call("CACHE.STATS")["entries_max"], 55)

    def test_config_set_refuses_what_it_cannot_do(self):
        rpc = self.connect(self.server())
        self.assertIs(rpc.call("CONFIG.SET", "http.allowed_hosts", ["a.example", "b.example"]), True)
        self.assertEqual(rpc.call("CONFIG.GET", "http.allowed"),
                         {"http.allowed_hosts": "a.example,b.example"})
        self.assertIs(rpc.call("CONFIG.SET", "http.allowed_hosts", []), True)
        self.assertEqual(rpc.call("CONFIG.GET", "http.allowed_*"), {"http.allowed_hosts": ""})
        for name, value in (("http.allowed_hosts", ["a,b"]), ("http.allowed_hosts", [1]),
                            ("cache.entries_max", ["55"]), ("http.allowed_hosts", {"a": 1})):
            self.assertEqual(rpc.error_of("CONFIG.SET", name, value).code, "bad_request")
        types = rpc.call("CONFIG.GET", "cache.types.*.ttl_ms")
        self.assertIn("cache.types.research.ttl_ms", types)
        self.assertTrue(all(name.endswith(".ttl_ms") for name in types))
        self.assertIn("200", rpc.error_of("CONFIG.SET", "cache.counters_flush_ms", 199).message)
        error = rpc.error_of("CONFIG.SET", "network.port", "9999")
        self.assertEqual(error.code, "bad_request")
        self.assertIn("restart", error.message)
        error = rpc.error_of("CONFIG.SET", "cache.entries_max", "0")
        self.assertEqual(error.code, "bad_request")
        self.assertIn("1 to", error.message)
        self.assertIn(rpc.error_of("CONFIG.SET", "no.such", "1").code, ("not_found", "bad_request"))

    def test_sighup_takes_over_live_keys_and_keeps_the_server_going(self):
        path = self.write("[cache]\nentries_max = 100\n")
        server = self.server(arguments=["--config", path])
        rpc = self.connect(server)
        rpc.call("SET", "before", 1)
        self.write("[cache]\nentries_max = 200\n")
        server.signal(signal.SIGHUP)
        harness.wait_until(
            lambda: rpc.call("CACHE.STATS")["entries_max"] == 200, 5, "the reload")
        self.write("[cache]\nentries_max = broken\n")
        server.signal(signal.SIGHUP)
        harness.wait_until(lambda: "reprise.toml" in server.log(), 5, "a complaint in the log")
        self.assertEqual(rpc.call("CACHE.STATS")["entries_max"], 200)
        self.assertEqual(rpc.call("GET", "before"), 1)

    def test_a_bind_beyond_loopback_needs_tls_and_a_key(self):
        log = self.refused("--set", "network.bind=0.0.0.0")
        self.assertIn("0.0.0.0", log)
        self.assertRegex(log.lower(), r"tls")


if __name__ == "__main__":
    harness.main()
