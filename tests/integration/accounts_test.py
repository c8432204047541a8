"""Accounts: who asked, what was saved, and that the records of decisions add up to the totals."""

import random
import threading
import unittest

import harness
from harness import Closed, RpcError

ALL_PPM = 1_000_000
TYPES = ("general", "research", "factLookup", "live")
MODELS = ("m-large", "m-small", None)
DIMENSIONS = (("type", "types"), ("model", "models"), ("bot", "bots"))
BY_DECISION = {"miss": "misses", "bypass": "bypasses", "refused": "refused_fills"}
BY_REASON = {"waited": "followers", "expired": "misses_expired", "too_old": "misses_too_old",
             "invalidated": "misses_invalidated", "policy": "misses_by_policy",
             "guarded": "misses_guarded", "unsure": "misses_unsure"}
SAVINGS = (("tokens_saved_in", "tokens_in"), ("tokens_saved_out", "tokens_out"),
           ("cost_saved_nano", "cost_nano"))
PATIENCE_S = 60.0 + harness.size("accounts_operations", 0) / 1_000
FIGURES = ("hits_exact", "hits_normalized", "stale", *BY_DECISION.values(), *BY_REASON.values(),
           *(figure for figure, _ in SAVINGS))


class Book:
    """Sums of the records of CACHE.LOG, by type, model and bot; reads on where it stopped."""

    def __init__(self):
        self.position = 0
        self.records = 0
        self.sums = {by: {} for by, _ in DIMENSIONS}

    def add(self, record):
        for by, _ in DIMENSIONS:
            sums = self.sums[by].setdefault(record[by], dict.fromkeys(FIGURES, 0))
            figure = BY_DECISION.get(record["decision"]) or "hits_" + record["tier"]
            sums[figure] += 1
            sums["stale"] += record["decision"] == "stale"
            if record["reason"] in BY_REASON:
                sums[BY_REASON[record["reason"]]] += 1
            for figure, field in SAVINGS:
                sums[figure] += record[field]

    def read(self, rpc):
        more = True
        while more:
            page = rpc.call("CACHE.LOG", after=self.position, limit=1000)
            for record in page["records"]:
                self.records += 1
                # Nothing is missing, nothing comes twice.
                if record["position"] != self.records:
                    raise AssertionError(f"record {self.records}: {record}")
                self.add(record)
            self.position, more = page["next"], page["more"]


def decisions(counters):
    return {figure: counters[figure] for figure in FIGURES}


def without_idle(accounts):
    return {name: sums for name, sums in accounts.items() if any(sums.values())}


class Asker(threading.Thread):
    """One bot on one connection: a seeded mix of calls, in pipelines, through restarts."""

    def __init__(self, seed, bot, operations, crowd):
        super().__init__(daemon=True)  # The end of the test is theirs.
        self.random = random.Random(seed)
        self.bot = bot
        self.left = operations
        self.crowd = crowd

    def call(self):
        dice, prompt = self.random.randrange(20), f"question {self.random.randrange(60)}"
        options = {"type": self.random.choice(TYPES)}
        if dice == 0:
            options.update(tokens_in=self.random.randrange(1000), ttl_ms=self.random.randrange(1, 3000),
                           tokens_out=self.random.randrange(1000),
                           cost_nano=self.random.randrange(10 ** 9))
            model = self.random.choice(MODELS)
            if model:
                options["model"] = model
            return "CACHE.STORE", [prompt, {"text": "x"}, options]
        if dice == 1:
            return "CACHE.FETCH", [prompt, {"bypass": True, **options}]
        if dice == 2:
            return "CACHE.FILL", ["0" * 32, "not mine"]
        if dice == 3:
            return "CACHE.LOOKUP", [prompt, {"max_age_ms": 1, **options}]
        if dice < 8:
            return "CACHE.FETCH", [prompt.upper() + " ?", {"only_if_cached": True, **options}]
        return "CACHE.LOOKUP", [prompt, options]

    @staticmethod
    def replies(rpc, calls):
        """Errors and results; CACHE.FETCH may be answered out of turn."""
        data = b"".join(harness.request(i, method, params)
                        for i, (method, params) in enumerate(calls))
        messages = rpc.exchange(data, len(calls))
        if sorted(message[1] for message in messages) != list(range(len(calls))):
            raise AssertionError("not one reply for each call")
        return [message[2:] for message in messages]

    def run(self):
        try:
            while self.left > 0:
                self.ask_for_a_while(self.crowd.wait_for_server())
        except Exception as error:  # The test reports it.
            self.crowd.fail(error)

    def ask_for_a_while(self, life):
        try:
            with self.crowd.server.connect() as rpc:
                if self.bot:
                    rpc.call("HELLO", client=self.bot, version="1.0")
                while self.left > 0:
                    calls = [self.call() for _ in range(min(self.left, 100))]
                    self.crowd.note(life, self.replies(rpc, calls))
                    self.left -= len(calls)
        except (Closed, OSError):
            self.crowd.wait_for_end_of(life)


