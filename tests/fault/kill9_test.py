"""D1: kill -9 at random moments under mixed load, in every durability mode; D12: backups.

Nothing that was acknowledged may be missing or wrong after the restart, and the restart needs no
hand. Larger: --rounds=2000, --seed=N.
"""

import os
import random
import threading
import time

import harness
from oracle import Oracle

MODES = ("always", "interval", "none")


class Kill9Test(harness.Case):
    figures = ("kill9",)

    def test_kill_9_loses_no_acknowledged_write(self):
        rounds = harness.size("rounds", 21)
        seed = harness.size("seed", 4711)
        chance = random.Random(seed)
        totals = {"acked": 0, "lost": 0, "slowest_ms": 0.0}
        for mode in MODES:
            self.run_mode(mode, -(-rounds // len(MODES)), chance, totals)
        harness.figure(
            "kill9", totals["lost"] == 0 and totals["slowest_ms"] <= 10_000, seed=seed,
            rounds=-(-rounds // len(MODES)) * len(MODES), acked=totals["acked"],
            lost=totals["lost"], max_restart_ms=round(totals["slowest_ms"]))

    def run_mode(self, mode, rounds, chance, totals):
        logs = os.path.join(self.temp, mode)
        os.makedirs(logs)
        oracle = Oracle(logs, workers=2, seed=chance.randrange(1 << 30))
        server = self.server(settings={
            "store.durability": mode, "store.memtable_bytes": "1MiB",
            "cache.counters_flush_ms": 200})
        self.addCleanup(oracle.join)
        for number in range(rounds):
            oracle.start(server.address)
            stop = threading.Event()
            side = threading.Thread(target=self.side_work, args=(server, number, stop))
            side.start()
            harness.wait_until(lambda: oracle.lines() > 20, 30, "load")
            time.sleep(chance.uniform(0.05, 1.0))
            server.kill()
            stop.set()
            side.join(30)
            self.assertNotIn("hung", oracle.join())
            server.start()
            totals["slowest_ms"] = max(totals["slowest_ms"], server.start_ms)
            oracle.absorb()
            totals["lost"] += len(oracle.verify(server))
        totals["acked"] += oracle.acked
        self.assertEqual(oracle.refused, {})
        server.destroy()

    @staticmethod
    def side_work(server, number, stop):
        """Backups, verification and scans run while the kill comes."""
        try:
            with server.connect() as rpc:
                rpc.call("BACKUP", f"round{number}")
                while not stop.is_set():
                    rpc.call("SCAN", limit=1000)
                    rpc.call("VERIFY")
                    stop.wait(0.05)
        except (harness.Closed, ConnectionError, TimeoutError):
            pass


class BackupUnderLoadTest(harness.Case):
    figures = ("backup",)

    def test_a_backup_under_load_is_a_prefix_of_the_acknowledged_history(self):
        rounds = harness.size("backups", 3)
        server = self.server(settings={"store.memtable_bytes": "1MiB"})
        mismatched = 0
        for number in range(rounds):
            mismatched += not self.one_backup(server, number)
        harness.figure("backup", mismatched == 0, rounds=rounds, mismatched=mismatched)

    def one_backup(self, server, number):
        """One writer counts k0, k1, ... up; the copy must hold a gapless beginning of it."""
        acked, stop = [0], threading.Event()

        def write():
            with server.connect() as rpc:
                while not stop.is_set():
                    first = acked[0]
                    rpc.pipeline([("SET", [f"r{number}:{i}", i]) for i in range(first, first + 20)])
                    acked[0] = first + 20

        writer = threading.Thread(target=write)
        writer.start()
        try:
            harness.wait_until(lambda: acked[0] >= 200, 20, "writes")
            before = acked[0]
            report = server.call("BACKUP", f"under-load-{number}")
        finally:
            stop.set()
            writer.join(30)
        copy = self.prepared(directory=report["path"])
        copy.start()
        with copy.connect() as rpc:
            values = []
            for start in range(0, acked[0] + 20, 500):
                values += rpc.call("MGET", *[f"r{number}:{i}" for i in range(start, start + 500)])
        copy.destroy()
        present = [i for i, value in enumerate(values) if value is not None]
        return (present == list(range(len(present))) and len(present) >= before
                and all(values[i] == i for i in present))


if __name__ == "__main__":
    harness.main()
