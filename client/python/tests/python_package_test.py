"""The package itself: generated files are current, hints resolve, it installs, examples run."""

import inspect
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import typing

from support import CLIENT, Case, address_of, harness, reprise

sys.path.insert(0, CLIENT)
import generate  # noqa: E402
from reprise.generated.commands import Commands  # noqa: E402

HOME = pathlib.Path(CLIENT)
ROWS = json.loads((HOME.parent / "commands.json").read_text())
CLASSES = (reprise.Client, reprise.AsyncClient, reprise.Pipeline, reprise.AsyncPipeline)


def run(*command, **options):
    return subprocess.run([str(each) for each in command], capture_output=True, text=True,
                          check=False, timeout=240, **options)


class Generated(Case):
    def check(self, *arguments):
        return run(sys.executable, HOME / "generate.py", "--check", *arguments)

    def test_what_is_committed_is_what_the_rows_give(self):
        done = self.check()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_changed_row_or_a_changed_file_is_found(self):
        changed = pathlib.Path(self.temp) / "commands.json"
        rows = json.loads(json.dumps(ROWS))
        rows["commands"][0]["flags"] = ["no_such_flag"]
        changed.write_text(json.dumps(rows))
        done = self.check("--commands", changed)
        self.assertEqual(done.returncode, 1)
        self.assertIn("flags.py is stale", done.stdout)
        folder = pathlib.Path(self.temp) / "generated"
        shutil.copytree(HOME / "reprise" / "generated", folder,
                        ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "left_over.py").write_text("")
        self.assertIn("left_over.py", self.check("--out", folder).stdout)

    def test_every_command_has_its_method_in_all_flavours(self):
        for row in ROWS["commands"]:
            name = generate.python_name(row["name"])
            self.assertEqual(hasattr(Commands, name), generate.has_method(row), name)
        for kind in CLASSES:
            self.assertTrue(issubclass(kind, Commands))

    def test_every_code_has_its_class_and_every_class_a_family(self):
        for row in ROWS["errors"]:
            kind = reprise.codes.BY_CODE[row["name"]]
            self.assertIs(getattr(reprise, kind.__name__), kind)
            self.assertEqual(kind.code, row["name"])
            self.assertTrue(issubclass(kind, (reprise.CallerError, reprise.TransientError,
                                              reprise.ServerError)))

    def test_a_result_has_a_type_only_where_its_description_leaves_one(self):
        for text, kind in (("true; false when it is absent", "BoolR"), ("{a, b: [c]}", "MapR"),
                           ("{a}, or {b}", "MapR"), ("[{a}, ...]", "ListR"),
                           ("{a}, or nil", "AnyR"), ("the value, or nil", "AnyR"),
                           ("how many of them", "IntR")):
            self.assertEqual(generate.result_type(text), kind, text)


class Hints(Case):
    def test_every_public_function_has_hints_that_resolve(self):
        for kind in CLASSES:
            for name, function in inspect.getmembers(kind, inspect.isfunction):
                if name.startswith("_"):
                    continue
                hints = typing.get_type_hints(function)
                missing = inspect.signature(function).parameters.keys() - hints.keys() - {"self"}
                self.assertFalse(missing, f"{kind.__name__}.{name}")
                self.assertIn("return", hints, f"{kind.__name__}.{name}")

    def test_both_flavours_take_the_same_arguments(self):
        for name, function in inspect.getmembers(reprise.Client, inspect.isfunction):
            if not name.startswith("_") and name not in ("execute_on", "chunks_of"):
                other = getattr(reprise.AsyncClient, name)
                self.assertEqual(list(inspect.signature(function).parameters),
                                 list(inspect.signature(other).parameters), name)

    def test_an_error_survives_being_sent_to_another_process(self):
        import pickle
        for error in (reprise.NotFound("no such key", {"a": 1}), reprise.Error("other")):
            copied = pickle.loads(pickle.dumps(error))
            self.assertEqual((type(copied), copied.code, copied.message, copied.details),
                             (type(error), error.code, error.message, error.details))


