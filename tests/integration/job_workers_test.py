"""Workers: leases that end, late workers, failures, dead letters, crowds that wait, crashes of the server."""

import time
import unittest

import harness

NOW = {"max_wait_ms": 0}
SECOND = 1_000


class Workers(harness.Case):
    settings = {"jobs.retry_ms": 1, "jobs.retry_max_ms": 1, "jobs.max_attempts": 3}

    def setUp(self):
        super().setUp()
        self.running = self.server(settings=self.settings)
        self.rpc = self.connect(self.running)

    def submit(self, *tasks):
        return [each["ticket"] for each in self.rpc.call("BATCH.SUBMIT", list(tasks))]

    def take(self, worker="w", wait_ms=15 * SECOND, **options):
        return self.rpc.call("BATCH.TAKE", worker, wait_ms=wait_ms, **options)

    def end_of(self, ticket):
        return self.rpc.call("BATCH.RESULT", ticket, wait_ms=10 * SECOND)

    def dead(self):
        return [task["ticket"] for task in self.rpc.call("BATCH.DEAD", "list")["tasks"]]


class LeaseTest(Workers):
    def test_a_lease_that_ends_gives_the_task_to_another_and_the_late_worker_is_refused(self):
        ticket = self.submit({"payload": 1, **NOW})[0]
        late = self.take("slow", lease_ms=200)
        again = self.take("fast")
        self.assertEqual((again["items"][0]["ticket"], again["items"][0]["attempt"]), (ticket, 2))
        error = self.assert_error("not_found", self.rpc, "BATCH.COMPLETE", late["lease"], ticket,
                                  result="late")
        self.assertIn("lease", error.message)
        self.assert_error("not_found", self.rpc, "BATCH.EXTEND", late["lease"])
        self.assert_error("not_found", self.rpc, "BATCH.FAIL", late["lease"])
        self.rpc.call("BATCH.COMPLETE", again["lease"], ticket, result="in time")
        # Also when the result is there: whose it is does not change.
        self.assert_error("exists", self.rpc, "BATCH.COMPLETE", late["lease"], ticket, result="late")
        self.assertEqual(self.end_of(ticket)["result"], "in time")
        self.assertEqual(self.rpc.call("BATCH.STATS")["queues"][0]["leases_expired"], 1)

    def test_extending_and_beating_keep_leases(self):
        tickets = self.submit({"payload": 1, "category": "a", **NOW},
                              {"payload": 2, "category": "b", **NOW})
        leases = [self.take("steady", lease_ms=400)["lease"] for _ in tickets]
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            self.assertEqual(self.rpc.call("BATCH.EXTEND", leases[0]), {"lease_ms": 400})
            self.assertEqual(self.rpc.call("BATCH.BEAT", "steady"), {"leases": 2})
            time.sleep(0.02)
        self.assertIsNone(self.take(wait_ms=0))
        worker = self.rpc.call("BATCH.STATS")["workers"][0]
        self.assertEqual((worker["worker"], worker["leases"]), ("steady", 2))

    def test_a_worker_that_takes_and_dies_for_ever_does_not_keep_a_task_from_ending(self):
        ticket = self.submit({"payload": "poison", **NOW})[0]
        for attempt in range(1, 4):
            self.assertEqual(self.take("mortal", lease_ms=100)["items"][0]["attempt"], attempt)
        end = self.end_of(ticket)
        self.assertEqual(end["status"], "failed")
        self.assertIn("mortal", end["error"])
        self.assertEqual(self.dead(), [ticket])

    def test_a_connection_that_goes_leaves_its_lease_to_the_worker_and_waits_for_nothing(self):
        worker = self.connect(self.running)
        worker.send("BATCH.TAKE", "w", wait_ms=60 * SECOND)
        harness.wait_until(lambda: self.running.info("jobs", "waiting_takers") == 1, 10, "it waits")
        worker.close()
        harness.wait_until(lambda: self.running.info("jobs", "waiting_takers") == 0, 10, "it left")
        ticket = self.submit({"payload": 1, **NOW})[0]
        second = self.connect(self.running)
        lease = second.call("BATCH.TAKE", "w")["lease"]
        second.close()
        self.rpc.call("BATCH.COMPLETE", lease, ticket, result=1)


