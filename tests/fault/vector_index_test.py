"""The index of vectors beside the store. X5: its snapshot cannot be written. X8: each live entry is in it once, and nothing else.

X5 fails each call with which a snapshot is written, one after the other, and fills the disk. The old snapshot stays or the
index is made anew; the start never fails. X8 stores, replaces, invalidates and lets expire, across kill -9, and asks for
every live entry with its own vector. Larger: --rounds=N, --entries=N, --seed=N.
"""

import collections
import os
import random
import shutil
import struct
import time

import harness

WIDTH = 8
OPERATIONS = ("open", "write", "fsync", "rename")
SNAPSHOT = ".snapshot"


def packed(numbers):
    return struct.pack(f"<{len(numbers)}f", *numbers)


class IndexCase(harness.Case):
    def setUp(self):
        super().setUp()
        if harness.is_in_memory():
            self.skipTest("the in-memory engine forgets")
        self.random = random.Random(harness.size("seed", 8))
        self.live = {}  # prompt: (vector, identity)
        self.number = 0

    settings = {"semantic.embedder": "client", "semantic.client_width": str(WIDTH), "cache.semantic": "on",
                "store.durability": "interval", "semantic.snapshot_ms": "1000"}

    def store(self, rpc, prompt=None, **options):
        """A new entry, or a new answer with another vector."""
        self.number += 1
        prompt = prompt or f"question {self.number}"
        identity = self.live[prompt][1] if prompt in self.live else {"m": self.random.randrange(3)}
        vector = packed([self.random.gauss(0, 1) for _ in range(WIDTH)])
        told = rpc.call("CACHE.STORE", prompt, f"answer {self.number}", vector=vector, identity=identity, **options)
        self.assertTrue(told["stored"], told)
        if "ttl_ms" not in options:
            self.live[prompt] = (vector, identity)

    def invalidate(self, rpc, prompt):
        _, identity = self.live.pop(prompt)
        rpc.call("CACHE.INVALIDATE", "entry", prompt, identity=identity)

    def settled(self, rpc, wanted=None):
        """The state of the index when the writer has nothing left to do; with `wanted`, when it has so many vectors."""
        deadline = time.monotonic() + 30
        while True:
            state = rpc.call("INFO", "semantic")["semantic"]
            is_idle = state["queued"] == 0 and not state["reconciling"]
            if is_idle and wanted in (None, state["vectors"]):
                return state
            if time.monotonic() > deadline:
                return state
            time.sleep(0.05)

    def audit(self, rpc):
        """(orphans, missing): vectors without a live entry, live entries that their own vector does not find."""
        state = self.settled(rpc, len(self.live))
        missing = 0
        for prompt, (vector, identity) in self.live.items():
            tier = rpc.call("CACHE.EXPLAIN", prompt + " asked otherwise", vector=vector, identity=identity)["tiers"]["semantic"]
            found = [considered["prompt"] for considered in tier.get("considered", [])]
            missing += found.count(prompt) != 1
        return state["vectors"] - (len(self.live) - missing), missing


class SnapshotTest(IndexCase):
    figures = ("X5",)

    def test_a_snapshot_that_cannot_be_written_costs_nothing_but_time(self):
        shim = harness.shim_path("X5")
        points, ok = collections.Counter(), 0
        directory = os.path.join(self.temp, "data")
        server = self.server(directory=directory, settings=self.settings)
        rpc = self.connect(server)
        for _ in range(40):
            self.store(rpc)
        self.settled(rpc, len(self.live))
        server.stop()
        snapshot = self.snapshot(directory)
        for op in OPERATIONS:
            for number in range(harness.size("calls", 4)):
                old = snapshot.read()
                log = os.path.join(self.temp, "faults")
                server.environment = {
                    "LD_PRELOAD": shim, "FAULT_OP": op, "FAULT_AFTER": str(number),
                    "FAULT_PATH": SNAPSHOT if op == "rename" else SNAPSHOT + ".new",
                    "FAULT_ERRNO": "28" if number % 2 else "5", "FAULT_LOG": log}
                self.change(server)
                if not os.path.exists(log):
                    continue
                os.remove(log)
                points[op] += 1
                ok += snapshot.read() == old and self.is_whole_after_start(server)
        points["full disk"] += 1
        ok += self.is_whole_on_a_full_disk()
        harness.figure("X5", points.total() == ok and all(points[op] for op in OPERATIONS), points=points.total(),
                       calls="+".join(f"{points[op]} {op}" for op in points), ok=ok)

    @staticmethod
    def snapshot(directory):
        class Snapshot:
            path = os.path.join(directory, "vectors")

            def read(self):
                names = [name for name in os.listdir(self.path) if name.endswith(SNAPSHOT)]
                with open(os.path.join(self.path, names[0]), "rb") as file:
                    return file.read()

        return Snapshot()

    def change(self, server):
        """A run whose snapshot at the end fails once."""
        server.start()
        rpc = self.connect(server)
        self.invalidate(rpc, self.random.choice(list(self.live)))
        self.store(rpc)
        self.store(rpc, self.random.choice(list(self.live)))
        self.settled(rpc, len(self.live))
        server.stop()

    def is_whole_after_start(self, server):
        server.environment = {}
        server.start()
        rpc = self.connect(server)
        whole = self.audit(rpc) == (0, 0)
        server.kill()  # So that the snapshot stays as it is.
        return whole

    def is_whole_on_a_full_disk(self):
        mount = harness.Mount.tmpfs("X5", os.path.join(self.temp, "disk"), 1)
        self.addCleanup(mount.discard)
        directory = os.path.join(self.temp, "full")
        self.live = {}
        server = self.server(directory=directory, settings=self.settings)
        rpc = self.connect(server)
        for _ in range(30):
            self.store(rpc)
        self.settled(rpc, len(self.live))
        server.stop()
        folder = os.path.join(directory, "vectors")
        shutil.copytree(folder, os.path.join(mount.path, "vectors"))
        shutil.rmtree(folder)
        os.symlink(os.path.join(mount.path, "vectors"), folder)
        snapshot = self.snapshot(directory)
        old = snapshot.read()
        with open(os.path.join(mount.path, "ballast"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"b" * 4096)
            except OSError:
                pass
        self.change(server)
        return snapshot.read() == old and self.is_whole_after_start(server)


class AuditTest(IndexCase):
    figures = ("X8",)

    def test_each_live_entry_is_in_the_index_once_and_nothing_else_also_after_kill_9(self):
        server = self.server(settings=self.settings)
        rounds = harness.size("rounds", 4)
        orphans = missing = 0
        for round_number in range(rounds):
            rpc = self.connect(server)
            for _ in range(harness.size("entries", 60)):
                self.step(rpc)
            time.sleep(0.1)  # What expires has expired.
            if round_number % 2:
                self.settled(rpc)
            if round_number == 1:
                server.stop()  # With a snapshot; the next round changes what is in it.
            else:
                server.kill()
            server.start()
            found = self.audit(self.connect(server))
            orphans += found[0]
            missing += found[1]
        harness.figure("X8", orphans == 0 and missing == 0, rounds=rounds, entries=len(self.live), orphans=orphans,
                       missing=missing)

    def step(self, rpc):
        draw = self.random.random()
        if draw < 0.6 or len(self.live) < 10:
            self.store(rpc)
        elif draw < 0.75:
            self.store(rpc, self.random.choice(list(self.live)))
        elif draw < 0.9:
            self.invalidate(rpc, self.random.choice(list(self.live)))
        else:
            self.store(rpc, ttl_ms=self.random.randrange(1, 60))


if __name__ == "__main__":
    harness.main()
