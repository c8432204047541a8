"""Authentication, namespaces and access keys; T1 in small: two tenants, canaries, no leak."""

import random
import re

import harness


class AccessTest(harness.Case):
    def setUp(self):
        super().setUp()
        self.running = self.server()
        self.admin = self.connect(self.running)

    def make_key(self, namespace, permissions):
        return self.admin.call("KEY.CREATE", namespace, permissions=permissions, label="test")

    def login(self, key):
        rpc = self.connect(self.running)
        rpc.call("AUTH", key)
        return rpc

    def secure(self):
        """Makes the first administrator's key and logs the test in with it."""
        made = self.make_key("default", ["read", "write", "admin"])
        self.admin = self.login(made["key"])
        return made

    def test_without_a_key_loopback_clients_may_do_everything(self):
        hello = self.admin.call("HELLO", client="test")
        self.assertEqual(hello["namespace"], "default")

    def test_once_a_key_exists_a_connection_must_authenticate(self):
        made = self.secure()
        self.assertGreaterEqual(len(made["key"]), 43, "256 random bits")
        stranger = self.connect(self.running)
        for method, params in (("GET", ["k"]), ("ECHO", [1]), ("INFO", []), ("KEY.LIST", []),
                               ("CLIENT.LIST", []), ("SHUTDOWN", [])):
            self.assert_error("unauthenticated", stranger, method, *params)
        self.assertIs(stranger.call("HELLO")["authenticated"], False)
        answer = stranger.call("AUTH", made["key"])
        self.assertEqual(answer["namespace"], "default")
        self.assertEqual(sorted(answer["permissions"]), ["admin", "read", "write"])
        self.assertEqual(stranger.call("PING"), "PONG")

    def test_three_wrong_keys_close_the_connection(self):
        self.secure()
        stranger = self.connect(self.running)
        for _ in range(3):
            self.assert_error("unauthenticated", stranger, "AUTH", "wrong" * 10)
        stranger.read_until_closed()

    def test_permissions_limit_what_a_key_may_do(self):
        self.secure()
        reader = self.login(self.make_key("default", ["read"])["key"])
        writer = self.login(self.make_key("default", ["read", "write"])["key"])
        self.assertIs(writer.call("SET", "k", 1), True)
        self.assertEqual(reader.call("GET", "k"), 1)
        self.assert_error("forbidden", reader, "SET", "k", 2)
        self.assert_error("forbidden", reader, "CACHE.STORE", "p", "r")
        for method, params in (("KEY.CREATE", ["default"]), ("CONFIG.SET", ["log.level", "info"]),
                               ("SHUTDOWN", []), ("NAMESPACE.CREATE", ["x"]), ("BACKUP", ["b"]),
                               ("CLIENT.KILL", [1])):
            self.assert_error("forbidden", writer, method, *params)
        self.assertEqual(writer.call("GET", "k"), 1)

    def test_admin_is_server_wide_and_does_not_include_read_and_write(self):
        self.secure()
        self.admin.call("NAMESPACE.CREATE", "tenant")
        keeper = self.login(self.make_key("tenant", ["admin"])["key"])
        self.assertIn("default", repr(keeper.call("NAMESPACE.LIST")))
        self.assertIn("key", keeper.call("KEY.CREATE", "default", permissions=["read"]))
        for method, params in (("GET", ["k"]), ("SET", ["k", 1]), ("CACHE.LOOKUP", ["p"])):
            self.assert_error("forbidden", keeper, method, *params)
        docs = keeper.call("COMMAND.DOCS", "KEY.CREATE")[0]["options"]
        self.assertIn("does not include read and write", repr(docs))

    def test_keys_and_namespaces_survive_kill_9(self):
        self.admin.call("NAMESPACE.CREATE", "tenant")
        self.assert_error("bad_request", self.admin, "KEY.CREATE", "tenant")  # nobody would be admin
        self.admin.call("AUTH", self.make_key("default", ["admin"])["key"])
        key = self.make_key("tenant", ["read", "write"])["key"]
        self.running.restart(kill=True)
        self.assert_error("unauthenticated", self.connect(self.running), "GET", "k")
        rpc = self.connect(self.running)
        self.assertEqual(rpc.call("AUTH", key)["namespace"], "tenant")

    def test_a_deleted_key_no_longer_opens(self):
        self.secure()
        made = self.make_key("default", ["read"])
        self.login(made["key"])
        listed = self.admin.call("KEY.LIST")
        self.assertIn(made["id"], [row["id"] for row in listed])
        self.assertNotIn(made["key"], repr(listed), "a key is shown once")
        self.admin.call("KEY.DEL", made["id"])
        self.assert_error("unauthenticated", self.connect(self.running), "AUTH", made["key"])

    def test_namespaces_are_made_listed_and_removed_with_their_data(self):
        self.assertNotIn("gone", repr(self.admin.call("NAMESPACE.LIST")))
        self.admin.call("NAMESPACE.CREATE", "gone")
        self.assert_error("exists", self.admin, "NAMESPACE.CREATE", "gone")
        self.assertIn("gone", repr(self.admin.call("NAMESPACE.LIST")))
        self.secure()
        tenant = self.login(self.make_key("gone", ["read", "write"])["key"])
        tenant.call("SET", "k", 1)
        tenant.call("CACHE.STORE", "p", "r")
        self.admin.call("NAMESPACE.DEL", "gone")
        self.assert_error("not_found", self.admin, "NAMESPACE.DEL", "gone")
        self.admin.call("NAMESPACE.CREATE", "gone")
        again = self.login(self.make_key("gone", ["read", "write"])["key"])
        self.assertIsNone(again.call("GET", "k"))
        self.assertEqual(again.call("CACHE.LOOKUP", "p")["status"], "miss")

    def test_bad_names_are_refused(self):
        for name in ("", "a" * 65, "white space", "../etc", "new\nline", 5):
            self.assert_error_in(("bad_request", "too_large"), "NAMESPACE.CREATE", name)
        self.assert_error_in(("not_found",), "KEY.CREATE", "no-such-namespace")
        self.assert_error_in(("bad_request",), "KEY.CREATE", "default", permissions=["root"])

    def assert_error_in(self, codes, method, *params, **options):
        error = self.admin.error_of(method, *params, **options)
        self.assertIn(error.code, codes, f"{method} {params}: {error}")

    def test_flush_empties_the_own_namespace_only(self):
        self.admin.call("NAMESPACE.CREATE", "other")
        self.secure()
        other = self.login(self.make_key("other", ["read", "write", "admin"])["key"])
        self.admin.call("SET", "k", "mine")
        other.call("SET", "k", "theirs")
        other.call("CACHE.STORE", "p", "theirs")
        self.admin.call("FLUSH")
        self.assertIsNone(self.admin.call("GET", "k"))
        self.assertEqual(other.call("GET", "k"), "theirs")
        self.assertEqual(other.call("CACHE.LOOKUP", "p")["status"], "hit")