class FailureTest(Workers):
    def test_a_batch_that_fails_as_a_whole_is_halved_until_the_poison_stands_alone(self):
        tickets = self.submit(*({"payload": i, **NOW} for i in range(8)))
        sizes, done = [], set()
        while len(done) < 7:
            batch = self.take()
            sizes.append(len(batch["items"]))
            if any(item["payload"] == 5 for item in batch["items"]):
                self.rpc.call("BATCH.FAIL", batch["lease"], error="no JSON")
                continue
            done |= {item["payload"] for item in batch["items"]}
            self.rpc.call("BATCH.COMPLETE", batch["lease"], items=[
                {"ticket": item["ticket"], "result": "ok"} for item in batch["items"]])
        self.assertEqual(sizes[0], 8)
        self.assertEqual(max(sizes[1:]), 4)
        while self.rpc.call("BATCH.RESULT", tickets[5])["status"] != "failed":
            batch = self.take(wait_ms=SECOND)
            if batch is not None:
                self.rpc.call("BATCH.FAIL", batch["lease"], error="no JSON")
        self.assertEqual(self.dead(), [tickets[5]])
        for number, ticket in enumerate(tickets):
            self.assertEqual(self.rpc.call("BATCH.RESULT", ticket)["status"],
                             "failed" if number == 5 else "succeeded")

    def test_one_item_fails_and_the_others_do_not(self):
        a, b = self.submit({"payload": "a", **NOW}, {"payload": "b", **NOW})
        lease = self.take()["lease"]
        failed = self.rpc.call("BATCH.FAIL", lease, a, error="rate limited")
        self.assertEqual((failed["retried"], failed["dead"]), (1, 0))
        self.rpc.call("BATCH.COMPLETE", lease, b, result=1)
        again = self.take()
        self.assertEqual((again["items"][0]["ticket"], again["items"][0]["attempt"]), (a, 2))
        self.assertEqual(self.rpc.call("BATCH.RESULT", a)["error"], "rate limited")

    def test_dead_letters_are_listed_replayed_and_purged_over_a_restart(self):
        tickets = self.submit(*({"payload": i, **NOW} for i in range(3)))
        self.rpc.call("BATCH.FAIL", self.take()["lease"], retry=False, error="bad prompt")
        if not harness.is_in_memory():
            self.running.restart(kill=True)
            self.rpc = self.connect(self.running)
        listed = self.rpc.call("BATCH.DEAD", "list", limit=2)
        self.assertEqual([task["ticket"] for task in listed["tasks"]], tickets[:2])
        self.assertEqual(listed["tasks"][0]["error"], "bad prompt")
        rest = self.rpc.call("BATCH.DEAD", "list", after=listed["next"])
        self.assertEqual([task["ticket"] for task in rest["tasks"]], tickets[2:])

        self.assertEqual(self.rpc.call("BATCH.DEAD", "replay", tickets=tickets[:1]), {"changed": 1})
        batch = self.take()
        self.assertEqual((batch["items"][0]["ticket"], batch["items"][0]["attempt"]), (tickets[0], 1))
        self.rpc.call("BATCH.COMPLETE", batch["lease"], tickets[0], result="at last")
        self.assertEqual(self.end_of(tickets[0])["result"], "at last")

        self.assertEqual(self.rpc.call("BATCH.DEAD", "purge"), {"changed": 2})
        self.assertEqual(self.dead(), [])
        self.assertEqual(self.rpc.call("BATCH.RESULT", tickets[1])["status"], "failed")
        self.assert_error("not_found", self.rpc, "BATCH.DEAD", "replay", tickets=tickets[1:])


class CapsTest(Workers):
    def test_a_model_has_no_more_batches_out_than_it_may(self):
        self.rpc.call("CONFIG.SET", "jobs.model_calls", ["narrow: 2"])
        self.submit(*({"payload": i, "category": str(i), "model": "narrow", **NOW} for i in range(3)))
        first, second = self.take(wait_ms=0), self.take(wait_ms=0)
        self.assertIsNone(self.take(wait_ms=0))
        self.submit({"payload": 9, "model": "wide", **NOW})
        self.assertEqual(self.take(wait_ms=0)["model"], "wide")
        worker = self.connect(self.running)
        waiting = worker.send("BATCH.TAKE", "w", wait_ms=60 * SECOND)
        self.rpc.call("BATCH.COMPLETE", first["lease"], first["items"][0]["ticket"], result=1)
        self.assertEqual(worker.reply(waiting)["model"], "narrow")
        self.assertIsNotNone(second)


