"""D5: each system call of the store fails once, at its n-th time. D10: a sync fails once.

A first run without faults traces which calls happen on which class of file. Then each (call, class)
is swept over n = 1..N. After every fault the outcome must be: served all the same, refused cleanly,
or ended with a distinct exit code; and after a restart without fault nothing acknowledged is lost.
Larger: --depth=N (calls swept per class), --stride=1.
"""

import collections
import errno
import os

import harness
from harness import Closed, RpcError, StartFailed

OPERATIONS = ("write", "pwrite", "fsync", "fdatasync", "rename", "open", "ftruncate", "fallocate",
              "mkdir")
CLASSES = (".log", ".sst", "MANIFEST", "CURRENT", "OPTIONS", "IDENTITY", "LOCK", "LOG", "")
CLEAN = {"io", "read_only", "unknown_outcome", "busy", "unavailable", "exists", "corrupt"}
VALUE = b"v" * 3000


def class_of(path):
    name = os.path.basename(path)
    for label in CLASSES:
        if label and label in name:
            return label
    return "other"


class Point:
    """One fault: this operation on this class of file, the n-th time."""

    def __init__(self, op, label, number, code):
        self.op, self.label, self.number, self.code = op, label, number, code

    def __str__(self):
        return f"{self.op} {self.label} #{self.number} {errno.errorcode[self.code]}"


