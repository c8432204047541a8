"""Single flight: CACHE.FETCH, FILL, RENEW, ABANDON, APPEND, across connections."""

import select
import threading
import time
import unittest

import harness
from harness import RpcError


class Crowd:
    """Many equal requests over many connections; counts who is told to compute."""

    def __init__(self, connections):
        self.connections = connections
        self.leases = []
        self.answers = []
        self.lock = threading.Lock()

    def read(self, connection, count, on_lease):
        fetches = set(range(1, count + 1))
        while fetches:
            _, number, error, reply = connection.receive(60)
            at = time.monotonic()
            if error is not None:
                raise AssertionError(error)
            if number not in fetches:
                continue  # the reply to the fill
            fetches.remove(number)
            if reply["status"] == "lease":
                with self.lock:
                    self.leases.append(reply["lease"])
                on_lease(connection, reply)
            else:
                with self.lock:
                    self.answers.append((at, reply))


class FlightTest(harness.Case):
    figures = ()

    def setUp(self):
        super().setUp()
        self.running = self.server()

    def wait_for_waiters(self, count):
        with self.connect(self.running) as rpc:
            harness.wait_until(lambda: rpc.call("INFO", "cache")["cache"]["waiters"] == count, 10,
                               f"{count} callers wait")

    def ask(self, rpc, prompt="What is RAII?", **options):
        return rpc.call("CACHE.FETCH", prompt, **options)

    def test_a_lease_is_filled_and_everybody_else_has_the_answer(self):
        holder, follower = self.connect(self.running), self.connect(self.running)
        lease = self.ask(holder)
        self.assertEqual((lease["status"], lease["lease_ms"]), ("lease", 60_000))
        pending = follower.send("CACHE.FETCH", "what is  raii")
        self.wait_for_waiters(1)
        stored = holder.call("CACHE.FILL", lease["lease"], {"text": "an idiom"},
                             tokens_out=7, cost_nano=900, model="m")
        reply = follower.reply(pending)
        self.assertEqual(reply["status"], "hit")
        self.assertEqual(reply["response"], {"text": "an idiom"})
        self.assertEqual((reply["tier"], reply["id"], reply["tokens_out"], reply["model"]),
                         ("normalized", stored["id"], 7, "m"))
        self.assertEqual(self.ask(follower)["status"], "hit")
        total = follower.call("CACHE.STATS")["total"]
        self.assertEqual((total["followers"], total["hits_exact"], total["hits_normalized"]),
                         (1, 1, 1))
        self.assertEqual(total["cost_saved_nano"], 1800)

    def test_waiting_does_not_hold_up_later_requests(self):
        holder, follower = self.connect(self.running), self.connect(self.running)
        lease = self.ask(holder)["lease"]
        waiting = follower.send("CACHE.FETCH", "What is RAII?")
        self.assertEqual(follower.call("PING"), "PONG")
        self.assertEqual(follower.call("SET", "k", 1), True)
        holder.call("CACHE.FILL", lease, "x")
        self.assertEqual(follower.reply(waiting)["response"], "x")

    def test_a_holder_that_disconnects_hands_the_lease_to_one_waiter(self):
        holder = self.connect(self.running)
        waiters = [self.connect(self.running) for _ in range(5)]
        self.ask(holder)
        pending = [(rpc, rpc.send("CACHE.FETCH", "What is RAII?")) for rpc in waiters]
        self.wait_for_waiters(5)
        holder.close()
        # Whoever has waited longest; which of them that is only the server knows.
        readable, _, _ = select.select([rpc.socket for rpc, _ in pending], [], [], 15)
        self.assertEqual(len(readable), 1)
        first, number = next(pair for pair in pending if pair[0].socket is readable[0])
        lease = first.reply(number)
        self.assertEqual(lease["status"], "lease")
        first.call("CACHE.FILL", lease["lease"], "late but good")
        for rpc, number in pending:
            if rpc is not first:
                self.assertEqual(rpc.reply(number)["response"], "late but good")

    def test_a_holder_that_waits_for_others_too_can_still_go_away(self):
        holder, other = self.connect(self.running), self.connect(self.running)
        self.ask(holder)
        holder.send("CACHE.FETCH", "What is RAII?")
        self.wait_for_waiters(1)
        waiting = other.send("CACHE.FETCH", "What is RAII?")
        self.wait_for_waiters(2)
        holder.close()
        self.assertEqual(other.reply(waiting)["status"], "lease")

    def test_abandon_expiry_and_renewal(self):
        holder, second, third = (self.connect(self.running) for _ in range(3))
        lease = self.ask(holder)["lease"]
        waiting = second.send("CACHE.FETCH", "What is RAII?", lease_ms=300)
        self.wait_for_waiters(1)
        self.assertEqual(holder.call("CACHE.ABANDON", lease), {})
        taken = second.reply(waiting)
        self.assertEqual((taken["status"], taken["lease_ms"]), ("lease", 300))
        self.assertEqual(second.call("CACHE.RENEW", taken["lease"]), {"lease_ms": 300})
        # The second holder says nothing any more: its lease ends by itself.
        self.assertEqual(self.ask(third)["status"], "lease")
        for late in (lease, taken["lease"]):
            with self.assertRaises(RpcError) as caught:
                holder.call("CACHE.FILL", late, "too late")
            self.assertEqual(caught.exception.code, "not_found")
        self.assertEqual(self.ask(second, only_if_cached=True)["status"], "miss")

    def test_a_wait_ends_by_its_own_deadline_without_an_error(self):
        holder, hasty = self.connect(self.running), self.connect(self.running)
        lease = self.ask(holder)["lease"]
        self.assertEqual(self.ask(hasty, wait_ms=50)["status"], "timeout")
        self.assertEqual(self.ask(hasty, wait=False)["status"], "miss")
        holder.call("CACHE.FILL", lease, "x")
        self.assertEqual(self.ask(hasty)["response"], "x")

    def test_poisoned_fills_are_refused_and_the_lease_stays(self):
        rpc = self.connect(self.running)
        lease = self.ask(rpc)["lease"]
        for poison in (None, "", [], {}, b"", {"error": {"message": "overloaded"}}):
            with self.assertRaises(RpcError, msg=repr(poison)) as caught:
                rpc.call("CACHE.FILL", lease, poison)
            self.assertEqual(caught.exception.code, "bad_request")
        with self.assertRaises(RpcError) as caught:
            rpc.call("CACHE.FILL", "0" * 32, "x")
        self.assertEqual(caught.exception.code, "not_found")
        self.assertEqual(rpc.call("CACHE.FILL", lease, {"error": None, "text": "x"})["id"] > 0, True)
        with self.assertRaises(RpcError):
            rpc.call("CACHE.FILL", lease, "twice")
        self.assertEqual(self.ask(rpc)["response"], {"error": None, "text": "x"})

    def test_controls_decide_who_computes_and_what_is_kept(self):
        rpc = self.connect(self.running)
        self.assertEqual(self.ask(rpc, only_if_cached=True)["status"], "miss")
        self.assertEqual(self.ask(rpc, no_store=True)["status"], "bypass")
        self.assertEqual(self.ask(rpc, bypass=True)["status"], "bypass")
        rpc.call("CACHE.STORE", "What is RAII?", "old")
        self.assertEqual(self.ask(rpc, no_store=True)["response"], "old")
        fresh = self.ask(rpc, no_cache=True)
        self.assertEqual(fresh["status"], "lease")
        rpc.call("CACHE.FILL", fresh["lease"], "new")
        self.assertEqual(self.ask(rpc)["response"], "new")
        self.assertEqual(self.ask(rpc, no_cache=True, no_store=True)["status"], "bypass")

    def test_pieces_reach_followers_as_they_come_and_the_entry_is_their_list(self):
        holder, follower = self.connect(self.running), self.connect(self.running)
        lease = self.ask(holder)["lease"]
        holder.call("CACHE.APPEND", lease, {"delta": "An "})
        waiting = follower.send("CACHE.FETCH", "What is RAII?", stream="mine")
        self.wait_for_waiters(1)
        self.assertEqual(holder.call("CACHE.APPEND", lease, {"delta": "idiom"}), {"chunks": 2})
        self.assertEqual([follower.receive() for _ in range(2)], [
            [2, "EVENT", ["chunk", {"stream": "mine", "index": 0, "chunk": {"delta": "An "}}]],
            [2, "EVENT", ["chunk", {"stream": "mine", "index": 1, "chunk": {"delta": "idiom"}}]]])
        self.assertEqual(self.ask(holder, only_if_cached=True)["status"], "miss")
        holder.call("CACHE.FILL", lease, None)
        whole = [{"delta": "An "}, {"delta": "idiom"}]
        self.assertEqual(follower.reply(waiting)["response"], whole)
        self.assertEqual(self.ask(holder)["response"], whole)

    def test_a_stream_that_is_cut_leaves_nothing(self):
        holder, other = self.connect(self.running), self.connect(self.running)
        lease = self.ask(holder)["lease"]
        holder.call("CACHE.APPEND", lease, "half an ans")
        holder.close()
        harness.wait_until(lambda: self.ask(other, wait=False)["status"] == "lease", 5,
                           "the lease is free again")
        self.assertEqual(self.ask(other, only_if_cached=True)["status"], "miss")

    @unittest.skipIf(harness.is_in_memory(), "a restart without a disk has nothing to find")
    def test_a_restart_ends_leases_and_says_so(self):
        rpc = self.connect(self.running)
        lease = self.ask(rpc)["lease"]
        self.running.kill()
        self.running.start()
        rpc = self.connect(self.running)
        with self.assertRaises(RpcError) as caught:
            rpc.call("CACHE.FILL", lease, "x")
        self.assertEqual(caught.exception.code, "not_found")
        self.assertIn("restarted", caught.exception.message)
        self.assertEqual(self.ask(rpc)["status"], "lease")


