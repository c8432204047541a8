"""Row T2: takes out each check that keeps questions apart, and expects the unit test to notice.

Usage: run.py [--source=FOLDER] [--only=TEXT] [--jobs=N]
       --only: the mutants whose name has this text

Builds server_cache_test in a copy of the source tree, which is removed at the end. A mutant that
does not build proves nothing and is an error, as one that survives is.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from mutants import MUTANTS

TARGET = "server_cache_test"
TEST_SECONDS = 600  # a mutant may run for ever


def copy_source(source, target):
    """What git knows, and what is new and not ignored."""
    listed = subprocess.run(["git", "-C", source, "ls-files", "-z", "--cached", "--others",
                             "--exclude-standard"], check=True, capture_output=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)


def build(tree, jobs):
    """None, or what the compiler said."""
    done = subprocess.run(["cmake", "--build", "--preset", "dev", "-j", str(jobs), "--target", TARGET],
                          cwd=tree, capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else (done.stdout + done.stderr)[-3000:]


def failed_tests(tree):
    """Names of the test cases that failed; the whole output when there are none and it ended badly."""
    try:
        done = subprocess.run([tree / "build" / "dev" / "bin" / TARGET, "--durations", "no"], cwd=tree,
                              capture_output=True, text=True, check=False, timeout=TEST_SECONDS)
    except subprocess.TimeoutExpired:
        return [f"no end after {TEST_SECONDS} s"]
    if done.returncode == 0:
        return []
    names = re.findall(r"^-{70,}\n(?!\.)(.+?)\n-{70,}$", done.stdout, re.MULTILINE | re.DOTALL)
    return sorted({" ".join(name.split()) for name in names}) or [f"ended with {done.returncode}"]


def caught_by(tree, mutant, jobs):
    """(names of tests that failed, or none; an error, or None)"""
    _, name, text, instead = mutant
    path = tree / name
    original = path.read_text()
    if original.count(text) != 1:
        return [], f"{name} has the text {original.count(text)} times; bring the row up to date"
    path.write_text(original.replace(text, instead))
    try:
        broken = build(tree, jobs)
        return ([], f"does not build:\n{broken}") if broken else (failed_tests(tree), None)
    finally:
        path.write_text(original)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if arguments.only in mutant[0]]
    killed = 0
    with tempfile.TemporaryDirectory(prefix="reprise-mutants-") as folder:
        tree = pathlib.Path(folder)
        copy_source(arguments.source, tree)
        subprocess.run(["cmake", "--preset", "dev"], cwd=tree, check=True, capture_output=True)
        broken = build(tree, arguments.jobs)
        if broken or failed_tests(tree):
            print(f"without a mutant the test must pass\n{broken or ''}")
            return 1
        for mutant in chosen:
            names, error = caught_by(tree, mutant, arguments.jobs)
            killed += 1 if names else 0
            print(f"{'killed' if names else 'SURVIVED' if error is None else 'ERROR'}: {mutant[0]}")
            for line in names if error is None else [error]:
                print(f"    {line}")
            sys.stdout.flush()
    print(f"mutants killed {killed}/{len(chosen)} {'ok' if killed == len(chosen) else 'FAILED'}")
    return 0 if chosen and killed == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