class Installed(Case):
    def test_pip_installs_it_without_the_network_and_it_works(self):
        if run(sys.executable, "-c", "import setuptools, wheel, pip").returncode != 0:
            harness.skip("python_pip", "needs pip, setuptools and wheel")
        source = pathlib.Path(self.temp) / "source"
        shutil.copytree(HOME, source, ignore=shutil.ignore_patterns("build", "*.egg-info"))
        target = pathlib.Path(self.temp) / "target"
        done = run(sys.executable, "-m", "pip", "install", "--no-index", "--no-deps",
                   "--no-build-isolation", "--disable-pip-version-check", "--target", target,
                   source)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue((target / "reprise" / "py.typed").exists())
        server = self.server()
        code = ("import reprise, sys; print(reprise.__file__); "
                f"print(reprise.Client('{address_of(server)}').ping())")
        done = run(sys.executable, "-W", "ignore", "-c", code,
                   env={**os.environ, "PYTHONPATH": str(target)}, cwd=self.temp)
        self.assertEqual(done.stdout.split("\n")[1:2], ["PONG"], done.stderr)
        self.assertIn(str(target), done.stdout)


    def test_the_readme_says_how_it_is_installed_and_that_works_without_the_network(self):
        if run("/usr/bin/python3", "-c", "import ensurepip, msgpack, setuptools, wheel").returncode:
            harness.skip("python_venv", "needs Debian's python3-venv, -msgpack, -setuptools, -wheel")
        shutil.copytree(HOME, pathlib.Path(self.temp) / "client" / "python",
                        ignore=shutil.ignore_patterns("build", "*.egg-info"))
        install = re.search(r"## Install\n\n```\n(.*?)```", (HOME / "README.md").read_text(),
                            re.DOTALL).group(1)
        lines = [line for line in install.splitlines() if " venv " in line or "pip install" in line]
        self.assertEqual(len(lines), 2)
        offline = {**os.environ, "PIP_NO_INDEX": "1", "PYTHONPATH": "", "PATH": "/usr/bin:/bin"}
        done = run("sh", "-ec", "\n".join(lines), cwd=self.temp, env=offline)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        done = run("env/bin/python", "-c", "import reprise; print(reprise.__file__)", cwd=self.temp,
                   env=offline)
        self.assertIn("/env/lib/", done.stdout, done.stderr)


class Shown(Case):
    def test_each_example_of_the_readme_runs_against_a_server(self):
        server = self.server()
        blocks = re.findall(r"```python\n(.*?)```", (HOME / "README.md").read_text(), re.DOTALL)
        self.assertGreaterEqual(len(blocks), 2)
        for block in blocks:
            code = block.replace("127.0.0.1:7377", address_of(server))
            with tempfile.TemporaryDirectory() as folder:
                done = run(sys.executable, "-W", "error::RuntimeWarning", "-c", code, cwd=folder,
                           env={**os.environ, "PYTHONPATH": CLIENT})
            self.assertEqual(done.returncode, 0, f"{block}\n{done.stderr}")

    def bot(self, address, questions, *options):
        done = run(sys.executable, HOME / "examples" / "bot.py", address, *options,
                   input="\n".join(questions))
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_the_example_bot_asks_the_upstream_once_for_equal_questions(self):
        address = address_of(self.server())
        questions = ["What is RAII?", "what is raii", "What is RAID?", "What is RAII?"]
        said = self.bot(address, questions)
        self.assertIn("4 questions, 2 asked of the upstream", said)
        self.assertIn("computed and stored", said)
        self.assertIn("4 questions, 0 asked", self.bot(address, questions))
        self.assertIn("1 asked", self.bot(address, questions[:2], "--stream"))
        self.assertIn("2 questions, 2 asked", self.bot("127.0.0.1:1", questions[:2]))

    def test_no_file_that_somebody_wrote_is_above_400_lines(self):
        written = [path for path in HOME.rglob("*.py") if path.parent.name != "generated"]
        self.assertGreater(len(written), 20)
        for path in written:
            self.assertLessEqual(len(path.read_text().splitlines()), 400, str(path))


if __name__ == "__main__":
    harness.main()
