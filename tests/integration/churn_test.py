"""Churn at the limit: ten times what fits is stored, with each eviction policy and each kind of bound.

Checked at every step: entries and bytes are within the bound. At the end: what was evicted or has
expired is not served, what is served is the right answer, and kill -9 brings nothing back. Printed:
resident memory when every entry has been replaced once and after the churn, and the size of the
data directory when compaction has settled. From 20,000 entries on (nightly; below that fixed sizes
count for most) both must be within 10 % of their bounds:

  memory  that of the same server at the limit, when every entry has been replaced once
  disk    the bytes that cache.bytes_max allows, or that the entries of cache.entries_max count for

The engine's own working space is kept small by the settings: what is flushed but not yet compacted,
and the log, are up to eight times store.memtable_bytes.
"""

import os
import random

import harness

POLICIES = ("lru", "lfu", "cost")
RESPONSE_BYTES = 4096
ENTRY_BYTES = 4600  # about what an entry of this test counts for
CHURN = 10
BATCH = 200
JUDGED_FROM = 20_000
SMALL = {"store.memtable_bytes": "2MiB", "store.hot_table_bytes": "8MiB",
         "store.block_cache_bytes": "8MiB",
         # Each question is new: the model's milliseconds would be most of the time.
         "semantic.embedder": "hash"}


