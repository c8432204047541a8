"""Prints how good the semantic tier's decisions are, from the model as it is built: no server.

Usage: evaluate.py FEATURES_PROGRAM MODEL DATA [--budget SHARE]

FEATURES_PROGRAM is match_features, MODEL use-lite.bin, DATA the folder of public sets; a set that is not there is skipped. Pure
Python. Served at the budget: the probability is at or above what the shipped prior allows, in a namespace of that pair alone; for
mock_data in a crowd of all origins.
"""
import argparse
import collections
import json
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
COSINE_MIN = 0.5  # as server/cache/semantic_tier.cc
NEAREST = 8
SHARES = (0.01, 0.02, 0.05, 0.10)
ALWAYS = [("Tell me about machine learning", "What is machine learning?")]
NEVER = [("What is 2+2?", "What is 2+3?"), ("enable 2FA", "disable 2FA"),
         ("dose for a child of 3 years", "dose for a child of 8 years"), ("Who founded Apple?", "Who founded Google?"),
         ("flight from Rome to Oslo", "flight from Oslo to Rome")]

Judged = collections.namedtuple("Judged", "label category veto cosine probability stored asked")


class Program:
    def __init__(self, path, model):
        self.path, self.model = path, model

    def run(self, rows, *arguments):
        text = "".join("\t".join(row) + "\n" for row in rows)
        return subprocess.run([self.path, *arguments], input=text, capture_output=True, text=True,
                              check=True).stdout.splitlines()

    def judge(self, rows, with_vectors=True):
        lines = self.run(rows, *(["--model", self.model] if with_vectors else []))
        at = lines[0].split("\t").index("cosine")
        judged = []
        for row, line in zip(rows, lines[1:]):
            cells = line.split("\t")
            cosine, probability = float(cells[at]), float(cells[-1])
            if with_vectors and cosine < COSINE_MIN:
                probability = 0.0
            judged.append(Judged(int(row[0]), row[1], cells[2], cosine, probability, row[2], row[3]))
        return judged

    def thresholds(self):
        found = {}
        for line in self.run([], "--thresholds"):
            embedder, budget, threshold = line.split("\t")
            found[embedder, float(budget)] = float(threshold)
        return found


def clean(text):
    return " ".join(text.split())


def auc(judged):
    order = sorted(judged, key=lambda row: row.probability)
    ranks, at = 0.0, 0
    while at < len(order):
        end = at
        while end < len(order) and order[end].probability == order[at].probability:
            end += 1
        ranks += sum(row.label for row in order[at:end]) * (at + end + 1) / 2
        at = end
    right = sum(row.label for row in judged)
    wrong = len(judged) - right
    return (ranks - right * (right + 1) / 2) / (right * wrong) if right and wrong else 0.0


def recall_at(judged, share):
    """The most that any threshold serves within the share of wrong ones."""
    order = sorted((row for row in judged if row.probability > 0), key=lambda row: -row.probability)
    best, right = 0.0, 0
    for place, row in enumerate(order):
        right += row.label
        tied = place + 1 < len(order) and order[place + 1].probability == row.probability
        if not tied and place + 1 - right <= share * (place + 1):
            best = right / max(sum(row.label for row in judged), 1)
    return best


def report(title, judged, threshold):
    served = [row for row in judged if row.probability >= threshold]
    right = sum(row.label for row in served)
    positives = sum(row.label for row in judged)
    wrong = len(served) - right
    recalls = " / ".join(f"{recall_at(judged, share):.1%}" for share in SHARES)
    print(f"{title}: {len(judged)} pairs, AUC {auc(judged):.4f}, recall at 1/2/5/10 %: {recalls}")
    print(f"  at {threshold:.4f}: {right}/{positives} right ({right / max(positives, 1):.1%}), {wrong} wrong "
          f"({wrong / max(len(served), 1):.1%} of served)")
    traps = collections.Counter(row.category for row in served if not row.label)
    totals = collections.Counter(row.category for row in judged if not row.label)
    if len(totals) > 1:
        print("  served wrong: " + ", ".join(f"{name} {traps[name]}/{count}" for name, count in sorted(totals.items())))


def curve(title, judged):
    print(f"{title}: probability given, share that is right")
    edges = [0.0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.01]
    for low, high in zip(edges, edges[1:]):
        rows = [row for row in judged if row.probability > 0 and low <= row.probability < high]
        if rows:
            given = sum(row.probability for row in rows) / len(rows)
            print(f"  {low:.2f} to {min(high, 1):.2f}: {given:.3f} given, {sum(row.label for row in rows) / len(rows):.3f} right "
                  f"of {len(rows)}")


