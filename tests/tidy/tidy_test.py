"""Feeds tidy.py small bad repositories, one breach each, and a clean one."""
import pathlib
import tempfile
import unittest

import tidy

CLEAN = {
    "protocol/base/README.md": "# base\n",
    "protocol/base/thing.h": "// Thing: what it owns.\n#pragma once\n\n#include <string>\n",
    "server/cache/README.md": "# cache\n",
    "server/cache/cache.cc": '// The cache.\n#include <vector>\n\n#include "protocol/base/thing.h"\n',
    "server/cache/CMakeLists.txt":
        "reprise_module(server_cache\n  SOURCES cache.cc\n  DEPENDS protocol_base storage_engine\n"
        "  LINKS xxhash\n  TESTS a_test.cc)\n",
}
HEADER = "// Head.\n#pragma once\n"


def problems(changes):
    """What tidy says of the clean repository with `changes` (None removes a file)."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in {**CLEAN, **changes}.items():
            if text is not None:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
        return list(tidy.problems_of(root))


def source(*lines):
    return {"server/cache/cache.cc": "// The cache.\n" + "\n".join(lines) + "\n"}


class TidyTest(unittest.TestCase):
    def only(self, expected, changes):
        found = problems(changes)
        self.assertEqual(len(found), 1, found)
        self.assertIn(expected, found[0])

    def fine(self, changes):
        self.assertEqual(problems(changes), [])

    def test_a_clean_repository_has_no_problem(self):
        self.fine({})

    def test_an_edge_that_is_not_listed_is_refused(self):
        self.only("server/cache must not use server/jobs", source('#include "server/jobs/queue.h"'))
        self.only("server/cache must not use server/commands",
                  source('#include "server/commands/spec.h"'))
        self.only("nobody includes server/app", source('#include "server/app/main.h"'))
        self.only("only tests and bench", source('#include "tests/support/x.h"'))
        self.fine(source('#include "storage/engine/store.h"'))

    def test_an_edge_in_a_build_file_is_refused(self):
        bad = CLEAN["server/cache/CMakeLists.txt"].replace("storage_engine", "server_spend")
        self.only("server/cache must not use server/spend", {"server/cache/CMakeLists.txt": bad})
        bad = CLEAN["server/cache/CMakeLists.txt"].replace("server_cache", "server_jobs")
        self.only("not the module of this folder", {"server/cache/CMakeLists.txt": bad})

    def test_foreign_headers_stay_in_their_home(self):
        for header in ("uv.h", "rocksdb/db.h", "hnswlib/hnswlib.h", "msgpack.hpp", "openssl/ssl.h",
                       "toml++/toml.h", "spdlog/spdlog.h", "http_parser.h", "utf8proc.h",
                       "nlohmann/json.hpp", "CLI/CLI.hpp"):
            self.only("belongs only in", source(f"#include <{header}>"))
        self.only("has no row in HOME_OF", source("#include <boost/asio.hpp>"))
        self.fine(source("#include <sys/socket.h>", "#include <unistd.h>", "#include <xxhash.h>"))
        self.fine({"protocol/wire/README.md": "", "protocol/wire/json.cc": "#include <nlohmann/json.hpp>\n"})
        self.only("belongs only in", {"protocol/wire/README.md": "",
                                      "protocol/wire/decode.cc": "#include <nlohmann/json.hpp>\n"})

    def test_includes_are_written_from_the_root_and_once(self):
        self.only("from the root", source('#include "cache.h"'))
        self.only("is no header", source('#include "protocol/base/thing.cc"'))
        self.only("included twice", source("#include <map>", "#include <map>"))

    def test_banned_calls_are_refused_in_code_only(self):
        for line in ("auto t = std::chrono::steady_clock::now();", "int r = rand();", "usleep(5);",
                     "std::random_device device;", "std::this_thread::sleep_for(x);",
                     "throw std::runtime_error(x);", "assert(x);", "sprintf(a, b);", "using namespace std;",
                     "#include <regex>", "std::cout << 1;", "system(command);", "class CacheManager {",
                     "thread.detach();"):
            self.only("banned here", source(line))
        self.fine(source("// rand() and usleep() are banned, steady_clock too.",
                         'Log("throw assert(x) rand()");', "static_assert(true);", "operand(1);",
                         "using namespace std::string_literals;"))

    def test_the_home_of_a_banned_call_may_use_it(self):
        self.fine({"protocol/base/clock.cc": "// Clock.\nauto t = steady_clock::now();\n"})
        self.fine({"bench/load/main.cc": "// Load.\nauto t = steady_clock::now();\n"})

    def test_machine_paths_are_refused(self):
        self.only("every machine", source('Open("/wo' 'rk/main/x");'))
        self.only("every machine", {"conf/run.sh": "cd /home/me/reprise\n"})
        self.only("data directory", source('Open("/tmp/x");'))
        self.fine({"server/cache/cache_test.cc": '// Test.\nOpen("/tmp/x");\n'})

    def test_a_todo_names_an_issue(self):
        self.only("TODO(#issue)", source("// TODO: later"))
        self.only("before merging", {"conf/run.sh": "# FIXME\n"})
        self.fine(source("// TODO(#12): later"))

    def test_a_nolint_names_its_check_and_its_reason(self):
        self.only("names its check", source("int x;  // NOLINT"))
        self.only("gives its reason", source("int x;  // NOLINT(check-a)"))
        self.only("gives its reason", source("int x;  // NOLINT(check-a): why", "", "int y;  // NOLINT(check-a)"))
        self.fine(source("int x;  // NOLINT(check-a): why", "int y;  // NOLINT(check-a)"))

    def test_a_header_has_a_head_and_a_guard(self):
        self.only("begins with a comment", {"server/cache/a.h": "#pragma once\n"})
        self.only("#pragma once", {"server/cache/a.h": "// A.\n"})

    def test_a_file_has_a_size(self):
        self.only("the most is 800", {"server/cache/a.h": HEADER + "\n" * 799})
        self.fine({"server/cache/a.h": HEADER + "\n" * 798})

    def test_folders_are_known_and_have_a_readme(self):
        self.only("not in MAY_USE", {"server/odd/README.md": "", "server/odd/a.h": HEADER})
        self.only("has a README.md", {"server/cache/README.md": None})
        self.only("folders are fixed", {"extra/notes.txt": ""})
        self.only("does not belong at the top", {"stray.txt": ""})

    def test_notes_have_a_number_of_their_own(self):
        self.fine({"server/cache/notes/0001-why.md": "", "server/cache/notes/0002-how.md": ""})
        self.only("NNNN-title.md", {"server/cache/notes/why.md": ""})
        self.only("two design notes", {"server/cache/notes/0001-a.md": "", "server/cache/notes/0001-b.md": ""})


if __name__ == "__main__":
    unittest.main()