def disk_bytes(path):
    """What the files of a directory take; they come and go while it is read."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                # The ballast is room that the server keeps for a full disk.
                total += 0 if "ballast" in name else os.stat(os.path.join(folder, name)).st_blocks * 512
            except FileNotFoundError:
                pass
    return total


class Churn:
    """Stores question after question, with some popular ones asked in between."""

    def __init__(self, case, rpc, bound):
        self.case, self.rpc, self.bound = case, rpc, bound
        self.random = random.Random(7)
        self.stored = 0
        self.expired = set()
        self.most = {"entries": 0, "bytes": 0}

    @staticmethod
    def answer(number):
        return random.Random(number).randbytes(RESPONSE_BYTES)

    def store(self, count):
        while count > 0:
            numbers = range(self.stored, self.stored + min(BATCH, count))
            calls = []
            for number in numbers:
                options = {"cost_nano": self.random.choice((0, 1_000, 1_000_000)), "tokens_out": 5}
                if number % 50 == 49:
                    options["ttl_ms"] = 1
                    self.expired.add(number)
                calls.append(("CACHE.STORE", [f"question {number}", self.answer(number), options]))
                calls.append(("CACHE.LOOKUP", [f"question {self.random.randrange(20)}"]))
            for reply in self.rpc.pipeline(calls):
                self.case.assertNotIsInstance(reply, harness.RpcError)
            self.stored += len(numbers)
            count -= len(numbers)
            self.check_bound()

    def check_bound(self):
        stats = self.rpc.call("CACHE.STATS")
        for name, most in self.bound.items():
            self.case.assertLessEqual(stats[name], most, name)
            self.most[name] = max(self.most[name], stats[name])

    def served(self):
        """The questions that are answered, each with the right answer."""
        found = set()
        for first in range(0, self.stored, BATCH):
            numbers = range(first, min(first + BATCH, self.stored))
            replies = self.rpc.pipeline([("CACHE.LOOKUP", [f"question {n}"]) for n in numbers])
            for number, reply in zip(numbers, replies):
                if reply["status"] == "hit":
                    self.case.assertEqual(reply["response"], self.answer(number))
                    found.add(number)
        return found


class ChurnTest(harness.Case):
    figures = tuple(f"churn_{policy}_{kind}" for policy in POLICIES for kind in ("entries", "bytes"))

    def test_each_policy_stays_within_each_bound(self):
        entries = harness.size("churn_entries", 200 if harness.is_sanitized() else 500)
        for policy in POLICIES:
            for kind, most in (("entries", entries), ("bytes", entries * ENTRY_BYTES)):
                with self.subTest(policy=policy, bound=kind):
                    self.churn(policy, kind, most, entries)

    def churn(self, policy, kind, most, entries):
        server = self.server(settings={**SMALL, "cache.eviction": policy,
                                       "cache.entries_max": 50_000_000, f"cache.{kind}_max": most})
        churn = Churn(self, self.connect(server), {kind: most})
        churn.store(2 * entries)
        rss_full = server.rss()
        churn.store((CHURN - 2) * entries)
        rss = server.rss()
        held = churn.rpc.call("CACHE.STATS")
        self.assertEqual(held["eviction"], policy)
        served = churn.served()
        self.assertIn(churn.stored - 2, served, "what was stored last is gone")
        self.assertEqual(served & churn.expired, set(), "expired entries were served")
        self.await_entries(churn.rpc, len(served))
        disk_bound = most if kind == "bytes" else held["bytes"]
        disk = self.settled_disk(server, disk_bound)
        server.restart(kill=True)
        churn.rpc = self.connect(server)
        self.assertEqual(churn.served(), served, "kill -9 changed what is served")
        bad_rows = churn.rpc.call("VERIFY")["bad_rows"]
        server.destroy()
        is_judged = (entries >= JUDGED_FROM and not harness.is_sanitized()
                     and not harness.is_in_memory())
        fits = rss <= 1.1 * rss_full and disk <= 1.1 * disk_bound
        harness.figure(f"churn_{policy}_{kind}", bad_rows == 0 and (fits or not is_judged),
                       stored=churn.stored, bound=most, most=churn.most[kind], served=len(served),
                       rss_full_mib=round(rss_full / harness.MIB, 1),
                       rss_mib=round(rss / harness.MIB, 1),
                       disk_bound_mib=round(disk_bound / harness.MIB, 1),
                       disk_mib=round(disk / harness.MIB, 1), judged=is_judged)

    @staticmethod
    def await_entries(rpc, count):
        """Expired entries leave by themselves; then the server holds what it serves."""
        harness.wait_until(lambda: rpc.call("CACHE.STATS")["entries"] == count, 30,
                           "entries to be those that are served")

    @staticmethod
    def settled_disk(server, bound):
        """Compaction goes on for a while; the least size that is seen within the time."""
        sizes = []

        def is_small():
            sizes.append(disk_bytes(server.directory))
            return sizes[-1] <= 1.1 * bound

        try:
            harness.wait_until(is_small, 3 if bound < 64 * harness.MIB else 60, "compaction")
        except AssertionError:
            pass  # The figure says what it came to.
        return min(sizes)


class LoweredBoundTest(harness.Case):
    figures = ("lowered_bound",)

    def test_a_lowered_bound_is_reached_without_a_store(self):
        server = self.server()
        rpc = self.connect(server)
        count = harness.size("lowered_entries", 3000)
        for first in range(0, count, BATCH):
            rpc.pipeline([("CACHE.STORE", [f"question {n}", n]) for n in range(first, first + BATCH)])
        self.assertEqual(rpc.call("CACHE.STATS")["entries"], count)
        rpc.call("CONFIG.SET", "cache.entries_max", "100")
        harness.wait_until(lambda: rpc.call("CACHE.STATS")["entries"] == 100, 30, "the lower bound")
        bytes_held = rpc.call("CACHE.STATS")["bytes"]
        rpc.call("CONFIG.SET", "cache.total_bytes_max", str(bytes_held // 2))
        harness.wait_until(lambda: rpc.call("CACHE.STATS")["bytes"] <= bytes_held // 2, 30,
                           "the lower bound of the server")
        left = rpc.call("CACHE.STATS")["entries"]
        served = sum(rpc.call("CACHE.LOOKUP", f"question {n}")["status"] == "hit"
                     for n in range(count - 200, count))
        harness.figure("lowered_bound", served == left > 0, stored=count, left=left)

    def test_an_entry_larger_than_the_bound_is_refused_with_a_reason(self):
        server = self.server(settings={"cache.bytes_max": "20KiB"})
        rpc = self.connect(server)
        rpc.call("CACHE.STORE", "small", "a" * 1000)
        error = self.assert_error("too_large", rpc, "CACHE.STORE", "large", "a" * 30_000)
        self.assertIn("cache.bytes_max", error.message)
        self.assertEqual(rpc.call("CACHE.LOOKUP", "small")["status"], "hit")
        self.assert_error("bad_request", rpc, "CONFIG.SET", "cache.eviction", "random")
        rpc.call("CONFIG.SET", "cache.eviction", "lru")
        self.assertEqual(rpc.call("CACHE.STATS")["eviction"], "lru")


if __name__ == "__main__":
    harness.main()
