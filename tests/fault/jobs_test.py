"""L3: bots hand in tasks and workers crash while the server is killed, again and again.

What was acknowledged stands in this process alone. A submit whose outcome is unknown is sent again with
the same dedup key after the restart. Then: every task whose submit was acknowledged is there and ends
(lost=0); no result that was accepted was replaced by another (double=0); no worker was told that it
settled a task that another had settled; no deadline of a task that could be met was missed. Larger:
--jobs_rounds=200, --seed=N.
"""

import random
import threading
import time
import unittest

import harness
from actor import Actor
from harness import RpcError

BOTS, WORKERS = 4, 6
# Far beyond what a restart and the wait of a full queue take: with capacity to spare, nothing misses it.
DEADLINE_MS = 120_000
# Bots stop handing in here, or six workers that crash would fall behind without end.
BACKLOG_MAX = 1_000


class Bot(Actor):
    def __init__(self, number, seed):
        super().__init__(number, seed)
        self.made = 0
        self.tickets = {}   # name -> ticket, acknowledged
        self.unknown = []   # calls that nobody answered
        self.canceled = set()  # names whose cancel was acknowledged
        self.twins = 0      # of a dedup key: must stay 0

    def resume(self, rpc):
        while self.unknown:
            self.submit(rpc, self.unknown[-1], is_new=False)

    def submit(self, rpc, tasks, is_new=True):
        if is_new:
            self.unknown.append(tasks)
        reply = rpc.call("BATCH.SUBMIT", tasks)
        self.unknown.remove(tasks)
        for task, made in zip(tasks, reply):
            self.twins += self.tickets.get(task["dedup"], made["ticket"]) != made["ticket"]
            self.tickets[task["dedup"]] = made["ticket"]

    def task(self):
        self.made += 1
        name = f"{self.number}-{self.made}"
        task = {"payload": {"name": name, "text": "x" * self.random.choice((10, 100, 3_000))},
                "dedup": name, "category": f"c{self.random.randrange(3)}",
                "max_wait_ms": self.random.choice((0, 5, 50)), "deadline_in_ms": DEADLINE_MS}
        if self.random.random() < 0.2:
            task["delay_ms"] = self.random.randrange(400)
        return task

    def step(self, rpc):
        if rpc.call("BATCH.STATS")["tasks"] > BACKLOG_MAX:
            time.sleep(0.05)
            return
        tasks = [self.task() for _ in range(self.random.randrange(1, 9))]
        if len(tasks) > 2 and self.random.random() < 0.3:
            tasks[-1]["after"] = [0, 1]
        self.submit(rpc, tasks)
        if self.random.random() < 0.2:
            name = self.random.choice(list(self.tickets))
            try:
                if rpc.call("BATCH.CANCEL", self.tickets[name])["canceled"]:
                    self.canceled.add(name)
            except RpcError as error:
                if error.code != "exists":  # A worker's call is settling it at this moment.
                    raise
        again = self.random.choice(list(self.tickets))  # A repeated submit is the same task.
        reply = rpc.call("BATCH.SUBMIT", {"payload": 0, "dedup": again, "deadline_in_ms": DEADLINE_MS})
        self.twins += reply[0]["ticket"] != self.tickets[again]
        time.sleep(self.random.random() * 0.01)


class Worker(Actor):
    def __init__(self, number, seed):
        super().__init__(number, seed)
        self.done = {}      # ticket -> result that was accepted
        self.maybe = set()  # (ticket, result) that was sent, without an answer
        self.count = self.twice = self.refused = self.crashes = 0

    def step(self, rpc):
        batch = rpc.call("BATCH.TAKE", f"w{self.number}", wait_ms=200,
                         lease_ms=self.random.choice((150, 1_000, 10_000)))
        if batch is None:
            return
        dice = self.random.random()
        if dice < 0.15:  # It crashes: nobody hears of it again.
            self.crashes += 1
            return
        if dice < 0.3:  # Slower than its lease, sometimes.
            time.sleep(self.random.random() * 0.3)
        try:
            if dice > 0.95:
                rpc.call("BATCH.FAIL", batch["lease"], error="no JSON")
                return
            for part in self.parts(batch["items"]):
                self.complete(rpc, batch["lease"], part)
        except RpcError as error:
            if error.code not in ("not_found", "exists"):  # The lease has ended, or it was canceled.
                raise
            self.refused += 1

    def parts(self, items):
        if self.random.random() < 0.5:
            return [items]
        return [[item] for item in items]

    def complete(self, rpc, lease, items):
        results = []
        for item in items:
            self.count += 1
            results.append({"ticket": item["ticket"],
                            "result": [item["payload"]["name"], self.number, self.count]})
        sent = {(each["ticket"], tuple(each["result"])) for each in results}
        self.maybe |= sent
        try:
            rpc.call("BATCH.COMPLETE", lease, items=results)
        except RpcError:
            self.maybe -= sent  # Refused: none of them counts.
            raise
        self.maybe -= sent
        for ticket, result in sent:
            self.twice += ticket in self.done
            self.done[ticket] = result


