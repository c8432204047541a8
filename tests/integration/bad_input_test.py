"""Bad input: each gets an error that says what and how to mend it, costs only the sender, and
loses nothing. Every test ends with a bystander's connection that still works."""

import os
import socket
import time

import harness
from harness import pack, request

BAD_ARITY = [
    ("GET", []), ("GET", ["a", "b"]), ("SET", ["a"]), ("SET", ["a", "b", "c"]), ("DEL", []),
    ("MSET", ["a"]), ("MSET", []), ("EXPIRE", ["a"]), ("INCRBY", ["a"]), ("CACHE.STORE", ["p"]),
    ("CACHE.LOOKUP", []), ("AUTH", []), ("CONFIG.SET", ["a"]), ("ECHO", []), ("BACKUP", []),
]
BAD_TYPE = [
    ("GET", [5]), ("GET", [None]), ("GET", [["a"]]), ("SET", [5, "v"]), ("EXPIRE", ["k", "soon"]),
    ("EXPIRE", ["k", 1.5]), ("INCRBY", ["k", "1"]), ("INCRBY", ["k", 0.5]), ("MGET", ["a", 5]),
    ("SCAN", [{"prefix": 5}]), ("SCAN", [{"limit": "many"}]), ("CACHE.STORE", [5, "r"]),
    ("CACHE.STORE", ["p", "r", {"tags": "no list"}]), ("CACHE.LOOKUP", ["p", {"tier": "magic"}]),
    ("CLIENT.KILL", ["me"]), ("SET", ["k", "v", {"ttl_ms": "1"}]), ("SET", ["k", "v", {"nx": 1}]),
    ("SET", ["k", "v", {"no_such_option": 1}]), ("HELLO", ["text"]), ("SLOWLOG", [{"limit": -1}]),
]
OUT_OF_RANGE = [
    ("EXPIRE", ["k", 0]), ("EXPIRE", ["k", -1]), ("EXPIRE", ["k", 2**63 - 1]),
    ("EXPIRE", ["k", 2**64 - 1]), ("SET", ["k", "v", {"ttl_ms": 0}]),
    ("SET", ["k", "v", {"ttl_ms": 10 * 366 * 86_400_000}]), ("INCRBY", ["k", 2**63]),
    ("INCRBY", ["k", 2**64 - 1]), ("SCAN", [{"limit": 0}]), ("SCAN", [{"limit": 1001}]),
    ("CACHE.STORE", ["p", "r", {"ttl_ms": -1}]), ("CACHE.STORE", ["p", "r", {"cost_nano": -1}]),
    ("CACHE.LOOKUP", ["p", {"max_age_ms": -1}]), ("GET", ["k", {"timeout_ms": 0}]),
    ("GET", ["k", {"timeout_ms": 2**63}]),
]


