#!/usr/bin/env python3
"""Is the error budget honest? Calibrates on one half of labelled pairs, serves the other, many times over.

  honesty.py                                redis_716 and corpus:test, 100 random halves, budget 0.05
  honesty.py corpus --splits 20 --max-error 0.02

Each split gives one half to CACHE.CALIBRATE, which replaces the evidence of the split before, and serves of the other half
the pairs whose p_correct reaches the threshold that it replied. p_correct comes from CACHE.EXPLAIN, once for each pair. A
split is inside when its share of wrong answers, among those served, is at most the budget; at least 95 of 100 have to be.

Exit codes: 0 enough splits are inside, 1 not, 2 bad arguments, 3 the server failed, 77 no set is on this machine.
"""
import argparse
import random
import statistics
import sys

from live import arguments, datasets, figures, judge, progress, report, session

BAR = 0.95
DEFAULT_SETS = ["redis_716", "corpus:test"]
DEFAULT_TYPE = "general"
NOTHING_RAN = 77


def say(line):
    print(line, file=sys.stderr)


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     parents=[arguments.common()])
    parser.add_argument("--splits", type=arguments.at_least_one, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-error", type=arguments.max_error, default=0.05)
    parser.add_argument("--type", default=DEFAULT_TYPE, help="query type that is calibrated, and of all questions")
    options = parser.parse_args(argv)
    options.address = None  # It replaces evidence: only for a server of its own.
    options.sets = options.sets or DEFAULT_SETS
    return options


def scores(live, pairs, type_name):
    """p_correct of each pair, in a partition of its own; 0 where nothing was considered."""
    task = judge.Task(pairs, is_crowded=False)
    live.store(task.to_store, type=type_name)
    return [max((entry["p_correct"] for entry in considered), default=0.0)
            for considered in live.explain(task.to_ask, type=type_name)]


def one_split(live, pairs, probabilities, options, chance):
    order = list(range(len(pairs)))
    chance.shuffle(order)
    half = len(order) // 2
    found = live.calibrate([pairs[at] for at in order[:half]], options.type, options.max_error)
    rest = order[half:]
    served = [at for at in rest if found["serves"] and probabilities[at] > 0 and probabilities[at] >= found["threshold"]]
    wrong = sum(not pairs[at].label for at in served)
    positives = sum(pairs[at].label for at in rest)
    return {"serves": found["serves"], "threshold": found["threshold"], "bound": found["bound"], "served": len(served),
            "wrong": wrong, "wrong_share": wrong / len(served) if served else 0.0,
            "recall": (len(served) - wrong) / positives if positives else 0.0}


def split_up(live, name, pairs, probabilities, options):
    chance = random.Random(options.seed)
    meter = progress.Meter(f"splits of {name}", options.splits, quiet=options.quiet)
    splits = [one_split(live, pairs, probabilities, options, chance) for _ in meter.over(range(options.splits))]
    return summary(name, pairs, splits, options)


def verdict(row):
    if not row["met"]:
        return "MISSED"
    return "met, but it served nothing" if row["silent"] == row["splits"] else "met"


def summary(name, pairs, splits, options):
    inside = sum(split["wrong_share"] <= options.max_error for split in splits)
    shares = [split["wrong_share"] for split in splits]
    return {"set": name, "pairs": len(pairs), "splits": len(splits), "seed": options.seed, "max_error": options.max_error,
            "type": options.type, "inside": inside, "silent": sum(split["served"] == 0 for split in splits),
            "bar": BAR, "met": inside >= BAR * len(splits),
            "wrong_share": {"median": statistics.median(shares), "p95": figures.percentile(shares, 0.95), "worst": max(shares)},
            "recall": statistics.median(split["recall"] for split in splits), "rows": splits}


def table(results):
    cells = [[row["set"], row["pairs"], f"{row['inside']} of {row['splits']}", row["silent"],
              report.percent(row["wrong_share"]["median"]), report.percent(row["wrong_share"]["p95"]),
              report.percent(row["wrong_share"]["worst"]), report.percent(row["recall"]), verdict(row)]
             for row in results]
    return report.tables.markdown(["set", "pairs", "splits inside the budget", "of these served nothing", "wrong share, median",
                                   "95th percentile", "worst", "recall, median", "verdict"], cells)


def run(options):
    present = datasets.load_present(options.sets, options.data, say)
    if not present:
        return NOTHING_RAN
    with session.opened(options) as live:
        about = live.about()
        scored = []
        for name, pairs in present:
            pairs = pairs[:options.limit]
            scored.append((name, pairs, scores(live, pairs, options.type)))
        if len(scored) > 1:
            scored.append((" + ".join(row[0] for row in scored), sum((row[1] for row in scored), []),
                           sum((row[2] for row in scored), [])))
        results = [split_up(live, *row, options) for row in scored]
    name = options.name or "honesty"
    text = (f"# {name}\n\nCommit {report.commit()}, embedder {about['embedder']}, max_error {options.max_error:g}, type "
            f"{options.type}, seed {options.seed}. At least {BAR * 100:.0f} % of the splits have to be inside.\n\n"
            f"{table(results)}\n")
    print(text)
    if options.out:
        report.write(options.out, name, "honesty", about, results, text, {})
    return 0 if all(row["met"] for row in results) else 1


def main(argv):
    options = parse(argv)
    try:
        return run(options)
    except datasets.Unknown as problem:
        print(f"honesty.py: {problem}", file=sys.stderr)
        return 2
    except (session.Failed, session.servers.CannotStart, session.reprise.Error, OSError) as problem:
        print(f"honesty.py: {problem}", file=sys.stderr)
        return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
