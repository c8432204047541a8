"""Fits server/match's weights and server/semantic's priors, and writes weights.inc and prior.inc.

Usage: fit.py FEATURES_PROGRAM MODEL DATA [--cache DIR]

FEATURES_PROGRAM is match_features, MODEL use-lite.bin, DATA the folder of public sets (README.md says which are used and under
which licence). --cache keeps the features for the next run. Needs numpy and scipy (python3-numpy, python3-scipy); nothing that is
shipped does. What is fitted, and why so, stands in REPORT.md.
"""
import argparse
import json
import math
import os

import numpy

from fitting.features import Features, ratio
from fitting.logistic import fit
from fitting.lookups import COSINE_MIN, Crowd

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FOLDS = 4
RIDGE = 10.0
BINS, LOGIT_MIN, BINS_PER_LOGIT = 160, -6.0, 10.0  # as server/semantic/budget.cc

# More of these never lowers, or never raises, the probability: what is left of "unlike means paraphrase" in authored pairs.
UP = set("""overlap overlap_stored overlap_asked trigrams bigrams longest_common same_head cosine context_mean_stored
context_worst_stored context_mean_asked context_worst_asked input_mean_stored input_worst_stored input_mean_asked
input_worst_asked equal question_same shared""".split())
DOWN = set("""alone_stored alone_asked heaviest_stored heaviest_asked spread length_gap question_differs substituted
numbers_differ dates_differ units_differ literals_differ negation_differs antonyms order_differs names_differ names_one_sided
qualifiers_differ aspect_differs rank_differs time_differs context_alone_stored context_alone_asked input_alone_stored
input_alone_asked frame_gap ratio statements_ratio""".split())
BOUNDS = {**{name: (0.0, None) for name in UP}, **{name: (None, 0.0) for name in DOWN}}
# In a crowd a frame that recurs is already in the ratio (REPORT.md, "Bounds").
CROWD_BOUNDS = {**BOUNDS, "frame_gap": (-2.0, 0.0)}

# What may have a weight. Not: length, near, numbers_shared, same_first_verb, template (signs of how the corpus was written).
BY_WORDS = {name for name in UP | DOWN if not name.startswith(("cosine", "context_", "input_"))} - {"ratio", "statements_ratio", "shared"}
ALONE = (UP | DOWN) - {"ratio", "statements_ratio", "shared"}
# Few: in a crowd the ratio says most, and what authored questions have besides does not carry over to other texts.
IN_CROWD = set("""cosine ratio statements statements_ratio shared alone_stored alone_asked equal same_head frame_gap question_differs aspect_differs rank_differs
names_one_sided qualifiers_differ numbers_differ literals_differ units_differ time_differs""".split())

# How often each kind comes by when weights are fitted. Authored domains are many traps and few natural ones.
NATURAL = {"near": 1.5, "reworded": 1.0, "far": 0.6}
ALONE_TRAP, ALONE_ABSENT, ALONE_AUTHORED = 0.7, 0.3, 0.1
CROWD_TRAP, CROWD_ABSENT, CROWD_AUTHORED = 0.05, 0.5, 0.3

# What a namespace without evidence is assumed to see. People repeat questions in near wording more than in far ones; of the
# lookups that come as far as this tier, this share has an answer stored; a trap of a minimal change is rare.
PRIOR_NATURAL = {"near": 2.0, "reworded": 1.0, "far": 0.3}
PRIOR_PRESENT = 0.65
PRIOR_TRAP = 0.03
PRIOR_ALONE_TRAP = 0.3


class Rows:
    """Lookups as a matrix, with the share that each has in a fit and in a prior, and the fold that it is left out of."""

    def __init__(self, names, matrix, labels, fit_shares, prior_shares, folds, is_fit):
        self.names, self.matrix, self.labels = names, matrix, numpy.array(labels)
        self.fit_shares, self.prior_shares = numpy.array(fit_shares, float), numpy.array(prior_shares, float)
        self.folds, self.is_fit = numpy.array(folds), numpy.array(is_fit)

    def __add__(self, other):
        joined = [numpy.concatenate(pair) for pair in zip(self.columns(), other.columns())]
        return Rows(self.names, *joined)

    def columns(self):
        return self.matrix, self.labels, self.fit_shares, self.prior_shares, self.folds, self.is_fit

    def fitted(self, mask, used, bounds):
        return fit(self.names, self.matrix[mask], self.labels[mask], self.fit_shares[mask], used, bounds, RIDGE)


def is_natural(about):
    return about.domain.startswith("natural_")


def alone_rows(crowd):
    lookups = crowd.own_pairs()
    fit_shares, prior_shares = [], []
    for lookup in lookups:
        about = lookup.asked
        natural = is_natural(about)
        if lookup.kind == "present":
            fit_shares.append(NATURAL[about.category] if natural else ALONE_AUTHORED)
            prior_shares.append(PRIOR_NATURAL[about.category] if natural else ALONE_AUTHORED)
        elif lookup.kind == "trap":
            fit_shares.append(ALONE_TRAP if natural else ALONE_AUTHORED)
            prior_shares.append(PRIOR_ALONE_TRAP if natural else PRIOR_TRAP)
        else:
            fit_shares.append(ALONE_ABSENT if natural else ALONE_ABSENT * CROWD_AUTHORED)
            prior_shares.append(fit_shares[-1])
    return rows_of(crowd, lookups, fit_shares, prior_shares)


