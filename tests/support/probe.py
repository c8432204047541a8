"""A good client beside a bad one, in a process of its own: measures the latency of calls.

    python3 probe.py --address=127.0.0.1:7377 --seconds=2 [--connect] [--method=PING --params='[]']

Prints one JSON line: calls, p50_us, p99_us, max_us, errors. With --connect each call opens its own
connection, and the time to connect counts.
"""

import argparse
import json
import subprocess
import sys
import time

from rpc import Closed, Connection, RpcError


def quantile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0


def open_connection(address, key):
    rpc = Connection(address, 30)
    if key:
        rpc.call("AUTH", key)
    return rpc


def measure(arguments):
    host, _, port = arguments.address.rpartition(":")
    address = (host, int(port))
    params = json.loads(arguments.params)
    times, errors = [], 0
    end = time.monotonic() + arguments.seconds
    rpc = None if arguments.connect else open_connection(address, arguments.auth)
    while time.monotonic() < end:
        began = time.perf_counter()
        try:
            if arguments.connect:
                with Connection(address, 30) as fresh:
                    fresh.call(arguments.method, *params)
            else:
                rpc.call(arguments.method, *params)
        except (RpcError, Closed, OSError):
            errors += 1
            if not arguments.connect:
                rpc.close()
                rpc = open_connection(address, arguments.auth)
        times.append((time.perf_counter() - began) * 1e6)
        time.sleep(arguments.pause_ms / 1000)
    times.sort()
    return {"calls": len(times), "p50_us": round(quantile(times, 0.5)),
            "p99_us": round(quantile(times, 0.99)), "max_us": round(max(times, default=0)),
            "errors": errors}


class Probe:
    """Runs the measurement beside the test."""

    def __init__(self, address, seconds, method="PING", params="[]", connect=False, pause_ms=1.0,
                 auth=""):
        command = [sys.executable, __file__, f"--address={address[0]}:{address[1]}",
                   f"--seconds={seconds}", f"--method={method}", f"--params={params}",
                   f"--pause-ms={pause_ms}", f"--auth={auth}"]
        self.child = subprocess.Popen(command + (["--connect"] if connect else []),
                                      stdout=subprocess.PIPE, text=True)

    def result(self):
        text, _ = self.child.communicate(timeout=120)
        if self.child.returncode != 0:
            raise AssertionError(f"the probe ended with {self.child.returncode}")
        return json.loads(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", required=True)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--method", default="PING")
    parser.add_argument("--params", default="[]")
    parser.add_argument("--connect", action="store_true")
    parser.add_argument("--pause-ms", type=float, default=1.0)
    parser.add_argument("--auth", default="", help="an access key")
    print(json.dumps(measure(parser.parse_args())), flush=True)


if __name__ == "__main__":
    main()
