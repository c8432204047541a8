"""What a good server does not do: cut connections, garbage, silence, stray and late replies."""

import asyncio
import random
import socket
import threading
import unittest

import msgpack
from double import LATER, Double, Refusal
from support import Case, harness, reprise, timed, until

from reprise.options import parse_address
from reprise.retry import Breaker, Failure, delay_ms
from reprise.wire import Decoder, error_from

READ, WRITE = ("GET", ["k"]), ("INCRBY", ["k", 1])


class Flavour:
    """The same test for both flavours: `call` runs one request and gives its result or Error."""

    def call(self, double, *requests, **options):
        raise NotImplementedError

    def cutting(self, times):
        """A double that cuts the connection `times` times when a request has come."""
        double = self.double(Double)
        left = [times]

        def handler(session, _msgid, _params):
            if left[0] > 0:
                left[0] -= 1
                session.cut()
                return LATER
            return 7
        double.handlers.update(GET=handler, INCRBY=handler, SET=handler)
        return double

    def test_an_idempotent_command_is_sent_again_after_a_lost_connection(self):
        self.assertEqual(self.call(self.cutting(2), READ), 7)

    def test_attempts_are_counted(self):
        double = self.cutting(9)
        self.assertIsInstance(self.call(double, READ), reprise.Unavailable)
        self.assertEqual(len(double.calls("GET")), 3)

    def test_a_command_that_is_not_idempotent_is_sent_once_and_its_outcome_is_unknown(self):
        double = self.cutting(1)
        failure = self.call(double, WRITE)
        self.assertIsInstance(failure, reprise.UnknownOutcome)
        self.assertEqual(len(double.calls("INCRBY")), 1)

    def test_an_idempotent_write_that_never_gets_a_reply_has_an_unknown_outcome(self):
        self.assertIsInstance(self.call(self.cutting(9), ("SET", ["k", 1])),
                              reprise.UnknownOutcome)

    def test_the_caller_can_say_always_or_never(self):
        self.assertEqual(self.call(self.cutting(1), WRITE, retry=reprise.Retry.ALWAYS), 7)
        self.assertIsInstance(self.call(self.cutting(1), READ, retry=reprise.Retry.NEVER),
                              reprise.Unavailable)

    def test_a_pipeline_is_sent_again_only_when_all_of_it_is_idempotent(self):
        self.assertEqual(self.call(self.cutting(1), READ, READ), [7, 7])
        self.assertIsInstance(self.call(self.cutting(1), READ, WRITE), reprise.UnknownOutcome)

    def test_a_busy_server_is_asked_again_only_where_that_is_safe(self):
        double = self.double(Double)

        def refuse(_session, _msgid, _params):
            if len(double.calls("GET")) + len(double.calls("INCRBY")) < 3:
                raise Refusal("busy")
            return 7
        double.handlers.update(GET=refuse, INCRBY=refuse)
        self.assertIsInstance(self.call(double, WRITE), reprise.Busy)
        self.assertEqual(self.call(double, READ), 7)

    def test_a_slow_reply_is_a_timeout_and_is_never_given_to_somebody_else(self):
        double, go_on = self.double(Double), threading.Event()
        self.addCleanup(go_on.set)

        @double.on("GET")
        def _get(session, msgid, params):
            if params == ["slow"]:
                threading.Thread(target=lambda: go_on.wait(10) and session.reply(msgid, "late"),
                                 daemon=True).start()
                return LATER
            go_on.set()
            return params[0]
        results, took_ms = timed(lambda: self.calls_in_a_row(
            double, ("GET", ["slow"]), *[("GET", [n]) for n in range(20)], timeout_ms=150))
        self.assertIsInstance(results[0], reprise.Timeout)
        self.assertEqual(results[1:], list(range(20)))
        self.assertLess(took_ms, 5_000)
        self.assertEqual(double.accepted, 1)

    def test_garbage_ends_the_connection_and_the_next_call_opens_another(self):
        for garbage in (b"\xc1", b"HTTP/1.1 400 Bad Request\r\n\r\n", msgpack.packb([1, 2]),
                        msgpack.packb({"a": 1}), msgpack.packb([1, 9_999, None, "stray"])):
            double, said = self.double(Double), []

            @double.on("GET")
            def _get(session, _msgid, _params, garbage=garbage, said=said):
                if not said:
                    said.append(1)
                    session.send_bytes(garbage)
                    return LATER
                return 7
            results = self.calls_in_a_row(double, READ, READ)
            self.assertIsInstance(results[0], reprise.Corrupt, garbage)
            self.assertEqual((results[1], double.accepted), (7, 2), garbage)

    def test_a_reply_above_the_limit_ends_the_connection_and_names_the_limit(self):
        double = self.double(Double)
        double.handlers["GET"] = lambda *_: "x" * 100_000
        failure = self.call(double, READ, response_bytes_max=10_000)
        self.assertIsInstance(failure, (reprise.TooLarge, reprise.Corrupt))
        self.assertIn("10000", str(failure))

    def test_an_error_without_a_request_goes_to_the_largest_one(self):
        double = self.double(Double)

        @double.on("GET")
        def _get(session, _msgid, _params):
            session.send([1, 0, ["too_large", "the frame is too large", {}], None])
            session.cut()
            return LATER
        self.assertIsInstance(self.call(double, READ), reprise.TooLarge)

    def test_an_unknown_error_code_is_kept(self):
        double = self.double(Double)

        @double.on("GET")
        def _get(*_):
            raise Refusal("from_the_future", "news", {"a": 1})
        failure = self.call(double, READ)
        self.assertEqual((type(failure), failure.code, failure.message, failure.details),
                         (reprise.Error, "from_the_future", "news", {"a": 1}))

    def test_the_circuit_opens_after_failures_and_closes_with_the_first_success(self):
        with socket.socket() as taken:  # A port on which nobody listens.
            taken.bind(("127.0.0.1", 0))
            address = "127.0.0.1:{}".format(taken.getsockname()[1])
            reconnect = reprise.ReconnectOptions(first_delay_ms=1, max_delay_ms=2_000,
                                                 failures_to_open=3)
            results = self.calls_in_a_row(address, *[READ] * 4, reconnect=reconnect)
            self.assertTrue(all(isinstance(each, reprise.Unavailable) for each in results))
            self.assertIn("next attempt in", str(results[-1]))

    def test_notifications_that_nobody_asked_for_go_to_the_handler(self):
        double, seen = self.double(Double), []

        @double.on("GET")
        def _get(session, _msgid, _params):
            session.event("news", {"n": 1})
            return 7
        self.assertEqual(self.call(double, READ,
                                   on_notification=lambda *each: seen.append(each)), 7)
        self.assertEqual(seen, [("EVENT", ["news", {"n": 1}])])

    def test_a_server_that_accepts_and_never_greets_is_unavailable(self):
        double = self.double(Double)
        double.handlers["AUTH"] = lambda *_: LATER
        failure, took_ms = timed(lambda: self.call(double, READ, access_key="k", attempts_max=1,
                                                   connect_timeout_ms=100))
        self.assertIsInstance(failure, reprise.Unavailable)
        self.assertIn("does not answer", str(failure))
        self.assertLess(took_ms, 3_000)

    def test_a_refused_greeting_is_the_error_of_the_call(self):
        double = self.double(Double)

        @double.on("AUTH")
        def _auth(*_):
            raise Refusal("unauthenticated", "no such key")
        self.assertIsInstance(self.call(double, READ, access_key="k"), reprise.Unauthenticated)
        self.assertEqual(double.calls("GET"), [])


