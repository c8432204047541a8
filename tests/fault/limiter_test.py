"""L2: limits under restarts, kill -9, clocks that jump, and a disk that takes no writes.

No span of time ever sees more than `burst + rate * time`, or more than the limit in a window. After kill -9 what
was granted in the last rate.flush_ms before it may be granted once more, and nothing else.
Larger: --rounds=N, --seed=N.
"""

import os
import random
import threading
import time

import harness
from grants import Grants

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
FLUSH_MS = 400


def kinds():
    """Key -> its grants: fast and slow buckets, quantities, windows exact and not."""
    return {
        "fast": Grants(50, 1.0, burst=20), "slow": Grants(60, 3600.0, burst=40),
        "daily": Grants(500, 86400.0), "tokens": Grants(60_000, 60.0, burst=3_000),
        "window": Grants(10, 3600.0, window=True), "wide": Grants(200, 10.0, window=True),
    }


class Caller(threading.Thread):
    """Asks for some keys as fast as it is answered, until the server has gone or it is stopped."""

    def __init__(self, server, grants, names, seed):
        super().__init__()
        self.server, self.grants, self.names = server, grants, names
        self.chance = random.Random(seed)
        self.stopping = threading.Event()
        self.failure = None

    def run(self):
        try:
            with self.server.connect() as rpc:
                while not self.stopping.is_set():
                    for name in self.names:
                        quantity = self.chance.randint(1, 900) if name == "tokens" else 1
                        self.grants[name].take(rpc, name, quantity)
        except (harness.Closed, ConnectionError, TimeoutError):
            pass
        except BaseException as failure:  # pylint: disable=broad-except
            self.failure = failure


class LimiterTest(harness.Case):
    figures = ("limiter",)

    def load(self, server, grants, chance, seconds, end):
        """Two callers with keys of their own; `end` stops or kills the server under them. When that was."""
        names = list(grants)
        callers = [Caller(server, grants, names[part::2], chance.random()) for part in (0, 1)]
        for caller in callers:
            caller.start()
        time.sleep(seconds)
        ended = time.monotonic()
        end()
        for caller in callers:
            caller.stopping.set()
            caller.join(30)
            if caller.failure is not None:
                raise caller.failure
        return ended

    def test_restarts_and_kill_9(self):
        rounds = harness.size("rounds", 8)
        seed = harness.size("seed", 4711)
        chance = random.Random(seed)
        server = self.server(settings={"rate.flush_ms": FLUSH_MS})
        grants, lost_spans = kinds(), []
        for number in range(rounds):
            kill = number % 2 == 1
            # Slow ones that are still full when the end comes.
            grants[f"slow{number}"] = Grants(60, 3600.0, burst=40)
            grants[f"window{number}"] = Grants(10, 3600.0, window=True)
            ended = self.load(server, grants, chance, chance.uniform(0.3, 1.5),
                              server.kill if kill else server.stop)
            if kill:
                lost_spans.append((ended - FLUSH_MS / 1000, time.monotonic()))
            server.start()
        self.load(server, grants, chance, 0.5, lambda: None)
        granted = sum(len(each.made) for each in grants.values())
        over = {name: each.over(lost_spans) for name, each in grants.items()}
        # What was granted once more because a crash had lost it: at most what those spans granted.
        again = {name: each.over() for name, each in grants.items()}
        in_spans = {name: sum(units for _, received, units in each.made
                              if any(begin < received <= end for begin, end in lost_spans))
                    for name, each in grants.items()}
        self.assertTrue(all(each.denied for name, each in grants.items() if name != "daily"), "nothing was denied")
        self.assertTrue(all(again[name] <= in_spans[name] for name in grants), f"{again} {in_spans}")
        harness.figure("limiter", sum(over.values()) == 0, seed=seed, rounds=rounds, granted=granted,
                       overgrant=sum(over.values()), window_ms=FLUSH_MS, granted_again=sum(again.values()))


