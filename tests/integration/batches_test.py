"""BATCH.SUBMIT to BATCH.RESULT over the wire: what groups, what comes back, what is refused."""

import json
import time

import harness

NOW = {"max_wait_ms": 0}  # goes out at once, with whatever is there


class Batches(harness.Case):
    settings = {}

    def setUp(self):
        super().setUp()
        self.running = self.server(settings=self.settings)
        self.rpc = self.connect(self.running)

    def submit(self, *tasks, rpc=None):
        """The tickets of these tasks, handed in with one call."""
        rpc = rpc or self.rpc
        return [each["ticket"] for each in rpc.call("BATCH.SUBMIT", list(tasks))]

    def take(self, rpc=None, **options):
        return (rpc or self.rpc).call("BATCH.TAKE", "w", **options)

    def complete(self, batch, result_of, **more):
        items = [{"ticket": item["ticket"], "result": result_of(item["payload"]), **more}
                 for item in batch["items"]]
        return self.rpc.call("BATCH.COMPLETE", batch["lease"], items=items)

    def status(self, ticket):
        return self.rpc.call("BATCH.RESULT", ticket)["status"]


class RoundTripTest(Batches):
    def test_tasks_go_out_as_one_batch_and_come_back_one_by_one(self):
        system = {"system": "Translate to German."}
        tickets = self.submit(*({"payload": {"prompt": f"word {i}"}, "category": "translate",
                                 "model": "m", "context": system, "parameters": {"t": 0},
                                 "custom_id": f"c{i}", **NOW} for i in range(5)))
        batch = self.take()
        self.assertEqual((batch["category"], batch["model"], batch["namespace"]),
                         ("translate", "m", "default"))
        self.assertEqual((batch["context"], batch["parameters"]), (system, {"t": 0}))
        self.assertEqual(sorted(item["ticket"] for item in batch["items"]), sorted(tickets))
        for item in batch["items"]:
            number = tickets.index(item["ticket"])
            self.assertEqual((item["payload"], item["custom_id"], item["attempt"]),
                             ({"prompt": f"word {number}"}, f"c{number}", 1))
        self.assertEqual(self.status(tickets[0]), "leased")
        usage = {"input_tokens": 12}
        self.assertEqual(self.complete(batch, lambda p: p["prompt"].upper(), usage=usage,
                                       cost_nano=70), {"completed": 5, "filled": 0})
        for number, ticket in enumerate(tickets):
            result = self.rpc.call("BATCH.RESULT", ticket)
            self.assertEqual((result["status"], result["result"], result["custom_id"]),
                             ("succeeded", f"WORD {number}", f"c{number}"))
            self.assertEqual((result["usage"], result["cost_nano"]), (usage, 70))
        stats = self.rpc.call("BATCH.STATS")["queues"][0]
        self.assertEqual((stats["batches"], stats["items"], stats["batched_share"]), (1, 5, 1.0))
        self.assertAlmostEqual(stats["calls_saved"], 4, places=3)
        self.assertEqual(stats["batch_sizes"][4], 1)

    def test_takes_and_results_wait(self):
        worker, bot = self.connect(self.running), self.connect(self.running)
        waiting = worker.send("BATCH.TAKE", "w", wait_ms=60_000)
        with self.subTest("a connection that waits is answered in order, others go on"):
            self.assertEqual(self.rpc.call("PING"), "PONG")
        ticket = self.submit({"payload": "p", **NOW})[0]
        batch = worker.reply(waiting)
        pending = bot.send("BATCH.RESULT", ticket, wait_ms=60_000)
        harness.wait_until(
            lambda: self.rpc.call("INFO", "jobs")["jobs"]["waiting_results"] == 1, 10, "it waits")
        self.complete(batch, lambda p: p + "!")
        self.assertEqual(bot.reply(pending)["result"], "p!")
        self.assertIsNone(self.take(wait_ms=30))
        other = self.submit({"payload": "p", "delay_ms": 3_600_000})[0]
        self.assertEqual(self.rpc.call("BATCH.RESULT", other, wait_ms=30)["phase"], "delayed")

    def test_tasks_of_one_call_go_to_a_waiting_worker_together(self):
        worker = self.connect(self.running)
        waiting = worker.send("BATCH.TAKE", "w", wait_ms=60_000)
        harness.wait_until(lambda: self.running.info("jobs", "waiting_takers") == 1, 10, "it waits")
        tickets = self.submit(*({"payload": i, **NOW} for i in range(7)))
        got = [item["ticket"] for item in worker.reply(waiting)["items"]]
        self.assertEqual(sorted(got), sorted(tickets))

    def test_what_differs_never_shares_a_batch(self):
        same = {"payload": 1, "category": "c", "model": "m", "context_key": "k", **NOW}
        kinds = [same, {**same, "category": "d"}, {**same, "model": "n"},
                 {**same, "context_key": "l"}, {**same, "parameters": {"t": 1}}]
        self.submit(*(kind for kind in kinds for _ in range(2)))
        seen = set()
        for _ in kinds:
            batch = self.take()
            self.assertEqual(len(batch["items"]), 2)
            seen.add((batch["category"], batch["model"], batch["context_key"],
                      str(batch["parameters"])))
        self.assertEqual(len(seen), len(kinds))
        self.assertIsNone(self.take())

    def test_a_batch_has_at_most_ten_tasks_in_no_order_of_arrival(self):
        tickets = self.submit(*({"payload": i, **NOW} for i in range(40)))
        batches = [self.take() for _ in range(4)]
        orders = [[tickets.index(item["ticket"]) for item in batch["items"]] for batch in batches]
        self.assertEqual([len(order) for order in orders], [10] * 4)
        self.assertEqual(sorted(sum(orders, [])), list(range(40)))
        # Four sorted lists of ten by chance: once in 10 ** 26.
        self.assertNotEqual(orders, [sorted(order) for order in orders])

    def test_workers_get_only_what_they_ask_for(self):
        self.submit(*({"payload": c + m, "category": c, "model": m, **NOW}
                      for c in "ab" for m in "xy"))
        self.assertEqual(self.take(categories=["b"], models=["y"])["items"][0]["payload"], "by")
        self.assertIsNone(self.take(categories=["b"], models=["y"]))
        self.assertEqual(self.take(categories=["b"])["items"][0]["payload"], "bx")
        self.assertIsNone(self.take(models=["z"]))
        self.submit(*({"payload": i, "category": "big", **NOW} for i in range(6)))
        sizes = [len(self.take(categories=["big"], max_items=4)["items"]) for _ in range(2)]
        self.assertEqual(sizes, [4, 2])

    def test_a_batch_comes_as_a_numbered_prompt_and_as_provider_lines(self):
        tickets = self.submit(*({"payload": f"text {i}", "model": "gpt-x", "context": "Be brief.",
                                 **NOW} for i in range(3)))
        batch = self.take(format="openai")
        numbered = batch["template"]
        places = [numbered.index(item["payload"]) for item in batch["items"]]
        self.assertEqual(places, sorted(places))
        for item, line in zip(batch["items"], map(json.loads, batch["lines"])):
            self.assertEqual((line["custom_id"], line["method"], line["url"]),
                             (item["ticket"], "POST", "/v1/chat/completions"))
            self.assertEqual(line["body"]["model"], "gpt-x")
            self.assertEqual([(m["role"], m["content"]) for m in line["body"]["messages"]],
                             [("system", "Be brief."), ("user", item["payload"])])
        self.rpc.call("BATCH.FAIL", batch["lease"], retry=False)
        self.rpc.call("BATCH.DEAD", "replay", tickets=tickets)
        lines = [json.loads(line) for line in self.take(format="anthropic")["lines"]]
        self.assertEqual({line["custom_id"] for line in lines}, set(tickets))
        self.assertEqual({line["params"]["system"] for line in lines}, {"Be brief."})

    def test_a_result_fills_the_cache_when_its_task_asked_for_that(self):
        self.submit({"payload": "What is RAII?", "model": "m",
                     "fill": {"prompt": "What is RAII?", "tags": ["cpp"]}, **NOW},
                    {"payload": "no fill", "model": "m", **NOW})
        done = self.complete(self.take(), lambda _: {"text": "an idiom"}, cost_nano=40)
        self.assertEqual(done, {"completed": 2, "filled": 1})
        hit = self.rpc.call("CACHE.LOOKUP", "What is RAII?")
        self.assertEqual((hit["status"], hit["response"]), ("hit", {"text": "an idiom"}))
        self.assertEqual(self.rpc.call("CACHE.LOOKUP", "no fill")["status"], "miss")

    def test_who_listens_hears_that_a_task_has_ended(self):
        bot = self.connect(self.running)
        bot.call("SUBSCRIBE", "jobs:answers")
        ticket = self.submit({"payload": 1, "reply_to": "answers", "custom_id": "q", **NOW},
                             {"payload": 2, "reply_to": "others", **NOW})[0]
        self.complete(self.take(), lambda p: p)
        event = {"ticket": ticket, "status": "succeeded", "custom_id": "q"}
        self.assertEqual(bot.receive(), [2, "EVENT", ["jobs:answers", event]])
        self.assertEqual(bot.call("PING"), "PONG")  # and of no other

    def test_the_same_dedup_key_is_the_same_task_until_its_result_goes(self):
        first = self.rpc.call("BATCH.SUBMIT", {"payload": 1, "dedup": "k", **NOW})[0]
        again = self.rpc.call("BATCH.SUBMIT", {"payload": 2, "dedup": "k", **NOW})[0]
        self.assertEqual((first["duplicate"], again["duplicate"]), (False, True))
        self.assertEqual(again["ticket"], first["ticket"])
        self.complete(self.take(), lambda p: p)
        self.assertIsNone(self.take())
        again = self.rpc.call("BATCH.SUBMIT", {"payload": 3, "dedup": "k", **NOW})[0]
        self.assertEqual((again["duplicate"], again["ticket"]), (True, first["ticket"]))
        self.assertEqual(self.rpc.call("BATCH.RESULT", first["ticket"])["result"], 1)


