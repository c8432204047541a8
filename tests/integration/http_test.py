"""The admin HTTP port: health, metrics in strict Prometheus text, Host check, bad requests."""

import socket

import harness
import prometheus


class HttpTest(harness.Case):
    @classmethod
    def setUpClass(cls):
        cls.shared = harness.Server().start()
        cls.addClassCleanup(cls.shared.destroy)

    def raw(self, data, timeout=10):
        """Sends bytes, answers everything until the server closes."""
        with socket.create_connection(self.shared.http_address, timeout) as sock:
            sock.sendall(data)
            received = b""
            try:
                while True:
                    part = sock.recv(65536)
                    if not part:
                        break
                    received += part
            except ConnectionResetError:
                pass
            return received

    def status(self, data):
        received = self.raw(data)
        return int(received.split(b" ")[1]) if received.startswith(b"HTTP/1.") else None

    def test_health_and_readiness_answer_200(self):
        for path in ("/healthz", "/readyz"):
            status, body = self.shared.http_get(path)
            self.assertEqual(status, 200, body)

    def test_metrics_are_strict_prometheus_text(self):
        with self.shared.connect() as rpc:
            rpc.call("SET", "k", 1)
            rpc.call("GET", "k")
            rpc.error_of("GET")
            metrics = self.shared.metrics()
        self.assertGreater(len(metrics.samples), 30)
        calls = [name for name in metrics.types if "command" in name and "calls" in name]
        self.assertTrue(calls, sorted(metrics.types))
        self.assertTrue(any(kind == "histogram" for kind in metrics.types.values()))
        for name in metrics.types:
            self.assertTrue(name.startswith(("reprise_", "process_")), name)

    def test_counters_only_grow(self):
        before = self.shared.metrics()
        with self.shared.connect() as rpc:
            rpc.pipeline([("SET", ["k", i]) for i in range(100)])
        after = self.shared.metrics()
        for series, value in before.samples.items():
            if before.types.get(series[0]) == "counter":
                self.assertGreaterEqual(after.samples[series], value, series)

    def test_the_strict_reader_itself_refuses_bad_text(self):
        good = "# HELP a x\n# TYPE a counter\na 1\n"
        prometheus.Exposition(good)
        for bad in ("a 1\n", good + "a 1\n", good[:-1], good + "# TYPE a gauge\n",
                    good.replace("a 1", "a one"), good + 'a{b="c} 2\n',
                    good + "# HELP b x\n# TYPE b gauge\nb 1\n" + 'a{x="1"} 1\n',
                    '# HELP h x\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\n'
                    'h_sum 1\nh_count 1\n'):
            with self.assertRaises(prometheus.FormatError, msg=bad):
                prometheus.Exposition(bad)

    def test_a_foreign_host_header_is_refused(self):
        for host in ("evil.example", "evil.example:7378", "127.0.0.1.evil.example", ""):
            status = self.status(
                f"GET /metrics HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            self.assertIn(status, range(400, 500), host)
        status = self.status(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
        self.assertIn(status, range(400, 500), "no Host header")
        port = self.shared.http_address[1]
        for host in (f"127.0.0.1:{port}", f"localhost:{port}", "localhost"):
            status = self.status(
                f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            self.assertEqual(status, 200, host)

    def test_bad_requests_get_a_4xx_and_change_nothing(self):
        host = b"Host: localhost\r\n"
        requests = {
            "unknown path": b"GET /nowhere HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n",
            "POST": b"POST /metrics HTTP/1.1\r\n" + host + b"Content-Length: 2\r\n\r\nhi",
            "DELETE": b"DELETE / HTTP/1.1\r\n" + host + b"Connection: close\r\n\r\n",
            "big head": b"GET / HTTP/1.1\r\n" + host + b"X: " + b"a" * 9000 + b"\r\n\r\n",
            "no HTTP": b"nonsense\r\n\r\n",
            "binary": bytes(range(256)),
            "chunked": b"POST / HTTP/1.1\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            "smuggling": b"POST / HTTP/1.1\r\n" + host +
                         b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET",
            "bad version": b"GET / HTTP/9.9\r\n" + host + b"\r\n",
            "traversal": b"GET /../../etc/passwd HTTP/1.1\r\n" + host +
                         b"Connection: close\r\n\r\n",
        }
        for name, data in requests.items():
            with self.subTest(request=name):
                status = self.status(data)
                self.assertTrue(status is None or 400 <= status < 600, f"{name}: {status}")
        self.assertEqual(self.shared.http_get("/healthz")[0], 200)

    def test_keep_alive_and_several_requests_in_a_row_work(self):
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        last = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        self.assertEqual(self.raw(request + request + last).count(b"HTTP/1.1 200"), 3)

    def test_connections_that_ask_for_nothing_do_not_shut_a_prober_out(self):
        host = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
        for kind, sent in (("silent", b""), ("half a request", host), ("idle", host + b"\r\n")):
            with self.subTest(kind=kind):
                held = []
                for _ in range(20):
                    held.append(socket.create_connection(self.shared.http_address))
                    held[-1].sendall(sent)
                for _ in range(3):
                    self.assertEqual(self.shared.http_get("/healthz")[0], 200)
                for sock in held:
                    sock.close()


if __name__ == "__main__":
    harness.main()
