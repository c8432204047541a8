"""What a revoked access key or a removed namespace still does: nothing, from the reply on."""

import threading

import harness


class Revocation(harness.Case):
    def setUp(self):
        super().setUp()
        # One loop: events and requests of all connections pass through one queue.
        self.running = self.server(settings={"network.loops": 1})
        self.admin = self.connect(self.running)
        self.admin.call("AUTH", self.make_key("default", "read", "write", "admin")["key"])

    def make_key(self, namespace, *permissions):
        return self.admin.call("KEY.CREATE", namespace, permissions=list(permissions))

    def login(self, key):
        rpc = self.connect(self.running)
        rpc.call("AUTH", key)
        return rpc

    def assert_cut(self, results, granted):
        """The first results were granted, all behind them are refused."""
        self.assertEqual([getattr(result, "code", None) for result in results],
                         [None] * granted + ["unauthenticated"] * (len(results) - granted))

    def write_until_refused(self, writers, revoke):
        """Runs each writer's batches in a thread of its own, revokes in the middle.

        Answers how many writes of each writer were granted.
        """
        granted = [0] * len(writers)
        failures = []
        begun = threading.Barrier(len(writers) + 1)

        def write(index, rpc, batch):
            try:
                granted[index] += len(rpc.pipeline(batch))
                begun.wait(30)
                while True:
                    results = rpc.pipeline(batch)
                    count = sum(not isinstance(result, harness.RpcError) for result in results)
                    granted[index] += count
                    self.assert_cut(results, count)
                    if count < len(batch):
                        return
            except BaseException as failure:  # pylint: disable=broad-except
                failures.append(failure)
                begun.abort()

        threads = [threading.Thread(target=write, args=(index, *writer))
                   for index, writer in enumerate(writers)]
        for thread in threads:
            thread.start()
        begun.wait(30)
        revoke()
        for thread in threads:
            thread.join(60)
        self.assertEqual(failures, [])
        return granted


class RevokedKeyTest(Revocation):
    def test_writes_queued_behind_the_revocation_are_refused(self):
        made = self.make_key("default", "read", "write", "admin")
        rpc = self.login(made["key"])
        # One packet: all of it has passed the gates before the first of it is written.
        results = rpc.pipeline([("INCRBY", ["n", 1])] * 20 + [("KEY.DEL", [made["id"]])] +
                               [("INCRBY", ["n", 1])] * 20 +
                               [("CACHE.STORE", ["p", "r"]), ("GET", ["n"]), ("SCAN", [])])
        self.assert_cut(results, 21)
        self.assertEqual(self.admin.call("GET", "n"), 20)
        self.assertEqual(self.admin.call("CACHE.LOOKUP", "p")["status"], "miss")

    def test_writes_of_other_connections_are_done_before_the_reply_or_never(self):
        made = self.make_key("default", "read", "write")
        writers = [(self.login(made["key"]), [("INCRBY", [f"n{i}", 1])] * 200) for i in range(4)]
        seen = []

        def revoke():
            self.admin.call("KEY.DEL", made["id"])
            seen.extend(self.admin.call("MGET", *[f"n{i}" for i in range(4)]))

        granted = self.write_until_refused(writers, revoke)
        self.assertEqual(seen, granted, "what the reply saw is what was granted")
        self.assertEqual(self.admin.call("MGET", *[f"n{i}" for i in range(4)]), granted)

    def test_later_requests_of_a_revoked_key_are_unauthenticated(self):
        made = self.make_key("default", "read", "write", "admin")
        rpc = self.login(made["key"])
        rpc.call("SET", "k", 1)
        self.admin.call("KEY.DEL", made["id"])
        for method, params in (("GET", ["k"]), ("SET", ["k", 2]), ("SCAN", []), ("PING", []),
                               ("CACHE.LOOKUP", ["p"]), ("SUBSCRIBE", ["config"]),
                               ("KEY.LIST", []), ("CONFIG.SET", ["log.level", "info"])):
            self.assert_error("unauthenticated", rpc, method, *params)
        self.assert_error("unauthenticated", rpc, "AUTH", made["key"])
        self.assertEqual(self.admin.call("GET", "k"), 1)
        rpc.call("AUTH", self.make_key("default", "read")["key"])
        self.assertEqual(rpc.call("GET", "k"), 1)

    def test_a_revoked_subscriber_receives_no_further_events(self):
        made = self.make_key("default", "admin")
        revoked, witness = self.login(made["key"]), self.login(self.make_key("default",
                                                                             "admin")["key"])
        for subscriber in (revoked, witness):
            subscriber.call("SUBSCRIBE", "config")
        self.admin.call("CONFIG.SET", "log.level", "warn")
        for subscriber in (revoked, witness):
            self.assertEqual(subscriber.receive()[:2], [2, "EVENT"])
        self.admin.call("KEY.DEL", made["id"])
        for level in ("info", "warn"):
            self.admin.call("CONFIG.SET", "log.level", level)
            # The witness subscribed later, so the turn of the revoked one has passed.
            self.assertEqual(witness.receive()[2], ["config", {"name": "log.level",
                                                               "value": level}])
        # An event would stand in front of this reply.
        self.assert_error("unauthenticated", revoked, "PING")


