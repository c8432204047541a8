"""Tells in a dozen lines what Reprise does, by doing it: store, ask, expire, count, kill -9, ask again.

Exits 1, and leaves no server behind, when anything turns out other than asked.jsonl says.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import msgpack

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SHORT_TYPE, SHORT_MS = "shopStatus", 2000
START_SECONDS = 30


class Surprise(Exception):
    """Something went another way than the story says."""


class Client:
    """A MessagePack-RPC client: [0, msgid, method, params] there, [1, msgid, error, result] back."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.unpacker = msgpack.Unpacker()
        self.msgid = 0

    def send(self, method, *params):
        self.msgid += 1
        self.socket.sendall(msgpack.packb([0, self.msgid, method, list(params)]))

    def receive(self):
        while True:
            for _, _, error, result in self.unpacker:
                if error:
                    raise Surprise(f"the server answered {error[0]}: {error[1]}")
                return result
            arrived = self.socket.recv(65536)
            if not arrived:
                raise Surprise("the server closed the connection")
            self.unpacker.feed(arrived)

    def call(self, method, *params):
        self.send(method, *params)
        return self.receive()


class Server:
    """A reprise-server of ours, in a session of its own so that it outlives this program."""

    def __init__(self, program, folder, port):
        self.log = folder / "server.log"
        out = folder / "server.out"
        began = time.monotonic()
        with open(out, "wb") as stdout, open(self.log, "ab") as stderr:
            self.process = subprocess.Popen(
                [program, "--dir", folder / "data", "--port", str(port), "--http-port", "0",
                 "--set", f"cache.types.{SHORT_TYPE}.ttl_ms={SHORT_MS}"],
                stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, start_new_session=True)
        self.ready = self.wait_until_ready(out, began + START_SECONDS)
        self.start_ms = (time.monotonic() - began) * 1000
        self.port = int(re.search(r"tcp=\S+:(\d+)", self.ready).group(1))
        self.http = re.search(r"http=(\S+)", self.ready).group(1)

    def wait_until_ready(self, out, deadline):
        while time.monotonic() < deadline:
            line = out.read_text()
            if " ready: " in line and line.endswith("\n"):
                return line
            if self.process.poll() is not None:
                raise Surprise(f"the server ended with code {self.process.returncode}:\n{self.log.read_text()}")
            time.sleep(0.005)
        self.end(signal.SIGKILL)
        raise Surprise(f"the server was not ready after {START_SECONDS} s; see {self.log}")

    def end(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(timeout=START_SECONDS)


def rows_of(name):
    return [json.loads(line) for line in (HERE / name).read_text().splitlines()]


def say(title, text):
    print(f"  {title:<12}{text}", flush=True)


def quote(text, width):
    flat = re.sub(r"\s+", " ", text.strip())
    return f'"{flat if len(flat) <= width else flat[:width - 1] + "…"}"'


def store(client, questions):
    began = time.perf_counter()
    for row in questions:
        options = {name: value for name, value in row.items() if name not in ("prompt", "response")}
        client.send("CACHE.STORE", row["prompt"], row["response"], options)
    for _ in questions:
        client.receive()
    took_ms = (time.perf_counter() - began) * 1000
    types = len({row["type"] for row in questions})
    say("store", f"{len(questions)} answers of {types} query types in {took_ms:.1f} ms")


def lookup(client, row):
    options = {"type": row["type"]}
    if "identity" in row:
        options["identity"] = row["identity"]
    began = time.perf_counter()
    found = client.call("CACHE.LOOKUP", row["prompt"], options)
    return found, (time.perf_counter() - began) * 1e6


def outcome_of(found):
    return found["tier"] if found["status"] == "hit" else "miss"


def ask(client, asked):
    """Asks all, compares with what is expected, and shows one of each kind."""
    latencies = {"exact": [], "normalized": [], "miss": []}
    shown, saved = set(), {"tokens": 0, "nano": 0}
    for row in asked:
        found, micros = lookup(client, row)
        if outcome_of(found) != row["expect"]:
            raise Surprise(f"{row['prompt']!r}: {outcome_of(found)} instead of {row['expect']} ({row['why']})")
        latencies[row["expect"]].append(micros)
        saved["tokens"] += found.get("tokens_in", 0) + found.get("tokens_out", 0)
        saved["nano"] += found.get("cost_nano", 0)
        if row["expect"] not in shown and "2+" in row["prompt"]:
            shown.add(row["expect"])
            say("", f"{row['expect']:<11} {quote(row['prompt'], 32):<18} "
                    + (f"-> {quote(found['response'], 40)}" if "response" in found else f"({row['why']})"))
    return latencies, saved


def report(title, latencies, saved):
    counts = ", ".join(f"{len(values)} {kind}" for kind, values in latencies.items() if values)
    say(title, f"{counts}: all as expected")
    medians = ", ".join(f"{kind} {statistics.median(values):.0f}" for kind, values in latencies.items() if values)
    say("", f"median microseconds, this Python client included: {medians}")
    say("", f"saved: {saved['tokens']} tokens, ${saved['nano'] / 1e9:.4f}")


def expire(client, questions):
    """Waits until the server itself says that the type with the short ttl is gone; others stay."""
    short = next(row for row in questions if row["type"] == SHORT_TYPE)
    options = {name: short[name] for name in ("type", "tokens_in", "tokens_out", "cost_nano")}
    client.call("CACHE.STORE", short["prompt"], short["response"], options)
    began, age_ms = time.monotonic(), -1
    while True:
        found, _ = lookup(client, short)
        if found["status"] == "miss":
            break
        age_ms = found["age_ms"]
        if time.monotonic() - began > 5 * SHORT_MS / 1000:
            raise Surprise(f"{SHORT_TYPE} still answers after {age_ms} ms")
        time.sleep(0.4)
    if not 0 <= age_ms <= SHORT_MS:
        raise Surprise(f"{SHORT_TYPE} answered at the age of {age_ms} ms, its ttl is {SHORT_MS}")
    ttls = ", ".join(f"{name} {row['ttl_ms'] / 1000:g} s" for name, row in client.call("CACHE.TYPES").items())
    say("expire", f"{SHORT_TYPE}: last hit at the age of {age_ms} ms, then a miss")
    say("", f"time to live by type: {ttls}")


def counters(client):
    stats = client.call("CACHE.STATS")
    say("counters", f"{stats['entries']} of at most {stats['entries_max']} entries")
    say("", f"{'':<15}{'stores':>8}{'exact':>8}{'normal.':>8}{'misses':>8}{'tokens saved':>14}{'$ saved':>10}")
    for name, row in [*sorted(stats["types"].items()), ("total", stats["total"])]:
        tokens = row["tokens_saved_in"] + row["tokens_saved_out"]
        say("", f"{name:<15}{row['stores']:>8}{row['hits_exact']:>8}{row['hits_normalized']:>8}{row['misses']:>8}"
                f"{tokens:>14}{row['cost_saved_nano'] / 1e9:>10.4f}")
    return stats["total"]


def stop_earlier(note, program):
    """Ends the server that an earlier run of this story left behind, and no other."""
    try:
        pid = int(note.read_text())
        if os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)") != str(program):
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and os.path.exists(f"/proc/{pid}"):
            time.sleep(0.02)
        print(f"(stopped the server of the run before, pid {pid})")
    except (OSError, ValueError):
        pass


