"""Runs reprise-bench and reads its JSON result."""
import json
import pathlib
import subprocess
import sys


class LoadFailed(Exception):
    """The load generator could not run, or replies were wrong; the message says which."""


def arguments(options):
    """{'value_bytes': 1024, 'preload': True} -> ['--value-bytes', '1024', '--preload']"""
    argv = []
    for name, value in options.items():
        if value is False or value is None:
            continue
        argv.append("--" + name.replace("_", "-"))
        if value is not True:
            argv.append(str(value))
    return argv


def run(bench, server, options, folder):
    """One run against `server`; returns the result as a dict. Any error in a reply is a failure."""
    result = pathlib.Path(folder) / "result.json"
    result.unlink(missing_ok=True)
    argv = [str(bench), "--server", server.protocol, "--address", server.address, "--pid", str(server.pid), "--json",
            str(result), *arguments(options)]
    if not sys.stderr.isatty():
        argv.append("--quiet")
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0 or not result.exists():
        raise LoadFailed(f"{' '.join(argv)}\nexit code {done.returncode}\n{done.stdout}")
    return json.loads(result.read_text())