class TenantCanaryTest(harness.Case):
    figures = ("canary",)

    def test_two_tenants_never_see_a_byte_of_each_other(self):
        rounds = harness.size("operations", 4000)
        seed = harness.size("seed", 20_261)
        chance = random.Random(seed)
        server = self.server()
        admin = self.connect(server)
        key = admin.call("KEY.CREATE", "default", permissions=["read", "write", "admin"])["key"]
        admin.call("AUTH", key)
        tenants = {}
        for name in ("alpha", "beta"):
            admin.call("NAMESPACE.CREATE", name)
            tenants[name] = admin.call("KEY.CREATE", name, permissions=["read", "write"])["key"]
        connections = {}
        for name, key in tenants.items():
            connections[name] = self.connect(server)
            connections[name].call("AUTH", key)
        leaks = stolen = 0
        leases = {"alpha": [], "beta": []}
        for done in range(0, rounds, 50):
            for name, rpc in connections.items():
                other = "beta" if name == "alpha" else "alpha"
                calls = [self.operation(chance, name) for _ in range(20)]
                calls += [self.with_lease(chance, name, leases[name]) for _ in range(3)]
                stealing = len(calls)
                calls += [self.with_lease(chance, name, leases[other]) for _ in range(2)]
                for index, (error, result) in enumerate(self.in_any_order(rpc, calls)):
                    leaks += f"canary-{other}" in repr((error, result))
                    stolen += index >= stealing and error is None
                    if isinstance(result, dict) and "lease" in result:
                        leases[name] = leases[name][-9:] + [result["lease"]]
        canaries_in_log = len(re.findall(r"canary-", server.log()))
        harness.figure("canary", leaks == 0 and stolen == 0 and canaries_in_log == 0, seed=seed,
                       ops=done + 50, leaks=leaks, stolen=stolen, in_log=canaries_in_log)

    @staticmethod
    def in_any_order(rpc, calls):
        """(error, result) of each call; those that may wait are answered when they are ready."""
        data = b"".join(harness.request(i, *call) for i, call in enumerate(calls))
        replies = sorted(rpc.exchange(data, len(calls)), key=lambda message: message[1])
        return [(error, result) for _, _, error, result in replies]

    @staticmethod
    def with_lease(chance, name, leases):
        """Something that is done with a lease, by whoever holds it or by the other tenant."""
        lease = chance.choice(leases) if leases else "0" * 32
        value = f"canary-{name}-{chance.randrange(1000)}"
        return chance.choice([
            ("CACHE.FILL", [lease, value]), ("CACHE.APPEND", [lease, value]),
            ("CACHE.RENEW", [lease]), ("CACHE.ABANDON", [lease]),
            ("CACHE.ABANDON", [lease, {"error": value, "ttl_ms": 50}]),
        ])

    @staticmethod
    def operation(chance, name):
        """Both tenants use the same keys and prompts; each value carries the tenant's canary."""
        key, prompt = f"key{chance.randrange(20)}", f"Question {chance.randrange(20)}?"
        value = f"canary-{name}-{chance.randrange(1000)}"
        identity = {"identity": {"model": "m"}}
        chat = {"request": {"model": "m", "input": prompt}}
        fetch = {"wait": False, "lease_ms": 500}
        return chance.choice([
            ("SET", [key, value]), ("SET", [key, value, {"nx": True}]), ("GET", [key]),
            ("MGET", [f"key{i}" for i in range(20)]), ("DEL", [key]), ("INCRBY", [key, 1]),
            ("SCAN", [{"limit": 100}]), ("EXISTS", [key]), ("TTL", [key]),
            ("SET", [value, value]), ("CACHE.STORE", [prompt, value, identity]),
            ("CACHE.LOOKUP", [prompt, identity]), ("CACHE.LOOKUP", [prompt.lower(), identity]),
            ("CACHE.FETCH", [prompt, {**identity, **fetch}]), ("CACHE.STORE", [None, value, chat]),
            ("CACHE.FETCH", [None, {**chat, **fetch}]), ("CACHE.LOOKUP", [None, chat]),
            ("CACHE.FETCH", [prompt, {**fetch, "tier": "exact"}]),
            ("CACHE.STORE", [prompt, value, {"tags": ["t"], "model": value}]),
            ("CACHE.EXPLAIN", [prompt, identity]), ("CACHE.EXPLAIN", [None, chat]),
            ("CACHE.EXPIRE", [prompt, 60_000, identity]), ("CACHE.INVALIDATE", ["tag", "t"]),
            ("CACHE.INVALIDATE", ["entry", prompt]), ("CACHE.INVALIDATE", ["identity", chat]),
            ("CACHE.INVALIDATE", ["model", value]), ("CACHE.TYPES", []),
            ("CACHE.STATS", []), ("INFO", []), ("STATS", []), ("SLOWLOG", []),
            ("CLIENT.LIST", []), ("NO.SUCH." + name, [value]), ("GET", [key, value]),
            ("COMMAND.DOCS", ["GET"]), ("EXPIRE", [value, value]), ("MSET", [key, value]),
        ])


if __name__ == "__main__":
    harness.main()
