"""Pipelining: what one connection sends in one go is answered in order, with what went before."""

import socket
import threading

import harness
from harness import pack, request


class PipeliningTest(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.shared = harness.Server(settings={"network.loops": 2}).start()
        cls.addClassCleanup(cls.shared.destroy)

    def setUp(self):
        super().setUp()
        self.rpc = self.connect(self.shared)

    def test_a_get_sees_the_set_of_the_same_packet(self):
        for i in range(200):
            self.assertEqual(
                self.rpc.pipeline([("SET", ["same", i]), ("GET", ["same"]), ("DEL", ["same"]),
                                   ("GET", ["same"])]),
                [True, i, 1, None])

    def test_a_mixed_batch_is_answered_in_order(self):
        calls, expected = [], []
        for i in range(300):
            key = f"mixed{i % 7}"
            calls += [("SET", [key, i]), ("PING", []), ("GET", [key]), ("ECHO", [[i]]),
                      ("MGET", [key, "mixed-absent"]), ("EXISTS", [key]), ("TTL", [key])]
            expected += [True, "PONG", i, [i], [i, None], 1, -1]
        self.assertEqual(self.rpc.pipeline(calls), expected)

    def test_errors_stand_in_the_order_of_their_requests(self):
        results = self.rpc.pipeline([("PING", []), ("NO.SUCH", []), ("SET", ["only-key"]),
                                     ("GET", ["x", "y", "z"]), ("PING", [])])
        self.assertEqual(results[0], "PONG")
        self.assertEqual([error.code for error in results[1:4]],
                         ["unknown_command", "bad_request", "bad_request"])
        self.assertEqual(results[4], "PONG")

    def test_an_error_does_not_overtake_what_waits_for_a_write(self):
        for _ in range(20):
            results = self.rpc.pipeline([("SET", ["w", 1]), ("GET", ["w"]), ("NO.SUCH", []),
                                         ("GET", []), ("INCRBY", ["w", 1]), ("GET", ["w"])])
            self.assertEqual(results[:2] + results[4:], [True, 1, 2, 2])
            self.assertEqual([error.code for error in results[2:4]],
                             ["unknown_command", "bad_request"])

    def test_a_read_behind_a_scan_or_a_backup_keeps_its_place(self):
        results = self.rpc.pipeline([("SET", ["o", 1]), ("SCAN", [{"prefix": "o"}]), ("GET", ["o"]),
                                     ("INFO", []), ("INCRBY", ["o", 1]), ("GET", ["o"])])
        self.assertEqual(results[1]["keys"], ["o"])
        self.assertEqual((results[2], results[4], results[5]), (1, 2, 2))

    def test_large_values_may_be_pipelined(self):
        value = b"x" * 900_000
        self.rpc.call("SET", "large", value)
        for count in (2, 3, 5, 20):
            results = self.rpc.pipeline([("GET", ["large"])] * count, timeout=10)
            self.assertTrue(all(result == value for result in results), count)
            self.assertEqual(self.rpc.call("PING"), "PONG")

    def test_ten_thousand_calls_in_one_go_are_all_answered(self):
        results = self.rpc.pipeline([("INCRBY", ["burst", 1])] * 10_000)
        self.assertEqual(results, list(range(1, 10_001)))

    def test_a_request_may_arrive_byte_by_byte(self):
        for byte in request(1, "SET", ["slow", "value"]) + request(2, "GET", ["slow"]):
            self.rpc.send_bytes(bytes([byte]))
        self.assertIs(self.rpc.reply(1), True)
        self.assertEqual(self.rpc.reply(2), "value")

    def test_a_packet_may_end_in_the_middle_of_the_next_request(self):
        data = b"".join(request(i, "ECHO", ["x" * (i % 50)]) for i in range(1, 400))
        for cut in (1, 7, 333, 4096):
            with self.shared.connect() as rpc:
                messages = []
                for start in range(0, len(data), cut * 64 if cut < 100 else cut):
                    rpc.send_bytes(data[start:start + (cut * 64 if cut < 100 else cut)])
                for i in range(1, 400):
                    messages.append(rpc.reply(i))
                self.assertEqual(messages, ["x" * (i % 50) for i in range(1, 400)])

    def test_message_ids_of_any_kind_come_back(self):
        for msgid in (0, 1, 127, 128, 65_535, 65_536, 2**32 - 1):
            self.rpc.send_bytes(pack([0, msgid, "PING", []]))
            self.assertEqual(self.rpc.receive(), [1, msgid, None, "PONG"])

    def test_a_notification_is_executed_and_not_answered(self):
        self.rpc.notify("SET", "quiet", 1)
        self.rpc.notify("NO.SUCH.METHOD", 1)
        self.assertEqual(self.rpc.call("GET", "quiet"), 1)

    def test_increments_of_eight_connections_add_up(self):
        failures = []

        def add():
            try:
                with self.shared.connect() as rpc:
                    for _ in range(10):
                        rpc.pipeline([("INCRBY", ["sum", 3])] * 50)
            except Exception as error:  # Handed to the test's thread.
                failures.append(error)

        workers = [threading.Thread(target=add) for _ in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
        self.assertEqual(failures, [])
        self.assertEqual(self.rpc.call("GET", "sum"), 8 * 10 * 50 * 3)

    def test_a_client_that_closes_its_sending_side_still_gets_its_answers(self):
        self.rpc.send_bytes(b"".join(request(i, "SET", ["half", i]) for i in range(1, 100)))
        self.rpc.socket.shutdown(socket.SHUT_WR)
        for i in range(1, 100):
            self.assertIs(self.rpc.reply(i), True)
        self.assertEqual(self.rpc.read_until_closed(), b"")


if __name__ == "__main__":
    harness.main()