def crowd(program, path, thresholds, budget):
    """As a lookup chooses: the nearest that no guard vetoes; its rival is the nearest of the others."""
    with open(path, encoding="utf-8") as file:
        rows = [["0", "-", clean(item["origin"]), clean(item["similar"])] for item in json.load(file)]
    pairs, about = [], []
    for at, line in enumerate(program.run(rows, "--model", program.model, "--nearest", str(NEAREST))):
        near = [(rows[int(cell.split()[0])][2], cell.split()[1]) for cell in line.split("\t")]
        for stored, _ in near:
            rival = next(cosine for other, cosine in near if other != stored)
            pairs.append([str(int(stored == rows[at][2])), "-", stored, rows[at][3], rival])
            about.append(at)
    found = collections.defaultdict(list)
    for at, row in zip(about, program.judge(pairs)):
        if row.veto == "-" and row.cosine >= COSINE_MIN:
            found[at].append(row)
    best = [max(entries, key=lambda row: row.cosine) for entries in found.values()]
    print(f"mock_data, {len(rows)} asked in a crowd (right / wrong):")
    limits = {thresholds["crowd", share]: f"at a budget of {share:.0%}" for share in SHARES}
    for limit in sorted(set(limits) | {0.0, 0.3, 0.5, 0.7, 0.9}):
        served = [row for row in best if row.probability >= limit]
        right = sum(row.label for row in served)
        mark = limits.get(limit, "") + (" (asked for)" if limit == thresholds["crowd", budget] else "")
        print(f"  from {limit:.4f}: {right} / {len(served) - right}  {mark}")


def corpus(program):
    with open(os.path.join(HERE, "pairs", "domains.tsv"), encoding="utf-8") as file:
        split = {line.split("\t")[0]: line.split("\t")[1] for line in file.read().splitlines()[1:]}
    rows = []
    for domain in sorted(name for name, part in split.items() if part == "test"):
        with open(os.path.join(HERE, "pairs", domain + ".tsv"), encoding="utf-8") as file:
            rows += [line.split("\t") for line in file.read().splitlines()[1:]]
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--budget", type=float, default=0.02, choices=(0.01, 0.02, 0.05, 0.10))
    options = parser.parse_args()
    program = Program(options.program, options.model)
    thresholds = program.thresholds()
    threshold = thresholds["alone", options.budget]
    for key, value in thresholds.items():
        print(f"threshold of {key[0]} at {key[1]:.0%}: {value:.4f}" + ("" if value <= 1 else " (serves nothing)"))
    rows = corpus(program)
    judged = program.judge(rows)
    report("corpus, domains that were not fitted on", judged, threshold)
    curve("corpus", judged)
    report("corpus by words alone", program.judge(rows, with_vectors=False), thresholds["hash", options.budget])
    for name in ("redis_chatgpt_716", "banking_94", "qqp_1000"):
        path = os.path.join(options.data, "cache-pairs-unified", name + ".jsonl")
        if not os.path.exists(path):
            print(f"{name}: not there, skipped")
            continue
        with open(path, encoding="utf-8") as file:
            items = [json.loads(line) for line in file]
        rows = [[str(item["label"]), item["category"] or "-", clean(item["a"]), clean(item["b"])] for item in items]
        judged = program.judge(rows)
        report(name, judged, threshold)
        curve(name, judged)
        report(name + " by words alone", program.judge(rows, with_vectors=False), thresholds["hash", options.budget])
    path = os.path.join(options.data, "gptcache", "mock_data.json")
    if os.path.exists(path):
        crowd(program, path, thresholds, options.budget)
    else:
        print("mock_data: not there, skipped")
    loose = thresholds["alone", 0.05]
    for row in program.judge([["1", "-", stored, asked] for stored, asked in ALWAYS]):
        print(f"always, at 5 %: {'served' if row.probability >= loose else 'MISSED'} {row.probability:.4f}  {row.stored} | {row.asked}")
    for row in program.judge([["0", "-", stored, asked] for stored, asked in NEVER]):
        print(f"never: {'SERVED' if row.probability >= loose else 'held'} ({row.veto})  {row.stored} | {row.asked}")


if __name__ == "__main__":
    main()