class Crowd:
    """Several askers, the server that they ask, and what it told them since it was started."""

    def __init__(self, server):
        self.server = server
        self.changed = threading.Condition()
        self.life = 1  # of the server; 0 while it is down
        self.lives = 1
        self.answered = 0
        self.failure = None
        self.told = dict.fromkeys((figure for figure, _ in SAVINGS), 0)

    def note(self, life, replies):
        with self.changed:
            self.answered += len(replies)
            self.changed.notify_all()
            for error, reply in replies:
                if error is not None:
                    if error[0] != "not_found":  # a fill without a lease
                        raise RpcError(error)
                elif reply.get("status") in ("hit", "stale") and life == self.lives:
                    for figure, field in SAVINGS:
                        self.told[figure] += reply[field]

    def fail(self, error):
        with self.changed:
            self.failure = error
            self.changed.notify_all()

    def wait(self, condition):
        with self.changed:
            arrived = self.changed.wait_for(lambda: self.failure or condition(), PATIENCE_S)
            if self.failure:
                raise AssertionError("an asker failed") from self.failure
            if not arrived:
                raise AssertionError(f"nothing happens; {self.answered} were answered")

    def wait_for_server(self):
        self.wait(lambda: self.life)
        return self.lives

    def wait_for_end_of(self, life):
        self.wait(lambda: self.life != life)

    def wait_for(self, answered):
        self.wait(lambda: self.answered >= answered)

    def kill(self):
        with self.changed:
            self.life = 0
            self.changed.notify_all()
        self.server.kill()

    def go_on(self):
        with self.changed:
            self.told = dict.fromkeys(self.told, 0)
            self.lives += 1
            self.life = self.lives
            self.changed.notify_all()


class Accounts(harness.Case):
    figures = ()

    def recording(self, **settings):
        return self.server(settings={"cache.log_sample_ppm": ALL_PPM, **settings})

    def named(self, server, bot):
        rpc = self.connect(server)
        rpc.call("HELLO", client=bot, version="2.1")
        return rpc

    def wait_until_written(self, rpc):
        harness.wait_until(lambda: rpc.call("CACHE.STATS")["log"]["pending"] == 0, 30,
                           "all records are written")

    def accounts(self, rpc, by):
        return rpc.call("CACHE.STATS", by=by)[dict(DIMENSIONS)[by]]

    def assert_balanced(self, rpc, book):
        """Records and totals are equal to the last unit, in each dimension."""
        book.read(rpc)
        totals = []
        for by, field in DIMENSIONS:
            stats = rpc.call("CACHE.STATS", by=by)
            totals.append(stats["total"])
            for name, value in stats["total"].items():
                if not isinstance(value, list):
                    self.assertEqual(sum(account[name] for account in stats[field].values()), value,
                                     f"{name} by {by}")
            counted = {name: decisions(each) for name, each in stats[field].items()}
            self.assertEqual(without_idle(counted), without_idle(book.sums[by]), by)
            self.assertEqual((stats["log"]["recorded"], stats["log"]["dropped"]), (book.records, 0))
        self.assertEqual(totals, [totals[0]] * len(totals))
        return totals[0]


