"""A server to ask, and what is asked of it: stores, lookups, explanations, and the wait for its index.

The server is started here, with a folder and a port of its own, or is one that runs already. Of one that runs, only
entries of this run are touched: their identity and their tag carry the run's random name.
"""
import contextlib
import pathlib
import secrets
import sys
import tempfile
import time

try:
    import reprise
except ModuleNotFoundError as problem:
    print(f"{pathlib.Path(sys.argv[0]).name}: no Python module {problem.name}; the system's package python3-{problem.name} has "
          "it, for /usr/bin/python3", file=sys.stderr)
    sys.exit(3)
from comparing import servers  # noqa: E402

from . import progress  # noqa: E402

CHUNK = 64  # requests of one round trip
TTL_MS = 24 * 3600 * 1000
POLL_SECONDS = 0.05
SETTLED_SECONDS = 3.0  # with fewer vectors than entries: no more are coming
STALLED_SECONDS = 300.0
REQUEST_MS = 300_000
PAIRS_PER_CALL = 2_000  # of CACHE.CALIBRATE
# Nothing is evicted, and no hit is held back for verification.
SETTINGS = {"cache.entries_max": 1_000_000, "cache.verify_ppm": 0}


class Failed(Exception):
    """The server did not do what it was asked; the message says what."""


class Session:
    """One connection to one server, for one run."""

    def __init__(self, address, quiet=False):
        self.client = reprise.Client(address, client_name="quality", request_timeout_ms=REQUEST_MS)
        self.run = secrets.token_hex(8)
        self.quiet = quiet
        self._set = 0  # partitions of one set are not those of another
        self._has_stored = False

    def semantic(self):
        return self.client.info(section="semantic")["semantic"]

    def about(self):
        """What the figures depend on."""
        semantic = self.semantic()
        server = self.client.info(section="server")["server"]
        return {"version": server["version"], "embedder": semantic["embedder"], "fingerprint": semantic["fingerprint"],
                "warning": semantic["warning"]}

    def identity(self, partition):
        return {"run": self.run, "set": self._set, "partition": partition}

    def store(self, items, **options):
        """Stores the different (partition, question) of a new set; the answer is the question. From here on partitions mean
        those of this set. Returns (partition, id) -> question, and (partition, question) -> reason of those that the
        policies do not keep."""
        self._set += 1
        before = self.semantic()
        stored, refused = {}, {}
        for (partition, question), reply in self._pipelined("store", items, lambda pipeline, item: pipeline.cache_store(
                item[1], item[1], identity=self.identity(item[0]), tags=[self.run], ttl_ms=TTL_MS, **options)):
            if reply["stored"]:
                stored[partition, reply["id"]] = question
            else:
                refused[partition, question] = reply["reason"]
        self._has_stored = self._has_stored or bool(stored)
        self._wait_indexed(before, len(stored))
        return stored, refused

    def _wait_indexed(self, before, count):
        """Until all `count` new entries can be found. An entry on its way from the queue to the index is in neither, so
        vectors are counted as well."""
        meter = progress.Meter("index", count, quiet=self.quiet)
        done, changed = -1, time.monotonic()
        while True:
            now = self.semantic()
            here = now["vectors"] - before["vectors"] + now["failed"] - before["failed"]
            if here != done:
                done, changed = here, time.monotonic()
            meter.show(max(min(done, count), 0))
            idle = now["queued"] == 0 and not now["reconciling"]
            waited = time.monotonic() - changed
            if idle and (done >= count or waited > SETTLED_SECONDS):
                meter.end()
                break
            if waited > STALLED_SECONDS:
                raise Failed(f"the index stands still: {done} of {count} entries, {now['queued']} queued")
            time.sleep(POLL_SECONDS)
        if done < count:
            print(f"note: {count - done} of {count} entries are not in the index", file=sys.stderr)
        if now["failed"] > before["failed"]:
            print(f"note: {now['failed'] - before['failed']} texts could not be embedded", file=sys.stderr)

    def lookup(self, items, title, **options):
        """(partition, question) one at a time; yields ((reply, milliseconds), ...) in order."""
        for partition, question in progress.Meter(title, len(items), quiet=self.quiet).over(items):
            began = time.perf_counter()
            reply = self.client.cache_lookup(question, identity=self.identity(partition), **options)
            yield reply, (time.perf_counter() - began) * 1000

    def explain(self, items, **options):
        """The considered entries of each (partition, question), nearest first."""
        for _, reply in self._pipelined("explain", items, lambda pipeline, item: pipeline.cache_explain(
                item[1], identity=self.identity(item[0]), rows=1, **options)):
            yield reply["tiers"]["semantic"].get("considered", [])

    def _pipelined(self, title, items, add):
        meter = progress.Meter(title, len(items), quiet=self.quiet)
        for first in range(0, len(items), CHUNK):
            chunk = items[first:first + CHUNK]
            pipeline = self.client.pipeline()
            for item in chunk:
                add(pipeline, item)
            yield from zip(chunk, pipeline.run())
            meter.show(first + len(chunk))
        meter.end()

    def semantic_types(self):
        return sorted(name for name, policy in self.client.cache_types().items() if policy["store"] and policy["semantic"])

    def calibrate(self, pairs, type, max_error):
        """Makes the pairs all that is known of the type; returns the last report."""
        rows = [[pair.stored, pair.asked, bool(pair.label)] for pair in pairs]
        report = None
        for first in range(0, len(rows), PAIRS_PER_CALL):
            report = self.client.cache_calibrate(rows[first:first + PAIRS_PER_CALL], type=type, max_error=max_error,
                                                 replace=first == 0)
        return report

    def close(self):
        """Voids what this run stored."""
        with contextlib.suppress(reprise.Error):
            if self._has_stored:
                self.client.cache_invalidate("tag", self.run)
        self.client.close()


@contextlib.contextmanager
def opened(options):
    """options: address (a server that runs), or server (a program to start) with set and work_dir; quiet."""
    if options.address:
        session = Session(options.address, options.quiet)
        try:
            yield session
        finally:
            session.close()
        return
    settings = {**SETTINGS, **dict(pair.split("=", 1) for pair in options.set)}
    with tempfile.TemporaryDirectory(prefix="reprise-quality-", dir=options.work_dir) as folder:
        server = servers.reprise(options.server, folder, settings)
        try:
            server.start()
            session = Session(server.address, options.quiet)
            yield session
            session.client.close()
        finally:
            if server.process:
                server.stop()
