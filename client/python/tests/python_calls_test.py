"""The Python client against the real server: typed calls, pipelines, AUTH, transports, events."""

import asyncio
import hashlib
import os
import socket
import ssl
import subprocess
import threading

from support import Case, address_of, harness, reprise, until

LIVE_KEY = "cache.entries_max"


class Calls(Case):
    def setUp(self):
        super().setUp()
        self.running = self.server()

    def test_typed_methods_of_every_shape_of_arguments(self):
        client = self.client(self.running)
        self.assertEqual(client.ping(), "PONG")
        self.assertEqual(client.ping({"a": 1}), {"a": 1})
        self.assertIs(client.set("k", "v", ttl_ms=60_000), True)
        self.assertIs(client.set("k", "w", nx=True), False)
        self.assertEqual((client.get("k"), client.get("none")), ("v", None))
        self.assertIs(client.mset({"a": 1, b"b": [1, {"x": None}]}, ttl_ms=1000), True)
        self.assertEqual(client.mget("a", "b", "none"), [1, [1, {"x": None}], None])
        self.assertEqual(client.incrby("a", -3), -2)
        self.assertEqual(client.del_("a", "b"), 2)
        self.assertEqual(sorted(client.scan(limit=10)["keys"]), ["k"])
        self.assertIn("cache", str(client.info()) + str(client.command_list()).lower())
        self.assertEqual(client.command_docs("GET")[0]["name"], "GET")
        self.assertEqual(client.call("SET", "k", 1, options={"ttl_ms": 5000}), True)

    def test_values_come_back_as_they_went(self):
        client = self.client(self.running)
        values = ["ü", b"\x00\xff", 1.5, -2**63, 2**64 - 1, None, True, [], {"a": {"b": [b"c"]}},
                  "\udcff not UTF-8", "x" * 900_000]
        for value in values:
            self.assertEqual(client.echo(value), value)
            self.assertIs(client.set("v", value), True)
            self.assertEqual(client.get("v"), value)

    def test_a_value_that_python_cannot_show_harms_the_call_that_asked_for_it_and_no_other(self):
        plain = socket.create_connection(self.running.address)
        self.addCleanup(plain.close)
        plain.sendall(b"\x94\x00\x01\xa3SET\x92\xa1p\x81\x91\x01\x02")  # {[1]: 2}
        self.assertEqual(plain.recv(100), b"\x94\x01\x01\xc0\xc3")
        with reprise.Client(address_of(self.running)) as client:
            lease = client.cache_fetch("q")["lease"]
            for _ in range(2):
                with self.assertRaisesRegex(reprise.Corrupt, "cannot be shown"):
                    client.get("p")
            self.assertEqual(client.ping(), "PONG")
            self.assertIn("id", client.cache_fill(lease, "a"), "the connection is the same one")

        async def test(cache):
            got = await asyncio.gather(cache.get("p"), cache.ping(), cache.get("p"),
                                       return_exceptions=True)
            self.assertEqual([type(each) for each in got], [reprise.Corrupt, str, reprise.Corrupt])
            self.assertEqual(await cache.fetch_or_compute("q", lambda: 1), "a")
        self.run_async(self.running, test)

    def test_the_cache_commands_answer_as_their_rows_say(self):
        client = self.client(self.running)
        self.assertEqual(client.cache_lookup("What is RAII?")["status"], "miss")
        stored = client.cache_store("What is RAII?", {"text": "An idiom."}, identity={"m": 1},
                                    tokens_out=40, cost_nano=900)
        found = client.cache_lookup("what is raii", identity={"m": 1})
        self.assertEqual((found["status"], found["tier"], found["response"], found["tokens_out"]),
                         ("hit", "normalized", {"text": "An idiom."}, 40))
        self.assertEqual(found["id"], stored["id"])
        self.assertEqual(client.cache_stats()["total"]["hits_normalized"], 1)

    def test_limits_are_taken_held_and_put_right(self):
        client = self.client(self.running)
        self.assertEqual(client.limit_take("ann", limit=2, period_ms=3_600_000)["remaining"], 1)
        client.limit_set("tokens", limit=1_000, period_ms=3_600_000)
        taken = client.limit_take("ann", lease_ms=60_000, limits=[
            {"limit": 2, "period_ms": 3_600_000}, {"rule": "tokens", "quantity": 400}])
        self.assertEqual((taken["allowed"], taken["blocked_by"]), (True, None))
        self.assertEqual(client.limit_release(taken["lease"], quantity=100), {"given_back": 300, "charged": 0})
        self.assertEqual(client.limit_peek("ann", rule="tokens")["remaining"], 900)
        self.assertIs(client.limit_take("ann", limit=2, period_ms=3_600_000)["allowed"], False)
        with self.assertRaises(reprise.NotFound):
            client.limit_renew(taken["lease"])

    def test_an_error_has_the_class_of_its_code_and_explains_itself(self):
        client = self.client(self.running)
        client.set("k", "text")
        for kind, call in ((reprise.BadRequest, lambda: client.set("", 1)),
                           (reprise.WrongType, lambda: client.incrby("k", 1)),
                           (reprise.UnknownCommand, lambda: client.call("NONE")),
                           (reprise.TooLarge, lambda: client.set("k" * 5000, 1)),
                           (reprise.NotFound, lambda: client.namespace_del("none"))):
            with self.assertRaises(kind) as caught:
                call()
            self.assertIsInstance(caught.exception, reprise.CallerError)
            self.assertGreater(len(caught.exception.message), 8)
            self.assertEqual(caught.exception.code, kind.code)
            self.assertIsInstance(caught.exception.details, dict)
        with self.assertRaises(reprise.BadRequest):
            client.set("k", object())
        self.assertEqual(client.get("k"), "text")

    def test_a_pipeline_has_one_result_for_each_request_in_order(self):
        client = self.client(self.running)
        pipeline = client.pipeline()
        for index in range(5000):
            pipeline.set(f"k{index}", index)
            pipeline.get(f"k{index}")
        results = pipeline.run()
        self.assertEqual(results[1::2], list(range(5000)))
        mixed = client.pipeline()
        mixed.set("k", "text")
        mixed.incrby("k", 1)
        mixed.add("GET", "k")
        with self.assertRaises(reprise.WrongType):
            mixed.run()
        results = mixed.run(raise_errors=False)
        self.assertIsInstance(results[1], reprise.WrongType)
        self.assertEqual((results[0], results[2]), (True, "text"))
        self.assertEqual(client.pipeline().run(), [])

    def test_a_pipeline_larger_than_every_buffer_does_not_block_itself(self):
        client = self.client(self.running, request_timeout_ms=60_000)
        value = os.urandom(100_000)
        pipeline = client.pipeline()
        for _ in range(300):
            pipeline.echo(value)
        self.assertTrue(all(each == value for each in pipeline.run()))

    def test_threads_share_a_client_and_get_their_own_answers(self):
        client = self.client(self.running, pool=reprise.PoolOptions(connections_max=2))

        def work(number):
            return all(client.echo([number, index]) == [number, index] for index in range(300))

        workers = [self.background(work, number) for number in range(16)]
        self.assertTrue(all(each.result(60) for each in workers))
        self.assertEqual(client.connections, 2)

    def test_asyncio_calls_and_pipelines(self):
        async def test(client):
            self.assertEqual(await client.ping(), "PONG")
            await client.set("k", 0)
            await asyncio.gather(*(client.incrby("k", 1) for _ in range(2000)))
            self.assertEqual(await client.get("k"), 2000)
            self.assertLessEqual(client.connections, 8)
            pipeline = client.pipeline()
            for index in range(2000):
                pipeline.echo(index)
            self.assertEqual(await pipeline.run(), list(range(2000)))
            with self.assertRaises(reprise.WrongType):
                await client.set("t", "text")
                await client.incrby("t", 1)
            value = os.urandom(900_000)
            self.assertEqual(await client.echo(value), value)
        self.run_async(self.running, test)


