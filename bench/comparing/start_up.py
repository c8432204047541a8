"""The start-up rows: a large data directory, kill -9, and how long until it serves a hit again."""
import pathlib
import socket
import struct
import time

from . import load, servers

PROBE_SECONDS = 120


def encode(value):
    """The few MessagePack types that a probe needs."""
    if isinstance(value, int):
        return struct.pack("B", value) if value < 128 else b"\xce" + struct.pack(">I", value)
    if isinstance(value, list):
        return struct.pack("B", 0x90 | len(value)) + b"".join(encode(item) for item in value)
    text = value.encode()
    return b"\xda" + struct.pack(">H", len(text)) + text


def ask(address, method, argument, expected):
    """One request on a connection of its own; whether the reply is a success that contains `expected`."""
    host, port = address.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=5) as peer:
            peer.sendall(encode([0, 1, method, [argument]]))
            reply = b""
            while len(reply) < 4 or expected not in reply:
                more = peer.recv(65536)
                if not more:
                    return False
                reply += more
                if reply[:4] != b"\x94\x01\x01\xc0"[:len(reply[:4])] or reply == b"\x94\x01\x01\xc0\xc0":
                    return False
            return True
    except OSError:
        return False


def first_hit_seconds(server, method, argument, expected):
    """Starts the server; seconds from the start of the process to its first right answer."""
    began = time.monotonic()
    server.spawn()
    server.address = None
    server.wait_ready()
    while not ask(server.address, method, argument, expected):
        if time.monotonic() - began > PROBE_SECONDS or server.process.poll() is not None:
            raise servers.CannotStart(f"no hit after the restart; see {server.log}")
        time.sleep(0.002)
    return time.monotonic() - began


def measure(binary, bench, folder, options):
    """Preloads, kills, restarts, reads everything. options: workload, keys, settings, probe."""
    folder = pathlib.Path(folder)
    server = servers.reprise(binary, folder, options["settings"]).start()
    common = {"workload": options["workload"], "keys": options["keys"], "value_bytes": 1024}
    try:
        preload = load.run(bench, server, {**common, "preload_only": True, "stall": 60}, folder)
        server.kill()
        seconds = first_hit_seconds(server, *options["probe"])
        read = load.run(
            bench, server, {
                **common, "distribution": "sequential", "requests": options["keys"], "warmup": 0, "connections": 8,
                "pipeline": 16, "stall": 60
            }, folder)
    finally:
        server.stop()
    mib = 2**20
    return {
        "preload_per_second": preload["throughput"],
        "first_hit_seconds": seconds,
        "read_per_second": read["throughput"],
        "rss_mib": read["server"]["rss_bytes_after"] / mib,
        "rss_peak_mib": read["server"]["rss_bytes_peak"] / mib,
    }