class IoErrorTest(harness.Case):
    figures = ("ioerror", "fsyncerr")

    def settings(self):
        return {"store.durability": "always", "store.memtable_bytes": "1MiB",
                "cache.counters_flush_ms": 200}

    def environment(self, shim, **extra):
        return {"LD_PRELOAD": shim, "FAULT_PATH": self.temp, **extra}

    def workload(self, server, acked):
        """Writes, flush, backup, deletes. Answers the codes of the errors."""
        codes = collections.Counter()
        with server.connect(30.0) as rpc:
            for i in range(12):
                self.attempt(rpc, codes, acked, f"k{i}", ("SET", f"k{i}", VALUE), VALUE)
            self.attempt(rpc, codes, acked, None, ("SAVE",), None)
            self.attempt(rpc, codes, acked, None, ("CACHE.STORE", "question", "answer"), None)
            self.attempt(rpc, codes, acked, None, ("BACKUP", "b"), None)
            for i in range(12, 20):
                self.attempt(rpc, codes, acked, f"k{i}", ("SET", f"k{i}", VALUE), VALUE)
            self.attempt(rpc, codes, acked, "k0", ("DEL", "k0"), None)
            for i in range(1, 12):
                if f"k{i}" in acked and acked[f"k{i}"] == VALUE:
                    value = rpc.call("GET", f"k{i}")
                    if value != VALUE:
                        codes["corrupt reply"] += 1
        return codes

    @staticmethod
    def attempt(rpc, codes, acked, key, call, value):
        """A definite refusal leaves the key as it was; an unknown outcome makes it unknown."""
        try:
            rpc.call(*call)
            if key:
                acked[key] = value
        except RpcError as error:
            codes[error.code] += 1
            if key and error.code not in ("read_only", "busy"):
                acked[key] = "unknown"

    def trace(self, shim):
        """{(op, class): number of calls} of a run without faults."""
        path = os.path.join(self.temp, "trace")
        directory = os.path.join(self.temp, "traced")
        server = self.prepared(directory=directory, settings=self.settings(),
                               environment=self.environment(shim, FAULT_TRACE=path))
        os.makedirs(server.root, exist_ok=True)
        server.start()
        acked = {}
        self.assertEqual(self.workload(server, acked), {})
        server.stop()
        counts = collections.Counter()
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                op, _, name = line.rstrip("\n").partition(" ")
                if op in OPERATIONS and name.startswith(directory):
                    counts[op, class_of(name)] += 1
        return counts

    def points(self, counts):
        """The first, a middle and the last call of each (op, class); all with --depth."""
        depth = harness.size("depth", 2)
        for (op, label), total in sorted(counts.items()):
            if depth >= total:
                numbers = range(1, total + 1)
            else:
                numbers = sorted({1 + i * (total - 1) // max(1, depth - 1) for i in range(depth)})
            for number in numbers:
                code = errno.ENOSPC if (number + len(label)) % 2 else errno.EIO
                yield Point(op, label, number, code)

    def test_every_call_may_fail_once(self):
        shim = harness.shim_path("ioerror")
        counts = self.trace(shim)
        self.assertGreater(len(counts), 8, counts)
        outcomes = collections.Counter()
        bad = []
        for number, point in enumerate(self.points(counts)):
            outcome = self.sweep(shim, point, os.path.join(self.temp, f"p{number}"))
            outcomes[outcome if outcome in ("ok", "refused", "exit", "missed") else "bad"] += 1
            if outcome not in ("ok", "refused", "exit", "missed"):
                bad.append(f"{point}: {outcome}")
        for line in bad:
            print("bad:", line, flush=True)
        harness.figure("ioerror", not bad and outcomes.total() - outcomes["missed"] > 10,
                       points=outcomes.total(), ok=outcomes["ok"], refused=outcomes["refused"],
                       exit=outcomes["exit"], missed=outcomes["missed"], bad=len(bad))

    def sweep(self, shim, point, directory):
        """Answers ok, refused, exit or missed, or a sentence that says what is wrong."""
        log = directory + ".faults"
        # The class "other" is told by the directory; the shim then counts all its files.
        path = directory if point.label == "other" else point.label
        server = self.prepared(
            directory=directory, settings=self.settings(),
            environment=self.environment(
                shim, FAULT_OP=point.op, FAULT_AFTER=str(point.number - 1), FAULT_LOG=log,
                FAULT_ERRNO=str(point.code), FAULT_PATH=path))
        acked, codes = {}, collections.Counter()
        outcome = self.run_with_fault(server, acked, codes)
        if outcome is None:
            outcome = "ok" if not codes else "refused"
            if set(codes) - CLEAN:
                outcome = f"unclean errors {dict(codes)}"
        hit = os.path.exists(log)
        server.kill()
        problem = self.check_after(server, acked)
        server.destroy()
        if problem:
            return problem
        return outcome if hit or outcome not in ("ok", "refused", "exit") else "missed"

    def run_with_fault(self, server, acked, codes):
        try:
            server.start()
        except StartFailed as failure:
            if failure.code in (3, 4, 5) and len(failure.log.strip()) > 20:
                return "exit"
            return f"start ended with {failure.code}: {failure.log[-300:]!r}"
        try:
            codes.update(self.workload(server, acked))
        except (Closed, ConnectionError, TimeoutError) as error:
            code = server.child.poll() if server.child else None
            if code is None:
                return f"the connection broke while the server lives: {error}"
            if code < 0 or code == 0:
                return f"the server died with {code}: {server.log()[-300:]!r}"
            return "exit"
        return None

    def check_after(self, server, acked):
        server.environment = {}
        try:
            server.start()
        except StartFailed as failure:
            return f"no restart after the fault: {failure.code} {failure.log[-300:]!r}"
        with server.connect() as rpc:
            for key, value in acked.items():
                held = rpc.call("GET", key)
                if value == "unknown":
                    if held not in (None, VALUE):
                        return f"{key} holds neither of its two states"
                elif held != value:
                    return f"{key} was acknowledged and is lost"
            if rpc.call("SET", "after", 1) is not True:
                return "no writes after the restart"
        return None

    def test_a_failed_sync_makes_the_store_read_only_and_the_outcome_unknown(self):
        shim = harness.shim_path("fsyncerr")
        switch = os.path.join(self.temp, "switch")
        server = self.server(
            directory=os.path.join(self.temp, "data"), settings=self.settings(),
            environment=self.environment(shim, FAULT_OP="fdatasync,fsync", FAULT_PATH=".log",
                                         FAULT_SWITCH=switch))
        rpc = self.connect(server)
        for i in range(20):
            rpc.call("SET", f"k{i}", i)
        with open(switch, "w", encoding="ascii"):
            pass
        errors = {}
        for i in range(20, 30):
            try:
                rpc.call("SET", f"k{i}", i)
            except RpcError as error:
                errors[f"k{i}"] = error.code
        self.assertEqual(errors.get("k20"), "unknown_outcome", errors)
        self.assertTrue(all(code == "read_only" for key, code in errors.items() if key != "k20"),
                        errors)
        self.assertEqual(rpc.call("GET", "k5"), 5, "reads go on")
        metrics = server.metrics()
        self.assertEqual(
            [value for (name, _), value in metrics.samples.items() if "read_only" in name], [1.0])
        os.remove(switch)
        server.kill()
        server.environment = {}
        server.start()
        rpc = self.connect(server)
        held = rpc.call("GET", "k20")
        contradictory = held not in (None, 20)
        lost = sum(rpc.call("GET", f"k{i}") != i for i in range(20))
        revived = sum(rpc.call("GET", key) is not None for key in errors if key != "k20")
        self.assertIs(rpc.call("SET", "after", 1), True)
        unknown = list(errors.values()).count("unknown_outcome")
        harness.figure("fsyncerr", lost == 0 and revived == 0 and not contradictory,
                       unknown=unknown, resolved=unknown - contradictory, lost=lost,
                       revived=revived, contradictory=int(contradictory))


if __name__ == "__main__":
    harness.main()