class BadRequestTest(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.shared = harness.Server().start()
        cls.addClassCleanup(cls.shared.destroy)

    def setUp(self):
        super().setUp()
        self.rpc = self.connect(self.shared)
        self.bystander = self.connect(self.shared)
        self.bystander.call("SET", "k", "kept")

    def tearDown(self):
        self.assertEqual(self.bystander.call("GET", "k"), "kept")
        self.assertTrue(self.shared.is_alive())

    def test_an_unknown_method_names_a_near_one(self):
        error = self.assert_error("unknown_command", self.rpc, "GETT", "k")
        self.assertIn("GET", error.message)
        self.assert_error("unknown_command", self.rpc, "")
        self.assert_error("unknown_command", self.rpc, "CACHE.STOR", "k")
        error = self.rpc.error_of("\r\nEVIL\x1b[31m")
        self.assertNotIn("\x1b", error.message, "control characters are escaped")
        self.assertEqual(self.rpc.call("PING"), "PONG")

    def test_wrong_arity_is_a_bad_request_that_names_the_command(self):
        for method, params in BAD_ARITY:
            with self.subTest(method=method, params=params):
                error = self.assert_error("bad_request", self.rpc, method, *params)
                self.assertIn(method, error.message)

    def test_wrong_types_are_bad_requests(self):
        for method, params in BAD_TYPE:
            with self.subTest(method=method, params=params):
                self.assert_error("bad_request", self.rpc, method, *params)

    def test_numbers_out_of_range_are_errors(self):
        for method, params in OUT_OF_RANGE:
            with self.subTest(method=method, params=params):
                error = self.rpc.error_of(method, *params)
                self.assertIn(error.code, ("bad_request", "too_large"), error)

    def test_more_keys_than_allowed_are_refused(self):
        for method, count in (("MGET", 1025), ("DEL", 1025), ("EXISTS", 1025)):
            error = self.rpc.error_of(method, *[f"k{i}" for i in range(count)])
            self.assertIn(error.code, ("too_large", "bad_request"))
        self.assertEqual(len(self.rpc.call("MGET", *[f"k{i}" for i in range(1024)])), 1024)

    def test_an_oversize_frame_is_refused_before_it_is_sent(self):
        header = b"\x94\x00\x01" + pack("SET") + b"\x92" + pack("k") + b"\xc6\x00\x50\x00\x00"
        self.rpc.send_bytes(header)
        answer = self.rpc.read_until_closed()
        self.assertIn(b"too_large", answer)

    def test_bytes_that_are_no_request_close_the_connection(self):
        bad = {
            "no array": b"\x05", "map": b"\x81\x01\x02", "nil": b"\xc0", "never used": b"\xc1",
            "five items": b"\x95\x00\x01\xa4PING\x90\x00", "reserved inside": b"\x94\x00\x01\xc1",
            "message type 3": pack([3, 1, "PING", []]),
            "type is a string": pack(["0", 1, "PING", []]),
            "method is a number": pack([0, 1, 2, []]), "negative id": pack([0, -1, "PING", []]),
            "params no array": pack([0, 1, "PING", "x"]), "params map": pack([0, 1, "PING", {}]),
            "long method": pack([0, 1, "M" * 65, []]), "huge id": pack([0, 2**32, "PING", []]),
            "array32 length": b"\xdd\x00\x00\x00\x04\x00\x01\xa4PING\x90",
        }
        for name, data in bad.items():
            with self.subTest(bytes=name), self.shared.connect() as rude:
                rude.send_bytes(data)
                # The answer, if any, is an error; what follows it is the end.
                try:
                    message = rude.receive(timeout=5)
                    self.assertIsNotNone(message[2], message)
                    rude.send_bytes(request(9, "SET", ["k", "damaged"]))
                except (harness.Closed, ConnectionError):
                    continue
                try:
                    later = rude.receive(timeout=5)
                    self.assertEqual(later[:2], [1, 9])
                    self.bystander.call("SET", "k", "kept")
                except (harness.Closed, ConnectionError):
                    pass

    def test_a_truncated_frame_costs_only_its_sender(self):
        whole = request(1, "SET", ["k", "damaged" * 100])
        for cut in range(1, len(whole), 37):
            with self.shared.connect() as rude:
                rude.send_bytes(whole[:cut])
                rude.socket.shutdown(socket.SHUT_WR)
                self.assertEqual(rude.read_until_closed().count(b"\xc3"), 0)

    def test_nesting_beyond_the_limit_is_refused_and_at_the_limit_works(self):
        def nested(depth):
            value = 1
            for _ in range(depth):
                value = [value]
            return value

        # The frame and its params are two levels themselves.
        self.assertEqual(self.rpc.call("ECHO", nested(62)), nested(62))
        with self.shared.connect() as rude:
            rude.send_bytes(request(7, "ECHO", [nested(63)]))
            answer = harness.unpack(rude.read_until_closed())
        self.assertEqual(answer[1], 7, "the request that was refused is named")
        self.assertEqual(answer[2][:2],
                         ["too_large", "depth: 65 is more than the limit of 64"])

    def test_too_many_items_are_answered_under_their_own_msgid_and_logged_as_what_they_are(self):
        server = self.server()
        with server.connect() as rude:
            self.assertEqual(len(rude.call("ECHO", [1] * 32_768)), 32_768)
            rude.send_bytes(request(9, "ECHO", [[1] * 32_769]))
            answer = harness.unpack(rude.read_until_closed())
        self.assertEqual(answer[1], 9)
        self.assertEqual(answer[2][:2],
                         ["too_large", "container_items: 32769 is more than the limit of 32768"])
        self.assertIn("request_over_limit", server.log())
        self.assertIn("32769", server.log())
        self.assertNotIn("foreign_protocol", server.log())

    def test_a_duplicate_option_is_refused_or_harmless(self):
        data = (b"\x94\x00\x01" + pack("SET") + b"\x93" + pack("dup") + pack("v") +
                b"\x82" + pack("ttl_ms") + pack(60_000) + pack("ttl_ms") + pack(1))
        self.rpc.send_bytes(data)
        message = self.rpc.receive()
        self.assertIsNotNone(message[2], "a duplicate map key is an error")

    def test_text_that_is_no_utf8_costs_nothing(self):
        self.rpc.send_bytes(b"\x94\x00\x01\xa3GET\x91\xa2\xff\xfe")
        message = self.rpc.receive()
        self.assertEqual(message[1], 1)

    def test_http_on_the_port_is_closed_at_once(self):
        for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n" +
                     request(1, "SET", ["k", "damaged"])):
            with self.shared.connect() as rude:
                rude.send_bytes(data)
                rude.read_until_closed()

    def test_tls_on_the_plain_port_is_closed_at_once(self):
        with self.shared.connect() as rude:
            rude.send_bytes(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(500))
            rude.read_until_closed()

    def test_a_half_open_connection_is_closed_after_its_deadline(self):
        server = self.server(settings={"network.handshake_ms": 500})
        with server.connect() as rude, server.connect() as good:
            rude.send_bytes(request(1, "SET", ["k", "x" * 1000])[:100])
            began = time.monotonic()
            while rude.socket.fileno() >= 0 and time.monotonic() - began < 8:
                good.call("PING")
                try:
                    rude.receive(timeout=0.1)
                except TimeoutError:
                    continue
                except (harness.Closed, ConnectionError):
                    break
            self.assertLess(time.monotonic() - began, 5, "an unfinished frame stayed open")
            self.assertIsNone(good.call("GET", "k"))


