"""The suite `bars`: what Reprise has to reach beside Redis and memcached, one row each, as data."""
import contextlib
import pathlib
import shutil
import sys
import tempfile

from . import load, servers, start_up, tables

KEYS = 100_000
GET = {"workload": "get_hit", "keys": KEYS, "value_bytes": 1024, "connections": 50}
SET = {"workload": "set", "keys": KEYS, "value_bytes": 1024, "connections": 50}
LOOKUP = {**GET, "workload": "cache_lookup_exact"}
FETCH = {**GET, "workload": "cache_fetch_hit"}
TAKE = {"workload": "limit_take", "keys": KEYS, "connections": 50}
ONE_LOOP = {"network.loops": 1}
CACHE = {"cache.entries_max": 2 * KEYS}
PRELOADED = ("get_hit", "mixed", "cache_lookup_exact", "cache_lookup_normalized", "cache_fetch_hit")
NEAR_GET = [("throughput", ">=", 0.9), ("p99", "<=", 1.3)]
FASTER = [("throughput", ">=", 1.1), ("cpu", "<=", 1.0)]


def comparison(name, title, a, b, **more):
    """A and B are (server, settings, options of reprise-bench)."""
    return {"name": name, "title": title, "a": a, "b": b, "bars": [], **more}


# A row whose server is the word "same" uses the running server A.
ROWS = [
    comparison("get", "GET 1 KiB, 50 connections, v. Redis", ("reprise", ONE_LOOP, GET), ("redis", {}, GET),
               bars=FASTER),
    comparison("get_16", "the same, 16 pipelined", ("reprise", ONE_LOOP, {**GET, "pipeline": 16}),
               ("redis", {}, {**GET, "pipeline": 16}), bars=FASTER),
    comparison("set", "SET 1 KiB, interval, v. Redis everysec", ("reprise", {**ONE_LOOP, "store.durability": "interval"}, SET),
               ("redis", {"append_only": True}, SET), bars=[("throughput", ">=", 0.9)]),
    comparison("set_16", "the same, 16 pipelined",
               ("reprise", {**ONE_LOOP, "store.durability": "interval"}, {**SET, "pipeline": 16}),
               ("redis", {"append_only": True}, {**SET, "pipeline": 16}), bars=[("throughput", ">=", 0.75)]),
    comparison("memcached", "GET v. memcached, two threads each", ("reprise", {"network.loops": 2}, {**GET, "threads": 2}),
               ("memcached", {"threads": 2}, {**GET, "threads": 2}), bars=[("throughput", ">=", 0.9)]),
    comparison("memcached_16", "the same, 16 pipelined",
               ("reprise", {"network.loops": 2}, {**GET, "threads": 2, "pipeline": 16}),
               ("memcached", {"threads": 2}, {**GET, "threads": 2, "pipeline": 16}), bars=[("throughput", ">=", 0.9)]),
    comparison("lookup", "CACHE.LOOKUP exact hit v. GET", ("reprise", {**ONE_LOOP, **CACHE}, LOOKUP), ("same", {}, GET),
               bars=[("cpu", "<=", 1.3)]),
    comparison("lookup_16", "the same, 16 pipelined", ("reprise", {**ONE_LOOP, **CACHE}, {**LOOKUP, "pipeline": 16}),
               ("same", {}, {**GET, "pipeline": 16}), bars=[("cpu", "<=", 1.3)]),
    comparison("fetch", "CACHE.FETCH hit v. GET", ("reprise", {**ONE_LOOP, **CACHE}, FETCH), ("same", {}, GET),
               bars=[("throughput", ">=", 0.9)]),
    comparison("limit", "LIMIT.TAKE v. GET", ("reprise", ONE_LOOP, TAKE), ("same", {}, GET), bars=NEAR_GET),
    comparison("limit_16", "the same, 16 pipelined", ("reprise", ONE_LOOP, {**TAKE, "pipeline": 16}),
               ("same", {}, {**GET, "pipeline": 16}), bars=NEAR_GET),
]
START_UP = [
    {"name": "start_keys", "title": "start after kill -9, raw keys", "workload": "get_hit", "settings": {},
     "probe": ("GET", "key:000000000000", b"000000000000")},
    {"name": "start_cache", "title": "start after kill -9, cache entries", "workload": "cache_lookup_exact", "settings": {},
     "probe": ("CACHE.LOOKUP", "What is the answer to question number 000000000000 of the load generator?",
               b"000000000000")},
]
START_UP_BARS = {"first_hit_seconds": ("s", "<=", 5.0), "rss_mib": ("MiB", "<=", 700.0)}
HOT_TABLE_BYTES = 256 * 2**20