class LeaseTest(harness.Case):
    def test_leases_survive_a_crash_and_end_by_themselves(self):
        server = self.server(settings={"rate.flush_ms": 100})
        rpc = self.connect(server)
        held = rpc.call("LIMIT.ACQUIRE", "model", limit=2, lease_ms=60_000)
        short = rpc.call("LIMIT.ACQUIRE", "model", limit=2, lease_ms=2_000)
        self.assertFalse(rpc.call("LIMIT.ACQUIRE", "model", limit=2)["allowed"])
        time.sleep(0.3)
        server.restart(kill=True)
        rpc = self.connect(server)
        self.assertLessEqual(rpc.call("LIMIT.PEEK", "model", limit=2, algorithm="concurrency")["remaining"], 1)
        harness.wait_until(lambda: rpc.call("LIMIT.PEEK", "model", limit=2, algorithm="concurrency")["allowed"], 5,
                           "the end of the short lease")
        self.assert_error("not_found", rpc, "LIMIT.RELEASE", short["lease"])
        self.assertEqual(rpc.call("LIMIT.RENEW", held["lease"]), {"lease_ms": 60_000})
        rpc.call("LIMIT.RELEASE", held["lease"])
        self.assertEqual(rpc.call("LIMIT.PEEK", "model", limit=2, algorithm="concurrency")["remaining"], 2)


class ClockTest(harness.Case):
    figures = ("limiter_clock",)

    def jump(self, offset):
        """Atomically, so that the library never reads half a line."""
        with open(self.control + ".new", "w", encoding="ascii") as file:
            file.write(offset + "\n")
        os.rename(self.control + ".new", self.control)

    def start(self):
        harness.need_file("limiter_clock", LIBRARY, "libfaketime")
        if harness.is_sanitized():
            harness.skip("limiter_clock", "libfaketime does not go together with a sanitizer")
        self.control = os.path.join(self.temp, "offset")
        self.jump("+0")
        return self.server(
            settings={"rate.flush_ms": FLUSH_MS},
            environment={"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": self.control,
                         "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})

    def drain(self, rpc, grants):
        for _ in range(60):
            for name, each in grants.items():
                each.take(rpc, name)

    def test_no_clock_grants_anything(self):
        """Jumps while it runs, a clock that rocks at 10 Hz, and restarts that find another time."""
        server, grants, jumps = self.start(), kinds(), 0
        del grants["tokens"]
        for offset in ("+2h", "-2h", "+0", "+3650d", "-1d", "+0"):
            for restart in (False, True):
                jumps += 1
                self.jump(offset)
                if restart:
                    server.restart()
                with server.connect() as rpc:
                    before = len(grants["fast"].made)
                    self.drain(rpc, grants)
                    time.sleep(0.1)  # Time enough for two units of the fast one, were they all taken.
                    self.drain(rpc, grants)
                    self.assertGreater(len(grants["fast"].made), before, f"{offset}: nothing is granted any more")
        with server.connect() as rpc:
            for number in range(20):
                jumps += 1
                self.jump("-1" if number % 2 else "+0")
                self.drain(rpc, grants)
        over = sum(each.over() for each in grants.values())
        granted = sum(len(each.made) for each in grants.values())
        harness.figure("limiter_clock", over == 0, jumps=jumps, granted=granted, overgrant=over)


class UnsavedTest(harness.Case):
    def test_a_full_disk_closes_the_limits_and_space_opens_them(self):
        root = os.path.join(self.temp, "disk")
        mount = harness.Mount.tmpfs("limiter_full", root, 24)
        server = self.server(directory=os.path.join(root, "data"),
                             settings={"rate.flush_ms": 200, "store.memtable_bytes": "1MiB"})
        rpc = self.connect(server)
        options = {"limit": 1000, "period_ms": 3_600_000}
        self.assertTrue(rpc.call("LIMIT.TAKE", "k", **options)["allowed"])
        filler = os.path.join(root, "filler")
        self.fill(filler)
        harness.wait_until(lambda: self.code_of(rpc, options) == "read_only", 30, "limits that refuse")
        self.assertGreater(rpc.call("LIMIT.PEEK", "k", **options)["remaining"], 0)
        self.assertGreater(server.info("limits", "refused"), 0)
        os.unlink(filler)
        harness.wait_until(lambda: self.code_of(rpc, options) is None, 40, "limits that grant again")
        left = rpc.call("LIMIT.PEEK", "k", **options)["remaining"]
        time.sleep(0.5)
        server.restart(kill=True)
        rpc = self.connect(server)
        self.assertLessEqual(rpc.call("LIMIT.PEEK", "k", **options)["remaining"], left + 1)
        server.stop()
        mount.unmount()

    @staticmethod
    def code_of(rpc, options):
        """One LIMIT.TAKE, and a write that meets the full disk; the code of the limit's error."""
        try:
            rpc.call("SET", "x", os.urandom(20_000))
        except harness.RpcError:
            pass
        try:
            rpc.call("LIMIT.TAKE", "k", **options)
        except harness.RpcError as error:
            return error.code
        return None

    @staticmethod
    def fill(path):
        with open(path, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 65536)
            except OSError:
                pass


if __name__ == "__main__":
    harness.main()
