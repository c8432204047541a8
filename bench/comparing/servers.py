"""Starts and ends the servers that are compared. Each has its own folder and a port of the system's choice.

Only processes started here are ended, by their id. Nothing but loopback is used.
"""
import os
import pathlib
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import time

READY_SECONDS = 120
STOP_SECONDS = 60


class CannotStart(Exception):
    """A server program is missing or did not become ready; the message says why."""


class Server:
    """One running server. `protocol` is what reprise-bench calls it."""

    def __init__(self, protocol, argv, folder, address=None):
        self.protocol = protocol
        self.argv = argv
        self.folder = pathlib.Path(folder)
        self.address = address
        self.log = self.folder / "log.txt"
        self.process = None

    @property
    def pid(self):
        return self.process.pid

    def start(self):
        """Starts the process and returns when it accepts requests."""
        self.spawn()
        self.wait_ready()
        return self

    def spawn(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.argv, stdout=subprocess.PIPE, stderr=log, cwd=self.folder)

    def wait_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        if self.address is None:
            self.address = self._address_from_ready_line(deadline)
            return
        while not accepts(self.address):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise CannotStart(self._failure("does not listen"))
            time.sleep(0.01)

    def _address_from_ready_line(self, deadline):
        text = b""
        while time.monotonic() < deadline:
            if select.select([self.process.stdout], [], [], 0.1)[0]:
                more = os.read(self.process.stdout.fileno(), 4096)
                text += more
                match = re.search(rb"ready:.*?(127\.0\.0\.1:\d+)", text)
                if match:
                    return match.group(1).decode()
                if not more:
                    break
        raise CannotStart(self._failure("did not print its ready line"))

    def _failure(self, what):
        code = self.process.poll()
        tail = self.log.read_text(errors="replace")[-2000:]
        return f"{self.argv[0]} {what} (exit code {code})\n{tail}"

    def stop(self):
        """Asks the server to end, and waits until it has."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._close()

    def kill(self):
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._close()

    def _close(self):
        if self.process and self.process.stdout:
            self.process.stdout.close()


def accepts(address):
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        return True
    except OSError:
        return False


def free_address():
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def program(path_or_name):
    found = shutil.which(str(path_or_name))
    if found is None:
        raise CannotStart(f"no program {path_or_name}")
    return os.path.abspath(found)  # Not resolved: redis-server is a link that acts by its name.


def reprise(binary, folder, settings=None):
    """reprise-server with `settings` (configuration name -> value); not started yet."""
    argv = [program(binary), "--dir", str(pathlib.Path(folder) / "data"), "--port", "0", "--http-port", "-1"]
    for name, value in (settings or {}).items():
        argv += ["--set", f"{name}={value}"]
    return Server("reprise", argv, folder)


def redis(folder, append_only=False):
    address = free_address()
    argv = [program("redis-server"), "--bind", "127.0.0.1", "--port", address.rsplit(":", 1)[1], "--save", "",
            "--appendonly", "yes" if append_only else "no", "--appendfsync", "everysec", "--dir", str(folder)]
    return Server("redis", argv, folder, address)


def memcached(folder, threads=2, memory_mib=2048):
    address = free_address()
    argv = [program("memcached"), "-l", "127.0.0.1", "-p", address.rsplit(":", 1)[1], "-U", "0", "-m", str(memory_mib),
            "-t", str(threads), "-c", "4096"]
    if os.geteuid() == 0:
        argv += ["-u", pwd.getpwuid(0).pw_name]
    return Server("memcached", argv, folder, address)


def null(binary, folder, protocol, options=()):
    """reprise-bench-null, which stores nothing and speaks `protocol`."""
    return Server(protocol, [program(binary), "--protocol", protocol, *options], folder)