def split(options):
    call = {name: options.pop(name) for name in ("timeout_ms", "retry") if name in options}
    return reprise.CallOptions(**call), options


class Blocking(Flavour, Case):
    def call(self, double, *requests, **options):
        if len(requests) == 1:
            return self.calls_in_a_row(double, *requests, **options)[0]
        call, options = split(options)
        pipeline = self.client(double, **options).pipeline()
        for method, params in requests:
            pipeline.add(method, *params)
        return timed(lambda: pipeline.run(call=call))[0]

    def calls_in_a_row(self, double, *requests, **options):
        call, options = split(options)
        client = self.client(double, **options)
        return [timed(lambda m=method, p=params: client.call(m, *p, call=call))[0]
                for method, params in requests]

    def test_calls_that_wait_do_not_hold_up_others_of_the_same_connection(self):
        double, waiting = self.double(Double), []

        @double.on("WAIT")
        def _wait(session, msgid, _params):
            waiting.append((session, msgid))
            return LATER
        client = self.client(double, pool=reprise.PoolOptions(connections_max=1))
        futures = [self.background(client.call, "WAIT", number) for number in range(8)]
        harness.wait_until(lambda: len(waiting) == 8, 5, "all wait")
        self.assertEqual([client.ping() for _ in range(50)], ["PONG"] * 50)
        for session, msgid in reversed(waiting):
            session.reply(msgid, msgid)
        self.assertEqual(len({each.result(5) for each in futures}), 8)

    def test_closing_a_client_ends_calls_under_way(self):
        double = self.double(Double)
        double.handlers["WAIT"] = lambda *_: LATER
        client = self.client(double)
        waiting = self.background(lambda: timed(lambda: client.call("WAIT"))[0])
        harness.wait_until(lambda: double.calls("WAIT"), 5, "the call")
        client.close()
        self.assertIsInstance(waiting.result(5), reprise.UnknownOutcome)
        with self.assertRaisesRegex(reprise.Unavailable, "closed"):
            client.ping()

    def test_a_full_pool_is_busy_after_its_wait(self):
        double = self.double(Double)
        double.handlers["WAIT"] = lambda *_: LATER
        client = self.client(double, pool=reprise.PoolOptions(connections_max=1, window=1,
                                                              wait_ms=50))
        self.background(lambda: timed(lambda: client.call("WAIT")))
        harness.wait_until(lambda: double.calls("WAIT"), 5, "the call")
        with self.assertRaises(reprise.Busy):
            client.ping()
        client.close()


