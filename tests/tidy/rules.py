"""The tables of tidy.py: which module may include which, and what is banned where."""
import re

# Module -> modules it may include. An edge that is not listed here is an error. DESIGN.md, 2.
BASE = ["protocol/base"]
WIRE = BASE + ["protocol/wire"]
DOMAINS = [f"server/{name}" for name in
           ("access", "cache", "routing", "jobs", "context", "prompt", "tools", "spend", "rate",
            "control")]
BELOW_DOMAINS = WIRE + ["storage/engine", "storage/vector", "server/config", "server/text",
                        "server/calendar", "server/embed", "server/match", "server/semantic", "server/telemetry"]
ANY = None
MAY_USE = {
    "protocol/base": [],
    "protocol/wire": BASE,
    "storage/engine": BASE,
    "storage/vector": BASE + ["storage/engine"],
    "server/loop": BASE,
    "server/config": BASE + ["storage/engine"],
    "server/text": BASE,
    "server/calendar": BASE,
    "server/embed": WIRE + ["server/text"],
    "server/match": BASE + ["server/text"],
    "server/semantic": WIRE + ["storage/engine", "storage/vector", "server/text", "server/embed",
                               "server/match"],
    "server/telemetry": BASE + ["server/text"],
    **{domain: BELOW_DOMAINS for domain in DOMAINS},
    "server/instance": BELOW_DOMAINS + DOMAINS,
    "server/commands": BELOW_DOMAINS + DOMAINS + ["server/instance"],
    "server/dispatch": WIRE + ["storage/engine", "server/config", "server/telemetry",
                               "server/instance", "server/commands"],
    "server/session": WIRE + ["server/config", "server/telemetry", "server/commands",
                              "server/dispatch"],
    "server/http": BASE,
    "server/app": ANY,
    "client/cpp": WIRE,
    "client/cli": WIRE + ["client/cpp"],
    "client/node": [],
    "client/python": [],
}
# No module, tests and bench aside, may include these.
ONLY_FROM_TESTS = ("tests/", "bench/")

# Foreign header prefix -> where it may be included: modules, folders or single files.
TESTING = ["tests", "bench"]
HOME_OF = {
    "uv.h": ["server/loop"],
    "uv/": ["server/loop"],
    "rocksdb/": ["storage/engine"],
    "hnswlib": ["storage/vector"],
    "msgpack": ["protocol/wire"],
    "openssl/evp.h": ["server/loop", "server/access", "server/cache", "server/spend",
                      "client/cpp"] + TESTING,  # Digests.
    "openssl/": ["server/loop", "server/access", "client/cpp"] + TESTING,
    "toml++/": ["server/config"],
    "spdlog/": ["server/telemetry"],
    "http_parser.h": ["server/http"],
    "utf8proc.h": ["server/text"],
    "pcre2.h": ["server/text", "server/prompt"],
    "curl/": ["server/embed"],
    "nlohmann/": ["protocol/wire/json.cc", "protocol/wire/json_read.cc", "protocol/wire/plain_json.cc",
                  "server/app", "client/cli"] + TESTING,
    "simdjson": ["server/cache"],
    "CLI/": ["server/app", "client/cli"] + TESTING,
    "histedit.h": ["client/cli"],
    "editline/": ["client/cli"],
    "xxhash.h": ["storage/engine", "server/cache", "server/access", "server/embed", "server/control",
                 "server/rate", "server/jobs"] + TESTING,
    "hiredis/": ["bench"],
    "benchmark/": ["bench"],
    "catch2/": TESTING,
}
# Headers of the C library and of Linux: anybody's. C++'s own have no dot and no slash.
SYSTEM_HEADER = re.compile(
    r"^((sys|netinet|arpa|linux|net)/\w+\.h|(assert|cpuid|ctype|dirent|dlfcn|errno|execinfo|fcntl|ftw"
    r"|getopt|immintrin|limits|malloc|math|netdb|poll|pthread|pwd|sched|signal|spawn|stdio|stdlib|string"
    r"|strings|termios|time|ucontext|unistd)\.h)$")


def rule(pattern, instead, homes=()):
    return re.compile(pattern), instead, tuple(homes)


# What C++ code must not contain, what to use instead, and the places where it is allowed. Comments
# and string literals do not count.
BANNED = [
    rule(r"\bchrono::\w+_clock\b|\b(system|steady|high_resolution)_clock::|\b(clock_gettime|gettimeofday)\b"
         r"|\btime\((nullptr|NULL|0)\)", "base::Clock", ["protocol/base/", "bench/"]),
    rule(r"\brandom_device\b|\bs?rand\(|\bdrand48\(", "a seeded generator passed in",
         ["protocol/base/", "bench/"]),
    rule(r"\bsleep_(for|until)\b|\b(u|nano)?sleep\(", "a timer, or base::FakeClock in tests",
         ["protocol/base/", "bench/"]),
    rule(r"<(format|ranges|expected|source_location|syncstream)>|\bstd::(format|expected|ranges)\b",
         "what GCC 12 and Clang 14 both have"),
    rule(r"<(regex|iostream)>|\bstd::(regex|cout|cerr|endl)\b",
         "telemetry for logs, std::fputs in programs", ["tests/", "bench/", "server/app/", "client/cli/", "client/cpp/examples/"]),
    rule(r"\bthrow\b(?!\s*\(\))", "base::Result; no exception crosses a module",
         ["tests/", "bench/", "protocol/wire/"]),
    rule(r"(?<![\w.])assert\(", "ENSURE or DENSURE of protocol/base/ensure.h"),
    rule(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|alloca|tmpnam|mktemp)\(",
         "the checked form"),
    rule(r"\b(std::)?(system|popen)\(", "posix_spawn with an argument list"),
    rule(r"\busing namespace\b(?! std::(\w+_)?literals\b)(?! std::literals::)", "a using-declaration"),
    rule(r"\b(Manager|Helper|Util|Utils|Impl2)\b|\bclass \w+(Manager|Helper|Utils?)\b",
         "a name that says what it is"),
    rule(r"\bstd::(async|thread::detach)\b|\.detach\(\)", "a thread that somebody joins"),
]

# Any text file. Line, why, and the places where it is allowed.
BANNED_TEXT = [
    rule(r"\bTODO\b(?!\(#\d+\))", "TODO(#issue)"),
    rule(r"\b(FIXME|XXX|HACK)\b", "mending it before merging"),
    rule(r"(?<![\w.$}])/(work|home|root|Users)/", "a path that every machine has"),
]
TEMP_PATH = re.compile(r"(?<![\w.:}-])/tmp\b")
NOLINT = re.compile(r"\bNOLINT(NEXTLINE|BEGIN|END)?\b")
NOLINT_SCOPED = re.compile(r"\bNOLINT(?:NEXTLINE|BEGIN|END)?\(([\w,.\- *]+)\)(: \S.*)?")

LINES_MAX = 800
LINE_LIMITED = (".h", ".cc", ".py", ".sh", ".js", ".mjs", ".ts")
TEXT = LINE_LIMITED + (".md", ".txt", ".cmake", ".toml", ".json", ".service", ".supp", "")
TOPS = ("server", "storage", "protocol", "client", "tests", "bench", "conf")
TOP_FILES = ("CMakeLists.txt", "README.md", "LICENSE", "Makefile", "CMakePresets.json")
NOTE = re.compile(r"^\d{4}-[a-z0-9-]+\.md$")
