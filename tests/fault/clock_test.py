"""D9: the wall clock jumps. No live key goes early, no expired one is served, no limit grants more, by libfaketime."""

import os
import time

import harness
from grants import Grants

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
JUMPS = ("+2h", "-2h", "+0", "+3650d", "+0", "-1", "+0", "-1d", "+30", "+0")


class ClockTest(harness.Case):
    figures = ("clock",)

    def jump(self, offset):
        """Atomically, so that the library never reads half a line."""
        with open(self.control + ".new", "w", encoding="ascii") as file:
            file.write(offset + "\n")
        os.rename(self.control + ".new", self.control)

    def start(self):
        harness.need_file("clock", LIBRARY, "libfaketime")
        if harness.is_sanitized():
            harness.skip("clock", "libfaketime does not go together with a sanitizer")
        self.control = os.path.join(self.temp, "offset")
        self.jump("+0")
        return self.server(
            settings={"store.memtable_bytes": "1MiB"},
            environment={"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": self.control,
                         "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})

    def test_jumps_while_running_change_nothing(self):
        rounds = harness.size("rounds", 1)
        server = self.start()
        rpc = self.connect(server)
        early = served = jumps = 0
        grants = {"bucket": Grants(5, 3600), "fast": Grants(10, 1), "window": Grants(5, 3600, window=True)}
        for number in range(rounds):
            for offset in JUMPS:
                jumps += 1
                prefix = f"{number}:{jumps}:"
                rpc.call("SET", prefix + "hour", 1, ttl_ms=3_600_000)
                rpc.call("SET", prefix + "second", 1, ttl_ms=300)
                rpc.call("CACHE.STORE", prefix + "?", "answer", ttl_ms=3_600_000)
                deadline = time.monotonic() + 0.3
                self.jump(offset)
                rpc.call("SET", prefix + "written after", 1, ttl_ms=3_600_000)
                for key, each in grants.items():
                    each.take(rpc, key)
                early += rpc.call("GET", prefix + "second") is None and time.monotonic() < deadline
                time.sleep(max(0.0, deadline - time.monotonic()) + 0.1)
                served += rpc.call("GET", prefix + "second") is not None
                early += rpc.call("GET", prefix + "hour") is None
                early += rpc.call("GET", prefix + "written after") is None
                early += rpc.call("CACHE.LOOKUP", prefix + "?")["status"] != "hit"
                left = rpc.call("TTL", prefix + "hour") or 0
                early += left < 3_590_000
                served += left > 3_600_000
        early += self.rock(rpc)
        # A flush and a checkpoint while the clock is two hours ahead: compaction deletes nothing.
        self.jump("+2h")
        rpc.pipeline([("SET", [f"fill{i}", os.urandom(3000)]) for i in range(1000)])
        rpc.call("SAVE")
        rpc.call("BACKUP", "ahead")
        self.jump("+0")
        for n in range(1, jumps + 1):
            early += rpc.call("GET", f"{(n - 1) // len(JUMPS)}:{n}:hour") is None
        over = sum(each.over() for each in grants.values())
        harness.figure("clock", early == served == over == 0, jumps=jumps, early_drop=early,
                       expired_served=served, overgrant=over)

    def rock(self, rpc):
        """The clock goes one second back and forth, ten times a second."""
        rpc.call("SET", "rock", 1, ttl_ms=60_000)
        early = 0
        for number in range(20):
            self.jump("-1" if number % 2 else "+0")
            early += rpc.call("GET", "rock") is None
            time.sleep(0.1)
        self.jump("+0")
        left = rpc.call("TTL", "rock")
        return early + (not 50_000 < left <= 58_500)

    def test_a_restart_with_the_clock_set_back_lengthens_no_ttl(self):
        server = self.start()
        with server.connect() as rpc:
            rpc.call("SET", "minute", 1, ttl_ms=60_000)
            rpc.call("SET", "short", 1, ttl_ms=300)
            rpc.call("SAVE")
            time.sleep(0.4)
            self.assertIsNone(rpc.call("GET", "short"))
        server.stop()
        self.jump("-2h")
        server.start()
        rpc = self.connect(server)
        self.assertIsNone(rpc.call("GET", "short"), "an expired key came back")
        self.assertTrue(0 < rpc.call("TTL", "minute") <= 60_000)
        rpc.call("SET", "new", 1, ttl_ms=60_000)
        self.assertTrue(0 < rpc.call("TTL", "new") <= 60_000)
        server.restart(kill=True)
        rpc = self.connect(server)
        self.assertTrue(0 < rpc.call("TTL", "minute") <= 60_000)
        self.assertEqual(rpc.call("GET", "new"), 1)

    def test_a_jump_is_reported(self):
        server = self.start()
        self.jump("+2h")
        with server.connect() as rpc:
            skew = harness.wait_until(lambda: self.skew(rpc), 5, "the skew in INFO")
        self.assertAlmostEqual(skew, 7_200_000, delta=60_000)

    @staticmethod
    def skew(rpc):
        for section in rpc.call("INFO").values():
            for name, value in section.items():
                if "skew" in name and abs(value) > 1000:
                    return value
        return None


if __name__ == "__main__":
    harness.main()