class PlanTest(Batches):
    def test_tasks_run_when_all_that_they_wait_for_have_succeeded(self):
        a, b, c = self.submit({"payload": "a", **NOW}, {"payload": "b", **NOW},
                              {"payload": "c", "after": [0, 1], **NOW})
        d = self.submit({"payload": "d", "after": [c], **NOW})[0]
        self.assertEqual(self.rpc.call("BATCH.RESULT", c)["phase"], "blocked")
        batch = self.take()
        self.assertEqual({item["ticket"] for item in batch["items"]}, {a, b})
        self.rpc.call("BATCH.COMPLETE", batch["lease"], a, result=1)
        self.assertIsNone(self.take())
        self.rpc.call("BATCH.COMPLETE", batch["lease"], b, result=1)
        batch = self.take()
        self.assertEqual([item["ticket"] for item in batch["items"]], [c])
        self.complete(batch, lambda p: p)
        self.assertEqual(self.take()["items"][0]["ticket"], d)

    def test_what_waits_for_a_task_that_failed_is_canceled(self):
        a, b, c = self.submit({"payload": "a", **NOW}, {"payload": "b", "after": [0]},
                              {"payload": "c", "after": [1]})
        self.rpc.call("BATCH.FAIL", self.take()["lease"], retry=False)
        for ticket in (b, c):
            end = self.rpc.call("BATCH.RESULT", ticket, wait_ms=10_000)
            self.assertEqual(end["status"], "canceled")
            self.assertIn("did not succeed", end["error"])

    def test_circles_and_strangers_are_refused_and_nothing_is_kept(self):
        def plan(*afters):
            return [{"payload": i, "after": after} for i, after in enumerate(afters)]

        for afters in ([[0]], [[1], [0]], [[], [3], [1], [2]]):
            error = self.assert_error("bad_request", self.rpc, "BATCH.SUBMIT", plan(*afters))
            self.assertIn("after", error.message)
        self.assert_error("bad_request", self.rpc, "BATCH.SUBMIT", plan([7]))
        self.assert_error("not_found", self.rpc, "BATCH.SUBMIT", plan(["00000000000000ff"]))
        self.assertEqual(self.rpc.call("BATCH.STATS")["tasks"], 0)