def tell(options, folder):
    questions, asked = rows_of("questions.jsonl"), rows_of("asked.jsonl")
    server = Server(options.server, folder, options.port)
    try:
        client = Client(server.port)
        about = client.call("HELLO", {"client": "story"})
        say("start", f"{about['server']} {about['version']} ready after {server.start_ms:.0f} ms, pid {server.process.pid}")
        store(client, questions)
        report("ask", *ask(client, asked))
        expire(client, questions)
        before = counters(client)

        server.end(signal.SIGKILL)
        say("kill -9", f"pid {server.process.pid} is gone without a chance to tidy up")
        server = Server(options.server, folder, options.port)
        client = Client(server.port)
        say("restart", f"ready after {server.start_ms:.0f} ms, pid {server.process.pid}")
        again = [{**row, "expect": "miss"} if row["type"] == SHORT_TYPE else row for row in asked]
        after = client.call("CACHE.STATS")["total"]
        say("", f"counters: {after['stores']} of {before['stores']} stores, {after['hits_exact'] + after['hits_normalized']}"
                f" of {before['hits_exact'] + before['hits_normalized']} hits (written once a second)")
        report("ask again", *ask(client, again))
        return server
    except BaseException:
        server.end(signal.SIGKILL)
        raise


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", type=pathlib.Path, required=True)
    parser.add_argument("--dir", type=pathlib.Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--stop", action="store_true")
    options = parser.parse_args()
    options.server = options.server.resolve()
    note = ROOT / "build/run.pid"
    if not options.stop:
        stop_earlier(note, options.server)
    folder = (options.dir or pathlib.Path(tempfile.mkdtemp(prefix="reprise-run-"))).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    print(f"Reprise, in {folder}\n")
    try:
        server = tell(options, folder)
    except (Surprise, OSError) as surprise:
        print(f"\nThe story ends here: {surprise}", file=sys.stderr)
        return 1
    if options.stop:
        server.end(signal.SIGTERM)
        if not options.dir:
            shutil.rmtree(folder)
        if server.process.returncode != 0:
            print(f"the server ended with code {server.process.returncode}", file=sys.stderr)
        return server.process.returncode
    note.parent.mkdir(exist_ok=True)
    note.write_text(f"{server.process.pid}\n")
    print(f"\nThe server runs on, with this data.\n"
          f"  connect   {os.path.relpath(options.server.parent)}/reprise-cli --port {server.port}\n"
          f"  metrics   curl http://{server.http}/metrics\n"
          f"  stop      kill {server.process.pid}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
