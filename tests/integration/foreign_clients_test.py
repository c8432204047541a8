"""Clients that no one here wrote: pynvim, msgpack-rpc-lite (npm), a raw python3-msgpack socket."""

import json
import os
import shutil
import socket
import subprocess

import harness
import msgpack

LITE_VERSION = "1.0.2"
MEBIBYTE = 1 << 20
BIG = "x" * (MEBIBYTE - 5)  # With its str32 header the value is exactly 1 MiB.


class ForeignClientTest(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.shared = harness.Server().start()
        cls.addClassCleanup(cls.shared.destroy)

    def test_pynvim_talks_to_the_server(self):
        try:
            from pynvim.msgpack_rpc import tcp_session
        except ImportError:
            harness.skip("pynvim", "needs python3-pynvim")
        # It opens with a notification nvim_set_client_info, which the server must ignore.
        session = tcp_session(*self.shared.address)
        session.error_wrapper = lambda error: LookupError(error[0])
        try:
            self.assertEqual(session.request("HELLO", {"client": "pynvim"})["namespace"], "default")
            self.assertEqual(session.request("PING"), "PONG")
            self.assertIs(session.request("SET", "nvim", {"a": [1, 2]}), True)
            self.assertEqual(session.request("GET", "nvim"), {"a": [1, 2]})
            for method, params, code in (("NO.SUCH", (), "unknown_command"),
                                         ("GET", (), "bad_request")):
                with self.assertRaisesRegex(LookupError, code):
                    session.request(method, *params)
            self.assertIs(session.request("SET", "nvim-big", BIG), True)
            self.assertEqual(session.request("GET", "nvim-big"), BIG)
            for i in range(100):
                session.request("SET", "nvim-pipe", i, async_=True)
            self.assertEqual(session.request("GET", "nvim-pipe"), 99)
        finally:
            session.close()

    def test_a_raw_msgpack_socket_talks_to_the_server(self):
        with socket.create_connection(self.shared.address, 10) as sock:
            unpacker = msgpack.Unpacker(raw=False, max_buffer_size=8 * MEBIBYTE)

            def receive(count):
                messages = []
                while len(messages) < count:
                    data = sock.recv(65536)
                    self.assertTrue(data, "the server closed")
                    unpacker.feed(data)
                    messages += list(unpacker)
                return messages

            def call(method, *params):
                sock.sendall(msgpack.packb([0, 7, method, list(params)]))
                kind, msgid, error, result = receive(1)[0]
                self.assertEqual((kind, msgid), (1, 7))
                return error, result

            self.assertIsNone(call("HELLO")[0])
            self.assertEqual(call("PING"), (None, "PONG"))
            self.assertEqual(call("SET", "raw", [1, "two", 3.0]), (None, True))
            self.assertEqual(call("GET", "raw"), (None, [1, "two", 3.0]))
            self.assertEqual(call("NO.SUCH")[0][0], "unknown_command")
            self.assertEqual(call("SET", "raw")[0][0], "bad_request")
            self.assertEqual(call("SET", "raw-big", BIG), (None, True))
            self.assertEqual(call("GET", "raw-big"), (None, BIG))
            sock.sendall(b"".join(
                msgpack.packb([0, i, "INCRBY", ["raw-n", 1]]) for i in range(100)))
            self.assertEqual(receive(100), [[1, i, None, i + 1] for i in range(100)])

    def test_msgpack_rpc_lite_talks_to_the_server(self):
        harness.need_tool("msgpack-rpc-lite", "node", "npm")
        module = self.install_lite()
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "msgpack_rpc_lite.js")
        host, port = self.shared.address
        done = subprocess.run(
            ["node", script, module, host, str(port)], capture_output=True, text=True, timeout=60,
            check=False)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        results = json.loads(done.stdout)
        self.assertEqual(results, {
            "hello": "default", "ping": "PONG", "set": True, "get": {"a": [1, "two"]},
            "unknown": "unknown_command", "wrong": "bad_request", "big": len(BIG),
            "pipelined": list(range(1, 101))})

    @staticmethod
    def install_lite():
        """Installs the pinned version into the build directory, once for all runs."""
        home = os.path.join(harness.build_dir(), "node-" + LITE_VERSION)
        module = os.path.join(home, "node_modules", "msgpack-rpc-lite")
        if os.path.exists(os.path.join(module, "package.json")):
            return module
        staging = f"{home}.{os.getpid()}"
        os.makedirs(staging, exist_ok=True)
        try:
            done = subprocess.run(
                ["npm", "install", "--prefix", staging, "--no-save", "--no-audit", "--no-fund",
                 f"msgpack-rpc-lite@{LITE_VERSION}"],
                capture_output=True, text=True, timeout=180, check=False)
            if done.returncode != 0:
                harness.skip("msgpack-rpc-lite", "npm cannot install it (offline?)")
            try:
                os.rename(staging, home)
            except OSError:  # Another run was faster.
                pass
        except subprocess.TimeoutExpired:
            harness.skip("msgpack-rpc-lite", "npm gives no answer (offline?)")
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return module


if __name__ == "__main__":
    harness.main()