def names():
    return [row["name"] for row in ROWS + START_UP]


def make_server(kind, settings, reprise_server, folder):
    if kind == "redis":
        return servers.redis(folder, **settings)
    if kind == "memcached":
        return servers.memcached(folder, **settings)
    return servers.reprise(reprise_server, folder, settings)


@contextlib.contextmanager
def temporary_folder(parent):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="reprise-bench-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def pair(row, settings, folder):
    """The two servers of a row, running. The caller stops what is in the list."""
    started = []
    try:
        for side in ("a", "b"):
            kind, server_settings, _ = row[side]
            if kind == "same":
                started.append(started[0])
                continue
            own = folder / side
            own.mkdir()
            server = make_server(kind, {**server_settings, **settings.extra(kind)}, settings.reprise_server, own)
            started.append(server)
            server.start()
    except Exception:
        for server in started:
            server.stop()
        raise
    return started


def run_comparison(row, settings):
    """A B, B A, A B, ...: the order turns each round so that drift of the machine hits both."""
    timing = {"seconds": settings.seconds, "warmup": settings.warmup}
    with temporary_folder(settings.work_dir) as folder:
        running = pair(row, settings, folder)
        try:
            sides = [(server, {**row[side][2], **timing}) for server, side in zip(running, ("a", "b"))]
            for server, options in sides:
                if options["workload"] in PRELOADED:
                    preload = {**options, "preload_only": True, "pipeline": 1}
                    load.run(settings.bench, server, preload, folder)
            rounds = []
            for number in range(settings.rounds):
                results = {}
                for index in ((0, 1) if number % 2 == 0 else (1, 0)):
                    server, options = sides[index]
                    results[index] = load.run(settings.bench, server, {**options, "seed": number + 1}, folder)
                rounds.append((results[0], results[1]))
                show_round(row, number, results)
        finally:
            for server in dict.fromkeys(running):
                server.stop()
    summary = tables.summarize(rounds)
    bars = [{"measure": measure, "relation": relation, "bound": bound, "value": summary[measure]["ratio"],
             "met": tables.check(summary[measure]["ratio"], relation, bound)} for measure, relation, bound in row["bars"]]
    return {"name": row["name"], "title": row["title"], "a": row["a"], "b": row["b"], "bars": bars, "summary": summary,
            "rounds": rounds}


def show_round(row, number, results):
    get = tables.MEASURES["throughput"][0]
    ratio = get(results[0]) / max(get(results[1]), 1e-9)
    print(f"{row['name']}: round {number + 1}: A {get(results[0]):,.0f}/s  B {get(results[1]):,.0f}/s  A/B {ratio:.2f}",
          file=sys.stderr)


def run_start_up(row, settings):
    with temporary_folder(settings.work_dir) as folder:
        options = {
            "workload": row["workload"], "keys": settings.start_keys, "probe": row["probe"],
            "settings": {**row["settings"], "store.hot_table_bytes": HOT_TABLE_BYTES,
                         "cache.entries_max": settings.start_keys + 1, **settings.extra("reprise")}
        }
        values = start_up.measure(settings.reprise_server, settings.bench, folder, options)
    figures = []
    for name, value in values.items():
        figure = {"name": name, "value": value, "unit": "/s" if name.endswith("second") else ""}
        if name.endswith("mib"):
            figure["unit"] = "MiB"
        if name in START_UP_BARS:
            unit, relation, bound = START_UP_BARS[name]
            figure.update(unit=unit, relation=relation, bound=bound, met=tables.check(value, relation, bound))
        figures.append(figure)
    return {"name": row["name"], "title": f"{row['title']}, {settings.start_keys:,} of 1 KiB", "figures": figures}


def run(settings, only):
    """Runs the rows named in `only` (all when it is empty) and returns their results."""
    results = []
    for row in ROWS + START_UP:
        if only and row["name"] not in only:
            continue
        print(f"== {row['title']}", file=sys.stderr)
        results.append(run_comparison(row, settings) if "a" in row else run_start_up(row, settings))
    return results


def bars_of(results):
    return [bar for row in results for bar in row.get("bars", []) + row.get("figures", []) if "met" in bar]
