"""A9: accept4 fails again and again; timers go on, the processor rests, service comes back."""

import errno
import os
import socket
import time

import harness
import process


class AcceptErrorTest(harness.Case):
    figures = ("accepterr",)

    def test_accept_errors_neither_spin_nor_stop_the_loops(self):
        shim = harness.shim_path("accepterr")
        seconds = harness.size("seconds", 1)
        worst_cpu, ticks = 0.0, 0
        for name in ("ENOBUFS", "ENOMEM", "EPERM", "ECONNABORTED", "EMFILE", "ENFILE"):
            cpu = self.one_error(shim, name, seconds)
            worst_cpu, ticks = max(worst_cpu, cpu), ticks + 1
        harness.figure("accepterr", worst_cpu < 20.0 and ticks == 6, errors=6, ticks=ticks,
                       cpu=f"{worst_cpu:.1f}%")

    def one_error(self, shim, name, seconds):
        """Answers the share of one processor that the server took while accept4 failed."""
        switch = os.path.join(self.temp, "switch-" + name)
        log = os.path.join(self.temp, "faults-" + name)
        server = self.server(settings={"network.idle_ms": 1000, "network.loops": 1}, environment={
            "LD_PRELOAD": shim, "FAULT_OP": "accept4", "FAULT_COUNT": "-1",
            "FAULT_ERRNO": str(getattr(errno, name)), "FAULT_SWITCH": switch, "FAULT_LOG": log})
        open_before = self.connect(server)
        idle = self.connect(server)
        self.assertEqual(open_before.call("PING"), "PONG")
        self.assertEqual(idle.call("PING"), "PONG")
        with open(switch, "w", encoding="ascii"):
            pass
        knocking = [self.knock(server.address) for _ in range(5)]
        before, began = process.cpu_seconds(server.pid), time.monotonic()
        while time.monotonic() - began < max(seconds, 1.6):
            self.assertEqual(open_before.call("PING"), "PONG", name)
            time.sleep(0.05)
        cpu = 100 * (process.cpu_seconds(server.pid) - before) / (time.monotonic() - began)
        # The idle deadline is a timer: it must have struck although accept4 fails all the time.
        idle.read_until_closed(2.0)
        self.assertTrue(os.path.exists(log), f"{name}: accept4 was not reached")
        os.remove(switch)
        for sock in knocking:
            sock.close()
        harness.wait_until(lambda: self.connect(server).is_open(), 3, f"accepting after {name}")
        server.destroy()
        return cpu

    def knock(self, address):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(address)
        self.addCleanup(sock.close)
        return sock


if __name__ == "__main__":
    harness.main()
