"""Fits server/match's weights and server/semantic's prior, and writes weights.inc and prior.inc.

Usage: fit.py FEATURES_PROGRAM MODEL DATA [--cache DIR]

FEATURES_PROGRAM is match_features, MODEL use-lite.bin, DATA the folder of public sets (README.md says which are used and under
which licence). --cache keeps the features for the next run. Needs numpy and scipy (python3-numpy, python3-scipy); nothing that is
shipped does. What is fitted, and why so, stands in REPORT.md.
"""
import argparse
import collections
import csv
import json
import math
import os
import random
import subprocess

import numpy
from scipy.optimize import minimize

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
COSINE_MIN = 0.5  # as server/cache/semantic_tier.cc
COMPARED = 2
NEAREST = 8
FOLDS = 4
RIDGE = 10.0
MISS_SHARE = 0.3  # weight of the candidates of a question whose answer is not stored
TRAP_WEIGHT = 0.3
REDIS_WEIGHT = 4.0
INTENT_WEIGHT = 0.5
PRIOR_TRAP_WEIGHT = 0.05
BINS, LOGIT_MIN, BINS_PER_LOGIT = 160, -6.0, 10.0  # as server/semantic/budget.cc

# More of these never lowers, or never raises, the probability: what is left of "unlike means paraphrase" in authored pairs.
UP = set("""overlap overlap_stored overlap_asked trigrams bigrams longest_common same_head cosine context_mean_stored
context_worst_stored context_mean_asked context_worst_asked input_mean_stored input_worst_stored input_mean_asked
input_worst_asked equal question_same""".split())
DOWN = set("""alone_stored alone_asked heaviest_stored heaviest_asked spread length_gap question_differs substituted
numbers_differ dates_differ units_differ literals_differ negation_differs antonyms order_differs names_differ names_one_sided
qualifiers_differ aspect_differs rank_differs time_differs context_alone_stored context_alone_asked input_alone_stored
input_alone_asked frame_gap""".split())
# Signs of how the corpus was written, not of what was asked; margin is not known of a pair.
UNUSED = set("length near numbers_shared same_first_verb template margin has_vectors".split())
# Slopes that natural traffic has and authored pairs hide (REPORT.md, "Bounds").
BOUNDS = {"cosine": (8.0, None), "trigrams": (3.0, None), "length_gap": (None, -0.5)}


def is_vector(name):
    return name.startswith(("cosine", "context_", "input_"))


