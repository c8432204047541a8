"""D2: power cuts on a loop-mounted ext4 by EXT4_IOC_SHUTDOWN. Needs root and loop mounts.

`always` must lose nothing that was acknowledged before the cut; `interval` only writes younger than
its window; the control `none` must lose some, or the cut does not cut. Larger: --rounds=20.
"""

import fcntl
import os
import random
import struct
import subprocess
import time

import harness
from oracle import Oracle

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2
INTERVAL_MS = 400
# One group commit and a slow disk's fdatasync come on top of the window.
INTERVAL_SLACK_MS = 1500


class PowerCutTest(harness.Case):
    figures = ("powercut",)

    def test_a_power_cut_loses_what_the_mode_allows_and_no_more(self):
        harness.need_root("powercut")
        harness.need_tool("powercut", "mkfs.ext4", "mount", "umount")
        rounds = harness.size("rounds", 2)
        chance = random.Random(harness.size("seed", 99))
        image = os.path.join(self.temp, "disk.img")
        results = {mode: self.run_mode(mode, rounds, image, chance)
                   for mode in ("always", "interval", "none")}
        for mode, (acked, lost, oldest_ms) in results.items():
            if mode == "always":
                holds = lost == 0 and acked > 0
            elif mode == "interval":
                holds = oldest_ms <= INTERVAL_MS + INTERVAL_SLACK_MS
            else:
                holds = lost > 0
            harness.figure("powercut", holds, mode=mode, rounds=rounds, acked=acked, lost=lost,
                           oldest_lost_ms=round(oldest_ms))

    def run_mode(self, mode, rounds, image, chance):
        acked = lost = 0
        oldest_ms = 0.0
        for number in range(rounds):
            cut = self.one_round(mode, f"{mode}{number}", image, chance)
            acked, lost = acked + cut[0], lost + cut[1]
            oldest_ms = max(oldest_ms, cut[2])
        return acked, lost, oldest_ms

    def one_round(self, mode, name, image, chance):
        with open(image, "wb") as file:
            file.truncate(384 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
        point = os.path.join(self.temp, "disk")
        mount = harness.Mount.loop("powercut", point, image)
        self.addCleanup(mount.discard)
        logs = os.path.join(self.temp, name)
        os.makedirs(logs)
        settings = {"store.durability": mode, "store.memtable_bytes": "4MiB"}
        if mode == "interval":
            settings["store.sync_interval_ms"] = INTERVAL_MS
        server = self.server(directory=os.path.join(point, "data"), settings=settings)
        # The directory itself and the first files are on the medium before the load begins.
        server.call("SAVE")
        oracle = Oracle(logs, workers=2, seed=chance.randrange(1 << 30))
        oracle.start(server.address, pause_ms=1)
        self.addCleanup(oracle.join)
        harness.wait_until(lambda: oracle.lines() > 50, 30, "load")
        time.sleep(chance.uniform(0.6, 1.8))
        before = oracle.offsets()
        cut_at = time.monotonic()
        self.cut(point)
        server.kill()
        oracle.join()
        mount.unmount()
        mount = harness.Mount.loop("powercut", point, image)
        self.addCleanup(mount.discard)
        oracle.absorb(before)
        result = self.reopen(mode, server, oracle, cut_at)
        server.kill()
        mount.unmount()
        return result

    def reopen(self, mode, server, oracle, cut_at):
        try:
            server.start()
        except harness.StartFailed as failure:
            # `none` and `interval` may find a watermark gap, which they name and accept by a flag.
            self.assertNotEqual(mode, "always", failure.log)
            self.assertEqual(failure.code, 3, failure.log)
            server.start("--accept-loss")
        problems = oracle.verify(server, loss_is_expected=mode != "always")
        damaged = [problem for problem in problems if problem[3] is None]
        self.assertEqual(damaged, [], "a key holds what nobody wrote")
        ages = [(cut_at - problem[3]) * 1000 for problem in problems]
        return oracle.acked, len(problems), max(ages, default=0.0)

    @staticmethod
    def cut(point):
        """The page cache and the tail of the journal are gone, as when the plug is pulled."""
        fd = os.open(point, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)


if __name__ == "__main__":
    harness.main()
