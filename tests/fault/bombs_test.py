"""A4: claims of gigabytes, deep nesting, amplification and truncation at every byte."""

import struct

import harness
import process
from harness import request

FRAME_MAX = 4 * harness.MIB


def bombs():
    head = b"\x94\x00\x01\xa4ECHO\x91"
    claims = {"array32": b"\xdd", "map32": b"\xdf", "str32": b"\xdb", "bin32": b"\xc6",
              "ext32": b"\xc9"}
    for name, byte in claims.items():
        for size in (0xFFFFFFFF, 100_000_000, 0x7FFFFFFF):
            yield f"{name} claims {size}", head + byte + struct.pack(">I", size) + b"\0" * 16
    yield "params claims", b"\x94\x00\x01\xa4ECHO\xdd\xff\xff\xff\xff"
    yield "method claims", b"\x94\x00\x01\xdb\xff\xff\xff\xff"
    yield "nesting of 4 M", head + b"\x91" * (FRAME_MAX - 64)
    yield "maps nested", head + b"\x81\xa1k" * 100_000
    yield "nil, 26 times as large in memory", head + b"\xdd\x00\x3f\xff\x00" + b"\xc0" * 0x3FFF00
    yield "wide and deep", head + b"\xdc\x10\x00" * 14
    yield "never used", head + b"\xc1"
    yield "many small arrays", head + b"\xdc\x10\x00" + (b"\xdc\x10\x00" + b"\xc0" * 4096) * 17
    yield "ext of odd size", head + b"\xc7\xff\x05" + b"\0" * 10


class BombTest(harness.Case):
    figures = ("bomb",)

    def test_bombs_cost_their_sender_and_no_memory(self):
        # What stays within the limits but never ends is closed by the deadline for a frame.
        # One arena: the C library reserves 64 MiB for each thread that allocates for the first time,
        # which would hide what a bomb takes.
        server = self.server(settings={"store.hot_table_bytes": "16MiB",
                                       "network.handshake_ms": 1500},
                             environment={"MALLOC_ARENA_MAX": "1"})
        bystander = self.connect(server)
        bystander.call("SET", "k", "kept")
        self.warm_up(server)
        rss, virtual = process.rss_bytes(server.pid), process.virtual_bytes(server.pid)
        survivors, count = [], 0
        for name, data in bombs():
            count += 1
            with server.connect() as rude:
                try:
                    rude.send_bytes(data)
                    answer = rude.read_until_closed(timeout=10)
                except (harness.Closed, ConnectionError):
                    continue
                except TimeoutError:
                    survivors.append(name)
                    continue
                if answer and unpack_error(answer) is None:
                    survivors.append(name)
        if survivors:
            print("not refused:", survivors, flush=True)
        rss_rise = process.peak_rss_bytes(server.pid) - rss
        virtual_rise = process.peak_virtual_bytes(server.pid) - virtual
        self.assertEqual(bystander.call("GET", "k"), "kept")
        holds = survivors == [] and (harness.is_sanitized() or (
            rss_rise <= 2 * FRAME_MAX and virtual_rise <= 64 * harness.MIB))
        harness.figure("bomb", holds, bombs=count, max_rss_mib=round(rss_rise / harness.MIB, 1),
                       max_vm_mib=round(virtual_rise / harness.MIB, 1), survivors=len(survivors))

    @staticmethod
    def warm_up(server):
        """Every thread has had something to do once."""
        for _ in range(40):
            with server.connect() as rpc:
                rpc.pipeline([("ECHO", ["x" * 5000]), ("SET", ["warm", 1]), ("GET", ["warm"]),
                              ("SCAN", [])])
                rpc.send_bytes(b"\x94\x00\x01\xc1")

    def test_a_request_cut_off_at_every_byte_executes_nothing(self):
        server = self.server()
        whole = request(1, "SET", ["cut", {"deep": [1, "two", b"three"]}, {"ttl_ms": 60_000}])
        for cut in range(len(whole)):
            with server.connect() as rude:
                if cut:
                    rude.send_bytes(whole[:cut])
                rude.socket.shutdown(1)
                self.assertNotIn(b"\xc3", rude.read_until_closed())
        self.assertIsNone(server.call("GET", "cut"))

    def test_many_unfinished_frames_together_stay_within_bounds(self):
        connections = harness.size("connections", 60)
        server = self.server(settings={"store.hot_table_bytes": "16MiB"})
        held = [self.connect(server) for _ in range(connections)]
        before = process.rss_bytes(server.pid)
        for rpc in held:
            # A claim of almost a whole frame, of which 1 KiB arrives.
            rpc.send_bytes(b"\x94\x00\x01\xa3SET\x92\xa1k\xc6" + struct.pack(">I", 1_000_000) +
                           b"x" * 1024)
        self.assertEqual(server.call("PING"), "PONG")
        rise = process.rss_bytes(server.pid) - before
        if not harness.is_sanitized():
            self.assertLess(rise, connections * 128 * 1024, "memory follows claims, not bytes")


def unpack_error(answer):
    """The error of the first reply in these bytes."""
    message = harness.unpack(answer) if answer[:1] == b"\x94" else [1, 0, None, None]
    return message[2]


if __name__ == "__main__":

    harness.main()
