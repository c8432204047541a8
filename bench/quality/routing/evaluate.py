"""Measures server/routing against the bars of routing, with the server's own code.

Usage: evaluate.py REPLAY_PROGRAM MODEL DATA [--out FILE]

REPLAY_PROGRAM is routing_replay, MODEL use-lite.bin, DATA the folder of public sets. Needs numpy. What is measured stands in
README.md. The shipped prior was fitted to `llmrouter`, so that set is measured without it (--no-traits).
"""
import argparse
import os
import sys

import numpy

import sets

HERE = os.path.dirname(os.path.abspath(__file__))
SEEDS = (7, 8, 9)


def gain_of(estimates, field=sets.QUALITY):
    return estimates[:, -1, field] - estimates[:, 0, field]


class Report:
    def __init__(self):
        self.lines = ["| measure | measured | bar | |", "| --- | --- | --- | --- |"]

    def add(self, measure, figure, bar=None, more="", at_most=False):
        met = "" if bar is None else ("met" if (figure <= bar if at_most else figure >= bar) else "MISSED")
        text = "" if bar is None else f"{'at most' if at_most else 'at least'} {bar}"
        self.lines.append(f"| {measure} | {figure:.4f}{more} | {text} | {met} |")
        print(self.lines[-1], flush=True)


def measure_folds(replay, data, report):
    rows = sets.mmlu(data)
    five = replay.folds(rows, sets.k_folds(len(rows)))
    gain = gain_of(five)
    views = ", ".join(f"{name} {sets.apgr(gain_of(five, field), rows.outcomes):.3f}"
                      for name, field in (("dense", sets.DENSE), ("hashed", sets.HASHED), ("near", sets.NEAR)))
    report.add("APGR, MMLU, five folds", sets.apgr(gain, rows.outcomes), 0.69, f" ({views})")
    for share in (0.5, 0.8):
        print(f"   CPT({share:.0%}) {sets.call_share(gain, rows.outcomes, share):.1f} %")
    report.add("the same at 45 % cheap: accuracy by the strong model's",
               sets.strong_share_kept(gain, rows.outcomes, 0.45), 0.97)
    error = sets.calibration_error(1 - five[:, 0, sets.GOOD_ENOUGH], 1 - rows.outcomes[:, 0])
    report.add("calibration error of the score, MMLU, five folds", error, 0.03, at_most=True)
    unseen = [sets.apgr(gain_of(replay.folds(rows, sets.group_folds(rows.groups, seed=seed))), rows.outcomes)
              for seed in (None, 1, 2)]
    report.add("APGR, MMLU, unseen subjects", unseen[0], 0.61,
               f" (subjects dealt at random: {unseen[1]:.3f}, {unseen[2]:.3f})")
    rows = sets.gsm8k(data)
    found = [replay.folds(rows, sets.k_folds(len(rows), seed=seed)) for seed in (0, 1, 2)]
    each = [sets.apgr(gain_of(one), rows.outcomes) for one in found]
    report.add("APGR, GSM8K, five folds", each[0], 0.64, f" (other folds: {each[1]:.3f}, {each[2]:.3f})")
    report.add("calibration error of the score, GSM8K, five folds",
               sets.calibration_error(1 - found[0][:, 0, sets.GOOD_ENOUGH], 1 - rows.outcomes[:, 0]), 0.03, at_most=True)


def measure_stream(replay, data, report):
    rows, last = sets.joined("both", sets.mmlu(data), sets.gsm8k(data)), 5_000
    for full, name, bar in ((False, "only of the chosen model", 0.63), (True, "of both models", None)):
        each = []
        for seed in SEEDS:
            order = numpy.random.default_rng(seed).permutation(len(rows))
            gain = gain_of(replay.stream(rows, order, full, seed=seed))
            each.append(sets.apgr(gain[-last:], rows.outcomes[order][-last:]))
        report.add(f"APGR of the last {last:,} of one pass, feedback {name}", float(numpy.mean(each)), bar,
                   " (" + ", ".join(f"{one:.3f}" for one in each) + ")")


def measure_many(replay, data, report):
    rows = sets.llmrouter(data)
    estimates = replay.folds(rows, sets.k_folds(len(rows)))[:, :, sets.QUALITY]
    every = numpy.arange(len(rows))
    outcomes, shares = rows.outcomes.astype(float), rows.prices / rows.prices.max()
    best = outcomes.mean(0).argmax()
    report.add("llmrouter, nine models, quality", outcomes[every, estimates.argmax(1)].mean(), 0.607,
               f" at {shares[estimates.argmax(1)].mean():.2f} of the dearest's price; best single "
               f"{outcomes[:, best].mean():.4f} at {shares[best]:.2f}, oracle {outcomes.max(1).mean():.4f}")
    for price in (0.02, 0.05, 0.1):
        chosen = (estimates - price * shares).argmax(1)
        report.add(f"the same, {price} of quality for the dearest's price", outcomes[every, chosen].mean(), None,
                   f" at {shares[chosen].mean():.2f} of it")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--out", help="also as a table in this file")
    arguments = parser.parse_args()
    if not os.path.isdir(f"{arguments.data}/routellm"):
        print(f"skipped: no routellm in {arguments.data}")
        return 77
    report = Report()
    replay = sets.Replay(arguments.program, arguments.model)
    measure_folds(replay, arguments.data, report)
    measure_stream(replay, arguments.data, report)
    measure_many(sets.Replay(arguments.program, arguments.model, traits=False), arguments.data, report)
    if arguments.out:
        with open(arguments.out, "w", encoding="utf8") as file:
            file.write("\n".join(report.lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