class AccountsTest(Accounts):
    def test_decisions_are_told_apart_by_type_model_and_bot(self):
        server = self.recording()
        coder, writer, unnamed = self.named(server, "coder"), self.named(server, "writer"), \
            self.connect(server)
        coder.call("CACHE.STORE", "What is RAII?", "an idiom", model="m-large", type="factLookup",
                   tokens_in=5, tokens_out=7, cost_nano=900)
        writer.call("CACHE.LOOKUP", "what is  raii")
        writer.call("CACHE.LOOKUP", "What is RAII?")
        unnamed.call("CACHE.LOOKUP", "What is RAID?", type="research")
        unnamed.call("CACHE.FETCH", "What is RAID?", bypass=True)
        bots = self.accounts(unnamed, "bot")
        self.assertEqual(set(bots), {"coder", "writer", "unnamed"})
        self.assertEqual((bots["coder"]["stores"], bots["coder"]["lookups"]), (1, 0))
        self.assertEqual((bots["writer"]["hits_exact"], bots["writer"]["hits_normalized"],
                          bots["writer"]["cost_saved_nano"]), (1, 1, 1800))
        counted = bots["unnamed"]  # The nearest question may be too near to be nothing at all.
        self.assertEqual((counted["misses_unknown"] + counted["misses_unsure"] + counted["misses_guarded"],
                          counted["bypasses"]), (1, 1))
        models = self.accounts(unnamed, "model")
        self.assertEqual((models["m-large"]["tokens_saved_out"], models[""]["misses"]), (14, 1))
        types = self.accounts(unnamed, "type")
        self.assertEqual((types["factLookup"]["lookups"], types["research"]["misses"],
                          types["general"]["bypasses"]), (2, 1, 1))
        total = unnamed.call("CACHE.STATS")["total"]
        self.assertEqual((sum(total["hit_ages"]), sum(total["lookup_times"])), (2, 3))
        self.wait_until_written(unnamed)
        records = unnamed.call("CACHE.LOG", bot="writer")["records"]
        self.assertEqual([(r["decision"], r["reason"], r["tier"], r["type"], r["model"])
                          for r in records],
                         [("hit", "stored", "normalized", "factLookup", "m-large"),
                          ("hit", "stored", "exact", "factLookup", "m-large")])
        self.assertEqual((records[0]["tokens_in"], records[0]["tokens_out"],
                          records[0]["cost_nano"], records[0]["sample_ppm"]),
                         (5, 7, 900, ALL_PPM))

    def test_followers_and_refused_fills_are_counted_under_whoever_asked(self):
        server = self.recording()
        holder, follower = self.named(server, "holder"), self.named(server, "follower")
        lease = holder.call("CACHE.FETCH", "q")["lease"]
        waiting = follower.send("CACHE.FETCH", "q")
        harness.wait_until(lambda: holder.call("INFO", "cache")["cache"]["waiters"] == 1, 10,
                           "the follower waits")
        self.assert_error("bad_request", holder, "CACHE.FILL", lease, "")
        holder.call("CACHE.FILL", lease, "x", cost_nano=70, model="m")
        follower.reply(waiting)
        self.assert_error("not_found", follower, "CACHE.FILL", lease, "again")
        bots = self.accounts(holder, "bot")
        self.assertEqual((bots["follower"]["followers"], bots["follower"]["hits_exact"],
                          bots["follower"]["misses"], bots["follower"]["lookups"]), (1, 1, 1, 1))
        self.assertEqual(bots["follower"]["cost_saved_nano"], 70)
        self.assertEqual((bots["holder"]["refused_fills"], bots["follower"]["refused_fills"]),
                         (1, 1))
        self.wait_until_written(holder)
        self.assert_balanced(holder, Book())

    def test_the_label_of_the_access_key_is_the_bot(self):
        server = self.recording()
        admin = self.connect(server)
        key = admin.call("KEY.CREATE", "default", permissions=["read", "write", "admin"],
                         label="ops")["key"]
        other = self.connect(server)
        other.call("AUTH", key)
        other.call("HELLO", client="says so itself")
        other.call("CACHE.LOOKUP", "q")
        self.assertEqual(self.accounts(other, "bot")["ops"]["misses"], 1)
        other.call("CACHE.FETCH", "q", only_if_cached=True)  # Not on the loop.
        self.assertEqual(self.accounts(other, "bot")["ops"]["misses"], 2)

    def test_a_log_belongs_to_its_namespace_and_goes_with_it(self):
        server = self.recording()
        admin = self.connect(server)
        key = admin.call("KEY.CREATE", "default", permissions=["read", "write", "admin"])["key"]
        admin = self.connect(server)
        admin.call("AUTH", key)
        admin.call("NAMESPACE.CREATE", "tenant")
        tenant = self.connect(server)
        tenant.call("AUTH", admin.call("KEY.CREATE", "tenant", permissions=["read"])["key"])
        tenant.call("CACHE.LOOKUP", "a secret question")
        self.wait_until_written(tenant)
        page = tenant.call("CACHE.LOG")
        self.assertEqual(len(page["records"]), 1)
        self.assertNotIn("secret", repr(page))
        self.assertEqual(admin.call("CACHE.LOG")["records"], [])
        admin.call("FLUSH")
        admin.call("NAMESPACE.DEL", "tenant")
        admin.call("NAMESPACE.CREATE", "tenant")
        tenant = self.connect(server)
        tenant.call("AUTH", admin.call("KEY.CREATE", "tenant", permissions=["read"])["key"])
        self.assertEqual(tenant.call("CACHE.LOG")["records"], [])

    def test_the_share_that_is_recorded_can_be_changed_while_it_runs(self):
        server = self.server()
        rpc = self.connect(server)
        rpc.call("CACHE.LOOKUP", "q")
        rpc.call("CONFIG.SET", "cache.log_sample_ppm", str(ALL_PPM))
        rpc.call("CACHE.LOOKUP", "q")
        rpc.call("CONFIG.SET", "cache.log_sample_ppm", "500000")
        rpc.pipeline([("CACHE.LOOKUP", ["q"])] * 400)
        self.wait_until_written(rpc)
        page = rpc.call("CACHE.LOG", limit=1000)
        self.assertEqual(page["sample_ppm"], 500_000)
        self.assertEqual([r["sample_ppm"] for r in page["records"][:2]], [ALL_PPM, 500_000])
        self.assertGreater(len(page["records"]), 100)
        self.assertLess(len(page["records"]), 300)
        rpc.call("CONFIG.SET", "cache.log_sample_ppm", "0")
        rpc.call("CACHE.LOOKUP", "q")
        self.assertEqual(rpc.call("CACHE.STATS")["log"]["pending"], 0)
        self.assertEqual(rpc.call("CACHE.STATS")["total"]["misses"], 403)

    def test_metrics_show_reasons_and_never_a_bot(self):
        server = self.recording()
        rpc = self.named(server, "coder-with-a-name")
        rpc.call("CACHE.LOOKUP", "q")
        text = server.http_get("/metrics")[1]
        self.assertIn("reprise_cache_misses_expired_total", text)
        self.assertIn("reprise_cache_log_dropped_total 0", text)
        self.assertNotIn("coder-with-a-name", text)
        self.assertEqual(rpc.call("INFO", "cache")["cache"]["misses"], 1)