class Access(Case):
    @staticmethod
    def names(client):
        return [each["client"] for each in client.client_list()]

    def test_auth_and_hello_go_out_on_every_new_connection(self):
        server = self.server()
        with reprise.Client(address_of(server)) as first:
            key = first.key_create("default", permissions=["read", "write", "admin"])
        client = self.client(server, access_key=key["key"], client_name="bot-7")
        harness.wait_until(lambda: self.names(client) == ["bot-7"], 5, "one connection with a name")
        self.assertNotIn(key["key"], repr(client.options))
        with self.assertRaises(reprise.Unauthenticated):
            self.client(server).get("k")
        with self.assertRaises(reprise.Unauthenticated):
            self.client(server, access_key="rk_wrong").get("k")
        server.restart(kill=True)
        client = self.client(server, access_key=key["key"], client_name="bot-8")
        self.assertEqual(self.names(client), ["bot-8"])

        async def test(bot):
            self.assertEqual(await bot.ping(), "PONG")
        self.run_async(server, test, access_key=key["key"], client_name="bot-9")


class Transports(Case):
    def certificate(self):
        harness.need_tool("python_tls", "openssl")
        self.pem, key = (os.path.join(self.temp, name) for name in ("cert.pem", "key.pem"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=test", "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", self.pem],
            check=True, capture_output=True)
        return {"network.tls_port": 0, "network.tls_certificate": self.pem, "network.tls_key": key}

    def test_a_unix_socket_serves_both_flavours(self):
        server = self.server(unix=True)
        address = f"unix:{server.unix_path}"
        self.assertEqual(self.client(address).ping(), "PONG")

        async def test(client):
            self.assertEqual(await client.ping(), "PONG")
        self.run_async(address, test)

    def test_tls_recognises_the_server_by_authority_or_pin_and_refuses_others(self):
        server = self.server(settings=self.certificate())
        address = "tls://{}:{}".format(*server.tls_address)
        with open(self.pem, encoding="ascii") as file:
            pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()
        trusted = (reprise.TlsOptions(ca_file=self.pem), reprise.TlsOptions(pinned_sha256=pin),
                   reprise.TlsOptions(ca_file=self.pem, server_name="localhost"),
                   reprise.TlsOptions(insecure=True))
        refused = (reprise.TlsOptions(), reprise.TlsOptions(pinned_sha256="ab" * 32),
                   reprise.TlsOptions(ca_file=self.pem, server_name="elsewhere"))

        async def ping(client):
            return await client.ping()

        for tls in trusted:
            self.assertEqual(self.client(address, tls=tls).ping(), "PONG")
            self.assertEqual(self.run_async(address, ping, tls=tls), "PONG")
        for tls in refused:
            with self.assertRaises(reprise.Unauthenticated):
                self.client(address, tls=tls).ping()
            with self.assertRaises(reprise.Unauthenticated):
                self.run_async(address, ping, tls=tls)

    def test_large_pipelines_and_threads_go_through_tls(self):
        server = self.server(settings=self.certificate())
        client = self.client("tls://{}:{}".format(*server.tls_address), request_timeout_ms=60_000,
                             tls=reprise.TlsOptions(ca_file=self.pem),
                             pool=reprise.PoolOptions(connections_max=1))
        value = os.urandom(100_000)

        def work():
            pipeline = client.pipeline()
            for _ in range(60):
                pipeline.echo(value)
            return all(each == value for each in pipeline.run())

        workers = [self.background(work) for _ in range(4)]
        self.assertTrue(all(each.result(90) for each in workers))

    def test_a_plain_port_is_no_tls_port(self):
        server = self.server()
        with self.assertRaises(reprise.Unavailable):
            self.client(f"tls://{address_of(server)}", connect_timeout_ms=500,
                        tls=reprise.TlsOptions(insecure=True)).ping()


class Restarts(Case):
    def fixed(self):
        """A server that comes back under the same address."""
        server = self.server(unix=True)
        return server, f"unix:{server.unix_path}"

    def test_a_client_goes_on_with_a_restarted_server(self):
        server, address = self.fixed()
        client = self.client(address)
        client.set("k", "v")
        client.save()
        for kill in (False, True):
            server.restart(kill=kill)
            self.assertEqual(client.get("k"), "v")
            self.assertEqual(client.incrby("n", 1) > 0, True)

    def test_an_asyncio_client_goes_on_with_a_restarted_server(self):
        server, address = self.fixed()

        async def test(client):
            await client.set("k", "v")
            await asyncio.to_thread(server.restart)
            self.assertEqual(await client.get("k"), "v")
        self.run_async(address, test)


class Events(Case):
    def setUp(self):
        super().setUp()
        self.running = self.server(unix=True)
        self.where = f"unix:{self.running.unix_path}"

    def test_handlers_get_events_and_are_subscribed_again_after_a_restart(self):
        client = self.client(self.where, client_name="events")
        seen, gaps = [], []
        with self.assertRaises(reprise.NotFound):
            client.subscribe("no_such_channel", seen.append)
        client.subscribe("config", lambda event: 1 / 0)  # Harms nobody else.
        client.subscribe("config", seen.append, on_gap=gaps.append)
        client.config_set(LIVE_KEY, 51)
        harness.wait_until(lambda: len(seen) == 1, 5, "an event")
        self.assertIn(LIVE_KEY, str(seen[0]))
        self.running.restart()
        harness.wait_until(lambda: gaps == ["config"], 10, "the subscription is made again")
        client.config_set(LIVE_KEY, 52)
        harness.wait_until(lambda: len(seen) == 2, 5, "an event after the restart")
        client.unsubscribe("config")
        client.config_set(LIVE_KEY, 53)
        self.assertEqual(len(seen), 2)

    def test_a_quiet_subscription_outlives_the_servers_patience(self):
        quiet = self.server(settings={"network.idle_ms": 1_000})
        client = self.client(quiet, keepalive_ms=100)
        seen, gaps = [], []
        client.subscribe("config", seen.append, on_gap=gaps.append)
        harness.wait_until(lambda: client.stats().get("PING", {}).get("calls", 0) >= 15, 20,
                           "PINGs in the place of silence")
        client.config_set(LIVE_KEY, 51)
        harness.wait_until(lambda: seen, 5, "an event")
        self.assertEqual(gaps, [])

    def test_a_handler_may_call_the_client(self):
        client = self.client(self.where)
        answered = threading.Event()
        seen = []

        def handler(_event):
            if client.ping() == "PONG" and not answered.is_set():
                client.subscribe("config", seen.append)
                answered.set()

        client.subscribe("config", handler)
        client.config_set(LIVE_KEY, 51)
        self.assertTrue(answered.wait(5))
        client.config_set(LIVE_KEY, 52)
        harness.wait_until(lambda: len(seen) == 1, 5, "the subscription that a handler made")

    def test_asyncio_handlers_are_awaited_and_subscribed_again(self):
        async def test(client):
            seen, gaps = [], []

            async def handler(event):
                seen.append((event, await client.ping()))

            with self.assertRaises(reprise.NotFound):
                await client.subscribe("no_such_channel", handler)
            await client.subscribe("config", handler, on_gap=gaps.append)
            await client.config_set(LIVE_KEY, 51)
            await until(lambda: len(seen) == 1, "an event")
            await asyncio.to_thread(self.running.restart)
            await until(lambda: gaps == ["config"], "the subscription is made again")
            await client.config_set(LIVE_KEY, 52)
            await until(lambda: len(seen) == 2, "an event after the restart")
            self.assertEqual(seen[1][1], "PONG")
        self.run_async(self.where, test)


if __name__ == "__main__":
    harness.main()
