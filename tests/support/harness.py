"""What the integration, fault and model tests share: base class, sizes, figures, skips, main.

A test program ends with `harness.main()`. Each row of the test matrix prints one line
`name=value ... ok`; a row that ran without printing its figure counts as failed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

from rpc import Closed, Connection, RpcError, pack, request, unpack  # noqa: E402,F401
from server import Server, StartFailed, server_path, wait_until  # noqa: E402,F401

SUPPORT = os.path.dirname(os.path.abspath(__file__))
RETRYABLE = {"busy", "timeout", "read_only", "unavailable", "shutting_down"}
SKIPPED_EXIT_CODE = 77
MIB = 1 << 20
# A change of latency below this is the machine's noise: servers, clients and other tests share it.
NOTICEABLE_US = 50_000


def size(name, default):
    """The size of a row: --name=N on the command line, or REPRISE_NAME=N in the environment."""
    return int(os.environ.get("REPRISE_" + name.upper(), default))


def is_sanitized():
    """Sanitizer builds take more time and address space; figures of memory mean nothing there."""
    return os.environ.get("REPRISE_SANITIZER", "") != ""


def is_in_memory():
    """The server under test keeps nothing on disk (the thread sanitizer's build)."""
    return os.environ.get("REPRISE_IN_MEMORY", "") != ""


def figure(name, condition, **values):
    """Prints the figure of a row and fails the test when the condition does not hold."""
    fields = " ".join(f"{key}={value}" for key, value in values.items())
    print(f"{name} {fields} {'ok' if condition else 'FAILED'}", flush=True)
    Case.figures_printed.add(name)
    if not condition:
        raise AssertionError(f"{name}: {fields}")


class Case(unittest.TestCase):
    """Owns servers and a temporary directory; ends and removes them."""

    figures_printed = set()
    # Names of the figures that this class has to print.
    figures = ()

    def setUp(self):
        self.temp = tempfile.mkdtemp(prefix="reprise-test-")
        self.addCleanup(shutil.rmtree, self.temp, True)

    def server(self, **options):
        """A started server that is ended after the test."""
        server = self.prepared(**options)
        server.start()
        return server

    def prepared(self, **options):
        """A server that is not started yet."""
        server = Server(**options)
        self.addCleanup(server.destroy)
        return server

    def connect(self, server, timeout=15.0):
        connection = server.connect(timeout)
        self.addCleanup(connection.close)
        return connection

    def assert_error(self, code, connection, method, *params, **options):
        """The call fails with this code and says something to people."""
        error = connection.error_of(method, *params, **options)
        self.assertEqual(error.code, code, f"{method}: {error}")
        self.assertGreater(len(error.message), 8, f"{method}: an error explains itself")
        return error

    @classmethod
    def tearDownClass(cls):
        missing = [name for name in cls.figures if name not in cls.figures_printed]
        if missing and not getattr(cls, "__unittest_skip__", False):
            raise AssertionError(f"no figure was printed for {', '.join(missing)}")


def skip(row, reason):
    """Skips a row with a line that nobody overlooks."""
    print(f"SKIPPED {row}: {reason}", flush=True)
    Case.figures_printed.add(row)
    raise unittest.SkipTest(reason)


def need_root(row):
    if os.geteuid() != 0:
        skip(row, "needs root")


def need_tool(row, *names):
    for name in names:
        if shutil.which(name) is None:
            skip(row, f"needs {name}")


def need_file(row, path, what):
    if not path or not os.path.exists(path):
        skip(row, f"needs {what}")
    return path


def build_dir():
    path = os.environ.get("REPRISE_BUILD_DIR")
    if not path:
        raise SystemExit("REPRISE_BUILD_DIR must name the build directory (ctest sets it)")
    return path


def shim_path(row):
    """The fault shim, for LD_PRELOAD."""
    if is_sanitized():
        skip(row, "a preloaded shim does not go together with a sanitizer")
    return need_file(row, os.environ.get("REPRISE_FAULT_SHIM"), "the fault shim of the build")


class Mount:
    """A file system of its own in a directory of the test, unmounted at the end."""

    def __init__(self, row, path, arguments):
        need_root(row)
        self.path = path
        os.makedirs(path, exist_ok=True)
        self.arguments = arguments
        done = subprocess.run(["mount", *arguments, path], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            skip(row, f"cannot mount here: {done.stderr.strip()}")

    @classmethod
    def tmpfs(cls, row, path, mebibytes):
        return cls(row, path, ["-t", "tmpfs", "-o", f"size={mebibytes}m", "none"])

    @classmethod
    def loop(cls, row, path, image):
        return cls(row, path, ["-o", "loop", image])

    def unmount(self):
        wait_until(
            lambda: subprocess.run(["umount", self.path], capture_output=True,
                                   check=False).returncode == 0,
            20, f"umount {self.path}")

    def discard(self):
        subprocess.run(["umount", "-l", self.path], capture_output=True, check=False)


def main():
    """unittest with sizes on the command line (--rounds=2000) and exit code 77 for "skipped"."""
    arguments = []
    for argument in sys.argv[1:]:
        if argument.startswith("--") and "=" in argument:
            name, value = argument[2:].split("=", 1)
            os.environ["REPRISE_" + name.upper().replace("-", "_")] = value
        else:
            arguments.append(argument)
    program = unittest.main(
        module="__main__", argv=[sys.argv[0], *arguments], exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    if result.testsRun > 0 and len(result.skipped) >= result.testsRun:
        sys.exit(SKIPPED_EXIT_CODE)
