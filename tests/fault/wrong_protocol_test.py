"""A5: HTTP and TLS on the RPC port, RPC on the admin port, requests hidden in HTTP bodies."""

import os
import socket

import harness
from harness import request

HIDDEN = request(1, "SET", ["hidden", 1])


def payloads():
    host = b"Host: 127.0.0.1\r\n"
    yield "GET", b"GET / HTTP/1.1\r\n" + host + b"\r\n"
    yield "POST with a request", b"POST / HTTP/1.1\r\n" + host + b"\r\n" + HIDDEN
    yield "text/plain of a browser", (
        b"POST / HTTP/1.1\r\n" + host + b"Content-Type: text/plain\r\nOrigin: http://evil\r\n"
        b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN)
    yield "h2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN
    yield "TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(400) + HIDDEN
    yield "Redis", b"*1\r\n$4\r\nPING\r\n" + HIDDEN
    yield "memcached", b"get k\r\n" + HIDDEN
    yield "line feed", b"\n" + HIDDEN
    yield "zero", b"\0" + HIDDEN


class WrongProtocolTest(harness.Case):
    figures = ("crossprotocol",)

    def send(self, address, data):
        """Answers what came back until the end; fails when the server keeps the line open."""
        with socket.create_connection(address, 10) as sock:
            sock.settimeout(10)
            received = b""
            try:
                sock.sendall(data)
                while True:
                    part = sock.recv(65536)
                    if not part:
                        return received
                    received += part
            except (ConnectionResetError, BrokenPipeError):
                return received

    def test_no_request_hides_in_another_protocol(self):
        server = self.server()
        sent = 0
        for name, data in payloads():
            with self.subTest(payload=name):
                sent += 1
                self.send(server.address, data)
        for name, data in (("request", HIDDEN), ("with noise", HIDDEN * 100)):
            with self.subTest(admin=name):
                sent += 1
                self.send(server.http_address, data)
        sent += 1
        self.send(server.http_address, b"POST /metrics HTTP/1.1\r\nHost: localhost\r\n"
                  b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN)
        executed = 0 if server.call("GET", "hidden") is None else 1
        lines = [line for line in server.log().splitlines() if "foreign_protocol" in line]
        self.assertEqual(server.http_get("/healthz")[0], 200)
        harness.figure("crossprotocol", executed == 0 and 1 <= len(lines) <= 3, sent=sent,
                       executed=executed, log_lines=len(lines))

    def test_one_byte_is_enough_to_be_closed(self):
        server = self.server()
        for byte in (b"G", b"P", b"\x16", b"\0", b"\x92", b"\x95", b"\xdc", b"\xff"):
            self.assertNotIn(b"PONG", self.send(server.address, byte))

    def test_the_log_does_not_grow_with_each_attempt(self):
        server = self.server()
        self.send(server.address, b"GET / HTTP/1.1\r\n\r\n")
        before = len(server.log())
        for _ in range(200):
            self.send(server.address, b"GET / HTTP/1.1\r\n\r\n")
        self.assertLess(len(server.log()) - before, 2000)


if __name__ == "__main__":
    harness.main()
