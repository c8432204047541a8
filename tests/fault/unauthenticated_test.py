"""A13: what a stranger may cost: only HELLO and AUTH answer, small frames, little output."""

import os
import socket
import threading
import time

import harness
import process
from harness import request
from probe import Probe


class UnauthenticatedTest(harness.Case):
    figures = ("unauthenticated",)

    def setUp(self):
        super().setUp()
        self.running = self.server(settings={"network.handshake_ms": 3000})
        with self.running.connect() as first:
            self.commands = first.call("COMMAND.LIST")
            self.key = first.call("KEY.CREATE", "default",
                                  permissions=["read", "write", "admin"])["key"]

    def test_only_hello_and_auth_answer_before_authentication(self):
        refused, answered = 0, []
        for method in self.commands:
            for params in ([], ["a"], ["a", "b"], [{"client": "x"}]):
                with self.running.connect() as stranger:
                    code = self.code_of(stranger, method, params)
                if code == "unauthenticated":
                    refused += 1
                elif method not in ("HELLO", "AUTH", "QUIT"):
                    answered.append((method, code))
        output = self.output_of_a_stranger()
        quiet, loud, peak_mib = self.error_storm()
        # Below this the ratio of two percentiles on a busy machine says nothing.
        patient = loud["p99_us"] <= max(1.2 * quiet["p99_us"], harness.NOTICEABLE_US)
        holds = (answered == [] and output <= 66 * 1024 and patient and loud["errors"] == 0
                 and (harness.is_sanitized() or peak_mib <= 32))
        if answered:
            print("answered before AUTH:", answered[:10])
        harness.figure("unauthenticated", holds, commands=len(self.commands), refused=refused,
                       answered=len(answered), unread_bytes=output,
                       p99_quiet_us=quiet["p99_us"], p99_storm_us=loud["p99_us"],
                       storm_rss_mib=peak_mib)

    @staticmethod
    def code_of(stranger, method, params):
        try:
            stranger.call(method, *params)
            return "answered"
        except harness.RpcError as error:
            return error.code
        except (harness.Closed, ConnectionError):
            return "unauthenticated"

    def output_of_a_stranger(self):
        """The most unread output that the server keeps for a stranger who asks and never reads."""
        admin = self.connect(self.running)
        admin.call("AUTH", self.key)
        stranger = socket.socket()
        self.addCleanup(stranger.close)
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stranger.connect(self.running.address)
        peer = "%s:%d" % stranger.getsockname()
        stranger.setblocking(False)
        hello = b"".join(request(i, "HELLO", [{"client": "c" * 60}]) for i in range(200))
        most, end = 0, time.monotonic() + 6
        while time.monotonic() < end:
            try:
                stranger.send(hello)
            except BlockingIOError:
                time.sleep(0.01)
            except (BrokenPipeError, ConnectionResetError):
                return most
            rows = [row for row in admin.call("CLIENT.LIST") if row["peer"] == peer]
            most = max([most] + [row["unsent_bytes"] for row in rows])
        self.fail("a stranger may talk for ever")
        return most

    def error_storm(self):
        """Others' latency without and with a storm of bad requests, and what memory it took."""
        quiet = Probe(self.running.address, 1.5, auth=self.key).result()
        before = process.rss_bytes(self.running.pid)
        stop = threading.Event()
        storm = [threading.Thread(target=self.rage, args=(stop,)) for _ in range(3)]
        for thread in storm:
            thread.start()
        loud = Probe(self.running.address, 2.5, auth=self.key).result()
        peak = process.rss_bytes(self.running.pid) - before
        stop.set()
        for thread in storm:
            thread.join(20)
        return quiet, loud, round(peak / harness.MIB, 1)

    def rage(self, stop):
        while not stop.is_set():
            try:
                with self.running.connect() as rude:
                    rude.send_bytes(request(1, "AUTH", ["wrong"]) * 4 + os.urandom(50))
                    rude.read_until_closed(5)
            except (harness.Closed, OSError):
                pass

    def test_a_large_frame_of_a_stranger_is_refused(self):
        with self.running.connect() as stranger:
            stranger.send_bytes(request(1, "AUTH", ["x" * 9000]))
            self.assertIn(b"too_large", stranger.read_until_closed())
        with self.running.connect() as stranger:
            self.assertIn(self.code_of(stranger, "AUTH", ["x" * 7000]),
                          ("unauthenticated", "too_large"))
            self.assertIn("server", stranger.call("HELLO"))

    def test_a_stranger_that_says_nothing_is_closed(self):
        with self.running.connect() as stranger:
            self.assertEqual(stranger.read_until_closed(8.0), b"")

    def test_a_stranger_that_only_says_hello_is_closed_as_well(self):
        with self.running.connect() as stranger:
            stranger.call("HELLO")
            stranger.read_until_closed(8.0)

    def test_the_key_works_afterwards(self):
        with self.running.connect() as rpc:
            self.assertEqual(rpc.call("AUTH", self.key)["namespace"], "default")
            self.assertEqual(rpc.call("PING"), "PONG")


if __name__ == "__main__":
    harness.main()
