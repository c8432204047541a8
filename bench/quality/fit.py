"""Fits server/match's model on pairs of questions and says how good it is.

Usage: fit.py FEATURES_PROGRAM [--weights OUT.inc] [--l2 L2] [--check FILE.tsv]... PAIRS.tsv...

Each PAIRS.tsv (label, category, A, B) is one domain. To each pair come two made ones of label 0: its A with the B of another
pair of the file that shares most words with it ("nearest"), and with any B ("random"). Without them the model learns from
authored traps, which share nearly all words, that sharing few is a good sign. Figures come from leaving whole files out in turn (FOLDS groups of
files), so no pair is scored by weights that saw its domain; the weights that are written come from all files. Files behind
--check are scored by those and never fitted on.

Printed: AUC; recall at shares of wrong answers among the served ones of 1, 2, 5 and 10 percent (the most that any threshold
serves within the share); per category how many are served at 5 percent. A veto scores below everything.
Pure Python: Newton's method (IRLS) with a ridge, on standardised columns.
"""
import argparse
import math
import operator
import random
import re
import subprocess
import sys

FOLDS = 5
ROUNDS = 8
SHARES = (0.01, 0.02, 0.05, 0.10)
# Products that a sum cannot say: what is left over matters by how much is shared.
PRODUCTS = [("overlap", "substituted"), ("overlap", "heaviest_stored"), ("overlap", "heaviest_asked"),
            ("trigrams", "substituted"), ("template", "heaviest_asked"), ("template", "heaviest_stored"),
            ("overlap", "overlap"), ("overlap", "length_gap"), ("overlap", "names_one_sided"),
            ("overlap", "aspect_differs"), ("heaviest_stored", "heaviest_asked"), ("overlap", "question_differs"),
            ("cosine", "overlap"), ("cosine", "cosine"), ("cosine", "heaviest_asked"),
            ("cosine", "context_worst_asked"), ("cosine", "context_worst_stored"), ("cosine", "substituted")]


def make_pairs(pairs):
    """Two questions of one domain that nobody paired."""
    chance = random.Random(1)
    bags = [frozenset(re.findall(r"\w+", pair[3].lower())) for pair in pairs]
    counts = {}
    for bag in bags:
        for word in bag:
            counts[word] = counts.get(word, 0) + 1
    texts = {}
    for at, pair in enumerate(pairs):
        for text in pair[2:]:
            texts.setdefault(text, set()).add(at)
    made = []
    for at, pair in enumerate(pairs):
        kin = texts[pair[2]] | texts[pair[3]]
        words = frozenset(re.findall(r"\w+", pair[2].lower()))
        others = [other for other in range(len(pairs)) if other not in kin]
        if not others:
            continue

        def closeness(other):
            return sum(1 / counts[word] for word in words & bags[other]) / (len(words | bags[other]) or 1)

        made.append(["0", "nearest", pair[2], pairs[max(others, key=closeness)][3]])
        made.append(["0", "random", pair[2], pairs[chance.choice(others)][3]])
    return made


class Set:
    """Rows of one file."""

    def __init__(self, program, name, made=False):
        self.name = name
        with open(name, encoding="utf-8") as file:
            pairs = [line.split("\t") for line in file.read().splitlines() if line.count("\t") == 3]
        if made:
            pairs += make_pairs(pairs)
        text = "".join("\t".join(pair) + "\n" for pair in pairs)
        out = subprocess.run([program], input=text, capture_output=True, text=True, check=True).stdout
        lines = [line.split("\t") for line in out.splitlines()]
        self.names = lines[0][3:]
        rows = lines[1:]
        self.labels = [int(row[0]) for row in rows]
        self.categories = [row[1] for row in rows]
        self.vetoes = [row[2] for row in rows]
        self.features = [[float(cell) for cell in row[3:]] for row in rows]


def expand(names, row):
    index = {name: at for at, name in enumerate(names)}
    return row + [row[index[one]] * row[index[other]] for one, other in PRODUCTS]


def solve(matrix, vector):
    """Gauss with pivots; `matrix` is changed."""
    size = len(vector)
    for at in range(size):
        pivot = max(range(at, size), key=lambda row: abs(matrix[row][at]))
        matrix[at], matrix[pivot] = matrix[pivot], matrix[at]
        vector[at], vector[pivot] = vector[pivot], vector[at]
        for row in range(at + 1, size):
            factor = matrix[row][at] / matrix[at][at]
            if factor:
                matrix[row] = [x - factor * y for x, y in zip(matrix[row], matrix[at])]
                vector[row] -= factor * vector[at]
    out = [0.0] * size
    for at in reversed(range(size)):
        rest = sum(matrix[at][j] * out[j] for j in range(at + 1, size))
        out[at] = (vector[at] - rest) / matrix[at][at]
    return out


def sigmoid(value):
    return 1 / (1 + math.exp(-max(min(value, 35), -35)))


