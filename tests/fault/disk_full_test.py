"""D4: the disk runs full under load and is freed again. Needs root for a tmpfs of its own."""

import os
import time

import harness
from harness import RpcError

CLEAN = harness.RETRYABLE | {"unknown_outcome", "io"}


class DiskFullTest(harness.Case):
    figures = ("enospc",)

    def test_a_full_disk_refuses_writes_and_heals_by_itself(self):
        mebibytes = harness.size("mebibytes", 40)
        mount = harness.Mount.tmpfs("enospc", os.path.join(self.temp, "disk"), mebibytes)
        self.addCleanup(mount.discard)
        ballast = os.path.join(mount.path, "ballast")
        with open(ballast, "wb") as file:
            file.write(b"b" * (12 * harness.MIB))
        server = self.server(
            directory=os.path.join(mount.path, "data"),
            settings={"store.memtable_bytes": "2MiB", "store.hot_table_bytes": "8MiB"})
        rpc = self.connect(server)
        acked, unknown, refused, codes = self.fill(rpc)
        self.assertTrue(codes, "the disk never ran full")
        self.assertLessEqual(set(codes), CLEAN, codes)
        unread = sum(self.read(rpc, i) is None for i in acked)
        self.assertEqual(server.http_get("/healthz")[0], 200)
        os.remove(ballast)
        began = time.monotonic()
        refusals = []
        try:
            harness.wait_until(lambda: self.writes_again(rpc, refusals), 30,
                               "writes after space was freed")
        except AssertionError as error:
            raise AssertionError(f"{error}; last refusal: {refusals[-1:]}") from error
        recovered = time.monotonic() - began
        alive = server.is_alive()
        lost = unread + sum(self.read(rpc, i) is None for i in acked)
        server.kill()
        server.start()
        rpc = self.connect(server)
        lost += sum(self.read(rpc, i) is None for i in acked)
        held = sum(self.read(rpc, i) is not None for i in unknown)
        revived = sum(self.read(rpc, i) is not None for i in refused)
        self.assertEqual(rpc.call("VERIFY")["bad_rows"], 0)
        server.kill()
        harness.figure("enospc", lost == 0 and revived == 0 and alive, mebibytes=mebibytes,
                       acked=len(acked), refused=len(refused), revived=revived,
                       unknown=len(unknown), unknown_held=held, recovered_s=round(recovered, 1),
                       lost=lost, aborts=0 if alive else 1)

    @staticmethod
    def value(i):
        """Not compressible, and told by its number."""
        return i.to_bytes(4, "big") + os.urandom(16_000)

    def fill(self, rpc):
        acked, unknown, refused, codes, in_a_row = [], [], [], {}, 0
        for i in range(6000):
            try:
                rpc.call("SET", f"fill{i}", self.value(i))
                acked.append(i)
                in_a_row = 0
            except RpcError as error:
                codes[error.code] = codes.get(error.code, 0) + 1
                doubtful = error.code in ("unknown_outcome", "io")
                (unknown if doubtful else refused).append(i)
                in_a_row += 1
                time.sleep(0.01)
                if in_a_row >= 50:
                    break
        return acked, unknown, refused, codes

    @staticmethod
    def read(rpc, i):
        value = rpc.call("GET", f"fill{i}")
        return value if value is not None and value[:4] == i.to_bytes(4, "big") else None

    @staticmethod
    def writes_again(rpc, refusals):
        try:
            return rpc.call("SET", "after", 1) is True
        except RpcError as error:
            if error.code not in CLEAN:
                raise
            refusals.append(str(error))
            time.sleep(0.1)
            return False


if __name__ == "__main__":
    harness.main()
