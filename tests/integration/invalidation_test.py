"""CACHE.INVALIDATE: by tag, type, model, entry, all; effective, persistent, told to others."""

import time
import unittest

import harness


class InvalidationTest(harness.Case):
    def setUp(self):
        super().setUp()
        self.running = self.server()
        self.rpc = self.connect(self.running)

    def fill(self, count=40):
        for i in range(count):
            self.rpc.call("CACHE.STORE", f"Question {i}?", f"answer {i}", model=f"m-{i % 2}",
                          type="research" if i % 4 == 0 else "general",
                          tags=["docs", f"page-{i % 10}"])

    def hits(self, rpc=None, count=40):
        return {i for i in range(count)
                if (rpc or self.rpc).call("CACHE.LOOKUP", f"Question {i}?")["status"] == "hit"}

    def test_each_kind_voids_its_entries_and_no_others(self):
        self.fill()
        for what, value, gone in (("tag", "page-3", {i for i in range(40) if i % 10 == 3}),
                                  ("type", "research", {i for i in range(40) if i % 4 == 0}),
                                  ("model", "m-1", {i for i in range(40) if i % 2 == 1})):
            before = self.hits()
            said = self.rpc.call("CACHE.INVALIDATE", what, value, dry_run=True)["entries"]
            self.assertEqual(self.hits(), before)
            self.assertEqual(self.rpc.call("CACHE.INVALIDATE", what, value)["entries"], said)
            self.assertEqual(self.hits(), before - gone)
        self.assertEqual(self.rpc.call("CACHE.INVALIDATE", "entry", "Question 2?")["entries"], 1)
        self.assertNotIn(2, self.hits())
        self.rpc.call("CACHE.INVALIDATE", "all")
        self.assertEqual(self.hits(), set())
        self.rpc.call("CACHE.STORE", "Question 3?", "new", tags=["page-3"])
        self.assertEqual(self.hits(), {3})

    @unittest.skipIf(harness.is_in_memory(), "a restart without a disk has nothing to find")
    def test_what_was_invalidated_stays_so_after_kill_9(self):
        self.fill()
        self.rpc.call("CACHE.INVALIDATE", "tag", "page-7")
        self.running.kill()
        self.running.start()
        rpc = self.connect(self.running)
        self.assertEqual(self.hits(rpc), {i for i in range(40) if i % 10 != 7})

    def test_space_comes_back_in_the_background(self):
        self.fill()
        self.rpc.call("CACHE.INVALIDATE", "tag", "docs")
        harness.wait_until(lambda: self.rpc.call("CACHE.STATS")["entries"] == 0, 10,
                           "void entries are gone")

    def test_subscribers_of_the_same_namespace_are_told(self):
        listener = self.connect(self.running)
        listener.call("SUBSCRIBE", "invalidation")
        self.fill(4)
        self.rpc.call("CACHE.INVALIDATE", "tag", "docs", dry_run=True)
        self.rpc.call("CACHE.INVALIDATE", "tag", "docs")
        self.assertEqual(listener.receive(), [2, "EVENT", [
            "invalidation", {"what": "tag", "value": "docs", "entries": 4}]])
        self.assertIs(listener.call("UNSUBSCRIBE", "invalidation"), True)
        self.rpc.call("CACHE.INVALIDATE", "tag", "docs")
        self.assertEqual(listener.call("PING"), "PONG")

    def test_another_namespace_neither_loses_entries_nor_hears_of_it(self):
        admin = self.rpc.call("KEY.CREATE", "default", permissions=["read", "write", "admin"])["key"]
        self.rpc.call("AUTH", admin)
        self.rpc.call("NAMESPACE.CREATE", "other")
        other_key = self.rpc.call("KEY.CREATE", "other", permissions=["read", "write"])["key"]
        other = self.connect(self.running)
        other.call("AUTH", other_key)
        other.call("SUBSCRIBE", "invalidation")
        self.fill(4)
        other.call("CACHE.STORE", "Question 1?", "theirs", tags=["docs"])
        self.rpc.call("CACHE.INVALIDATE", "tag", "docs")
        self.rpc.call("CACHE.INVALIDATE", "all")
        self.assertEqual(other.call("CACHE.LOOKUP", "Question 1?")["response"], "theirs")

    def test_an_answer_that_was_under_way_is_handed_out_but_not_kept(self):
        for label, options, kept in (("docs", {"tags": ["docs"]}, False),
                                     ("docs", {"tags": ["other"]}, True)):
            lease = self.rpc.call("CACHE.FETCH", "What is new?", no_cache=True)["lease"]
            self.rpc.call("CACHE.INVALIDATE", "tag", label)
            self.assertIs(self.rpc.call("CACHE.FILL", lease, "x", **options)["stored"], kept)
            self.assertEqual(self.rpc.call("CACHE.LOOKUP", "What is new?")["status"],
                             "hit" if kept else "miss")

    def test_one_entry_that_was_under_way_is_handed_out_but_not_kept(self):
        waiter = self.connect(self.running)
        for asked, kept in (("What is new?", False), ("What is old?", True)):
            lease = self.rpc.call("CACHE.FETCH", "What is new?", no_cache=True)["lease"]
            waiter.send("CACHE.FETCH", "What is new?", wait_ms=10_000)
            harness.wait_until(lambda: self.rpc.call("INFO", "cache")["cache"]["waiters"] == 1, 10, "it waits")
            self.rpc.call("CACHE.INVALIDATE", "entry", asked)
            self.assertIs(self.rpc.call("CACHE.FILL", lease, "x")["stored"], kept)
            self.assertEqual(waiter.receive()[3]["response"], "x")
            self.assertEqual(self.rpc.call("CACHE.LOOKUP", "What is new?")["status"],
                             "hit" if kept else "miss")

    def test_an_identity_is_voided_whatever_was_asked(self):
        for system in ("Ann", "Bob"):
            for prompt in ("Who?", "Where?"):
                self.rpc.call("CACHE.STORE", prompt, system, identity={"system": system, "t": 0})
        self.assertEqual(self.rpc.call("CACHE.INVALIDATE", "identity",
                                       identity={"t": 0.0, "system": "Ann"})["entries"], 2)
        for system, status in (("Ann", "miss"), ("Bob", "hit")):
            for prompt in ("Who?", "where"):
                self.assertEqual(self.rpc.call("CACHE.LOOKUP", prompt,
                                               identity={"system": system, "t": 0})["status"], status)

    def test_bad_calls_say_what_is_allowed(self):
        for params in (("everything",), ("tag",), ("all", "x"), ("tag", "x" * 129), ("entry",)):
            error = self.rpc.error_of("CACHE.INVALIDATE", *params)
            self.assertIn(error.code, ("bad_request", "too_large"), params)
            self.assertIn("CACHE.INVALIDATE", error.message)

    @unittest.skipIf(harness.is_in_memory(), "a restart without a disk has nothing to find")
    def test_a_tag_among_many_entries_is_voided_at_once_and_for_good(self):
        """REPRISE_ENTRIES=1000000 is the size of the bar (bench/README.md)."""
        entries, tags = harness.size("entries", 4_000), 100
        server = self.server(settings={"cache.entries_max": 2 * entries,
                                       "store.hot_table_bytes": 256 * harness.MIB})
        rpc = self.connect(server)
        for first in range(0, entries, 1_000):
            rpc.pipeline([("CACHE.STORE", [f"Question {i}?", f"answer {i}", {"tags": [f"tag-{i % tags}"]}])
                          for i in range(first, min(first + 1_000, entries))])
        taken_us = []
        for tag in range(tags - 1):
            began = time.perf_counter()
            voided = rpc.call("CACHE.INVALIDATE", "tag", f"tag-{tag}")["entries"]
            taken_us.append((time.perf_counter() - began) * 1e6)
            self.assertEqual(voided, entries // tags)
            self.assertEqual(rpc.call("CACHE.LOOKUP", f"Question {tag}?")["status"], "miss")
        server.restart(kill=True)
        rpc = self.connect(server)
        hits = sum(reply["status"] == "hit" for first in range(0, entries, 1_000)
                   for reply in rpc.pipeline([("CACHE.LOOKUP", [f"Question {i}?"])
                                              for i in range(first, min(first + 1_000, entries))]))
        self.assertEqual(hits, entries // tags)
        taken_us.sort()
        print(f"invalidate entries={entries} p50_us={taken_us[len(taken_us) // 2]:.0f} "
              f"p99_us={taken_us[int(len(taken_us) * 0.99)]:.0f}", end=" ", flush=True)


if __name__ == "__main__":
    harness.main()
