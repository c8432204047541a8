"""D6: each sync of the disk takes half a second. Reads do not notice, writes queue within bounds,
deadlines are answered."""

import os
import threading
import time

import harness
from harness import RpcError
from probe import Probe

SLEEP_MS = 500


class SlowDiskTest(harness.Case):
    figures = ("slowdisk",)

    def test_reads_go_on_while_the_disk_crawls(self):
        shim = harness.shim_path("slowdisk")
        seconds = harness.size("seconds", 4)
        switch = os.path.join(self.temp, "switch")
        server = self.server(
            settings={"store.durability": "always", "store.write_queue_items": 64},
            environment={"LD_PRELOAD": shim, "FAULT_OP": "fdatasync,fsync", "FAULT_COUNT": "-1",
                         "FAULT_ERRNO": "0", "FAULT_SLEEP_MS": str(SLEEP_MS),
                         "FAULT_SWITCH": switch})
        rpc = self.connect(server)
        for i in range(100):
            rpc.call("SET", f"read{i}", "x" * 1000)
        read = {"method": "GET", "params": '["read5"]'}
        quiet = Probe(server.address, 2, **read).result()
        server.call("INFO")  # Readings of lag begin anew.
        server.metrics()
        with open(switch, "w", encoding="ascii"):
            pass
        stop, outcomes = threading.Event(), {}
        writers = [threading.Thread(target=self.write, args=(server, n, stop, outcomes))
                   for n in range(6)]
        for writer in writers:
            writer.start()
        probe = Probe(server.address, seconds, **read)
        lag_ms, queue_max = self.watch(server, seconds)
        slow = probe.result()
        stop.set()
        for writer in writers:
            writer.join(60)
        timeouts, slowest_s = self.deadlines(server)
        os.remove(switch)
        self.assertLessEqual(set(outcomes), {"ok", "busy", "timeout"}, outcomes)
        self.assertGreater(outcomes.get("ok", 0), 0)
        # Below this the ratio of two percentiles on a busy machine says nothing.
        steady = slow["p99_us"] <= max(1.2 * quiet["p99_us"], harness.NOTICEABLE_US)
        holds = steady and slow["errors"] == 0 and queue_max <= 64 and slowest_s < 3 and timeouts > 0
        harness.figure(
            "slowdisk", holds and lag_ms < 50, read_p99_quiet_us=quiet["p99_us"],
            read_p99_us=slow["p99_us"], loop_lag_ms=round(lag_ms, 1), queue_max=int(queue_max),
            acked=outcomes.get("ok", 0), busy=outcomes.get("busy", 0), timeouts=timeouts)

    @staticmethod
    def write(server, number, stop, outcomes):
        with server.connect(60) as rpc:
            n = 0
            while not stop.is_set():
                n += 1
                calls = [("SET", [f"w{number}:{n}:{i}", i]) for i in range(20)]
                for result in rpc.pipeline(calls):
                    code = result.code if isinstance(result, RpcError) else "ok"
                    outcomes[code] = outcomes.get(code, 0) + 1

    @staticmethod
    def watch(server, seconds):
        """The greatest loop lag and write queue that the metrics show."""
        lag, queue, end = 0.0, 0.0, time.monotonic() + seconds
        while time.monotonic() < end:
            metrics = server.metrics()
            for (name, _), value in metrics.samples.items():
                if "lag" in name and "max" in name:
                    lag = max(lag, value * 1000)
                if "write_queue_items" in name:
                    queue = max(queue, value)
            time.sleep(0.1)
        return lag, queue

    @staticmethod
    def deadlines(server):
        """Writes with a deadline of 100 ms: each is answered, none hangs."""
        timeouts, slowest = 0, 0.0
        with server.connect(60) as before, server.connect(60) as rpc:
            for i in range(5):
                # The writer is busy with this one for half a second.
                before.send("SET", f"busy{i}", i)
                time.sleep(0.05)
                began = time.monotonic()
                try:
                    rpc.call("SET", f"deadline{i}", i, timeout_ms=100)
                except RpcError as error:
                    timeouts += error.code == "timeout"
                slowest = max(slowest, time.monotonic() - began)
                before.receive()
        return timeouts, slowest


if __name__ == "__main__":
    harness.main()
