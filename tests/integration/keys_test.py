"""The keys family: every command, its options, its limits, and values of every type."""

import time

import harness
import msgpack
from harness import pack, unpack

VALUES = [
    None, True, False, 0, 1, -1, 127, 128, -32, -33, 2**31, 2**32, 2**63 - 1, -(2**63), 2**64 - 1,
    0.0, -0.0, 1.5, float("inf"), -float("inf"), 1e308, "", "text", "ünïcödé 漢字 🙂", "x" * 31,
    "x" * 32, "x" * 256, "x" * 65536, b"", b"\x00\xff\xc1", b"b" * 256, [], [1, [2, [3]]], {},
    {"a": 1, "b": {"c": [None]}}, {1: "integer key", -5: b"bin"},
    msgpack.ExtType(5, b"extension"), msgpack.Timestamp(1_700_000_000, 5), list(range(4000)),
]


class KeysTest(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.shared = harness.Server().start()
        cls.addClassCleanup(cls.shared.destroy)

    def setUp(self):
        super().setUp()
        self.rpc = self.connect(self.shared)
        # Each test has its own corner of the one server.
        self.prefix = self._testMethodName + ":"

    def key(self, name):
        return self.prefix + name

    def test_set_then_get_gives_the_value_back(self):
        self.assertIs(self.rpc.call("SET", self.key("a"), "value"), True)
        self.assertEqual(self.rpc.call("GET", self.key("a")), "value")

    def test_an_absent_key_is_nil_and_no_error(self):
        self.assertIsNone(self.rpc.call("GET", self.key("absent")))
        self.assertIsNone(self.rpc.call("TTL", self.key("absent")))
        self.assertEqual(self.rpc.call("DEL", self.key("absent")), 0)
        self.assertEqual(self.rpc.call("EXISTS", self.key("absent")), 0)

    def test_method_names_ignore_case(self):
        self.assertIs(self.rpc.call("set", self.key("a"), 1), True)
        self.assertEqual(self.rpc.call("Get", self.key("a")), 1)

    def test_values_of_every_type_come_back_byte_for_byte(self):
        for i, value in enumerate(VALUES):
            with self.subTest(value=repr(value)[:60]):
                encoded = msgpack.packb(value, use_bin_type=True)
                request = b"\x94\x00\x01" + pack("SET") + b"\x92" + pack(self.key(str(i))) + encoded
                self.assertEqual(self.rpc.raw_result(request), b"\xc3")
                fetch = b"\x94\x00\x02" + pack("GET") + b"\x91" + pack(self.key(str(i)))
                self.assertEqual(self.rpc.raw_result(fetch), encoded)

    def test_a_str_and_a_bin_key_of_the_same_bytes_are_one_key(self):
        self.rpc.call("SET", self.key("k"), 1)
        self.assertEqual(self.rpc.call("GET", self.key("k").encode()), 1)
        self.assertIs(self.rpc.call("SET", b"\xff\xfe" + self.prefix.encode(), 2), True)
        self.assertEqual(self.rpc.call("GET", b"\xff\xfe" + self.prefix.encode()), 2)

    def test_nx_sets_only_an_absent_key_and_xx_only_a_present_one(self):
        key = self.key("a")
        self.assertIs(self.rpc.call("SET", key, 1, xx=True), False)
        self.assertIsNone(self.rpc.call("GET", key))
        self.assertIs(self.rpc.call("SET", key, 2, nx=True), True)
        self.assertIs(self.rpc.call("SET", key, 3, nx=True), False)
        self.assertEqual(self.rpc.call("GET", key), 2)
        self.assertIs(self.rpc.call("SET", key, 4, xx=True), True)
        self.assertEqual(self.rpc.call("GET", key), 4)
        self.assert_error("bad_request", self.rpc, "SET", key, 5, nx=True, xx=True)

    def test_mset_and_mget_keep_the_order_of_their_keys(self):
        a, b, c = self.key("a"), self.key("b"), self.key("c")
        self.assertIs(self.rpc.call("MSET", a, 1, b, "two"), True)
        self.assertEqual(self.rpc.call("MGET", b, c, a, b), ["two", None, 1, "two"])
        self.assertIs(self.rpc.call("MSET", c, 3, ttl_ms=60_000), True)
        self.assertGreater(self.rpc.call("TTL", c), 0)
        self.assert_error("bad_request", self.rpc, "MSET", a, 1, b)

    def test_del_and_exists_count_keys(self):
        a, b, c = self.key("a"), self.key("b"), self.key("c")
        self.rpc.call("MSET", a, 1, b, 2)
        self.assertEqual(self.rpc.call("EXISTS", a, b, c), 2)
        self.assertEqual(self.rpc.call("DEL", a, b, c), 2)
        self.assertEqual(self.rpc.call("EXISTS", a, b, c), 0)

    def test_a_key_with_a_ttl_goes_away_in_time(self):
        key = self.key("short")
        began = time.monotonic()
        self.rpc.call("SET", key, "value", ttl_ms=400)
        left = self.rpc.call("TTL", key)
        self.assertTrue(0 < left <= 400, left)
        self.assertEqual(self.rpc.call("GET", key), "value")
        harness.wait_until(lambda: self.rpc.call("GET", key) is None, 5, "expiry of a key")
        self.assertGreater(time.monotonic() - began, 0.39, "the key went away too early")
        self.assertIsNone(self.rpc.call("TTL", key))
        self.assertEqual(self.rpc.call("EXISTS", key), 0)
        self.assertIs(self.rpc.call("SET", key, 2, xx=True), False, "an expired key is absent")

    def test_expire_persist_and_ttl_agree(self):
        key = self.key("a")
        self.assertIs(self.rpc.call("EXPIRE", key, 1000), False)
        self.assertIs(self.rpc.call("PERSIST", key), False)
        self.rpc.call("SET", key, 1)
        self.assertEqual(self.rpc.call("TTL", key), -1)
        self.assertIs(self.rpc.call("EXPIRE", key, 60_000), True)
        self.assertTrue(50_000 < self.rpc.call("TTL", key) <= 60_000)
        self.assertIs(self.rpc.call("PERSIST", key), True)
        self.assertEqual(self.rpc.call("TTL", key), -1)

    def test_set_without_a_ttl_removes_an_old_one(self):
        key = self.key("a")
        self.rpc.call("SET", key, 1, ttl_ms=60_000)
        self.rpc.call("SET", key, 2)
        self.assertEqual(self.rpc.call("TTL", key), -1)

    def test_incrby_counts_and_keeps_the_expiry(self):
        key = self.key("n")
        self.assertEqual(self.rpc.call("INCRBY", key, 5), 5)
        self.assertEqual(self.rpc.call("INCRBY", key, -7), -2)
        self.assertEqual(self.rpc.call("GET", key), -2)
        self.rpc.call("EXPIRE", key, 60_000)
        self.rpc.call("INCRBY", key, 1)
        self.assertGreater(self.rpc.call("TTL", key), 0)
        other = self.key("with-ttl")
        self.assertEqual(self.rpc.call("INCRBY", other, 1, ttl_ms=60_000), 1)
        self.assertGreater(self.rpc.call("TTL", other), 0)

    def test_incrby_refuses_what_is_no_integer_and_overflow(self):
        key = self.key("s")
        self.rpc.call("SET", key, "text")
        self.assert_error("wrong_type", self.rpc, "INCRBY", key, 1)
        self.assertEqual(self.rpc.call("GET", key), "text")
        full = self.key("full")
        self.rpc.call("SET", full, 2**63 - 1)
        error = self.rpc.error_of("INCRBY", full, 1)
        self.assertIn(error.code, ("bad_request", "too_large", "wrong_type"))
        self.assertEqual(self.rpc.call("GET", full), 2**63 - 1)

    def test_scan_pages_through_a_prefix_in_order_and_once(self):
        names = sorted(self.key(f"{i:03}") for i in range(57))
        self.rpc.pipeline([("SET", [name, 1]) for name in names])
        self.rpc.call("SET", "zz-outside-" + self.prefix, 1)
        for limit in (1, 10, 56, 57, 58):
            found, after, pages = [], None, 0
            while pages < 100:
                options = {"prefix": self.prefix, "limit": limit}
                if after is not None:
                    options["after"] = after
                page = self.rpc.call("SCAN", **options)
                self.assertLessEqual(len(page["keys"]), limit)
                found += page["keys"]
                pages += 1
                after = page["next"]
                if after is None:
                    break
            self.assertEqual(found, names, f"limit {limit}")

    def test_scan_leaves_out_deleted_and_expired_keys(self):
        self.rpc.call("MSET", self.key("a"), 1, self.key("b"), 2, self.key("c"), 3)
        self.rpc.call("DEL", self.key("b"))
        self.rpc.call("SET", self.key("d"), 4, ttl_ms=50)
        harness.wait_until(
            lambda: self.rpc.call("GET", self.key("d")) is None, 5, "expiry of a key")
        page = self.rpc.call("SCAN", prefix=self.prefix)
        self.assertEqual(page, {"keys": [self.key("a"), self.key("c")], "next": None})

    def test_a_key_of_the_longest_size_works_and_one_byte_more_does_not(self):
        longest = "k" * 4096
        self.assertIs(self.rpc.call("SET", longest, 1), True)
        self.assertEqual(self.rpc.call("GET", longest), 1)
        error = self.assert_error("too_large", self.rpc, "SET", longest + "k", 1)
        self.assertIn("4096", error.message)

    def test_a_value_of_one_mebibyte_works_and_more_does_not(self):
        limit = 1 << 20
        key = self.key("big")
        header = 5  # str32
        self.assertIs(self.rpc.call("SET", key, "v" * (limit - header)), True)
        self.assertEqual(len(self.rpc.call("GET", key)), limit - header)
        self.assert_error("too_large", self.rpc, "SET", key, "v" * (limit + 1))
        self.assertEqual(len(self.rpc.call("GET", key)), limit - header)

    def test_an_empty_key_is_refused_or_works_alike_everywhere(self):
        try:
            self.rpc.call("SET", "", 1)
        except harness.RpcError as error:
            self.assertEqual(error.code, "bad_request")
        else:
            self.assertEqual(self.rpc.call("GET", ""), 1)
            self.rpc.call("DEL", "")

    def test_the_bytes_of_stored_values_survive_python_as_well(self):
        value = {"answer": "yes", "scores": [0.5, 1, None], "blob": b"\x00\x01"}
        self.rpc.call("SET", self.key("m"), value)
        self.assertEqual(self.rpc.call("GET", self.key("m")), value)
        self.assertEqual(unpack(pack(value)), value)


class MessagesTest(harness.Case):
    def test_an_error_about_numbers_and_names_says_what_is_allowed(self):
        rpc = self.connect(self.server())
        rpc.call("SET", "n", 2**64 - 1)
        error = self.assert_error("bad_request", rpc, "INCRBY", "n", -1)
        self.assertIn("-9223372036854775808 to 9223372036854775807", error.message)
        self.assertIn(str(2**64 - 1), error.message)
        self.assertEqual(rpc.call("GET", "n"), 2**64 - 1)
        for method, name in (("INFO", "'section'"), ("COMMAND.DOCS", "'name'")):
            self.assertIn(name, self.assert_error("bad_request", rpc, method, "").message)
        error = self.assert_error("bad_request", rpc, "EXPIRE", "n", {"ttl_ms": 5})
        self.assertIn("taken for options", error.message)


class ReplyBoundTest(harness.Case):
    def test_mget_refuses_more_than_the_output_limit_and_the_connection_lives(self):
        limit = 256 * 1024
        rpc = self.connect(self.server(settings={"network.output_soft_bytes": limit}))
        # The reply is a header of one byte and three values with headers of five.
        part = (limit - 1) // 3 - 5
        for name in "ab":
            rpc.call("SET", name, b"x" * part)
        rest = limit - 1 - 2 * (part + 5) - 5
        for beyond in (-1, 0, 1):
            rpc.call("SET", "c", b"x" * (rest + beyond))
            if beyond <= 0:
                self.assertEqual(len(rpc.call("MGET", *"abc")[2]), rest + beyond)
                continue
            error = self.assert_error("too_large", rpc, "MGET", *"abc")
            self.assertIn("network.output_soft_bytes", error.message)
            self.assertIn(str(limit), error.message)
        self.assertEqual(len(rpc.call("MGET", *"ab")), 2)
        results = rpc.pipeline([("MGET", list("abc")), ("GET", ["c"]), ("PING", [])] * 20)
        for refused, value, pong in zip(*[iter(results)] * 3):
            self.assertEqual((refused.code, len(value), pong), ("too_large", rest + 1, "PONG"))


if __name__ == "__main__":
    harness.main()
