"""What the tests of the Python client share: paths, clients that are closed, threads, tasks."""

import asyncio
import concurrent.futures
import logging
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENT = os.path.dirname(HERE)
ROOT = os.path.dirname(os.path.dirname(CLIENT))
sys.dont_write_bytecode = True
sys.path.insert(0, CLIENT)
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))

import harness  # noqa: E402
import reprise  # noqa: E402

logging.getLogger("reprise").setLevel(logging.CRITICAL)  # The tests fail things on purpose.
QUICK = reprise.ReconnectOptions(first_delay_ms=5, max_delay_ms=40, jitter_seed=7)


def address_of(server):
    return "{}:{}".format(*server.address)


def timed(function):
    """(result or exception, milliseconds)."""
    began = time.monotonic()
    try:
        result = function()
    except Exception as failure:  # pylint: disable=broad-except
        result = failure
    return result, (time.monotonic() - began) * 1000


class Case(harness.Case):
    def client(self, where, **options):
        """A blocking client of a server, a double or an address."""
        client = reprise.Client(self.address(where), **{"reconnect": QUICK, **options})
        self.addCleanup(client.close)
        return client

    @staticmethod
    def address(where):
        if isinstance(where, str):
            return where
        return address_of(where) if isinstance(where, harness.Server) else where.address

    def background(self, function, *arguments):
        """A future of the function's result, on a thread of its own."""
        pool = concurrent.futures.ThreadPoolExecutor(1)
        self.addCleanup(pool.shutdown)
        return pool.submit(function, *arguments)

    def double(self, kind, **options):
        double = kind(**options)
        self.addCleanup(double.close)
        return double

    def run_async(self, where, test, **options):
        """Runs test(client) with an asyncio client that is closed at the end."""
        async def run():
            async with reprise.AsyncClient(self.address(where),
                                           **{"reconnect": QUICK, **options}) as client:
                return await asyncio.wait_for(test(client), 60)
        return asyncio.run(run())


async def until(predicate, what, seconds=10.0):
    """Polls inside a loop."""
    async with asyncio.timeout(seconds):
        while not predicate():
            await asyncio.sleep(0.005)
    return what
