"""D8: the write-ahead log is cut or changed in the middle. The watermark must refuse to start, and
--accept-loss must say what is missing. D7 in small: other files are changed as well."""

import os
import random
import re
import shutil

import harness

RECORDS = 400
VALUE = "v" * 500


class WalDamageTest(harness.Case):
    figures = ("walgap", "corrupt")

    def filled(self, **settings):
        """A data directory whose log holds acknowledged writes; its server was killed."""
        server = self.server(settings={"store.durability": "always", **settings})
        with server.connect() as rpc:
            for start in range(0, RECORDS, 4):
                rpc.pipeline([("SET", [f"k{i:04}", f"{i}{VALUE}"])
                              for i in range(start, start + 4)])
            rpc.call("SAVE")
        server.kill()
        return server

    @staticmethod
    def log_of(directory):
        logs = [os.path.join(folder, name) for folder, _, names in os.walk(directory)
                for name in names if re.fullmatch(r"\d+\.log", name)]
        return max(logs, key=os.path.getsize)

    @staticmethod
    def written_bytes(path):
        """The log's size without what was only reserved."""
        with open(path, "rb") as file:
            return len(file.read().rstrip(b"\0"))

    def copy_of(self, source, name):
        target = os.path.join(self.temp, name)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("LOCK*"))
        return target

    def damages(self, chance, size, count):
        """Truncations and flips from the first to the last tenth."""
        for number in range(count):
            at = int(size * (0.05 + 0.9 * number / max(1, count - 1)))
            at = max(1, min(size - 2, at + chance.randrange(-20, 20)))
            yield ("truncate" if number % 2 else "flip"), at

    def test_a_log_that_lost_its_middle_is_detected(self):
        count = harness.size("damages", 10)
        chance = random.Random(harness.size("seed", 8))
        source = self.filled()
        size = self.written_bytes(self.log_of(source.directory))
        self.assertGreater(size, RECORDS * len(VALUE), "the log holds all the writes")
        detected = named = 0
        for number, (kind, at) in enumerate(self.damages(chance, size, count)):
            directory = self.copy_of(source.directory, f"wal{number}")
            self.damage(self.log_of(directory), kind, at)
            server = self.prepared(directory=directory)
            try:
                server.start()
            except harness.StartFailed as failure:
                detected += failure.code == 3
                self.assertIn("--accept-loss", failure.log)
                named += len(re.findall(r"\d{2,}", failure.log)) >= 2
                self.accept_loss(directory)
            else:
                print(f"not detected: {kind} at {at} of {size}", flush=True)
                server.kill()
            shutil.rmtree(directory, ignore_errors=True)
        harness.figure("walgap", detected == named == count, detected=f"{detected}/{count}",
                       gap_named=f"{named}/{count}")

    @staticmethod
    def damage(path, kind, at):
        if kind == "truncate":
            os.truncate(path, at)
            return
        with open(path, "r+b") as file:
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 0x40]))

    def accept_loss(self, directory):
        """The flag opens it; what is there is a gapless beginning with right values."""
        server = self.prepared(directory=directory)
        server.start("--accept-loss")
        self.assertRegex(server.log(), r"sequence \d+ was on the medium, \d+ was recovered")
        with server.connect() as rpc:
            values = rpc.call("MGET", *[f"k{i:04}" for i in range(RECORDS)])
            self.assertIs(rpc.call("SET", "after", 1), True)
        present = [i for i, value in enumerate(values) if value is not None]
        self.assertEqual(present, list(range(len(present))))
        self.assertTrue(all(values[i] == f"{i}{VALUE}" for i in present))
        # The loss was accepted once; the next start needs no flag.
        server.restart()
        self.assertEqual(server.call("GET", "after"), 1)
        server.destroy()

    def test_a_changed_byte_in_any_file_is_refused_or_harmless(self):
        count = harness.size("flips", 16)
        chance = random.Random(harness.size("seed", 9))
        source = self.filled(**{"store.memtable_bytes": "1MiB"})
        source.start()
        source.call("BACKUP", "flushes-tables")
        source.stop()
        shutil.rmtree(os.path.join(source.directory, "backups"), ignore_errors=True)
        names = sorted(
            os.path.relpath(os.path.join(folder, name), source.directory)
            for folder, _, files in os.walk(source.directory) for name in files
            if name != "LOCK" and os.path.getsize(os.path.join(folder, name)) > 0)
        outcome = {"refused": 0, "harmless": 0, "error": 0, "wrong": 0, "crash": 0}
        for number in range(count):
            name = names[number % len(names)]
            result = self.flip_one(source.directory, name, chance, number)
            outcome[result] += 1
            if result in ("wrong", "crash"):
                print(f"{result}: a changed byte in {name}", flush=True)
        harness.figure("corrupt", outcome["wrong"] == outcome["crash"] == 0, n=count,
                       detected=outcome["refused"] + outcome["error"],
                       harmless=outcome["harmless"], wrong=outcome["wrong"],
                       crash=outcome["crash"])

    def flip_one(self, source, name, chance, number):
        directory = self.copy_of(source, f"flip{number}")
        path = os.path.join(directory, name)
        self.damage(path, "flip", chance.randrange(max(1, self.written_bytes(path))))
        server = self.prepared(directory=directory)
        try:
            server.start()
        except harness.StartFailed as failure:
            return "refused" if failure.code in (3, 5) else "crash"
        try:
            return self.judge(server)
        finally:
            alive = server.is_alive()
            server.destroy()
            shutil.rmtree(directory, ignore_errors=True)
            self.assertTrue(alive, f"the server died after a changed byte in {name}")

    @staticmethod
    def judge(server):
        """wrong: an answer that was never written, or a key that is silently gone."""
        result = "harmless"
        with server.connect() as rpc:
            for i in range(RECORDS):
                try:
                    if rpc.call("GET", f"k{i:04}") != f"{i}{VALUE}":
                        return "wrong"
                except harness.RpcError as error:
                    if error.code not in ("corrupt", "io"):
                        return "wrong"
                    result = "error"
        return result


if __name__ == "__main__":
    harness.main()