class CancelAndPauseTest(Batches):
    def test_a_canceled_task_is_not_handed_out_and_its_result_is_refused(self):
        a, b, c = self.submit(*({"payload": i, **NOW} for i in range(3)))
        self.rpc.call("BATCH.CANCEL", a)
        batch = self.take()
        self.assertEqual({item["ticket"] for item in batch["items"]}, {b, c})
        self.rpc.call("BATCH.CANCEL", b)
        error = self.assert_error("exists", self.rpc, "BATCH.COMPLETE", batch["lease"], b, result=1)
        self.assertIn("canceled", error.message)
        self.rpc.call("BATCH.COMPLETE", batch["lease"], c, result=1)
        self.assertEqual([self.status(t) for t in (a, b, c)], ["canceled", "canceled", "succeeded"])
        self.assertEqual(self.rpc.call("BATCH.STATS")["tasks"], 0)

    def test_a_paused_queue_stands_still_over_a_restart_until_it_is_resumed(self):
        self.rpc.call("BATCH.PAUSE", category="slow")
        self.submit({"payload": "s", "category": "slow", **NOW},
                    {"payload": "f", "category": "fast", **NOW})
        self.assertEqual(self.take()["category"], "fast")
        self.assertIsNone(self.take())
        if not harness.is_in_memory():
            self.running.restart()
            self.rpc = self.connect(self.running)
            self.assertIsNone(self.take())
        worker = self.connect(self.running)
        waiting = worker.send("BATCH.TAKE", "w", wait_ms=60_000)
        self.assertEqual(self.rpc.call("BATCH.RESUME", category="slow"), {"changed": True})
        self.assertEqual(worker.reply(waiting)["category"], "slow")