class SavingsAfterKillTest(Accounts):
    figures = ("accounts_after_kill",)

    def test_records_and_totals_are_equal_after_every_kill(self):
        if harness.is_in_memory():
            harness.skip("accounts_after_kill", "needs a store that outlives its process")
        operations = harness.size("accounts_operations", 8_000)
        kills = 4 + operations // 100_000
        server = self.recording(**{"cache.entries_max": 20,
                                   "cache.types.research.stale_ms": 2000})
        crowd = Crowd(server)
        bots = ("coder", "coder", "writer", "helpdesk", None)
        askers = [Asker(seed, bot, operations // len(bots), crowd)
                  for seed, bot in enumerate(bots)]
        book = Book()
        for asker in askers:
            asker.start()
        for kill in range(1, kills + 1):
            crowd.wait_for(operations * kill // (kills + 2))
            crowd.kill()
            server.start()
            with server.connect() as rpc:
                before = self.assert_balanced(rpc, book)
            crowd.go_on()
        crowd.wait_for(operations)
        for asker in askers:
            asker.join(PATIENCE_S)
        rpc = self.connect(server)
        self.wait_until_written(rpc)
        total = self.assert_balanced(rpc, book)
        # What the callers were told since the last kill is what was counted since.
        told = {figure: total[figure] - before[figure] for figure in crowd.told}
        difference = sum(abs(told[figure] - crowd.told[figure]) for figure in told)
        harness.figure("accounts_after_kill", difference == 0 and total["evictions"] > 0,
                       operations=crowd.answered, kills=kills, records=book.records,
                       hits=total["hits_exact"] + total["hits_normalized"],
                       cost_saved_nano=total["cost_saved_nano"], difference=difference)


if __name__ == "__main__":
    harness.main()
