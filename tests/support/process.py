"""Readings of a running process from /proc."""

import os


def _status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def rss_bytes(pid):
    return int(_status(pid)["VmRSS"].split()[0]) * 1024


def peak_rss_bytes(pid):
    return int(_status(pid)["VmHWM"].split()[0]) * 1024


def virtual_bytes(pid):
    return int(_status(pid)["VmSize"].split()[0]) * 1024


def peak_virtual_bytes(pid):
    return int(_status(pid)["VmPeak"].split()[0]) * 1024


def threads(pid):
    return int(_status(pid)["Threads"])


def cpu_seconds(pid):
    """User and system time, all threads together."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def is_alive(pid):
    try:
        return _status(pid)["State"][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError, KeyError):
        return False
