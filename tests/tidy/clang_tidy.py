"""Runs clang-tidy over every source file of a build, several at a time, and skips what passed before.

A file that passed is remembered under a hash of all that decides its result: its text, the text of
every header of ours that it reaches, its compile command, .clang-tidy, and the versions of clang-tidy
and of the installed packages that bring foreign headers. Memory: $XDG_CACHE_HOME/reprise-tidy.

Clang's own warnings count as well, thread-safety marks included. The static analyzer
looks at product code only, and not far along each path unless --deep is given.

With --minutes the files that were changed last come first, and what the time does not reach is told and is
no failure: without memory the whole tree takes a quarter of an hour on two cores.

Usage: clang_tidy.py BUILD_FOLDER [-j N] [--deep] [--minutes N] [PATH_PREFIX...]
"""
import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLANG_TIDY = "clang-tidy-14"
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
# GCC's own options, and the precompiled header, which clang-tidy can do without.
DROPPED = re.compile(r"^(-fpch-preprocess|-Winvalid-pch|-Wno-restrict|-Wno-maybe-uninitialized|-Wno-tsan"
                     r"|-flto\S*|-fno-fat-lto-objects|-fsanitize\S*|-fno-sanitize\S*|-Werror)$")
KEEP_DAYS = 30
SHALLOW = ["-Xclang", "-analyzer-config", "-Xclang", "mode=shallow"]
CHECKS, TEST_CHECKS = "clang-diagnostic-*", "clang-diagnostic-*,-clang-analyzer-*"


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    folder = pathlib.Path(base) / "reprise-tidy"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if time.time() - old.stat().st_mtime > KEEP_DAYS * 86400:
            old.unlink(missing_ok=True)
    return folder


@functools.cache
def direct(path):
    """A file's text, and the headers of ours that it names itself."""
    text = path.read_text()
    return text, [ROOT / target for target in INCLUDE.findall(text) if (ROOT / target).is_file()]


def reached(path):
    seen, open_ends = set(), [path]
    while open_ends:
        at = open_ends.pop()
        if at not in seen:
            seen.add(at)
            open_ends += direct(at)[1]
    return sorted(seen)


def toolchain():
    """What changes the result although no file of ours changes."""
    version = subprocess.run([CLANG_TIDY, "--version"], capture_output=True, text=True, check=True)
    names = [line.split()[0] for line in (ROOT / "conf/debian-packages.txt").read_text().splitlines()
             if re.match(r"\w", line)]
    packages = subprocess.run(["dpkg-query", "-W", *names], capture_output=True, text=True, check=False)
    return version.stdout + packages.stdout + (ROOT / ".clang-tidy").read_text()


def plain_command(entry):
    """The entry's command without compiler cache, precompiled header and GCC's own options."""
    words = shlex.split(entry["command"])
    while words and not re.search(r"(^|/)(c|g|clang)\+\+(-\d+)?$", words[0]):
        words.pop(0)
    kept, skip = [], 0
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else ""
        if skip:
            skip -= 1
        elif word == "-include" and "cmake_pch" in following:
            skip = 1
        elif word == "-Xclang" and following in ("-include-pch", "-include"):
            skip = 3
        elif word == "-Xclang" and following in ("-fno-pch-timestamp", "-emit-pch"):
            skip = 1
        elif not DROPPED.match(word):
            kept.append(word)
    return kept


def sources(build, prefixes, extra):
    """File -> plain command; each file once, generated files and precompiled headers left out."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if path.suffix != ".cc" or ROOT not in path.parents or build in path.parents or not path.is_file():
            continue
        name = path.relative_to(ROOT).as_posix()
        if not prefixes or name.startswith(tuple(prefixes)):
            found.setdefault(path, (entry["directory"], plain_command(entry) + extra))
    return found


def key_of(path, command, tools):
    digest = hashlib.sha256((tools + CHECKS + TEST_CHECKS).encode())
    stable = [word for word in command if not word.endswith(".o")]
    digest.update(" ".join(stable).replace(str(ROOT), "").encode())
    for file in reached(path):
        digest.update(f"{file.relative_to(ROOT)}\0{direct(file)[0]}\0".encode())
    return digest.hexdigest()


def run_one(path, database, deadline):
    began = time.monotonic()
    if began > deadline:
        return None, [], 0.0
    checks = TEST_CHECKS if path.name.endswith("_test.cc") else CHECKS
    done = subprocess.run([CLANG_TIDY, "-p", database, "--quiet", f"--checks={checks}", str(path)], cwd=ROOT, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    found = re.findall(r"^.*(?:error|warning): .*", done.stdout, re.MULTILINE)
    lines = [line.replace(f"{ROOT}/", "") for line in found] or [done.stdout + done.stderr]
    return done.returncode, lines, time.monotonic() - began


def newest_first(paths):
    """By the last commit that touched the file; files that no commit has yet come first of all."""
    log = subprocess.run(["git", "log", "--format=", "--name-only", "HEAD"], cwd=ROOT, text=True,
                         capture_output=True, check=False).stdout.splitlines()
    place = {}
    for name in log:
        place.setdefault(name, len(place))
    return sorted(paths, key=lambda path: place.get(path.relative_to(ROOT).as_posix(), -1))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("prefixes", nargs="*")
    parser.add_argument("--deep", action="store_true")
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("-j", type=int, default=os.cpu_count())
    options = parser.parse_intermixed_args()
    extra = ["-Wthread-safety"] + ([] if options.deep else SHALLOW)
    found = sources(options.build.resolve(), options.prefixes, extra)
    tools, folder = toolchain(), cache_folder()
    keys = {path: key_of(path, command, tools) for path, (_, command) in found.items()}
    todo = newest_first(path for path in found if not (folder / keys[path]).exists())
    deadline = time.monotonic() + 60 * options.minutes
    failed, late, shown = 0, 0, set()  # A breach in a header is shown once.
    with tempfile.TemporaryDirectory() as database, \
            concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        entries = [{"directory": directory, "file": str(path), "arguments": command}
                   for path, (directory, command) in found.items()]
        (pathlib.Path(database) / "compile_commands.json").write_text(json.dumps(entries))
        runs = {pool.submit(run_one, path, database, deadline): path for path in todo}
        for run in concurrent.futures.as_completed(runs):
            path, (code, lines, seconds) = runs[run], run.result()
            name = path.relative_to(ROOT)
            if code is None:
                late += 1
            elif code == 0:
                (folder / keys[path]).touch()
            else:
                failed += 1
                print(*(line for line in lines if line not in shown),
                      f"clang-tidy: {name} failed ({seconds:.0f} s)", sep="\n", flush=True)
                shown.update(lines)
    print(f"clang-tidy: {len(found)} files, {len(found) - len(todo)} unchanged since they passed, "
          f"{failed} failed" + (f", {late} not looked at for lack of time" if late else ""))
    return 1 if failed or not found else 0


if __name__ == "__main__":
    sys.exit(main())
