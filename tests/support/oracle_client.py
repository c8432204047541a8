"""The oracle's client: a process of its own that writes and logs every intent and every reply.

One line of JSON for each event, in the order in which it happened:

    {"i": id, "op": ..., "k": key, "v": value, "t": seconds}    before the request is sent
    {"a": id, "r": result, "e": error code, "t": seconds}       after its reply has arrived

It ends when the connection does, or when the file named by --stop appears. Each key has one writer
only. Keys, values and prompts follow from worker, seed and number, so that a checker that reads
only the log knows what every key may hold.
"""

import argparse
import json
import os
import random
import sys
import time

from rpc import Closed, Connection, request
from rpc import parameters as with_options

KEYS = 60
PROMPTS = 25
BATCH = 8


class Writer:
    def __init__(self, arguments):
        self.arguments = arguments
        self.chance = random.Random(f"{arguments.seed}/{arguments.worker}/{arguments.first}")
        self.log = os.open(arguments.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.number = arguments.first

    def record(self, **event):
        event["t"] = time.monotonic()
        os.write(self.log, (json.dumps(event) + "\n").encode())

    def operation(self):
        """Answers (op, key, value, method, params)."""
        self.number += 1
        worker = self.arguments.worker
        kind = self.chance.random()
        key = f"w{worker}:k{self.chance.randrange(KEYS)}"
        if kind < 0.60:
            pad = "x" * self.chance.choice([0, 10, 200, 3000])
            value = f"{key}#{self.number}#{pad}"
            options = {"ttl_ms": 86_400_000} if self.chance.random() < 0.3 else {}
            return "set", key, value, "SET", with_options([key, value], options)
        if kind < 0.72:
            return "del", key, None, "DEL", [key]
        if kind < 0.84:
            counter = f"w{worker}:n{self.chance.randrange(4)}"
            return "incr", counter, 1, "INCRBY", [counter, 1]
        prompt = f"Question {self.chance.randrange(PROMPTS)} of worker {worker}?"
        response = f"{prompt}#{self.number}"
        return "store", prompt, response, "CACHE.STORE", [prompt, response]

    def run(self):
        host, _, port = self.arguments.address.rpartition(":")
        with Connection((host, int(port)), timeout=60.0) as rpc:
            while not (self.arguments.stop and os.path.exists(self.arguments.stop)):
                self.round(rpc)

    def round(self, rpc):
        """A pipelined batch: all intents are on record before a byte is sent."""
        batch = [self.operation() for _ in range(self.chance.randrange(1, BATCH + 1))]
        data, ids = b"", []
        for op, key, value, method, params in batch:
            rpc.last_id += 1
            ids.append(f"{self.arguments.first}.{rpc.last_id}")
            self.record(i=ids[-1], op=op, k=key, v=value)
            data += request(rpc.last_id, method, params)
        rpc.send_bytes(data)
        for i in ids:
            message = rpc.receive(60.0)
            if message[:2] != [1, int(i.split(".")[1])]:
                raise AssertionError(f"reply {message[:2]!r} for request {i}")
            error = message[2][0] if message[2] else None
            result = message[3] if not isinstance(message[3], dict) else None
            self.record(a=i, r=result, e=error)
        if self.arguments.pause_ms:
            time.sleep(self.arguments.pause_ms / 1000)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--worker", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="numbers begin here")
    parser.add_argument("--stop", default="")
    parser.add_argument("--pause-ms", type=float, default=0)
    try:
        Writer(parser.parse_args()).run()
    except (Closed, ConnectionError, TimeoutError):
        sys.exit(0)


if __name__ == "__main__":
    main()