class Features:
    """Runs the program; keeps what it printed."""

    def __init__(self, program, model, cache):
        self.program, self.model, self.cache = program, model, cache

    def run(self, rows, arguments):
        text = "".join("\t".join(row) + "\n" for row in rows)
        out = subprocess.run([self.program, *arguments], input=text, capture_output=True, text=True, check=True)
        return out.stdout.splitlines()

    def nearest(self, name, rows):
        return self.kept(name + ".nearest", rows, ["--model", self.model, "--nearest", str(NEAREST)])

    def of(self, name, rows):
        lines = self.kept(name, rows, ["--model", self.model])
        names = lines[0].split("\t")[3:-1]
        cells = [line.split("\t") for line in lines[1:]]
        return names, [row[2] != "-" for row in cells], numpy.array([[float(cell) for cell in row[3:-1]] for row in cells])

    def kept(self, name, rows, arguments):
        path = os.path.join(self.cache, name) if self.cache else None
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return file.read().splitlines()
        lines = self.run(rows, arguments)
        if path:
            with open(path, "w", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
        return lines


class Rows:
    """Pairs with features: label, weight in a fit, fold; `own`: an authored pair and not a made one."""

    def __init__(self, names, matrix, labels, weights, groups, own=None, authored=False):
        self.names, self.matrix = names, matrix
        self.labels, self.weights = numpy.array(labels), numpy.array(weights, float)
        self.groups, self.authored = numpy.array(groups), authored
        self.own = numpy.array(own) if own is not None else numpy.ones(len(labels), bool)

    def where(self, mask):
        return Rows(self.names, self.matrix[mask], self.labels[mask], self.weights[mask], self.groups[mask], self.own[mask],
                    self.authored)


def domains():
    with open(os.path.join(HERE, "pairs", "domains.tsv"), encoding="utf-8") as file:
        return {row["domain"]: row["split"] for row in csv.DictReader(file, delimiter="\t")}


def weigh(candidates):
    """(index, own, vetoed, cosine) of one question: weights as a lookup in a crowd gives them, with and without the answer."""
    weights = collections.Counter()
    fit_ones = sorted((row for row in candidates if not row[2] and row[3] >= COSINE_MIN), key=lambda row: -row[3])
    for row in fit_ones[:COMPARED]:
        weights[row[0]] += 1
    for row in [row for row in fit_ones if not row[1]][:COMPARED]:
        weights[row[0]] += MISS_SHARE
    # In a namespace of few entries the own one is always among those compared.
    for row in fit_ones:
        if row[1] and weights[row[0]] == 0:
            weights[row[0]] += MISS_SHARE
    return weights


def corpus(features):
    """Every question of the corpus asked in a crowd of all the stored ones."""
    pairs = []
    for domain in sorted(domains()):
        with open(os.path.join(HERE, "pairs", domain + ".tsv"), encoding="utf-8") as file:
            pairs += [(domain, *line.split("\t")) for line in file.read().splitlines()[1:]]
    rows = [[label, category, stored, asked] for _, label, category, stored, asked in pairs]
    kin = collections.defaultdict(set)
    for at, row in enumerate(rows):
        kin[row[2]].add(at)
        kin[row[3]].add(at)
    made, about = [], []
    for at, line in enumerate(features.nearest("corpus", rows)):
        near = [int(cell.split()[0]) for cell in line.split("\t")]
        label, category, stored, asked = rows[at]
        related = kin[stored] | kin[asked]
        others = [other for other in near if other not in related and rows[other][2] not in (stored, asked)]
        for other in [at] + others[:6]:
            made.append([label if other == at else "0", category, rows[other][2], asked])
            about.append((at, other == at))
    names, vetoed, matrix = features.of("corpus", made)
    cosine = names.index("cosine")
    equal, differs = names.index("equal"), names.index("question_differs")
    groups = collections.defaultdict(list)
    for index, (at, own) in enumerate(about):
        twin = not own and not vetoed[index] and matrix[index][equal] == 1 and matrix[index][differs] == 0
        if not twin:  # the same question in two pairs
            groups[at].append((index, own, vetoed[index], matrix[index][cosine]))
    weights = numpy.zeros(len(made))
    for candidates in groups.values():
        for index, weight in weigh(candidates).items():
            weights[index] = weight
    labels = numpy.array([int(row[0]) for row in made])
    rows = Rows(names, matrix, labels, weights, [pairs[at][0] for at, _ in about], [own for _, own in about], True)
    return rows.where(weights > 0)


def redis(features, data):
    with open(os.path.join(data, "cache-pairs-unified", "redis_chatgpt_716.jsonl"), encoding="utf-8") as file:
        pairs = [json.loads(line) for line in file]
    rows = [[str(pair["label"]), "-", " ".join(pair["a"].split()), " ".join(pair["b"].split())] for pair in pairs]
    names, vetoed, matrix = features.of("redis", rows)
    keep = ~numpy.array(vetoed) & (matrix[:, names.index("cosine")] >= COSINE_MIN)
    groups = [f"redis {at % FOLDS}" for at in range(len(rows))]
    return Rows(names, matrix, [pair["label"] for pair in pairs], [REDIS_WEIGHT] * len(rows), groups).where(keep)


def intents(features, name, texts, stored_count, asked_count):
    """Utterances of one intent are one question; the nearest of another intent are not."""
    chance = random.Random(7)
    stored, asked = [], []
    for intent, members in texts.items():
        members = list(dict.fromkeys(members))
        chance.shuffle(members)
        stored += [(text, intent) for text in members[:stored_count]]
        asked += [(text, intent) for text in members[stored_count:stored_count + asked_count]]
    rows = [["0", "-", stored[at % len(stored)][0], text] for at, (text, _) in enumerate(asked)]
    intent_of = dict(stored)
    made, about = [], []
    for at, line in enumerate(features.nearest(name, rows)):
        for cell in line.split("\t"):
            text = rows[int(cell.split()[0])][2]
            made.append([str(int(intent_of[text] == asked[at][1])), "-", text, asked[at][0]])
            about.append(at)
    names, vetoed, matrix = features.of(name, made)
    labels = numpy.array([int(row[0]) for row in made])
    groups = collections.defaultdict(list)
    for index, at in enumerate(about):
        groups[at].append((index, bool(labels[index]), vetoed[index], matrix[index][names.index("cosine")]))
    weights = numpy.zeros(len(made))
    for candidates in groups.values():
        ranked = sorted((row for row in candidates if not row[2] and row[3] >= COSINE_MIN), key=lambda row: -row[3])
        for row in ranked[:COMPARED] + [row for row in ranked if not row[1]][:1]:
            weights[row[0]] += INTENT_WEIGHT
    return Rows(names, matrix, labels, weights, [name] * len(made)).where(weights > 0)


def read_intents(data):
    with open(os.path.join(data, "banking77", "train.csv"), encoding="utf-8") as file:
        banking = collections.defaultdict(list)
        for row in csv.DictReader(file):
            banking[row["category"]].append(" ".join(row["text"].split()))
    with open(os.path.join(data, "clinc150", "train_val.json"), encoding="utf-8") as file:
        clinc = collections.defaultdict(list)
        for text, intent in (row for part in json.load(file).values() for row in part):
            if intent != "oos":
                clinc[intent].append(" ".join(text.split()))
    return banking, clinc


def swapped(names, matrix):
    """Stored and asked exchanged: so their weights come out the same."""
    out = matrix.copy()
    for at, name in enumerate(names):
        if name.endswith("_stored"):
            other = names.index(name[:-7] + "_asked")
            out[:, at], out[:, other] = matrix[:, other], matrix[:, at]
    return out


def fit(parts, with_vectors):
    """Weights by name, "" is the bias. Logistic loss with a ridge and a bound on each weight."""
    names = [name for name in parts[0].names if name not in UNUSED and (with_vectors or not is_vector(name))]
    picked = [parts[0].names.index(name) for name in names]
    matrix = numpy.vstack([part.matrix for part in parts])
    matrix = numpy.vstack([matrix, swapped(parts[0].names, matrix)])[:, picked]
    labels = numpy.tile(numpy.concatenate([part.labels for part in parts]), 2)
    traps = [numpy.where(part.authored & part.own & (part.labels == 0), TRAP_WEIGHT, 1.0) for part in parts]
    weights = numpy.tile(numpy.concatenate([part.weights * trap for part, trap in zip(parts, traps)]), 2) / 2
    means, scales = matrix.mean(0), matrix.std(0) + 1e-9
    data = (matrix - means) / scales

    def loss(point):
        scores = data @ point[:-1] + point[-1]
        errors = weights * (1 / (1 + numpy.exp(-scores)) - labels)
        value = (weights * numpy.logaddexp(0, numpy.where(labels == 1, -scores, scores))).sum()
        value += RIDGE / 2 * (point[:-1] ** 2).sum()
        return value, numpy.append(data.T @ errors + RIDGE * point[:-1], errors.sum())

    limits = []
    for name, scale in zip(names, scales):
        low, high = (0.0, None) if name in UP else (None, 0.0) if name in DOWN else (None, None)
        low, high = BOUNDS.get(name, (low, high))
        limits.append((None if low is None else low * scale, None if high is None else high * scale))
    start = [low if low else high if high else 0.0 for low, high in limits] + [0.0]
    found = minimize(loss, numpy.array(start), jac=True, bounds=limits + [(None, None)], method="L-BFGS-B",
                     options={"maxiter": 800}).x
    slopes = found[:-1] / scales
    return {**dict(zip(names, slopes)), "": found[-1] - (slopes * means).sum()}


def probabilities(weights, rows):
    picked = [rows.names.index(name) for name in weights if name]
    slopes = numpy.array([weight for name, weight in weights.items() if name])
    return 1 / (1 + numpy.exp(-(rows.matrix[:, picked] @ slopes + weights[""])))


def tally(authored, pairs, natural, with_vectors):
    """Bins of (right, wrong) of probabilities by weights that did not see the row's domain or fold."""
    counts = numpy.zeros((BINS, 2))
    order = sorted(set(authored.groups))
    for fold in range(FOLDS):
        out = numpy.isin(authored.groups, order[fold::FOLDS])
        out_pairs = pairs.groups == f"redis {fold}"
        weights = fit([authored.where(~out), pairs.where(~out_pairs)] + natural, with_vectors)
        for rows in (authored.where(out), pairs.where(out_pairs)):
            for chance, label, weight, own in zip(probabilities(weights, rows), rows.labels, rows.weights, rows.own):
                if rows.authored:
                    share = weight * (PRIOR_TRAP_WEIGHT if own and not label else 1.0)
                else:
                    share = 1.0
                place = (math.log(chance / (1 - chance)) - LOGIT_MIN) * BINS_PER_LOGIT
                counts[int(min(max(place, 0), BINS - 1)), 1 - label] += share
    return counts


def write_weights(path, names, by_words, by_vectors):
    def text(weight):
        return f"{weight:.4g}" if abs(weight) > 1e-3 else "0"

    with open(path, "w", encoding="utf-8") as out:
        out.write("// Generated by bench/quality/fit.py. Do not edit.\n")
        out.write("constexpr std::uint32_t kVersion = kFeaturesVersion;\n")
        out.write(f'constexpr Weight kBias = {{"", {text(by_words[""])}, {text(by_vectors[""])}}};\n')
        out.write("constexpr Weight kWeights[] = {\n")
        for name in names:
            out.write(f'    {{"{name}", {text(by_words.get(name, 0))}, {text(by_vectors.get(name, 0))}}},\n')
        out.write("};\n")


def write_prior(path, tallies):
    with open(path, "w", encoding="utf-8") as out:
        out.write("// Generated by bench/quality/fit.py: bin, right, wrong. Do not edit.\n")
        for name, counts in tallies:
            out.write(f"constexpr Row {name}[] = {{\n")
            for place, (right, wrong) in enumerate(counts.round().astype(int)):
                if right + wrong:
                    out.write(f"    {{{place}, {right}, {wrong}}},\n")
            out.write("};\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("--cache", default="")
    options = parser.parse_args()
    if options.cache:
        os.makedirs(options.cache, exist_ok=True)
    features = Features(options.program, options.model, options.cache)
    authored = corpus(features)
    pairs = redis(features, options.data)
    banking, clinc = read_intents(options.data)
    natural = [intents(features, "banking77", banking, 4, 25), intents(features, "clinc150", clinc, 4, 15)]
    splits = domains()
    seen = authored.where(numpy.array([splits[domain] == "fit" for domain in authored.groups]))
    by_words, by_vectors = (fit([seen, pairs] + natural, with_vectors) for with_vectors in (False, True))
    write_weights(os.path.join(ROOT, "server", "match", "weights.inc"), authored.names, by_words, by_vectors)
    write_prior(os.path.join(ROOT, "server", "semantic", "prior.inc"),
                [("kUseLiteRows", tally(authored, pairs, natural, True)), ("kHashRows", tally(authored, pairs, natural, False))])


if __name__ == "__main__":
    main()