class HerdTest(harness.Case):
    """1,000 equal requests at once; the upstream is a test double that takes its time."""

    figures = ("herd", "herd_killed")

    def gather(self, upstream_s, kill_first):
        server = self.server()
        connections = [self.connect(server) for _ in range(harness.size("connections", 100))]
        each = harness.size("requests", 1000) // len(connections)
        crowd = Crowd(connections)
        filled_at = []

        def compute(connection, reply):
            if kill_first and len(crowd.leases) == 1:
                connection.close()
                raise ConnectionError("the holder was killed")
            time.sleep(upstream_s)
            filled_at.append(time.monotonic())
            connection.send("CACHE.FILL", reply["lease"], "the answer")

        def work(connection):
            for _ in range(each):
                connection.send("CACHE.FETCH", "The question of the hour?")
            try:
                crowd.read(connection, each, compute)
            except (ConnectionError, OSError):
                pass

        threads = [threading.Thread(target=work, args=(c,)) for c in connections]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        stats = self.connect(server).call("CACHE.STATS")["total"]
        return crowd, filled_at, stats, each * len(connections)

    def test_one_of_a_thousand_computes(self):
        crowd, filled_at, stats, asked = self.gather(harness.size("upstream_ms", 2000) / 1000, False)
        hits = [reply for _, reply in crowd.answers if reply.get("response") == "the answer"]
        late = sorted((at - filled_at[0]) * 1000 for at, _ in crowd.answers)
        harness.figure("herd", len(crowd.leases) == 1 and len(hits) == asked - 1, asked=asked,
                       computed=len(crowd.leases), answered=len(hits),
                       after_fill_ms_p50=round(late[len(late) // 2], 1),
                       after_fill_ms_max=round(late[-1], 1), followers=stats["followers"])

    def test_when_the_holder_is_killed_exactly_one_other_computes(self):
        crowd, _, stats, asked = self.gather(harness.size("upstream_ms", 2000) / 1000, True)
        statuses = {reply["status"] for _, reply in crowd.answers}
        harness.figure("herd_killed", len(crowd.leases) == 2 and statuses == {"hit"}, asked=asked,
                       computed=len(crowd.leases), answered=len(crowd.answers),
                       followers=stats["followers"])


if __name__ == "__main__":
    harness.main()