class CrowdTest(Workers):
    def test_ten_thousand_waiting_takes_are_served_or_told_that_time_is_over(self):
        # A connection may have so many requests under way; together as many takers as wait at all.
        crowd = [self.connect(self.running) for _ in range(100)]
        for connection in crowd:
            connection.send_bytes(b"".join(
                harness.request(i + 1, "BATCH.TAKE", ["w", {"wait_ms": 8 * SECOND}])
                for i in range(100)))
        harness.wait_until(lambda: self.running.info("jobs", "waiting_takers") == 10_000, 30,
                           "all wait")
        tickets = self.submit(*({"payload": i, "category": str(i % 50), **NOW} for i in range(500)))
        got, nothing = [], 0
        for connection in crowd:
            for _ in range(100):  # Who gets a batch is answered before who still waits.
                _, _, error, reply = connection.receive(60)
                self.assertIsNone(error)
                if reply is None:
                    nothing += 1
                else:
                    got += [item["ticket"] for item in reply["items"]]
        self.assertEqual(sorted(got), sorted(tickets))
        self.assertGreaterEqual(nothing, 9_500)
        self.assertEqual(self.running.info("jobs", "waiting_takers"), 0)
        self.assertEqual(self.rpc.call("PING"), "PONG")


@unittest.skipIf(harness.is_in_memory(), "a kill without a disk leaves nothing")
class KillTest(Workers):
    def test_after_kill_9_everything_is_as_it_was_acknowledged(self):
        done, leased, ready, later, canceled = self.submit(
            {"payload": "done", "category": "1", **NOW}, {"payload": "leased", "category": "2", **NOW},
            {"payload": "ready", "category": "3", **NOW},
            {"payload": "later", "delay_ms": 3_600_000}, {"payload": "canceled", "delay_ms": 1})
        blocked = self.submit({"payload": "blocked", "after": [ready], "custom_id": "b", **NOW})[0]
        lease = self.take(categories=["1"])["lease"]
        self.rpc.call("BATCH.COMPLETE", lease, done, result={"r": 1})
        held = self.take(categories=["2"], lease_ms=30 * SECOND)
        self.rpc.call("BATCH.CANCEL", canceled)
        self.running.restart(kill=True)
        self.rpc = self.connect(self.running)
        self.assertEqual(self.rpc.call("BATCH.RESULT", done)["result"], {"r": 1})
        self.assertEqual(self.rpc.call("BATCH.RESULT", canceled)["status"], "canceled")
        self.assertEqual(self.rpc.call("BATCH.RESULT", later)["phase"], "delayed")
        self.assertEqual(self.rpc.call("BATCH.RESULT", blocked)["phase"], "blocked")
        # The lease is the worker's own, with the time that was left.
        view = self.rpc.call("BATCH.RESULT", leased)
        self.assertEqual((view["status"], view["worker"]), ("leased", "w"))
        self.assertLessEqual(view["lease_ms"], 30 * SECOND)
        self.assertGreater(view["lease_ms"], 1)
        batch = self.take()
        self.assertEqual(batch["items"][0]["ticket"], ready)
        self.assertEqual(self.rpc.call("BATCH.COMPLETE", held["lease"], leased, result=2)["completed"], 1)
        self.rpc.call("BATCH.COMPLETE", batch["lease"], ready, result=3)
        last = self.take()
        self.assertEqual((last["items"][0]["payload"], last["items"][0]["custom_id"]), ("blocked", "b"))

    def test_a_lease_that_ended_while_the_server_was_down_is_given_to_another_with_a_new_fence(self):
        ticket = self.submit({"payload": 1, **NOW})[0]
        held = self.take(lease_ms=100)
        self.running.kill()
        time.sleep(0.2)
        self.running.start()
        self.rpc = self.connect(self.running)
        again = self.take()
        self.assertEqual(again["items"][0]["ticket"], ticket)
        self.assertNotEqual(again["lease"], held["lease"])
        self.assert_error("not_found", self.rpc, "BATCH.COMPLETE", held["lease"], ticket, result=1)


if __name__ == "__main__":
    harness.main()