class Asynchronous(Flavour, Case):
    def call(self, double, *requests, **options):
        if len(requests) == 1:
            return self.calls_in_a_row(double, *requests, **options)[0]
        call, options = split(options)

        async def test(client):
            pipeline = client.pipeline()
            for method, params in requests:
                pipeline.add(method, *params)
            return await pipeline.run(call=call)
        return timed(lambda: self.run_async(double, test, **options))[0]

    def calls_in_a_row(self, double, *requests, **options):
        call, options = split(options)

        async def one(client, method, params):
            try:
                return await client.call(method, *params, call=call)
            except reprise.Error as error:
                return error

        async def test(client):
            return [await one(client, *each) for each in requests]
        return self.run_async(double, test, **options)

    def test_a_canceled_call_costs_no_connection(self):
        double, go_on = self.double(Double), threading.Event()

        @double.on("SLOW")
        def _slow(*_):
            go_on.wait(10)
            return "late"

        async def test(client):
            call = asyncio.create_task(client.call("SLOW"))
            await until(lambda: double.calls("SLOW"), "the call")
            call.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await call
            go_on.set()
            self.assertEqual([await client.ping() for _ in range(5)], ["PONG"] * 5)
        self.run_async(double, test)
        self.assertEqual(double.accepted, 1)


