"""Connections: HELLO, QUIT, CLIENT.LIST and KILL, deadlines, idle limits, the Unix socket."""

import os
import socket
import stat

import harness


class ConnectionTest(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.shared = harness.Server(unix=True).start()
        cls.addClassCleanup(cls.shared.destroy)

    def setUp(self):
        super().setUp()
        self.rpc = self.connect(self.shared)

    def test_hello_says_who_answers(self):
        hello = self.rpc.call("HELLO", client="reader", version="1.2")
        self.assertEqual(hello["version"], self.shared.version)
        self.assertEqual(hello["namespace"], "default")
        for name in ("server", "protocol", "id"):
            self.assertIn(name, hello)
        mine = [row for row in self.rpc.call("CLIENT.LIST") if row["id"] == hello["id"]]
        self.assertEqual(len(mine), 1)
        self.assertEqual(mine[0]["transport"], "tcp")
        # The list learns of the name within a tick.
        harness.wait_until(lambda: "reader" in repr(self.rpc.call("CLIENT.LIST")), 2, "the name")

    def test_a_name_that_steers_a_terminal_is_refused(self):
        mine = self.rpc.call("HELLO", client="polite")["id"]
        for name in ("two\nlines", "\x1b[31mred", "nul\0", "del\x7f", "c1\u009b", "\u202eesrever",
                     b"\xff"):
            error = self.assert_error("bad_request", self.rpc, "HELLO", client=name)
            self.assertIn("'client'", error.message)
            self.assert_error("bad_request", self.rpc, "HELLO", client="c", version=name)
        rows = {row["id"]: row for row in self.rpc.call("CLIENT.LIST")}
        self.assertIn("polite", repr(rows[mine]))
        self.rpc.call("HELLO", client="Grüße an 漢字", version="1.0 beta")

    def test_ping_and_echo_give_their_payload_back(self):
        self.assertEqual(self.rpc.call("PING"), "PONG")
        self.assertEqual(self.rpc.call("PING", "payload"), "payload")
        for value in (None, [1, [2]], {"a": b"\0"}, 2**64 - 1, ""):
            self.assertEqual(self.rpc.call("ECHO", value), value)

    def test_quit_answers_and_closes(self):
        self.assertIs(self.rpc.call("QUIT"), True)
        self.assertEqual(self.rpc.read_until_closed(), b"")

    def test_client_kill_ends_that_connection_and_no_other(self):
        victim, bystander = self.connect(self.shared), self.connect(self.shared)
        bystander.call("PING")
        victim_id = victim.call("HELLO")["id"]
        self.assertIs(self.rpc.call("CLIENT.KILL", victim_id), True)
        victim.read_until_closed()
        self.assertTrue(bystander.is_open())
        harness.wait_until(
            lambda: victim_id not in [row["id"] for row in self.rpc.call("CLIENT.LIST")], 5,
            "the killed connection leaves the list")
        self.assertIs(self.rpc.call("CLIENT.KILL", victim_id), False)

    def test_a_deadline_is_accepted_by_reads_and_writes(self):
        self.assertIs(self.rpc.call("SET", "k", 1, timeout_ms=5000), True)
        self.assertEqual(self.rpc.call("GET", "k", timeout_ms=5000), 1)
        for timeout_ms in (0, -1, 3_600_001, "soon"):
            self.assert_error("bad_request", self.rpc, "SET", "k", 2, timeout_ms=timeout_ms)
        self.assertEqual(self.rpc.call("GET", "k"), 1)

    def test_the_unix_socket_serves_and_only_its_owner_may_open_it(self):
        path = self.shared.unix_path
        mode = stat.S_IMODE(os.stat(path).st_mode)
        self.assertTrue(stat.S_ISSOCK(os.stat(path).st_mode))
        self.assertEqual(mode & 0o077, 0, oct(mode))
        with harness.Connection(path) as local:
            self.assertIs(local.call("SET", "via-unix", 1), True)
            rows = local.call("CLIENT.LIST")
            self.assertIn("unix", [row["transport"] for row in rows])
        self.assertEqual(self.rpc.call("GET", "via-unix"), 1)

    def test_a_connection_that_resets_harms_nobody(self):
        for _ in range(50):
            rude = socket.create_connection(self.shared.address)
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            rude.sendall(harness.request(1, "GET", ["k"])[:7])
            rude.close()
        self.assertTrue(self.rpc.is_open())


class ConnectionLimitTest(harness.Case):
    def test_an_idle_connection_is_closed_and_a_busy_one_is_not(self):
        server = self.server(settings={"network.idle_ms": 1000})
        idle, busy = self.connect(server), self.connect(server)
        idle.call("PING")
        closed = False
        for _ in range(100):
            busy.call("PING")
            try:
                idle.receive(timeout=0.05)
            except TimeoutError:
                continue
            except harness.Closed:
                closed = True
                break
        self.assertTrue(closed, "an idle connection stayed open five times its limit")
        self.assertTrue(busy.is_open())

    def test_connections_over_the_limit_are_told_busy(self):
        server = self.server(settings={"network.connections_max": 5})
        held = [self.connect(server) for _ in range(5)]
        for rpc in held:
            rpc.call("PING")
        surplus = self.connect(server)
        answer = surplus.read_until_closed()
        self.assertIn(b"busy", answer)
        held[0].close()
        harness.wait_until(lambda: self.connect(server).is_open(), 5, "a free place is given away")

    def test_the_unix_socket_file_goes_away_with_the_server(self):
        server = self.server(unix=True)
        path = server.unix_path
        self.assertEqual(server.stop(), 0)
        self.assertFalse(os.path.exists(path))

    def test_a_stale_unix_socket_of_a_killed_server_does_not_stop_the_next(self):
        server = self.server(unix=True)
        server.kill()
        self.assertTrue(os.path.exists(server.unix_path))
        server.start()
        with harness.Connection(server.unix_path) as rpc:
            self.assertEqual(rpc.call("PING"), "PONG")


if __name__ == "__main__":
    harness.main()
