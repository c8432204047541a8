"""Stopping: accepted requests are answered, nothing acknowledged is lost, exit code 0."""

import signal
import subprocess
import threading
import time

import harness
from harness import request


class Load:
    """Connections that set counting values until the server goes; remembers what was acked."""

    def __init__(self, server, count):
        self.acked = {}
        self.failures = []
        self.server = server
        self.threads = [threading.Thread(target=self._run, args=(i,)) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def _run(self, number):
        key = f"load{number}"
        try:
            with self.server.connect() as rpc:
                for i in range(1, 10_000_000):
                    rpc.call("SET", key, i)
                    self.acked[key] = i
        except (harness.Closed, ConnectionError):
            pass
        except harness.RpcError as error:
            if error.code != "shutting_down":
                self.failures.append(error)
        except Exception as error:  # Handed to the test's thread.
            self.failures.append(error)

    def join(self):
        for thread in self.threads:
            thread.join(30)
        return self.acked


class ShutdownTest(harness.Case):
    def test_sigterm_and_sigint_end_an_idle_server_with_exit_code_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.server()
            with server.connect() as rpc:
                rpc.call("SET", "k", 1)
            server.signal(number)
            self.assertEqual(server.wait(10), 0)

    def test_sigterm_under_load_loses_nothing_and_ends_in_time(self):
        server = self.server()
        load = Load(server, 4)
        harness.wait_until(lambda: len(load.acked) == 4, 10, "load")
        began = time.monotonic()
        code = server.stop()
        took = time.monotonic() - began
        acked = load.join()
        self.assertEqual(code, 0)
        self.assertLess(took, 10)
        self.assertEqual(load.failures, [])
        server.start()
        rpc = self.connect(server)
        for key, value in acked.items():
            self.assertIn(rpc.call("GET", key), (value, value + 1))

    def test_requests_that_were_sent_before_the_signal_are_answered(self):
        server = self.server()
        rpc = self.connect(server)
        rpc.call("PING")
        rpc.send_bytes(b"".join(request(i, "SET", [f"k{i}", i]) for i in range(1, 501)))
        self.assertIs(rpc.reply(1), True)
        server.signal(signal.SIGTERM)
        acked = 1
        try:
            for i in range(2, 501):
                try:
                    self.assertIs(rpc.reply(i), True)
                    acked = i
                except harness.RpcError as error:
                    self.assertEqual(error.code, "shutting_down")
        except harness.Closed:
            pass
        self.assertEqual(server.wait(10), 0)
        server.start()
        with server.connect() as after:
            values = after.call("MGET", *[f"k{i}" for i in range(1, acked + 1)])
        self.assertEqual(values, list(range(1, acked + 1)))

    def test_an_answer_that_is_being_computed_can_still_be_filled(self):
        server = self.server(settings={"network.shutdown_ms": 60_000})
        holder, waiter, late = (self.connect(server) for _ in range(3))
        lease = holder.call("CACHE.FETCH", "What is RAII?")["lease"]
        pending = waiter.send("CACHE.FETCH", "what is raii")
        harness.wait_until(lambda: holder.call("INFO", "cache")["cache"]["waiters"] == 1, 10, "a waiter")
        server.signal(signal.SIGTERM)

        def refused():
            try:
                lease = late.call("CACHE.FETCH", "Another?")["lease"]
                late.call("CACHE.ABANDON", lease)
            except harness.RpcError as error:
                return error.code == "shutting_down"
            return False

        harness.wait_until(refused, 10, "no new leases")
        self.assertTrue(holder.call("CACHE.FILL", lease, "An idiom.")["stored"])
        self.assertEqual(waiter.reply(pending)["response"], "An idiom.")
        self.assertEqual(server.wait(10), 0)
        server.start()
        self.assertEqual(self.connect(server).call("CACHE.LOOKUP", "What is RAII?")["status"], "hit")

    def test_a_holder_that_does_not_fill_cannot_hold_the_server_up(self):
        server = self.server(settings={"network.shutdown_ms": 400})
        holder = self.connect(server)
        holder.call("CACHE.FETCH", "What is RAII?")
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(10), 0)

    def test_shutdown_as_a_command_answers_and_ends(self):
        server = self.server()
        rpc = self.connect(server)
        rpc.call("SET", "k", "v")
        self.assertIs(rpc.call("SHUTDOWN"), True)
        self.assertEqual(server.wait(10), 0)
        server.start()
        self.assertEqual(server.call("GET", "k"), "v")

    def test_a_client_that_does_not_read_cannot_hold_the_server_up(self):
        server = self.server(settings={"network.shutdown_ms": 1500})
        rpc = self.connect(server)
        rpc.call("SET", "big", "x" * 900_000)
        rpc.send_bytes(b"".join(request(i, "GET", ["big"]) for i in range(20)))
        time.sleep(0.2)
        began = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - began, 8)

    def test_nobody_is_served_after_the_end_and_the_directory_is_free(self):
        server = self.server()
        self.assertEqual(server.stop(), 0)
        second = self.prepared(directory=server.directory)
        second.start()
        self.assertEqual(second.call("PING"), "PONG")

    def test_a_stopped_and_continued_server_goes_on(self):
        server = self.server()
        rpc = self.connect(server)
        rpc.call("SET", "k", 1, ttl_ms=60_000)
        server.signal(signal.SIGSTOP)
        time.sleep(0.5)
        server.signal(signal.SIGCONT)
        self.assertEqual(rpc.call("GET", "k"), 1)

    def test_no_core_file_and_no_abort_in_the_log(self):
        server = self.server()
        server.call("SET", "k", 1)
        server.stop()
        self.assertNotRegex(server.log().lower(), r"assert|abort|sanitizer|terminate called")
        self.assertEqual(
            subprocess.run(["find", server.directory, "-name", "core*"], capture_output=True,
                           text=True, check=True).stdout, "")


if __name__ == "__main__":
    harness.main()