class LimitsTest(Batches):
    settings = {"jobs.tasks_max": 20, "jobs.bytes_max": "1MiB", "jobs.payload_bytes_max": "256KiB"}

    def test_a_full_namespace_is_busy_with_the_time_to_wait_and_has_room_again(self):
        self.submit(*({"payload": i, **NOW} for i in range(18)))
        error = self.assert_error("busy", self.rpc, "BATCH.SUBMIT", [{"payload": 0}] * 3)
        self.assertIn("jobs.tasks_max", error.message)
        self.assertIn("retry in", error.message)
        self.assertEqual(self.rpc.call("BATCH.STATS")["tasks"], 18)  # all of a call, or none
        self.complete(self.take(), lambda p: p)
        self.submit(*[{"payload": 0}] * 3)

    def test_bytes_count_too(self):
        self.submit(*[{"payload": "x" * 240_000}] * 4)
        error = self.assert_error("busy", self.rpc, "BATCH.SUBMIT", {"payload": "x" * 240_000})
        self.assertIn("jobs.bytes_max", error.message)

    def test_a_payload_or_a_result_over_size_is_refused(self):
        big = "x" * 300_000
        for field in ("payload", "context", "parameters"):
            error = self.assert_error("too_large", self.rpc, "BATCH.SUBMIT",
                                      {"payload": 1, field: big})
            self.assertIn(field, error.message)
        ticket = self.submit({"payload": 1, **NOW})[0]
        lease = self.take()["lease"]
        self.assert_error("too_large", self.rpc, "BATCH.COMPLETE", lease, ticket, result=big)
        self.rpc.call("BATCH.COMPLETE", lease, ticket, result="small")


class BadInputTest(Batches):
    def refused(self, field, value, says):
        error = self.assert_error("bad_request", self.rpc, "BATCH.SUBMIT",
                                  {"payload": 1, field: value})
        self.assertIn(field, error.message)
        self.assertIn(says, error.message)

    def test_a_task_that_makes_no_sense_is_refused_by_name(self):
        now_ms = int(time.time() * 1000)
        self.refused("deadline_ms", now_ms - 1, "past")
        self.refused("priority", 10, "from 0 to 9")
        self.refused("defer", "later", "never, offpeak or any")
        self.refused("max_wait_ms", -1, "from 0")
        self.refused("reply_to", "a b", "printable")
        self.refused("after", ["x"], "tickets")
        self.refused("fill", {"no": "prompt"}, "")
        for task in (1, "x", {}, {"category": "c"}, [], [[]], [{"payload": 1}, 2]):
            self.assert_error("bad_request", self.rpc, "BATCH.SUBMIT", task)
        self.assert_error("bad_request", self.rpc, "BATCH.SUBMIT",
                          {"payload": 1, "delay_ms": 2_000, "deadline_in_ms": 1_000})
        self.assert_error("too_large", self.rpc, "BATCH.SUBMIT", [{"payload": 1}] * 1_001)
        self.assertEqual(self.rpc.call("BATCH.STATS")["tasks"], 0)

    def test_unknown_tickets_and_leases_are_named(self):
        ticket, lease = "00000000000000ff", "00000000000000010000000000000002"
        self.assert_error("not_found", self.rpc, "BATCH.RESULT", ticket)
        self.assert_error("not_found", self.rpc, "BATCH.CANCEL", ticket)
        self.assert_error("not_found", self.rpc, "BATCH.EXTEND", lease)
        self.assert_error("not_found", self.rpc, "BATCH.COMPLETE", lease, ticket, result=1)
        self.assert_error("not_found", self.rpc, "BATCH.FAIL", lease)
        for method, *params in (("BATCH.RESULT", "mine"), ("BATCH.COMPLETE", "mine", ticket),
                                ("BATCH.COMPLETE", lease, "mine"), ("BATCH.EXTEND", "zz")):
            self.assert_error("bad_request", self.rpc, method, *params)

    def test_a_result_is_accepted_once(self):
        ticket = self.submit({"payload": 1, **NOW}, {"payload": 2, **NOW})[0]
        lease = self.take()["lease"]
        self.rpc.call("BATCH.COMPLETE", lease, ticket, result="first")
        self.assert_error("exists", self.rpc, "BATCH.COMPLETE", lease, ticket, result="second")
        self.assert_error("exists", self.rpc, "BATCH.FAIL", lease, ticket)
        self.assertEqual(self.rpc.call("BATCH.RESULT", ticket)["result"], "first")

    def test_of_several_items_all_count_or_none(self):
        tickets = self.submit({"payload": 1, **NOW}, {"payload": 2, **NOW})
        lease = self.take()["lease"]
        self.rpc.call("BATCH.COMPLETE", lease, tickets[0], result="first")
        self.assert_error("exists", self.rpc, "BATCH.COMPLETE", lease, items=[
            {"ticket": ticket, "result": "both"} for ticket in reversed(tickets)])
        self.assertEqual(self.status(tickets[1]), "leased")
        self.rpc.call("BATCH.COMPLETE", lease, tickets[1], result="alone")