def fit(rows, labels, l2):
    """Weights (bias last) in the units of `rows`."""
    columns = [list(column) for column in zip(*rows)]
    count = len(rows)
    means = [sum(column) / count for column in columns]
    scales = [math.sqrt(sum((x - mean) ** 2 for x in column) / count) for column, mean in zip(columns, means)]
    used = [at for at, scale in enumerate(scales) if scale > 1e-6]
    data = [[(x - means[at]) / scales[at] for x in columns[at]] for at in used] + [[1.0] * count]
    size = len(data)
    weights = [0.0] * size
    for _ in range(ROUNDS):
        scores = [0.0] * count
        for weight, column in zip(weights, data):
            scores = [s + weight * x for s, x in zip(scores, column)]
        chances = [sigmoid(score) for score in scores]
        bends = [max(p * (1 - p), 1e-6) for p in chances]
        errors = [label - p for label, p in zip(labels, chances)]
        gradient = [sum(map(operator.mul, column, errors)) for column in data]
        matrix = [[0.0] * size for _ in range(size)]
        for i in range(size):
            bent = list(map(operator.mul, data[i], bends))
            for j in range(i, size):
                matrix[i][j] = matrix[j][i] = sum(map(operator.mul, bent, data[j]))
        for i in range(size - 1):  # not the bias
            matrix[i][i] += l2
            gradient[i] -= l2 * weights[i]
        step = solve(matrix, gradient)
        weights = [weight + change for weight, change in zip(weights, step)]
        if max(map(abs, step)) < 1e-4:
            break
    out = [0.0] * len(columns)
    bias = weights[-1]
    for weight, at in zip(weights, used):
        out[at] = weight / scales[at]
        bias -= weight * means[at] / scales[at]
    return out + [bias]


def score(weights, rows, vetoes):
    return [-1.0 if veto != "-" else sigmoid(weights[-1] + sum(map(operator.mul, weights, row)))
            for row, veto in zip(rows, vetoes)]


def auc(scores, labels):
    order = sorted(range(len(scores)), key=lambda at: scores[at])
    rank_sum, at = 0.0, 0
    while at < len(order):
        end = at
        while end < len(order) and scores[order[end]] == scores[order[at]]:
            end += 1
        rank_sum += sum(labels[order[k]] for k in range(at, end)) * (at + end + 1) / 2
        at = end
    positives = sum(labels)
    negatives = len(labels) - positives
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives) if positives and negatives else 0.0


def recall_at(scores, labels, share):
    """Recall, threshold and wrong answers of the most that is served within the share."""
    order = sorted((at for at in range(len(scores)) if scores[at] >= 0), key=lambda at: -scores[at])
    best = (0.0, 2.0, 0)
    right = wrong = 0
    for place, at in enumerate(order):
        right += labels[at]
        wrong += 1 - labels[at]
        last_of_ties = place + 1 == len(order) or scores[order[place + 1]] < scores[at]
        if last_of_ties and wrong <= share * (right + wrong):
            best = (right / max(sum(labels), 1), scores[at], wrong)
    return best


def report(title, scores, labels, categories):
    print(f"{title}: {len(labels)} pairs, {sum(labels)} positive, AUC {auc(scores, labels):.4f}")
    for share in SHARES:
        recall, threshold, wrong = recall_at(scores, labels, share)
        print(f"  wrong <= {share:4.0%}: recall {recall:.3f} at {threshold:.3f} ({wrong} wrong)")
    threshold = recall_at(scores, labels, 0.05)[1]
    for label in (1, 0):
        parts = []
        for category in sorted({c for c, l in zip(categories, labels) if l == label}):
            picked = [s for s, c, l in zip(scores, categories, labels) if c == category and l == label]
            parts.append(f"{category or '-'} {sum(s >= threshold for s in picked)}/{len(picked)}")
        print(f"  served at 5 %, label {label}: " + ", ".join(parts))


def write(name, names, weights):
    index = {feature: at for at, feature in enumerate(names)}
    with open(name, "w", encoding="utf-8") as out:
        out.write("// Generated by bench/quality/fit.py. Do not edit.\n")
        out.write("constexpr std::uint32_t kVersion = kFeaturesVersion;\n")
        out.write(f"constexpr double kBias = {weights[-1]:.6g};\n")
        out.write("constexpr Weight kWeights[] = {\n")
        for feature, weight in zip(names, weights):
            out.write(f'    {{"{feature}", {weight:.6g}}},\n')
        out.write("};\nconstexpr Product kProducts[] = {\n")
        for (one, other), weight in zip(PRODUCTS, weights[len(names):]):
            out.write(f"    {{{index[one]}, {index[other]}, {weight:.6g}}},  // {one} x {other}\n")
        out.write("};\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("pairs", nargs="+")
    parser.add_argument("--weights")
    parser.add_argument("--l2", type=float, default=3.0)
    parser.add_argument("--check", action="append", default=[])
    parser.add_argument("--no-folds", action="store_true")
    options = parser.parse_args()
    sets = [Set(options.program, name, made=True) for name in sorted(options.pairs)]
    names = sets[0].names
    for item in sets:
        item.rows = [expand(names, row) for row in item.features]

    def train(chosen):
        return fit([row for item in chosen for row in item.rows], [label for item in chosen for label in item.labels],
                   options.l2)

    if not options.no_folds:
        scores, labels, categories = [], [], []
        for fold in range(FOLDS):
            weights = train([item for at, item in enumerate(sets) if at % FOLDS != fold])
            for item in sets[fold::FOLDS]:
                scores += score(weights, item.rows, item.vetoes)
                labels += item.labels
                categories += item.categories
        authored = [at for at, category in enumerate(categories) if category not in ("nearest", "random")]
        report("left out by file, authored pairs",
               *[[column[at] for at in authored] for column in (scores, labels, categories)])
        report("left out by file, with made pairs", scores, labels, categories)
    weights = train(sets)
    for name in options.check:
        item = Set(options.program, name)
        scores = score(weights, [expand(names, row) for row in item.features], item.vetoes)
        report(name.rpartition("/")[2], scores, item.labels, item.categories)
    if options.weights:
        write(options.weights, names, weights)
    return 0


if __name__ == "__main__":
    sys.exit(main())
