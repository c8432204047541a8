"""Compares what `reprise-server --dump` writes with what is committed; exits 1 on any difference.

The typed methods of the clients are made from client/commands.json by programs of their own; here they are
made or checked along with the rest, as far as their language is installed.

Usage: generated.py SERVER [--write]     (--write brings the committed files up to date)
"""
import difflib
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def check(dumped, name, write):
    home, fresh = ROOT / name, dumped.read_text()
    if write:
        home.write_text(fresh)
        return True
    if not home.exists():
        print(f"generated: {name} is not committed")
        return False
    stale = home.read_text()
    if stale == fresh:
        return True
    diff = list(difflib.unified_diff(stale.splitlines(), fresh.splitlines(), name, "generated", lineterm=""))
    print("\n".join(diff[:40]))
    print(f"generated: {name} is stale; run: python3 tests/tidy/generated.py SERVER --write")
    return False


CLIENTS = (("node", "client/node/scripts/generate.mjs"), (sys.executable, "client/python/generate.py"))


def client_methods(write):
    fine = []
    for program, script in CLIENTS:
        if shutil.which(program) is None:
            print(f"generated: SKIPPED {script}: {program} is not installed")
            continue
        arguments = [] if write else ["--check"]
        fine.append(subprocess.run([program, ROOT / script, *arguments], check=False,
                                   stdin=subprocess.DEVNULL).returncode == 0)
    return fine


def main():
    server, write = pathlib.Path(sys.argv[1]).resolve(), "--write" in sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([server, "--dump", folder], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)
        names = sorted(path.relative_to(folder).as_posix()
                       for path in pathlib.Path(folder).rglob("*") if path.is_file())
        fine = [check(pathlib.Path(folder) / name, name, write) for name in names]
    fine += client_methods(write)
    print(f"generated: {len(fine)} files, {fine.count(False)} differ")
    return 0 if fine and all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
