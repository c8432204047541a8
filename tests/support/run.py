"""Runs one test program outside ctest, with the environment that ctest would give it.

    python3 tests/support/run.py build/dev fault/kill9_test.py --rounds=2000
"""

import os
import sys


def environment(build):
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    build = os.path.abspath(build)
    known = {
        "REPRISE_SERVER": "bin/reprise-server",
        "REPRISE_CLI": "bin/reprise-cli",
        "REPRISE_BENCH": "bin/reprise-bench",
        "REPRISE_FAULT_SHIM": "lib/libfault_shim.so",
    }
    values = {name: os.path.join(build, path) for name, path in known.items()}
    return {**os.environ, **{name: path for name, path in values.items()
                             if name not in os.environ},
            "REPRISE_BUILD_DIR": build, "PYTHONPATH": os.path.join(tests, "support"),
            "PYTHONDONTWRITEBYTECODE": "1"}


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    program = sys.argv[2]
    if not os.path.exists(program):
        program = os.path.join(tests, program)
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    os.execve(python, [python, program, *sys.argv[3:]], environment(sys.argv[1]))


if __name__ == "__main__":
    main()
