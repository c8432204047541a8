"""Starts, watches, kills and restarts one reprise-server on a data directory of its own."""

import ctypes
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

import process
from prometheus import Exposition
from rpc import Connection

READY = re.compile(r"^reprise-server (\S+) ready: (.*)$")
START_DEADLINE_S = float(os.environ.get("REPRISE_START_DEADLINE_S", "30"))
STOP_DEADLINE_S = 30.0
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class StartFailed(Exception):
    """The server ended, or was not ready in time."""

    def __init__(self, code, log):
        self.code = code
        self.log = log
        super().__init__(f"exit code {code}; log:\n{log[-3000:]}")


def server_path():
    path = os.environ.get("REPRISE_SERVER")
    if not path or not os.path.exists(path):
        raise SystemExit("REPRISE_SERVER must name the reprise-server binary (ctest sets it)")
    return path


def wait_until(predicate, deadline_s, what):
    """Polls until the predicate answers something true, and answers that."""
    end = time.monotonic() + deadline_s
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline_s} s: {what}")
        time.sleep(0.01)


def _die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """Settings are names of the configuration: {"store.durability": "always"}."""

    def __init__(self, directory=None, settings=None, arguments=(), environment=None, wrapper=(),
                 unix=False, http=True):
        self.root = tempfile.mkdtemp(prefix="reprise-test-")
        self.directory = directory or os.path.join(self.root, "data")
        self.settings = dict(settings or {})
        self.arguments = list(arguments)
        self.environment = dict(environment or {})
        self.wrapper = list(wrapper)
        self.unix_path = os.path.join(self.root, "s.sock") if unix else None
        self.http = http
        self.child = None
        self.pid = None
        self.ready = {}
        self.start_ms = None
        self.starts = 0

    def __enter__(self):
        return self.start() if self.child is None else self

    def __exit__(self, *_):
        self.destroy()

    def command(self, extra=()):
        command = [*self.wrapper, server_path(), "--dir", self.directory]
        if not any(argument.startswith("--port") for argument in self.arguments):
            command += ["--port", "0"]
        if not any(argument.startswith("--http-port") for argument in self.arguments):
            command += ["--http-port", "0" if self.http else "-1"]
        if self.unix_path:
            command += ["--unix", self.unix_path]
        for name, value in self.settings.items():
            command += ["--set", f"{name}={value}"]
        return command + self.arguments + list(extra)

    def start(self, *extra, deadline_s=START_DEADLINE_S):
        """Starts and waits for the ready line. StartFailed when the server ends instead."""
        self.starts += 1
        self.log_path = os.path.join(self.root, f"log.{self.starts}")
        began = time.monotonic()
        with open(self.log_path, "wb") as log:
            self.child = subprocess.Popen(
                self.command(extra), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                env={**os.environ, **self.environment}, preexec_fn=_die_with_parent,
                cwd=self.root)
        self._await_ready(began + deadline_s)
        self.start_ms = (time.monotonic() - began) * 1000
        return self

    def _await_ready(self, deadline):
        received = b""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                self.kill()
                raise StartFailed("none (no ready line in time)", self.log())
            if not select.select([self.child.stdout], [], [], left)[0]:
                continue
            data = os.read(self.child.stdout.fileno(), 65536)
            if not data:
                code = self.child.wait(STOP_DEADLINE_S)
                self.child.stdout.close()
                self.child = None
                raise StartFailed(code, received.decode(errors="replace") + self.log())
            received += data
            for line in received.decode(errors="replace").splitlines():
                match = READY.match(line)
                if match and received.endswith(b"\n"):
                    self.version = match.group(1)
                    self.ready = dict(part.split("=", 1) for part in match.group(2).split(" "))
                    self.pid = int(self.ready.get("pid", self.child.pid))
                    return

    @staticmethod
    def _host_port(text):
        host, port = text.rsplit(":", 1)
        return (host.strip("[]"), int(port))

    @property
    def address(self):
        return self._host_port(self.ready["tcp"])

    @property
    def tls_address(self):
        return self._host_port(self.ready["tls"])

    @property
    def http_address(self):
        return self._host_port(self.ready["http"])

    def connect(self, timeout=15.0):
        return Connection(self.address, timeout)

    def call(self, method, *params, **options):
        """One call on a connection of its own."""
        with self.connect() as connection:
            return connection.call(method, *params, **options)

    def http_get(self, path, headers=None, timeout=10.0):
        """Answers (status, body)."""
        host, port = self.http_address
        request = urllib.request.Request(f"http://{host}:{port}{path}", headers=headers or {})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=timeout) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def metrics(self):
        status, text = self.http_get("/metrics")
        if status != 200:
            raise AssertionError(f"/metrics answered {status}")
        return Exposition(text)

    def info(self, section, name):
        """One figure of INFO."""
        sections = self.call("INFO", section)
        return sections[section][name]

    def log(self):
        with open(self.log_path, "rb") as file:
            return file.read().decode(errors="replace")

    def is_alive(self):
        return self.child is not None and self.child.poll() is None

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        """kill -9, as a crash would end it."""
        if self.child is None:
            return
        for pid in {self.pid, self.child.pid} - {None}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self._reap(STOP_DEADLINE_S)

    def stop(self, deadline_s=STOP_DEADLINE_S):
        """SIGTERM; answers the exit code. The code of a server that needed kill -9 is None."""
        if self.child is None:
            return None
        try:
            self.signal(signal.SIGTERM)
        except ProcessLookupError:
            pass
        return self.wait(deadline_s)

    def wait(self, deadline_s=STOP_DEADLINE_S):
        try:
            return self._reap(deadline_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def _reap(self, deadline_s):
        code = self.child.wait(deadline_s)
        self.child.stdout.close()
        self.child = None
        self.pid = None
        return code

    def restart(self, *extra, kill=False):
        self.kill() if kill else self.stop()
        return self.start(*extra)

    def expect_refusal(self, *extra):
        """Starts a server that must not become ready; answers the StartFailed."""
        try:
            self.start(*extra)
        except StartFailed as failure:
            return failure
        self.kill()
        raise AssertionError("the server became ready although it had to refuse")

    def destroy(self):
        self.kill()
        shutil.rmtree(self.root, ignore_errors=True)

    def rss(self):
        return process.rss_bytes(self.pid)