class RemovedNamespaceTest(Revocation):
    def setUp(self):
        super().setUp()
        self.admin.call("NAMESPACE.CREATE", "gone")

    def assert_empty(self):
        """Nothing of the namespace is left, and one made again under its name is empty."""
        self.assertEqual(self.cache_entries(), 0)
        self.admin.call("NAMESPACE.CREATE", "gone")
        again = self.login(self.make_key("gone", "read", "write")["key"])
        self.assertEqual(again.call("SCAN")["keys"], [])
        self.assertEqual(again.call("MGET", "n", "k0", "k1"), [None] * 3)
        for prompt in ("p", "p0", "p1"):
            self.assertEqual(again.call("CACHE.LOOKUP", prompt)["status"], "miss")
        self.assertEqual(self.cache_entries(), 0)

    def cache_entries(self):
        return self.running.metrics().total("reprise_cache_entries")

    def test_writes_queued_behind_the_removal_are_refused(self):
        rpc = self.login(self.make_key("gone", "read", "write", "admin")["key"])
        writes = [("INCRBY", ["n", 1]), ("SET", ["k0", 1]), ("CACHE.STORE", ["p", "r"])]
        results = rpc.pipeline(writes * 5 + [("NAMESPACE.DEL", ["gone"])] + writes * 5 +
                               [("GET", ["n"]), ("CACHE.LOOKUP", ["p"])])
        self.assert_cut(results, 16)
        self.assert_empty()

    def test_writers_that_race_with_the_removal_leave_nothing(self):
        key = self.make_key("gone", "read", "write")["key"]
        writers = [(self.login(key), [("SET", [f"k{i}", "canary"]), ("INCRBY", ["n", 1]),
                                      ("CACHE.STORE", [f"p{i}", "canary"])] * 60)
                   for i in range(4)]
        reader = self.login(key)

        def remove():
            self.admin.call("NAMESPACE.DEL", "gone")
            self.assert_cut(reader.pipeline([("GET", ["k0"]), ("SCAN", []), ("MGET", ["k0", "n"]),
                                             ("CACHE.LOOKUP", ["p0"])]), 0)

        self.write_until_refused(writers, remove)
        self.assert_empty()

    def test_what_was_removed_does_not_come_back_with_a_restart(self):
        key = self.make_key("gone", "read", "write")["key"]
        writers = [(self.login(key), [("SET", ["k0", 1]), ("CACHE.STORE", ["p0", 1])] * 50)]
        admin_key = self.make_key("default", "read", "write", "admin")["key"]
        self.write_until_refused(writers, lambda: self.admin.call("NAMESPACE.DEL", "gone"))
        self.running.restart(kill=True)
        self.admin = self.login(admin_key)
        self.assert_empty()


if __name__ == "__main__":
    harness.main()
