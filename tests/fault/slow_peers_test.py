"""A6: clients that ask and do not read. A7: clients that send a byte now and then, both ports."""

import resource
import socket
import time

import harness
import process
from harness import request
from probe import Probe


class SlowReaderTest(harness.Case):
    figures = ("obuf",)

    def test_a_client_that_does_not_read_is_cut_and_others_do_not_notice(self):
        calls = harness.size("calls", 300)
        server = self.server(settings={
            "network.output_hard_bytes": "8MiB", "network.output_soft_bytes": "1MiB",
            "network.output_soft_ms": 1500, "store.hot_table_bytes": "16MiB"})
        with server.connect() as rpc:
            rpc.call("SET", "big", b"x" * 900_000)
            rpc.call("GET", "big")
        quiet = Probe(server.address, 1.5).result()
        before = process.rss_bytes(server.pid)
        probe = Probe(server.address, 3.0)
        rude = socket.socket()
        self.addCleanup(rude.close)
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        rude.connect(server.address)
        rude.sendall(b"".join(request(i, "GET", ["big"]) for i in range(calls)))
        began = time.monotonic()
        peak, cut_ms = 0, None
        while time.monotonic() - began < 12 and cut_ms is None:
            peak = max(peak, process.rss_bytes(server.pid) - before)
            if self.is_cut(server, rude):
                cut_ms = (time.monotonic() - began) * 1000
            time.sleep(0.02)
        beside = probe.result()
        self.assertIsNotNone(cut_ms, "the client that does not read was never cut")
        # Below this the ratio of two percentiles on a busy machine says nothing.
        patient = beside["p99_us"] <= max(1.2 * quiet["p99_us"], harness.NOTICEABLE_US)
        holds = beside["errors"] == 0 and patient and (
            harness.is_sanitized() or peak <= 24 * harness.MIB)
        harness.figure("obuf", holds, calls=calls, peak_mib=round(peak / harness.MIB, 1),
                       cut_ms=round(cut_ms), p99_quiet_us=quiet["p99_us"],
                       p99_beside_us=beside["p99_us"])

    @staticmethod
    def is_cut(server, rude):
        peer = "%s:%d" % rude.getsockname()
        return peer not in [row["peer"] for row in server.call("CLIENT.LIST")]


class SlowWriterTest(harness.Case):
    figures = ("slow",)

    def test_slow_writers_are_closed_by_their_deadline_and_good_clients_connect(self):
        count = harness.size("sockets", 400)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count * 2 + 200)), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        server = self.server(settings={"network.handshake_ms": 2000,
                                       "network.connections_max": count + 100})
        frame = request(1, "SET", ["slow", "x" * 200])
        head = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"a" * 400
        probe = Probe(server.address, 4.0, connect=True)
        began = time.monotonic()
        drips = [self.open(server.address, frame) for _ in range(count)]
        drips += [self.open(server.http_address, head) for _ in range(15)]
        self.drip(drips, began)
        good = probe.result()
        left = [drip for drip in drips if drip["closed_s"] is None]
        last = max((drip["closed_s"] for drip in drips if drip["closed_s"]), default=0.0)
        self.assertIsNone(server.call("GET", "slow"))
        self.assertEqual(server.http_get("/healthz")[0], 200)
        holds = not left and good["p99_us"] <= 50_000 and good["errors"] == 0
        harness.figure("slow", holds, sockets=len(drips), open_max=len(drips), still_open=len(left),
                       closed_after_s=round(last, 1), good_p99_ms=round(good["p99_us"] / 1000, 1),
                       good_errors=good["errors"])

    def open(self, address, data):
        sock = socket.create_connection(address, 10)
        self.addCleanup(sock.close)
        sock.setblocking(False)
        return {"socket": sock, "data": data, "sent": 0, "closed_s": None}

    @staticmethod
    def drip(drips, began):
        """Sends one byte on each socket every half second until all are closed, 12 s at most."""
        while time.monotonic() - began < 12 and any(d["closed_s"] is None for d in drips):
            for drip in drips:
                if drip["closed_s"] is not None:
                    continue
                try:
                    at = drip["sent"]
                    drip["sent"] += drip["socket"].send(drip["data"][at:at + 1])
                    if drip["socket"].recv(4096) == b"":
                        drip["closed_s"] = time.monotonic() - began
                except BlockingIOError:
                    pass
                except (ConnectionResetError, BrokenPipeError):
                    drip["closed_s"] = time.monotonic() - began
            time.sleep(0.5)


if __name__ == "__main__":
    harness.main()