@unittest.skipIf(harness.is_in_memory(), "a kill without a disk leaves nothing to compare")
class JobsTest(harness.Case):
    figures = ("jobs",)

    def test_kill_9_loses_no_task_and_takes_no_result_twice(self):
        rounds, seed = harness.size("jobs_rounds", 4), harness.size("seed", 4711)
        chance = random.Random(seed)
        # Jobs are durable whatever this says.
        server = self.server(settings={"store.durability": "none", "jobs.retry_ms": 10,
                                       "jobs.retry_max_ms": 50, "jobs.max_attempts": 100})
        actors = ([Bot(number, seed) for number in range(BOTS)] +
                  [Worker(number, seed) for number in range(WORKERS)])
        for _ in range(rounds):
            actors = self.round(server, actors, chance.uniform(0.3, 1.5))
            server.kill()
            self.join(actors)
            server.start()
        bots = [actor for actor in actors if isinstance(actor, Bot)]
        workers = [actor for actor in actors if isinstance(actor, Worker)]
        stop = threading.Event()
        stop.set()  # What is unknown is sent again, and nothing else.
        bots = [bot.begin(server, stop) for bot in bots]
        self.join(bots)
        workers = self.drain(server, workers)
        self.report(server, bots, workers, rounds=rounds, seed=seed)

    def round(self, server, actors, seconds):
        self.stop = threading.Event()
        actors = [actor.begin(server, self.stop) for actor in actors]
        time.sleep(seconds)
        return actors

    def join(self, actors):
        for actor in actors:
            actor.join(60)
            self.assertFalse(actor.is_alive())
            if actor.failure:
                raise AssertionError(f"{type(actor).__name__} {actor.number}") from actor.failure

    def drain(self, server, workers):
        stop = threading.Event()
        workers = [worker.begin(server, stop) for worker in workers]
        with server.connect() as rpc:
            harness.wait_until(lambda: rpc.call("BATCH.STATS")["tasks"] == 0, 100,
                               "every task has ended")
        stop.set()
        self.join(workers)
        return workers

    def report(self, server, bots, workers, **values):
        accepted, sent = {}, set()
        double = sum(worker.twice for worker in workers)
        for worker in workers:
            sent |= worker.maybe
            for ticket, result in worker.done.items():
                double += ticket in accepted  # by two workers
                accepted[ticket] = result
        lost = missed = wrong = tasks = 0
        with server.connect() as rpc:
            for bot in bots:
                self.assertEqual(bot.unknown, [])
                for name, ticket in bot.tickets.items():
                    tasks += 1
                    try:
                        end = rpc.call("BATCH.RESULT", ticket)
                    except RpcError:
                        lost += 1
                        continue
                    missed += end["status"] == "expired"
                    if end["status"] == "succeeded":
                        result = tuple(end["result"])
                        known = accepted.get(ticket)
                        wrong += result[0] != name
                        double += known is not None and known != result
                        wrong += known is None and (ticket, result) not in sent
                        double += name in bot.canceled
                    else:  # It was canceled, or waited for one that was; nobody's result was taken.
                        double += ticket in accepted
                        wrong += end["status"] not in ("canceled", "expired")
        twins = sum(bot.twins for bot in bots)
        refused = sum(worker.refused for worker in workers)
        crashes = sum(worker.crashes for worker in workers)
        self.assertGreater(min(len(accepted), refused, crashes), 0)
        harness.figure("jobs", lost == double == missed == wrong == twins == 0, tasks=tasks,
                       accepted=len(accepted), lost=lost, double=double, missed=missed, wrong=wrong,
                       twins=twins, refused=refused, crashes=crashes, **values)


if __name__ == "__main__":
    harness.main()
