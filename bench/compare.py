#!/usr/bin/env python3
"""Compares servers with reprise-bench, alternating between them, and prints ratios with their spread.

  compare.py bars [--only get,set_16] [--rounds 5 --seconds 5]   every row that Reprise has to reach
  compare.py pair --a reprise --b redis --workload get_hit ...   two servers, one workload
  compare.py files before.json after.json                        two results, with a noise band

Exit codes: 0 all bars met (files: nothing worse than the band), 1 not, 2 bad arguments, 3 a server or the load
generator failed. Needs python3 and nothing else; the programs compared are found by --build or on PATH.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

from comparing import bars, files, load, servers, tables

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Settings:
    """What all suites need: programs, times, folders."""

    def __init__(self, options):
        build = pathlib.Path(options.build)
        self.bench = servers.program(build / "bin" / "reprise-bench")
        self.reprise_server = options.reprise_server or build / "bin" / "reprise-server"
        self.rounds = options.rounds
        self.seconds = options.seconds
        self.warmup = options.warmup
        self.work_dir = options.work_dir
        self.start_keys = getattr(options, "start_keys", 0)
        self._extra = dict(pair.split("=", 1) for pair in options.set)

    def extra(self, kind):
        return self._extra if kind == "reprise" else {}


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"], cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.strip() or "unknown"


def machine_of(results):
    for row in results:
        for first, _ in row.get("rounds", []):
            return first["machine"]
    return None


def report(name, settings, results, out):
    """Prints the tables and writes <out>/<name>.json and .md."""
    compared = [row for row in results if "summary" in row]
    parts = [f"# {name}", "",
             f"Commit {commit()}, {settings.rounds} rounds of {settings.seconds:g} s after {settings.warmup:g} s, alternating."]
    machine = machine_of(results)
    if machine:
        parts.append(f"{machine['cpu']}, {machine['cores']} cores shared by server and generator, {machine['kernel']}.")
    if compared:
        parts += ["", tables.comparison_table(compared)]
    figures = tables.figure_table(results)
    if figures:
        parts += ["", figures]
    text = "\n".join(parts) + "\n"
    print(text)
    if out:
        out = pathlib.Path(out)
        out.mkdir(parents=True, exist_ok=True)
        data = {"format": 1, "suite": name, "commit": commit(), "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "machine": machine, "rounds": settings.rounds, "seconds": settings.seconds, "rows": results}
        (out / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")
        (out / f"{name}.md").write_text(text)
        print(f"written: {out / name}.json and .md")
    return 0 if all(bar["met"] for bar in bars.bars_of(results)) else 1


def run_bars(options):
    only = [name for name in options.only.split(",") if name]
    unknown = set(only) - set(bars.names())
    if unknown:
        print(f"no row {', '.join(sorted(unknown))}; there are {', '.join(bars.names())}", file=sys.stderr)
        return 2
    settings = Settings(options)
    return report(options.name or "bars", settings, bars.run(settings, only), options.out)


def run_pair(options):
    settings = Settings(options)
    workload = {"workload": options.workload, "keys": options.keys, "value_bytes": options.value_bytes,
                "connections": options.connections, "pipeline": options.pipeline, "threads": options.threads,
                "distribution": options.distribution, "rate": options.rate}
    row = bars.comparison(options.workload, f"{options.workload}, {options.a} v. {options.b}",
                          side(options.a, options.loops, workload), side(options.b, options.loops, workload))
    return report(options.name or "pair", settings, [bars.run_comparison(row, settings)], options.out)


def side(kind, loops, workload):
    """reprise, redis, redis-aof or memcached, with `loops` threads where the server has threads."""
    if kind == "redis-aof":
        return ("redis", {"append_only": True}, workload)
    if kind == "memcached":
        return (kind, {"threads": loops}, workload)
    return (kind, {"network.loops": loops} if kind == "reprise" else {}, workload)


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--build", default=ROOT / "build" / "release", help="build folder with bin/reprise-bench")
    common.add_argument("--reprise-server", help="another reprise-server than the build folder's")
    common.add_argument("--rounds", type=int, default=5)
    common.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    common.add_argument("--warmup", type=float, default=1.0)
    common.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="configuration of reprise-server")
    common.add_argument("--work-dir", help="where the servers' folders go (default: TMPDIR)")
    common.add_argument("--out", default=ROOT / "bench" / "results", help="folder for the results; empty: none")
    common.add_argument("--name", help="of the result files")
    suite = commands.add_parser("bars", parents=[common], help="every row that Reprise has to reach")
    suite.add_argument("--only", default="", help="rows, separated by commas: " + ", ".join(bars.names()))
    suite.add_argument("--start-keys", type=int, default=1_000_000, help="entries of the start-up rows")
    suite.set_defaults(run=run_bars)
    pair = commands.add_parser("pair", parents=[common], help="two servers, one workload")
    kinds = ["reprise", "redis", "redis-aof", "memcached"]
    pair.add_argument("--a", choices=kinds, default="reprise")
    pair.add_argument("--b", choices=kinds, default="redis")
    pair.add_argument("--loops", type=int, default=1)
    pair.add_argument("--workload", default="get_hit")
    pair.add_argument("--distribution", default="uniform")
    pair.add_argument("--rate", type=float, default=0.0)
    for name, value in (("keys", 100_000), ("value-bytes", 1024), ("connections", 50), ("pipeline", 1), ("threads", 1)):
        pair.add_argument("--" + name, type=int, default=value)
    pair.set_defaults(run=run_pair)
    two = commands.add_parser("files", help="two result files")
    two.add_argument("before", type=pathlib.Path)
    two.add_argument("after", type=pathlib.Path)
    two.add_argument("--noise", type=float, default=0.05, help="least band, as a share (default 0.05)")
    two.set_defaults(run=lambda options: files.compare(options.before, options.after, options.noise))
    return parser.parse_args(argv)


def main(argv):
    options = parse(argv)
    try:
        return options.run(options)
    except (servers.CannotStart, load.LoadFailed, OSError) as error:
        print(f"compare.py: {error}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