class BadDirectoryTest(harness.Case):
    """Every refusal to start names the directory, says why, and leaves the data as it was."""

    def filled(self):
        server = self.server(settings={"store.durability": "always"})
        with server.connect() as rpc:
            rpc.pipeline([("SET", [f"k{i}", "v" * 500]) for i in range(200)])
            rpc.call("SAVE")
        return server

    def refused(self, directory, *words, **options):
        failure = self.prepared(directory=directory, **options).expect_refusal()
        self.assertEqual(failure.code, 3, failure.log)
        self.assertIn(directory, failure.log)
        for word in words:
            self.assertRegex(failure.log.lower(), word)
        return failure

    def test_a_directory_in_use_is_refused_and_the_first_server_goes_on(self):
        server = self.filled()
        failure = self.refused(server.directory, r"in use|another|locked")
        self.assertIn(str(server.pid), failure.log, "it says by whom")
        self.assertEqual(server.call("GET", "k1"), "v" * 500)

    def test_a_directory_with_the_files_of_others_is_refused_and_left_alone(self):
        directory = os.path.join(self.temp, "photos")
        os.mkdir(directory)
        with open(os.path.join(directory, "cat.jpg"), "wb") as file:
            file.write(b"mine")
        self.refused(directory, r"not empty: it holds cat\.jpg", r"give an empty or a new directory")
        self.assertEqual(os.listdir(directory), ["cat.jpg"])

    def test_an_unreadable_directory_is_refused(self):
        harness.need_root("unreadable-directory")
        harness.need_tool("unreadable-directory", "setpriv")
        server = self.filled()
        server.stop()
        os.chmod(server.directory, 0o700)
        other = self.prepared(directory=server.directory, wrapper=[
            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
            "--bounding-set=-all"])
        os.chmod(server.root, 0o755)
        os.chmod(other.root, 0o777)
        failure = other.expect_refusal()
        if failure.code in (1, 126, 127) and "setpriv" in failure.log:
            harness.skip("unreadable-directory", "another user may not run the binary here")
        self.assertEqual(failure.code, 3, failure.log)
        self.assertIn("ermission", failure.log)
        server.start()
        self.assertEqual(server.call("GET", "k1"), "v" * 500)

    def test_a_path_that_is_a_file_or_cannot_be_made_is_refused(self):
        path = os.path.join(self.temp, "file")
        with open(path, "w", encoding="ascii") as file:
            file.write("precious")
        self.refused(path)
        self.refused(os.path.join(path, "below"))
        with open(path, encoding="ascii") as file:
            self.assertEqual(file.read(), "precious")

    def test_a_damaged_database_is_refused_with_advice(self):
        server = self.filled()
        server.stop()
        current = self.find(server.directory, "CURRENT")
        with open(current, "wb") as file:
            file.write(b"garbage\n")
        self.refused(server.directory, r"current|corrupt|damage|manifest")

    def test_a_missing_table_file_is_refused(self):
        server = self.filled()
        server.stop()
        tables = [os.path.join(folder, name) for folder, _, names in os.walk(server.directory)
                  for name in names if name.endswith(".sst")]
        if not tables:
            self.skipTest("nothing was flushed to a table")
        os.remove(tables[0])
        self.refused(server.directory)

    @staticmethod
    def find(directory, name):
        for folder, _, names in os.walk(directory):
            if name in names:
                return os.path.join(folder, name)
        raise AssertionError(f"no {name} below {directory}")

    def test_a_newer_format_is_refused_and_left_alone(self):
        server = self.filled()
        server.stop()
        marker = None
        for folder, _, names in os.walk(server.directory):
            for name in names:
                if "format" in name.lower() or "version" in name.lower():
                    marker = os.path.join(folder, name)
        if marker is None:
            self.skipTest("the format version is not a file")
        with open(marker, "r+", encoding="utf-8") as file:
            text = file.read()
            changed = "".join("9" if c.isdigit() else c for c in text)
            self.assertNotEqual(changed, text)
            file.seek(0)
            file.write(changed)
        self.refused(server.directory, r"newer|format|version")
        with open(marker, "w", encoding="utf-8") as file:
            file.write(text)
        server.start()
        self.assertEqual(server.call("GET", "k1"), "v" * 500)

    def test_a_port_in_use_ends_with_its_own_exit_code(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            for arguments in (["--port", port], ["--http-port", port]):
                failure = self.prepared(arguments=arguments).expect_refusal()
                self.assertEqual(failure.code, 4, failure.log)
                self.assertIn(port, failure.log)
                self.assertRegex(failure.log.lower(), r"in use")

    def test_a_second_server_on_the_port_of_the_first_is_refused(self):
        server = self.server()
        port = str(server.address[1])
        failure = self.prepared(arguments=["--port", port]).expect_refusal()
        self.assertEqual(failure.code, 4, failure.log)
        self.assertEqual(server.call("PING"), "PONG")

    def test_a_unix_socket_path_in_use_or_impossible_is_refused(self):
        server = self.server(unix=True)
        failure = self.prepared(arguments=["--unix", server.unix_path]).expect_refusal()
        self.assertEqual(failure.code, 4, failure.log)
        with harness.Connection(server.unix_path) as rpc:
            self.assertEqual(rpc.call("PING"), "PONG")
        for path in ("/nowhere/x.sock", "/tmp/" + "x" * 200):
            failure = self.prepared(arguments=["--unix", path]).expect_refusal()
            self.assertIn(failure.code, (2, 4), failure.log)

    def test_a_full_disk_refuses_writes_and_keeps_serving_reads(self):
        mount = harness.Mount.tmpfs("full-disk", os.path.join(self.temp, "disk"), 24)
        self.addCleanup(mount.discard)
        server = self.server(directory=os.path.join(mount.path, "data"),
                             settings={"store.memtable_bytes": "4MiB"})
        rpc = self.connect(server)
        rpc.call("SET", "first", "kept")
        error = None
        for i in range(600):
            try:
                rpc.call("SET", f"fill{i}", os.urandom(60_000))
            except harness.RpcError as refused:
                error = refused
                break
        self.assertIsNotNone(error, "24 MiB took more than 34 MiB")
        self.assertIn(error.code, harness.RETRYABLE | {"unknown_outcome", "io"})
        self.assertEqual(rpc.call("GET", "first"), "kept")
        server.kill()

    def test_too_few_file_descriptors_are_refused_at_the_start(self):
        harness.need_tool("fd-budget", "prlimit")
        failure = self.prepared(wrapper=["prlimit", "--nofile=256:256"]).expect_refusal()
        self.assertIn(failure.code, (2, 3, 5), failure.log)
        self.assertRegex(failure.log, r"connections_max|nofile|NOFILE|descriptor")


class ClockJumpTest(harness.Case):
    def test_a_clock_jump_neither_drops_nor_revives(self):
        library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
        harness.need_file("clock-jump", library, "libfaketime")
        if harness.is_sanitized():
            harness.skip("clock-jump", "libfaketime does not go together with a sanitizer")
        control = os.path.join(self.temp, "offset")

        def jump(offset):
            with open(control + ".new", "w", encoding="ascii") as file:
                file.write(offset + "\n")
            os.rename(control + ".new", control)

        jump("+0")
        server = self.server(environment={
            "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": control, "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
        rpc = self.connect(server)
        rpc.call("SET", "hour", 1, ttl_ms=3_600_000)
        rpc.call("SET", "short", 1, ttl_ms=300)
        jump("+2h")
        self.assertEqual(rpc.call("GET", "hour"), 1)
        jump("-2h")
        harness.wait_until(lambda: rpc.call("GET", "short") is None, 5, "expiry while set back")
        self.assertEqual(rpc.call("GET", "hour"), 1)


if __name__ == "__main__":
    harness.main()
