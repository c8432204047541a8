"""A1: the msgpack-test-suite over a real socket, whole and byte by byte, by ECHO and by SET/GET."""

import json
import os

import harness
from harness import pack, unpack

SUITE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     "../../../shared/data/msgpack-test-suite/msgpack-test-suite.json")


def encodings(path):
    """All encodings of the suite, as (group, bytes, all encodings of the same value)."""
    with open(path, encoding="utf-8") as file:
        suite = json.load(file)
    for group, rows in suite.items():
        for row in rows:
            same = [bytes.fromhex(text.replace("-", "")) for text in row["msgpack"]]
            for data in same:
                yield group, data, same


class ConformanceTest(harness.Case):
    figures = ("vectors",)

    def test_every_encoding_is_understood_and_given_back(self):
        path = os.environ.get("REPRISE_MSGPACK_SUITE", SUITE)
        harness.need_file("vectors", path, "../shared/data/msgpack-test-suite")
        server = self.server()
        rpc = self.connect(server)
        total = agreed = 0
        for group, data, same in encodings(path):
            total += 1
            with self.subTest(group=group, encoding=data.hex()[:40]):
                echo = b"\x94\x00\x01" + pack("ECHO") + b"\x91" + data
                whole = rpc.raw_result(echo)
                for byte in echo:
                    rpc.send_bytes(bytes([byte]))
                slow = rpc.read_raw_result()
                rpc.raw_result(b"\x94\x00\x01" + pack("SET") + b"\x92\xa1k" + data)
                stored = rpc.raw_result(b"\x94\x00\x01" + pack("GET") + b"\x91\xa1k")
                for answer in (whole, slow, stored):
                    self.assertIn(answer, same, "given back as another value")
                    self.assertEqual(repr(unpack(answer)), repr(unpack(data)))
                agreed += 1
        harness.figure("vectors", agreed == total == 233, vectors=f"{agreed}/{total}")


if __name__ == "__main__":
    harness.main()
