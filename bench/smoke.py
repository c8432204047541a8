#!/usr/bin/env python3
"""Small inputs of every workload, so that they never rot. One case a call; exits 1 with the reason when it fails.

  smoke.py BUILD/bin null       all protocols against reprise-bench-null; wrong answers, silence, refusals
  smoke.py BUILD/bin reprise    every workload against reprise-server
  smoke.py BUILD/bin traces     reprise-traces: small, with and without prices, the same for the same seed
  smoke.py BUILD/bin spend      reprise-spend: a moment with two bots, and sound books behind it
  smoke.py BUILD/bin compare    compare.py end to end, Reprise with itself
  smoke.py BUILD/bin quality    quality.py and honesty.py with twenty pairs of the corpus
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from comparing import load, servers

REPRISE_WORKLOADS = ("ping", "get_hit", "get_miss", "set", "mixed", "cache_lookup_exact", "cache_lookup_normalized",
                     "cache_fetch_hit",
                     "cache_store", "limit_take")
SHARED_WORKLOADS = REPRISE_WORKLOADS[:5]
SMALL = {"keys": 200, "requests": 2000, "connections": 4, "pipeline": 4, "warmup": 0, "value_bytes": 64, "preload": True,
         "stall": 20}


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def raw_run(bench, arguments):
    return subprocess.run([str(bench), "--quiet", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)


def run_all(bench, server, workloads, folder, **more):
    for workload in workloads:
        result = load.run(bench, server, {**SMALL, **more, "workload": workload}, folder)
        expect(result["calls"] == SMALL["requests"], f"{workload}: {result['calls']} calls")
        expect(result["errors"] == 0, f"{workload}: {result['problems']}")
        latency = result["latency_us"]
        expect(0 < latency["p50"] <= latency["p99"] <= latency["p99_9"] <= latency["max"], f"{workload}: {latency}")
        expect(result["server"]["rss_bytes_after"] > 0 and result["machine"]["cores"] > 0, "nothing about the machine")
        print(f"{server.protocol} {workload} calls={result['calls']} errors=0 verdict=ok")


def null_cases(binaries, folder):
    bench, null = binaries / "reprise-bench", binaries / "reprise-bench-null"
    parsers = {"reprise": ["plain"], "redis": ["plain", "hiredis"], "memcached": ["plain", "meta"]}
    for protocol, names in parsers.items():
        server = servers.null(null, folder, protocol, ["--value-bytes", "64"]).start()
        try:
            for parser in names:
                workloads = REPRISE_WORKLOADS if protocol == "reprise" else SHARED_WORKLOADS
                run_all(bench, server, workloads, folder, parser=parser, threads=2)
            run_all(bench, server, ["get_hit"], folder, distribution="zipf")
            open_loop(bench, server, folder)
        finally:
            server.stop()
        wrong_answers(bench, null, protocol, folder)
        silence(bench, null, protocol, folder)
    refusals(bench)


def open_loop(bench, server, folder):
    """The schedule is kept: 400 calls at 1000/s take 0.4 s, however fast the server is."""
    options = {**SMALL, "workload": "get_hit", "rate": 1000, "requests": 400}
    result = load.run(bench, server, options, folder)
    expect(result["calls"] == 400, f"open loop: {result['calls']} calls")
    expect(result["seconds"] >= 0.39, f"open loop: too fast, {result['seconds']} s")


def wrong_answers(bench, null, protocol, folder):
    server = servers.null(null, folder, protocol, ["--value-bytes", "64", "--wrong-every", "100"]).start()
    try:
        done = raw_run(bench, ["--server", protocol, "--address", server.address, "--keys", "200", "--value-bytes", "64",
                               "--requests", "1000", "--warmup", "0", "--connections", "1"])
    finally:
        server.stop()
    expect(done.returncode == 1, f"wrong answers: exit code {done.returncode}")
    expect("10 errors" in done.stdout and "error: call 99:" in done.stdout, done.stdout)


def silence(bench, null, protocol, folder):
    server = servers.null(null, folder, protocol, ["--value-bytes", "64", "--stop-after", "50"]).start()
    try:
        done = raw_run(bench, ["--server", protocol, "--address", server.address, "--keys", "200", "--value-bytes", "64",
                               "--requests", "1000", "--warmup", "0", "--connections", "1", "--stall", "0.3"])
    finally:
        server.stop()
    expect(done.returncode == 1 and "answered nothing" in done.stdout, f"silence: {done.returncode} {done.stdout}")


def refusals(bench):
    nobody = servers.free_address()
    cases = [(["--address", nobody], 3, nobody), (["--workload", "none"], 2, "none"), (["--pipeline", "0"], 2, "pipeline"),
             (["--server", "redis", "--workload", "cache_store"], 2, "cache_store"),
             (["--address", "nowhere"], 2, "host:port"), (["--value-bytes", "11"], 2, "12"),
             (["--server", "reprise", "--parser", "hiredis"], 2, "hiredis")]
    for arguments, code, word in cases:
        done = raw_run(bench, arguments)
        expect(done.returncode == code and word in done.stdout, f"{arguments}: {done.returncode} {done.stdout}")


def reprise_cases(binaries, folder):
    settings = {"store.hot_table_bytes": 16 * 2**20, "network.loops": 1}
    server = servers.reprise(binaries / "reprise-server", folder, settings).start()
    try:
        run_all(binaries / "reprise-bench", server, REPRISE_WORKLOADS, folder)
    finally:
        server.stop()
    expect(server.process.returncode == 0, f"the server ended with {server.process.returncode}")


def traces_case(binaries, folder):
    program = str(binaries / "reprise-traces")
    small = ["--questions", "1000", "--requests", "20000"]
    prices = folder / "prices.json"
    models = [{"prices": {"input_mtok": i, "output_mtok": 4 * i}} for i in (0.1, 0.5, 3, 15)]
    models.append({"prices": [{"prices": {"input_mtok": 1, "output_mtok": {"base": 2, "tiers": []}}}]})
    prices.write_text(json.dumps([{"id": "test", "models": models}]))
    figures = []
    for _ in range(2):
        done = raw_run_traces(program, [*small, "--prices", str(prices), "--json", str(folder / "figures.json"),
                                        "--markdown", str(folder / "figures.md")])
        expect(done.returncode in (0, 1), f"traces: exit code {done.returncode}: {done.stderr}")
        expect("8 of 8 traces" in done.stderr, f"no progress: {done.stderr}")
        figures.append((folder / "figures.json").read_text())
    expect(figures[0] == figures[1], "the same seed gave other figures")
    result = json.loads(figures[0])
    expect(result["prices"] == 5 and len(result["comparisons"]) == 24, f"{result['prices']} prices")
    for comparison in result["comparisons"]:
        policies = comparison["policies"]
        most = policies["no more than"]
        for name in ("lru", "lfu", "cost"):
            expect(0 < policies[name]["hit_rate"] <= most["hit_rate"], f"{comparison['trace']} {name}")
            expect(0 < policies[name]["money_saved"] <= most["money_saved"], f"{comparison['trace']} {name}")
    without = raw_run_traces(program, [*small, "--prices", str(folder / "none.json"), "--quiet"])
    expect(without.returncode == 0 and "SKIPPED money" in without.stderr, f"{without.returncode} {without.stderr}")
    expect(raw_run_traces(program, ["--questions", "5"]).returncode == 2, "five questions are too few")


def raw_run_traces(program, arguments):
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def compare_case(binaries, folder):
    script = pathlib.Path(__file__).with_name("compare.py")
    common = [sys.executable, str(script)]
    for name in ("before", "after"):
        done = subprocess.run([*common, "pair", "--a", "reprise", "--b", "reprise", "--build", str(binaries.parent),
                               "--rounds", "1", "--seconds", "0.2", "--warmup", "0", "--keys", "200", "--connections", "4",
                               "--work-dir", str(folder), "--out", str(folder), "--name", name], check=False)
        expect(done.returncode == 0, f"compare.py pair: exit code {done.returncode}")
    result = json.loads((folder / "before.json").read_text())
    expect(result["rows"][0]["summary"]["throughput"]["ratio"] > 0, "no ratio")
    done = subprocess.run([*common, "files", str(folder / "before.json"), str(folder / "after.json"), "--noise", "100"],
                          check=False)
    expect(done.returncode == 0, f"compare.py files: exit code {done.returncode}")


def quality_tool(binaries, folder, *arguments):
    """One run with twenty pairs; returns its exit code and its words."""
    tool = pathlib.Path(__file__).with_name("quality") / arguments[0]
    done = subprocess.run([sys.executable, str(tool), *arguments[1:], "--server", str(binaries / "reprise-server"), "--limit", "20",
                           "--work-dir", str(folder), "--out", str(folder)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def quality_case(binaries, folder):
    for mode in ("pairs", "crowded"):
        code, words = quality_tool(binaries, folder, "quality.py", mode, "corpus:cars", "--calibrate", "corpus:cars",
                                   "--max-error", "0.5")
        expect(code == 0, f"quality.py {mode}: exit code {code}: {words}")
        result = json.loads((folder / f"quality-{mode}.json").read_text())["results"][0]
        expect(result["pairs"] == 20 and result["considered"] > 0, f"nothing was considered: {words}")
        for budget, row in result["budgets"].items():
            expect(row["hits"] + row["misses"] == 20 and row["right"] + row["wrong"] == row["hits"], f"{budget}: {row}")
        expect(sum(row["pairs"] for row in result["categories"].values()) == 20, "classes do not add up")
        expect((folder / f"quality-{mode}-corpus-cars.svg").read_text().startswith("<svg"), "no chart")
        expect("## corpus:cars" in (folder / f"quality-{mode}.md").read_text(), "no table")
    code, words = quality_tool(binaries, folder, "honesty.py", "corpus:cars", "--splits", "3")
    expect(code in (0, 1), f"honesty.py: exit code {code}: {words}")
    row = json.loads((folder / "honesty.json").read_text())["results"][0]
    expect(len(row["rows"]) == 3 and (code == 0) == row["met"], f"honesty.py: {row}")
    for arguments, expected in ((["corpus:none"], 2), (["mock_data", "--data", str(folder)], 77), (["--limit", "0"], 2)):
        code, words = quality_tool(binaries, folder, "quality.py", "pairs", *arguments)
        expect(code == expected, f"{arguments}: exit code {code}: {words}")


def spend_case(binaries, folder):
    server = servers.reprise(binaries / "reprise-server", folder).start()
    try:
        done = subprocess.run([str(binaries / "reprise-spend"), "--address", server.address, "--bots", "2",
                               "--seconds", "0.3"], capture_output=True, text=True, check=False)
        expect(done.returncode == 0, f"reprise-spend: exit code {done.returncode}: {done.stdout}{done.stderr}")
        lines = [dict(field.split("=", 1) for field in line.split()[1:]) for line in done.stdout.splitlines()]
        expect(len(lines) == 3 and all(int(line["rounds"]) > 0 and line["errors"] == "0" for line in lines), done.stdout)
    finally:
        server.stop()


def main():
    binaries = pathlib.Path(sys.argv[1]).resolve()
    case = {"null": null_cases, "reprise": reprise_cases, "traces": traces_case, "compare": compare_case,
            "quality": quality_case, "spend": spend_case}[sys.argv[2]]
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        try:
            case(binaries, pathlib.Path(folder))
        except (AssertionError, load.LoadFailed, servers.CannotStart) as problem:
            print(f"smoke.py {sys.argv[2]}: {problem}", file=sys.stderr)
            return 1
    print(f"smoke {sys.argv[2]} verdict=ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
