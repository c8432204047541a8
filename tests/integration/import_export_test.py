"""Export and import of the cache: both formats, odd values, resuming, lists of GPTCache, bad files."""

import io
import json
import os
import resource
import socket
import subprocess
import threading

import msgpack

import harness

SHARED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data")
DONE, REFUSED, BAD_USE, SERVER_GONE = 0, 1, 2, 3
KIB = 1 << 10


def cli_path():
    path = os.environ.get("REPRISE_CLI")
    if not path or not os.path.exists(path):
        raise SystemExit("REPRISE_CLI must name the reprise-cli binary (ctest sets it)")
    return path


def nested(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


class Relay:
    """Passes bytes between a client and a server, and stalls after so many in one direction."""

    def __init__(self, server, to_client=None, to_server=None):
        self.server = server
        self.limits = {"client": to_client, "server": to_server}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.sockets = [self.listener]
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def _accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            upstream = socket.create_connection(self.server.address)
            self.sockets += [client, upstream]
            for source, target, name in ((client, upstream, "server"), (upstream, client, "client")):
                thread = threading.Thread(target=self._pass_on, args=(source, target, name))
                self.threads.append(thread)
                thread.start()

    def _pass_on(self, source, target, name):
        left = self.limits[name]
        while True:
            try:
                data = source.recv(4096)
                if not data:
                    break
                if left is not None:
                    data = data[:left]
                    left -= len(data)
                target.sendall(data)
            except OSError:
                break

    def close(self):
        for each in self.sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()
        for thread in self.threads:
            thread.join()


class PortCase(harness.Case):
    def path(self, name):
        return os.path.join(self.temp, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def start_cli(self, address, *words):
        command = [cli_path(), "--address", f"{address[0]}:{address[1]}", "--timeout", "60000"]
        child = subprocess.Popen(command + list(words), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.temp)
        self.addCleanup(self.end, child)
        return child

    @staticmethod
    def end(child):
        if child.poll() is None:
            child.kill()
        child.communicate()

    def cli(self, server, *words, code=DONE):
        """Answers what it printed, both streams together."""
        child = self.start_cli(server.address, *words)
        out, errors = child.communicate(timeout=120)
        text = out.decode() + errors.decode(errors="replace")
        self.assertEqual(child.returncode, code, f"{words}: {text}")
        return text

    @staticmethod
    def fill(rpc, count, size=100, prefix="question"):
        calls = [("CACHE.STORE", [f"{prefix} {i}", "x" * size]) for i in range(count)]
        for start in range(0, count, 200):
            for reply in rpc.pipeline(calls[start:start + 200]):
                if isinstance(reply, Exception):
                    raise reply

    @staticmethod
    def export_all(rpc, **options):
        entries, after = [], None
        while True:
            page = rpc.call("CACHE.EXPORT", **options, **({"after": after} if after else {}))
            entries += page["entries"]
            after = page["next"]
            if after is None:
                return entries


ODD = {
    "bytes": b"\x00\xff",
    "text": "line\n\"quoted\" \u00e4 \U0001f642 \u2028",
    "no utf-8": "\udcff",
    "numbers": [2**64 - 1, -(2**63), 2**53 + 1, 1.0, -0.0, 5e-324, 1e308],
    "not a number": [float("nan"), float("inf"), float("-inf")],
    "keys": {1: "one", None: 2, b"k": {True: False}, 2.5: [], "": {}},
    "extension": msgpack.ExtType(42, b"\x01\x02"),
    "like bytes": [{"$bin": "AA=="}, {"$map": 1}, {"$other": {}}],
    "no\udcff": None,
}


class RoundTripTest(PortCase):
    def stored(self, rpc):
        rpc.call("CACHE.STORE", "odd", ODD, identity={"model": "m", "odd": ODD["keys"]},
                 tags=["a", "\udcff"], model="m\n", tokens_in=1, tokens_out=2, cost_nano=3)
        rpc.call("CACHE.STORE", "bytes alone", b"\xff", type="factLookup")
        rpc.call("CACHE.STORE", "deepest", nested(62))
        rpc.call("CACHE.STORE", "identity", "x", identity=nested(61), ttl_ms=3_600_000)
        rpc.call("CACHE.STORE", "wide", [[0] * 4000 for _ in range(10)])
        half = [[0] * 4000 for _ in range(4)]  # Together just below what one frame may hold.
        rpc.call("CACHE.STORE", "half and half", half, identity=half)
        self.fill(rpc, 1500)

    def round_trip(self, name):
        server = self.server()
        rpc = self.connect(server)
        self.stored(rpc)
        text = self.cli(server, "export", name)
        self.assertIn("exported 1,506 entries", text)
        before = self.read(name)
        self.assertEqual(rpc.call("CACHE.INVALIDATE", "all")["entries"], 1506)
        self.assertIn("exported 0 entries", self.cli(server, "export", "none.jsonl"))
        self.assertIn("stored 1,506 of 1,506 entries", self.cli(server, "import", name))
        self.cli(server, "export", "again." + name)
        self.assertEqual(self.read("again." + name), before)
        hit = rpc.call("CACHE.LOOKUP", "odd", identity={"odd": ODD["keys"], "model": "m"})
        self.assertEqual(harness.pack(hit["response"]), harness.pack(ODD))
        self.assertEqual(rpc.call("CACHE.LOOKUP", "deepest")["response"], nested(62))
        self.assertEqual(sorted(os.listdir(self.temp)), sorted([name, "again." + name, "none.jsonl"]))
        return before

    def test_json_lines_come_back_byte_by_byte(self):
        lines = self.round_trip("entries.jsonl").decode().rstrip("\n").split("\n")
        by_prompt = {json.loads(line)["prompt"]: json.loads(line) for line in lines}
        self.assertEqual(len(by_prompt), 1506)
        self.assertEqual(by_prompt["bytes alone"]["response"], {"$bin": "/w=="})
        self.assertNotIn("id", by_prompt["odd"])

    def test_messagepack_comes_back_byte_by_byte(self):
        entries = list(msgpack.Unpacker(io.BytesIO(self.round_trip("entries.msgpack")), raw=False,
                                        strict_map_key=False, unicode_errors="surrogateescape"))
        self.assertEqual(len(entries), 1506)
        self.assertIn("response_packed", next(e for e in entries if e["prompt"] == "deepest"))

    def test_another_server_has_the_same_entries_in_either_format(self):
        first, second = self.server(), self.server(settings={
            "network.frame_bytes_max": 96 * KIB, "cache.value_bytes_max": 16 * KIB,
            "cache.prompt_bytes_max": 16 * KIB})
        rpc = self.connect(first)
        self.stored(rpc)
        rpc.call("CACHE.INVALIDATE", "entry", "wide")  # More than the second server takes.
        self.fill(rpc, 500, size=1000, prefix="larger")
        self.cli(first, "export", "a.msgpack")
        self.cli(second, "import", "a.msgpack")
        self.cli(first, "export", "a.jsonl")
        self.cli(second, "export", "b.jsonl")
        self.assertEqual(sorted(self.read("a.jsonl").splitlines()),
                         sorted(self.read("b.jsonl").splitlines()))

    def test_only_the_type_or_tag_that_was_asked_for_is_exported(self):
        server = self.server()
        rpc = self.connect(server)
        self.stored(rpc)
        self.assertIn("exported 1 entries", self.cli(server, "export", "a.jsonl", "--tag", "a"))
        self.assertIn("exported 1 entries",
                      self.cli(server, "export", "a.jsonl", "--type", "factLookup"))

    def test_standard_streams_work_as_files(self):
        server = self.server()
        rpc = self.connect(server)
        self.fill(rpc, 10)
        child = self.start_cli(server.address, "export", "-")
        data, errors = child.communicate(timeout=60)
        self.assertEqual(child.returncode, DONE)
        self.assertEqual(len(data.splitlines()), 10)
        self.assertIn(b"exported 10 entries", errors)
        rpc.call("CACHE.INVALIDATE", "all")
        command = [cli_path(), "-p", str(server.address[1]), "import", "-"]
        done = subprocess.run(command, input=data, capture_output=True, timeout=60, check=True)
        self.assertIn(b"stored 10 of 10 entries", done.stdout)


class PagesTest(PortCase):
    def test_a_page_is_bounded_and_a_cursor_survives_writes_and_a_restart(self):
        server = self.server(settings={"cache.entries_max": 100_000})
        rpc = self.connect(server)
        self.fill(rpc, 3000, size=2000)
        page = rpc.call("CACHE.EXPORT", limit=1000)
        self.assertLess(len(harness.pack(page)), harness.MIB + 10 * KIB)
        self.assertLess(len(page["entries"]), 1000)
        seen = [entry["prompt"] for entry in page["entries"]]
        self.fill(rpc, 500, prefix="later")
        server.restart(kill=True)
        rpc = self.connect(server)
        seen += self.rest(rpc, page["next"])
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual({prompt for prompt in seen if prompt.startswith("question")},
                         {f"question {i}" for i in range(3000)})

    @staticmethod
    def rest(rpc, after):
        prompts = []
        while after is not None:
            page = rpc.call("CACHE.EXPORT", limit=1000, after=after)
            prompts += [entry["prompt"] for entry in page["entries"]]
            after = page["next"]
        return prompts

    def test_a_response_larger_than_a_page_has_a_page_of_its_own(self):
        server = self.server(settings={"cache.value_bytes_max": 3 * harness.MIB,
                                       "cache.types.general.response_bytes_max": 3 * harness.MIB})
        rpc = self.connect(server)
        rpc.call("CACHE.STORE", "large", b"x" * (2 * harness.MIB))
        rpc.call("CACHE.STORE", "small", 1)
        sizes = {entry["prompt"]: len(harness.pack(entry["response"]))
                 for entry in self.export_all(rpc)}
        self.assertEqual(set(sizes), {"large", "small"})
        self.assertGreater(sizes["large"], 2 * harness.MIB)

    def test_a_namespace_sees_neither_entries_nor_cursors_of_another(self):
        server = self.server()
        rpc = self.connect(server)
        rpc.call("NAMESPACE.CREATE", "other")
        admin = rpc.call("KEY.CREATE", "default", {"permissions": ["read", "write", "admin"]})
        rpc.call("AUTH", admin["key"])
        key = rpc.call("KEY.CREATE", "other", {"permissions": ["read", "write"]})
        other = self.connect(server)
        other.call("AUTH", key["key"])
        self.fill(rpc, 20)
        other.call("CACHE.STORE", "mine", 1)
        other.call("CACHE.STORE", "mine too", 1)
        self.assertEqual({entry["prompt"] for entry in self.export_all(other)}, {"mine", "mine too"})
        foreign = rpc.call("CACHE.EXPORT", limit=1)["next"]
        self.assert_error("bad_request", other, "CACHE.EXPORT", after=foreign)


class ImportRowTest(PortCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = harness.Server().start()
        cls.addClassCleanup(cls.shared.destroy)

    def setUp(self):
        super().setUp()
        self.rpc = self.connect(self.shared)
        self.now = self.rpc.call("CACHE.STORE", "clock", 1, ttl_ms=1)["expires_at_ms"] - 1

    def entry(self, **fields):
        return {"prompt": self._testMethodName, "response": 1, "type": "general", **fields}

    def take(self, *entries, **options):
        reply = self.rpc.call("CACHE.IMPORT", list(entries), **options)
        return reply["stored"], reply["skipped"], len(reply["refused"])

    def test_a_bad_entry_costs_only_itself_and_is_named_with_its_reason(self):
        bad = [
            ({"unknown": 1}, "unknown field"),
            ({"timeout_ms": 5}, "unknown field"),
            ({"ttl_ms": 5}, "unknown field"),
            ({"prompt": ""}, "at least 1 byte"),
            ({"prompt": "\udcff"}, "UTF-8"),
            ({"prompt": 5}, "must be str"),
            ({"response": None}, "must not be nil"),
            ({"type": "nonsense"}, "unknown query type"),
            ({"type": None, "prompt": "What is the weather in Bern today?"}, "are not kept"),
            ({"tags": ["t"] * 33}, "'tags' has 33 items"),
            ({"tags": "t"}, "array of str"),
            ({"tokens_in": -1}, "tokens_in"),
            ({"tokens_in": 2**63}, "tokens_in"),
            ({"expires_at_ms": self.now + 11 * 365 * 86_400_000}, "ten years"),
            ({"created_at_ms": self.now, "expires_at_ms": self.now - 5}, "later than"),
            ({"response_packed": b"\x01"}, "both"),
            ({"identity_packed": b"\x91"}, "cut short"),
            ({"identity_packed": harness.pack(nested(63))}, "deeper"),
            ({"identity": {"x": float("nan")}}, "NaN"),
        ]
        entries = [self.entry(**fields) for fields, _ in bad] + ["text", {"response": 1}, self.entry()]
        reply = self.rpc.call("CACHE.IMPORT", entries)
        self.assertEqual((reply["stored"], reply["skipped"]), (1, 0))
        self.assertEqual([row["index"] for row in reply["refused"]], list(range(len(bad) + 2)))
        for row, (fields, reason) in zip(reply["refused"], bad):
            self.assertIn(reason, row["reason"], fields)
        self.assertIn("must be a map", reply["refused"][-2]["reason"])
        self.assertIn("'prompt' is missing", reply["refused"][-1]["reason"])

    def test_a_batch_is_bounded_and_its_shape_is_checked(self):
        self.assert_error("too_large", self.rpc, "CACHE.IMPORT", [{}] * 1001)
        self.assert_error("bad_request", self.rpc, "CACHE.IMPORT", {"prompt": "p"})
        self.assert_error("bad_request", self.rpc, "CACHE.IMPORT", [], default_type="nonsense")
        self.assertEqual(self.take(), (0, 0, 0))
        self.assertEqual(self.take(*[{}] * 1000), (0, 0, 1000))

    def test_times_are_kept_and_never_lengthened(self):
        end = self.now + 60_000
        self.assertEqual(self.take(self.entry(created_at_ms=self.now - 5000, expires_at_ms=end)),
                         (1, 0, 0))
        hit = self.rpc.call("CACHE.LOOKUP", self._testMethodName)
        self.assertEqual(hit["expires_at_ms"], end)
        self.assertGreaterEqual(hit["age_ms"], 5000)
        self.assertEqual(self.take(self.entry(prompt="gone", expires_at_ms=self.now - 1,
                                              created_at_ms=self.now - 2)), (0, 1, 0))
        self.assertEqual(self.take(self.entry(prompt="old", created_at_ms=1)), (0, 1, 0))
        self.assertEqual(self.rpc.call("CACHE.LOOKUP", "gone")["status"], "miss")

    def test_without_keep_expiry_an_entry_is_as_new(self):
        old = self.entry(created_at_ms=1, expires_at_ms=2)
        self.assertEqual(self.take(old, keep_expiry=False), (1, 0, 0))
        hit = self.rpc.call("CACHE.LOOKUP", self._testMethodName)
        self.assertLess(hit["age_ms"], 60_000)
        self.assertGreater(hit["expires_at_ms"], self.now)

    def test_a_time_of_creation_in_the_future_is_now(self):
        self.assertEqual(self.take(self.entry(created_at_ms=self.now + 3_000_000,
                                              expires_at_ms=self.now + 3_500_000)), (1, 0, 0))
        self.assertGreaterEqual(self.rpc.call("CACHE.LOOKUP", self._testMethodName)["age_ms"], 0)

    def test_what_is_there_and_not_older_is_kept_unless_replaced(self):
        end = self.now + 60_000
        older = self.entry(response="older", created_at_ms=self.now - 50, expires_at_ms=end)
        newer = self.entry(response="newer", created_at_ms=self.now - 10, expires_at_ms=end)
        unknown = self.entry(response="of unknown age")

        def answer():
            return self.rpc.call("CACHE.LOOKUP", self._testMethodName)["response"]

        self.assertEqual(self.take(older), (1, 0, 0))
        self.assertEqual(self.take(newer), (1, 0, 0))
        self.assertEqual(self.take(older, newer, unknown), (0, 3, 0))
        self.assertEqual(answer(), "newer")
        self.assertEqual(self.take(older, replace=True), (1, 0, 0))
        self.assertEqual(answer(), "older")
        self.rpc.call("CACHE.INVALIDATE", "entry", self._testMethodName)
        self.assertEqual(self.take(older, older), (1, 1, 0))
        self.rpc.call("CACHE.INVALIDATE", "all")
        self.assertEqual(self.take(older), (1, 0, 0))

    def test_unknown_types_take_the_default_type(self):
        entries = [self.entry(prompt="typed", type="factLookup"), self.entry(type="elsewhere")]
        self.assertEqual(self.take(*entries), (1, 0, 1))
        self.assertEqual(self.take(*entries, default_type="research"), (1, 1, 0))
        self.assertEqual(self.rpc.call("CACHE.LOOKUP", self._testMethodName)["type"], "research")
        self.assertEqual(self.rpc.call("CACHE.LOOKUP", "typed")["type"], "factLookup")


class ResumeTest(PortCase):
    SETTINGS = {"cache.entries_max": 100_000}

    def killed(self, relay, state, *words):
        """Runs the command until it has saved how far it came, and kills it."""
        self.addCleanup(relay.close)
        child = self.start_cli(relay.address, *words)
        harness.wait_until(lambda: os.path.exists(self.path(state)), 60, f"{state} is written")
        child.kill()
        child.communicate()

    def test_an_export_that_was_killed_goes_on_after_a_restart_of_the_server(self):
        server = self.server(settings=self.SETTINGS)
        self.fill(self.connect(server), 4000, size=1000)
        self.cli(server, "export", "whole.jsonl")
        self.killed(Relay(server, to_client=3 * harness.MIB // 2), "cut.jsonl.export-state",
                    "export", "cut.jsonl")
        self.assertFalse(os.path.exists(self.path("cut.jsonl")))
        with open(self.path("cut.jsonl.partial"), "ab") as file:
            file.write(b"half a li")  # As a kill in the middle of a write leaves it.
        server.restart(kill=True)
        self.assertIn("--format", self.cli(server, "export", "cut.jsonl", "--resume", "--format",
                                           "msgpack", code=BAD_USE))
        self.assertIn("exported 4,000", self.cli(server, "export", "cut.jsonl", "--resume"))
        self.assertEqual(self.read("cut.jsonl"), self.read("whole.jsonl"))
        self.assertEqual(sorted(os.listdir(self.temp)), ["cut.jsonl", "whole.jsonl"])

    def test_an_export_cannot_go_on_at_another_server(self):
        server, other = self.server(settings=self.SETTINGS), self.server()
        self.fill(self.connect(server), 4000, size=1000)
        self.killed(Relay(server, to_client=3 * harness.MIB // 2), "cut.jsonl.export-state",
                    "export", "cut.jsonl")
        self.assertIn("another data directory",
                      self.cli(other, "export", "cut.jsonl", "--resume", code=REFUSED))

    def test_an_import_that_was_killed_goes_on_after_a_restart_of_the_server(self):
        for name in ("file.jsonl", "file.msgpack"):
            with self.subTest(name):
                server = self.server(settings=self.SETTINGS)
                source = self.server(settings=self.SETTINGS)
                self.fill(self.connect(source), 4000, size=1000)
                self.cli(source, "export", name)
                self.killed(Relay(server, to_server=harness.MIB), name + ".import-state",
                            "import", name)
                server.restart(kill=True)
                count = self.connect(server).call("CACHE.STATS")["entries"]
                self.assertTrue(0 < count < 4000, count)
                self.assertIn("of 4,000 entries", self.cli(server, "import", name, "--resume"))
                self.assertEqual(self.connect(server).call("CACHE.STATS")["entries"], 4000)
                self.assertFalse(os.path.exists(self.path(name + ".import-state")))
                text = self.cli(server, "import", name)
                self.assertIn("stored 0 of 4,000 entries", text)
                self.assertIn("4,000 skipped", text)

    def test_an_import_goes_on_only_with_the_file_and_options_it_had(self):
        server = self.server(settings=self.SETTINGS)
        lines = [json.dumps({"prompt": f"p{i}", "response": "x" * 1000}) for i in range(3000)]
        self.write("a.jsonl", "\n".join(lines))
        self.killed(Relay(server, to_server=harness.MIB), "a.jsonl.import-state", "import", "a.jsonl")
        self.assertIn("other options",
                      self.cli(server, "import", "a.jsonl", "--resume", "--replace", code=BAD_USE))
        self.write("a.jsonl", "\n".join(reversed(lines)))
        self.assertIn("is not what was imported so far",
                      self.cli(server, "import", "a.jsonl", "--resume", code=BAD_USE))
        self.write("a.jsonl.import-state", "nonsense")
        self.assertIn("is no state", self.cli(server, "import", "a.jsonl", "--resume", code=BAD_USE))

    def test_without_anything_to_resume_it_begins_at_the_beginning(self):
        server = self.server()
        self.fill(self.connect(server), 5)
        self.assertIn("nothing to resume", self.cli(server, "export", "a.jsonl", "--resume"))
        self.assertIn("nothing to resume", self.cli(server, "import", "a.jsonl", "--resume"))


class BadFileTest(PortCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = harness.Server().start()
        cls.addClassCleanup(cls.shared.destroy)

    def refused(self, name, data, *options):
        self.write(name, data)
        return self.cli(self.shared, "import", name, *options, code=REFUSED)

    def good(self, number):
        return json.dumps({"prompt": f"{self._testMethodName} {number}", "response": number})

    def test_bad_lines_are_named_and_the_others_stored(self):
        text = self.refused("a.jsonl", "\n".join([
            self.good(1), '{"prompt": "p"', '{"prompt": "p", "response": 1, "nonsense": 2}', "", "[]",
            self.good(2), '{"prompt": "p", "response": 99999999999999999999}']))
        for line, reason in ((2, "not JSON"), (3, "unknown field nonsense"), (5, "expected an object"),
                             (7, "is beyond 64 bits")):
            self.assertRegex(text, f"(?m)^a.jsonl:{line}: .*{reason}")
        self.assertIn("stored 2 of 6 entries", text)
        self.assertIn("4 refused", text)

    def test_invalid_utf8_is_refused_by_its_line(self):
        text = self.refused("a.jsonl", self.good(1).encode() + b'\n{"prompt": "\xff", "response": 1}\n')
        self.assertRegex(text, "a.jsonl:2: .*UTF-8")

    def test_the_first_twenty_are_named_and_the_rest_counted(self):
        text = self.refused("a.jsonl", "nonsense\n" * 50)
        self.assertEqual(text.count("not JSON"), 20)
        self.assertIn("50 refused", text)

    def test_a_truncated_messagepack_file_keeps_what_came_before(self):
        packed = [msgpack.packb({"prompt": f"cut {i}", "response": i}) for i in range(3)]
        text = self.refused("a.msgpack", b"".join(packed)[:-3])
        self.assertIn(f"a.msgpack: the file is cut off inside the entry that begins at byte "
                      f"{len(packed[0]) * 2}", text)
        self.assertIn("stored 2 of 2", text)
        text = self.refused("b.msgpack", packed[0] + b"\xc1")
        self.assertIn(f"byte {len(packed[0])} is not MessagePack", text)

    def test_an_entry_that_no_request_can_carry_is_refused_alone(self):
        server = self.server(settings={"network.frame_bytes_max": 96 * KIB,
                                       "cache.value_bytes_max": 16 * KIB,
                                       "cache.prompt_bytes_max": 16 * KIB})
        lines = [self.good(1), json.dumps({"prompt": "p", "response": "x" * 20 * KIB}),
                 json.dumps({"prompt": "p", "response": "x" * 200 * KIB}), self.good(2)]
        self.write("a.jsonl", "\n".join(lines))
        text = self.cli(server, "import", "a.jsonl", code=REFUSED)
        self.assertRegex(text, "a.jsonl:2: .*value_bytes")
        self.assertRegex(text, "a.jsonl:3: .*frame_bytes")
        self.assertIn("stored 2 of 4", text)

    def test_deep_entries_are_refused_before_they_cost_the_connection(self):
        text = self.refused("a.jsonl", "\n".join([
            json.dumps({"prompt": "deep", "response": nested(62)}),
            json.dumps({"prompt": "wide", "response": [0] * 40_000}), self.good(1)]))
        self.assertRegex(text, "a.jsonl:1: .*nested 63 levels deep")
        self.assertRegex(text, "a.jsonl:2: container_items: 40000")
        self.assertIn("stored 1 of 3", text)

    def test_a_line_of_a_gibibyte_costs_neither_memory_nor_the_rest(self):
        with open(self.path("a.jsonl"), "wb") as file:
            file.write(self.good(1).encode() + b"\n")
            file.seek(1 << 30, os.SEEK_CUR)  # A hole: reads as zeros.
            file.write(b"\n" + self.good(2).encode() + b"\n")
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        text = self.cli(self.shared, "import", "a.jsonl", code=REFUSED)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        self.assertIn("a.jsonl:2: the line has more than 67108864 bytes", text)
        self.assertIn("stored 2 of 3", text)
        if not harness.is_sanitized() and peak > before:
            self.assertLess(peak, 256 * KIB)  # In KiB.

    def test_wrong_use_ends_with_2_and_says_why(self):
        for words in (["import", "missing.jsonl"], ["export"], ["import", "a", "--format", "csv"],
                      ["export", "-", "--resume"]):
            self.assertIn("error: ", self.cli(self.shared, *words, code=BAD_USE))

    def test_a_server_that_is_gone_ends_with_3_and_the_way_on(self):
        server = self.server()
        self.fill(self.connect(server), 5)
        self.cli(server, "export", "a.jsonl")
        address = server.address
        server.stop()
        for words in (["import", "a.jsonl"], ["export", "b.jsonl"]):
            child = self.start_cli(address, *words)
            errors = child.communicate(timeout=60)[1].decode()
            self.assertEqual(child.returncode, SERVER_GONE, errors)
            self.assertIn("--resume", errors)


class GptCacheTest(PortCase):
    figures = ("gptcache_mock_data",)

    def test_a_list_of_gptcache_is_asked_with_its_identity_and_type(self):
        server = self.server()
        rpc = self.connect(server)
        pairs = [{"question": "What is RAII?", "answer": "An idiom."}, ["And SFINAE?", "A rule."]]
        self.write("list.json", json.dumps(pairs, indent=2))
        text = self.cli(server, "import", "list.json", "--format", "gptcache", "--type", "factLookup",
                        "--identity", '{"model": "m"}')
        self.assertIn("stored 2 of 2", text)
        hit = rpc.call("CACHE.LOOKUP", "what is raii", identity={"model": "m"})
        self.assertEqual((hit["response"], hit["type"]), ("An idiom.", "factLookup"))
        self.assertEqual(rpc.call("CACHE.LOOKUP", "And SFINAE?")["status"], "miss")
        self.write("lines.json", "\n".join(json.dumps(pair) for pair in pairs))
        self.assertIn("stored 2 of 2",
                      self.cli(server, "import", "lines.json", "--format", "gptcache"))
        self.assertEqual(rpc.call("CACHE.LOOKUP", "And SFINAE?")["response"], "A rule.")

    @staticmethod
    def spellings(text):
        bare = text.rstrip(".")
        words = text.split(" ")
        yield text
        yield text.upper()
        yield text.lower()
        yield text.swapcase()
        yield "  ".join(words)
        yield "\t" + "\n".join(words) + " "
        yield bare
        yield text + "."
        yield bare + "?"
        yield bare + " !" if not bare[-1].isdigit() else bare + " ?"
        yield bare.upper() + "..."

    def test_mock_data_is_hit_by_the_same_text_in_other_spellings(self):
        """Bar: 100 % hits, 0 wrong."""
        path = harness.need_file("gptcache_mock_data", os.path.join(SHARED, "gptcache", "mock_data.json"),
                                 "../shared/data/gptcache/mock_data.json")
        with open(path, encoding="utf-8") as file:
            questions = [pair["origin"] for pair in json.load(file)]
        server = self.server()
        rpc = self.connect(server)
        self.write("list.json", json.dumps(
            [{"question": question, "answer": i} for i, question in enumerate(questions)]))
        # A question that stands there again replaces the answer, as a second put does.
        self.cli(server, "import", "list.json", "--format", "gptcache", "--type", "general",
                 "--replace")
        last, alike = {}, {}
        for i, question in enumerate(questions):
            last[question] = i
            key = " ".join(question.casefold().split()).rstrip(".")
            alike.setdefault(key, set()).add(question)
        repeated = len(questions) - len(last)
        ambiguous = {question for group in alike.values() if len(group) > 1 for question in group}
        asked = hits = wrong = 0
        for question, answer in last.items():
            spellings = [question] if question in ambiguous else list(self.spellings(question))
            for spelling in spellings:
                hit = rpc.call("CACHE.LOOKUP", spelling, type="general")
                asked += 1
                hits += hit["status"] == "hit"
                wrong += hit["status"] == "hit" and hit["response"] != answer
        # Two different questions with one normal form: either answer is right for a third spelling.
        for group in (group for group in alike.values() if len(group) > 1):
            for spelling in self.spellings(sorted(group)[0].upper()):
                hit = rpc.call("CACHE.LOOKUP", spelling, type="general")
                asked += 1
                hits += hit["status"] == "hit"
                wrong += hit["status"] == "hit" and hit["response"] not in {last[q] for q in group}
        harness.figure("gptcache_mock_data", hits == asked and wrong == 0 and asked > 0,
                       questions=len(questions), repeated=repeated, ambiguous=len(ambiguous),
                       asked=asked, hits=hits, wrong=wrong)


if __name__ == "__main__":
    harness.main()