def crowd_rows(crowd):
    lookups = crowd.lookups()
    fit_shares, prior_shares = [], []
    for lookup in lookups:
        about = lookup.asked
        size = 1.0 if is_natural(about) else CROWD_AUTHORED
        if lookup.kind == "present":
            fit_shares.append(size)
            prior_shares.append(2 * PRIOR_PRESENT * size * (PRIOR_NATURAL[about.category] if is_natural(about) else 1.0))
        elif lookup.kind == "trap":
            fit_shares.append(CROWD_TRAP * size)
            prior_shares.append(PRIOR_TRAP * size)
        else:
            fit_shares.append(CROWD_ABSENT * size)
            prior_shares.append((1 - PRIOR_PRESENT) * size)
    return rows_of(crowd, lookups, fit_shares, prior_shares)


def rows_of(crowd, lookups, fit_shares, prior_shares):
    picked = [lookup.row for lookup in lookups]
    matrix = crowd.matrix[picked]
    if lookups[0].rival is not None:
        rivals = numpy.array([lookup.rival for lookup in lookups])
        ratios = ratio(crowd.cosine[picked], rivals)
        matrix[:, crowd.names.index("ratio")] = ratios
        matrix[:, crowd.names.index("statements_ratio")] = ratios * matrix[:, crowd.names.index("statements")]
    domains = sorted({lookup.asked.domain for lookup in lookups if not is_natural(lookup.asked)})
    folds = [lookup.row % FOLDS if is_natural(lookup.asked) else domains.index(lookup.asked.domain) % FOLDS
             for lookup in lookups]
    return Rows(crowd.names, matrix, [lookup.label for lookup in lookups], fit_shares, prior_shares, folds,
                [lookup.asked.split == "fit" for lookup in lookups])


def redis_rows(features, data):
    with open(os.path.join(data, "cache-pairs-unified", "redis_chatgpt_716.jsonl"), encoding="utf-8") as file:
        pairs = [json.loads(line) for line in file]
    rows = [[str(pair["label"]), "-", " ".join(pair["a"].split()), " ".join(pair["b"].split())] for pair in pairs]
    names, vetoed, matrix = features.of("redis", rows)
    keep = numpy.flatnonzero(~vetoed & (matrix[:, names.index("cosine")] >= COSINE_MIN))
    labels = numpy.array([pair["label"] for pair in pairs])[keep]
    ones = numpy.ones(len(keep))
    return Rows(names, matrix[keep], labels, ones, ones, keep % FOLDS, ones.astype(bool))


def tally(rows, used, bounds, beside=None):
    """Bins of (right, wrong) of probabilities by weights that did not see the row's domain or fold.

    Questions need what `beside` thinks of them as well, as server/match/model.cc has it: (rows, used, bounds).
    """
    counts = numpy.zeros((BINS, 2))
    for fold in range(FOLDS):
        out = rows.folds == fold
        chances = rows.fitted(~out, used, bounds).probabilities(rows.names, rows.matrix[out])
        if beside is not None:
            others, *plan = beside
            other = others.fitted(others.folds != fold, *plan).probabilities(rows.names, rows.matrix[out])
            says = rows.matrix[out][:, rows.names.index("statements")] > 0
            chances = numpy.where(says, chances, numpy.minimum(chances, other))
        for chance, label, share in zip(chances, rows.labels[out], rows.prior_shares[out]):
            place = (math.log(chance / (1 - chance)) - LOGIT_MIN) * BINS_PER_LOGIT
            counts[int(min(max(place, 0), BINS - 1)), 1 - label] += share
    return counts


def write_weights(path, names, columns):
    def text(weight):
        return f"{weight:.4g}" if abs(weight) > 1e-3 else "0"

    with open(path, "w", encoding="utf-8") as out:
        out.write("// Generated by bench/quality/fit.py. Do not edit.\n")
        out.write("constexpr std::uint32_t kVersion = kFeaturesVersion;\n")
        for name in ["", *names]:
            cells = ", ".join(text(column.weights.get(name, 0)) for column in columns)
            out.write(f'constexpr Weight kBias = {{"", {cells}}};\nconstexpr Weight kWeights[] = {{\n' if not name else
                      f'    {{"{name}", {cells}}},\n')
        out.write("};\n")


def write_priors(path, tallies):
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
    crowd = Crowd(features)
    alone = alone_rows(crowd) + redis_rows(features, options.data)
    in_crowd = crowd_rows(crowd)
    plans = [(alone, BY_WORDS, BOUNDS), (alone, ALONE, BOUNDS), (in_crowd, IN_CROWD, CROWD_BOUNDS)]
    write_weights(os.path.join(ROOT, "server", "match", "weights.inc"), crowd.names,
                  [rows.fitted(rows.is_fit, used, bounds) for rows, used, bounds in plans])
    write_priors(os.path.join(ROOT, "server", "semantic", "prior.inc"),
                 zip(("kHashRows", "kUseLiteAloneRows", "kUseLiteInCrowdRows"),
                     (tally(*plans[0]), tally(*plans[1]), tally(*plans[2], beside=plans[1]))))


if __name__ == "__main__":
    main()