class Parts(unittest.TestCase):
    def test_delays_double_up_to_the_maximum_and_lose_at_most_half(self):
        options = reprise.ReconnectOptions(first_delay_ms=100, max_delay_ms=1_000)
        chance = random.Random(1)
        for failures, whole in ((1, 100), (2, 200), (4, 800), (5, 1_000), (99, 1_000)):
            delays = [delay_ms(options, failures, chance) for _ in range(200)]
            self.assertLessEqual(max(delays), whole)
            self.assertGreaterEqual(min(delays), whole / 2)
            self.assertGreater(max(delays) - min(delays), whole / 4)

    def test_a_half_open_circuit_lets_one_try(self):
        clock = [0.0]
        breaker = Breaker(reprise.ReconnectOptions(first_delay_ms=100, max_delay_ms=1_000,
                                                   failures_to_open=2), lambda: clock[0])
        breaker.failed(reprise.Unavailable("refused"))
        self.assertIs(breaker.circuit, reprise.Circuit.CLOSED)
        self.assertGreater(breaker.wait_ms(), 0)
        breaker.failed(reprise.Unavailable("refused"))
        with self.assertRaises(Failure):
            breaker.wait_ms()
        clock[0] = 200.0
        self.assertIs(breaker.circuit, reprise.Circuit.HALF_OPEN)
        self.assertEqual(breaker.wait_ms(), 0)
        with self.assertRaises(Failure):
            breaker.wait_ms()
        breaker.succeeded()
        self.assertIs(breaker.circuit, reprise.Circuit.CLOSED)
        self.assertEqual(breaker.wait_ms(), 0)

    def test_messages_are_found_however_the_bytes_are_cut(self):
        data = b"".join(msgpack.packb(each) for each in (
            [1, 7, None, {"a": [1, "x" * 300]}], [2, "EVENT", ["c", 1]], [1, 8, ["busy", "m", {}],
                                                                          None]))
        decoder = Decoder(1 << 20)
        found = [each for byte in data for each in decoder.feed(bytes([byte]))]
        self.assertEqual(found[0].result, {"a": [1, "x" * 300]})
        self.assertEqual(found[1].params, ["c", 1])
        self.assertIsInstance(found[2].error, reprise.Busy)
        self.assertIsInstance(error_from("nonsense"), reprise.Corrupt)

    def test_what_cannot_be_shown_is_the_error_of_its_own_call_however_the_bytes_are_cut(self):
        key, good = b"\x81\x91\x01\xa1x", msgpack.packb([1, 8, None, "x" * 40])
        time = b"\xc7\x0c\xff" + b"\xff" * 12
        frames = [msgpack.packb([1, 6, None, {"a": 1}]), b"\x94\x01\x07\xc0\x92" + key + time,
                  b"\x93\x02\xa5EVENT\x92\xa1c" + key, good, b"\x94\x01\x09" + key + b"\xc0"]
        data = b"".join(frames)
        for size in range(1, len(data) + 1):
            decoder, found = Decoder(1 << 20), []
            for begin in range(0, len(data), size):
                found += decoder.feed(data[begin:begin + size])
            self.assertEqual([(each.msgid, type(each.error)) for each in found],
                             [(6, type(None)), (7, reprise.Corrupt), (8, type(None)),
                              (9, reprise.Corrupt)])
            self.assertEqual([found[0].result, found[2].result], [{"a": 1}, "x" * 40])
        for frame in (b"\x94\x01" + key, b"\x94\x01" + key + b"\xc0\xc0", b"\x94\x00\x01" + key,
                      b"\xc1"):
            with self.assertRaises(reprise.Corrupt):
                list(Decoder(1 << 20).feed(good + frame + b"\xc0" * 9))

    def test_addresses_are_read_and_written(self):
        for text, shown in (("h", "h:7377"), ("h:1", "h:1"), ("tcp://h:1", "h:1"),
                            ("[::1]:9", "[::1]:9"), ("[::1]", "[::1]:7377"),
                            ("tls://h", "tls://h:7377"), ("unix:/a/b", "unix:/a/b"),
                            ("unix:///a", "unix:/a")):
            self.assertEqual(str(parse_address(text)), shown)
        for text in ("", ":1", "h:0", "h:65536", "h:x", "::1", "[::1", "[::1]x", "unix:",
                     "unix:" + "p" * 108):
            with self.assertRaises(reprise.BadRequest, msg=text):
                parse_address(text)

    def test_options_out_of_range_are_refused_by_name(self):
        for name, value in (("attempts_max", 0), ("request_timeout_ms", -1), ("address", "h:0"),
                            ("tls", reprise.TlsOptions(pinned_sha256="ab")),
                            ("pool", reprise.PoolOptions(connections_max=0)),
                            ("reconnect", reprise.ReconnectOptions(max_delay_ms=1))):
            with self.assertRaisesRegex(reprise.BadRequest, "port" if name == "address" else name):
                reprise.Options(**{name: value})
        with self.assertRaises(TypeError):
            reprise.Client("h", no_such_option=1)


if __name__ == "__main__":
    harness.main()