class TenantsTest(Batches):
    def test_a_namespace_sees_nothing_of_another_and_takes_its_tasks_along_when_it_goes(self):
        key = self.rpc.call("KEY.CREATE", "default", permissions=["read", "write", "admin"])["key"]
        self.rpc.call("AUTH", key)
        self.rpc.call("NAMESPACE.CREATE", "other")
        other = self.connect(self.running)
        other.call("AUTH", self.rpc.call("KEY.CREATE", "other")["key"])
        same = {"payload": 1, "category": "c", "dedup": "k", **NOW}
        mine, theirs = self.submit(same)[0], self.submit(same, rpc=other)[0]
        self.assertNotEqual(mine, theirs)
        self.assert_error("not_found", other, "BATCH.RESULT", mine)
        self.assert_error("not_found", other, "BATCH.CANCEL", mine)
        batch = self.take(other)
        self.assertEqual(([item["ticket"] for item in batch["items"]], batch["namespace"]),
                         ([theirs], "other"))
        ours = self.take()
        self.assertEqual([item["ticket"] for item in ours["items"]], [mine])
        error = self.assert_error("not_found", other, "BATCH.COMPLETE", ours["lease"], mine)
        self.assertNotIn("settled", error.message)
        self.assert_error("not_found", other, "BATCH.EXTEND", ours["lease"])
        self.assert_error("forbidden", other, "BATCH.TAKE", "w", all_namespaces=True)

        waiting = other.send("BATCH.TAKE", "w", wait_ms=60_000)
        self.submit({"payload": "to be dropped", "delay_ms": 60_000}, rpc=self.login_other())
        harness.wait_until(lambda: self.rpc.call("INFO", "jobs")["jobs"]["waiting_takers"] == 1, 10,
                           "it waits")
        self.rpc.call("NAMESPACE.DEL", "other")
        with self.assertRaises((harness.RpcError, harness.Closed)):
            if other.reply(waiting, 15) is None:
                other.call("BATCH.TAKE", "w")
        self.assertEqual(self.rpc.call("INFO", "jobs")["jobs"]["tasks"], 1)
        self.rpc.call("NAMESPACE.CREATE", "other")
        self.assertEqual(self.login_other().call("BATCH.STATS")["tasks"], 0)

    def login_other(self):
        rpc = self.connect(self.running)
        rpc.call("AUTH", self.rpc.call("KEY.CREATE", "other")["key"])
        return rpc

    def test_a_worker_of_all_namespaces_serves_each_and_never_mixes_them(self):
        self.rpc.call("AUTH", self.rpc.call("KEY.CREATE", "default",
                                            permissions=["read", "write", "admin"])["key"])
        self.rpc.call("NAMESPACE.CREATE", "other")
        self.submit(*({"payload": i, **NOW} for i in range(30)))
        self.submit(*({"payload": i, **NOW} for i in range(10)), rpc=self.login_other())
        served = [self.take(all_namespaces=True) for _ in range(2)]
        self.assertEqual({batch["namespace"] for batch in served}, {"default", "other"})
        for batch in served:  # and may settle what it was given
            self.assertEqual(self.complete(batch, lambda p: p)["completed"], 10)


if __name__ == "__main__":
    harness.main()
