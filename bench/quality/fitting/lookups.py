"""Lookups that a server of these questions would have: what is found, how near the next one is, whether it is right.

All stored questions of the corpus are one crowd. Each asked one comes by three times: its answer is stored (`present`), it is
not (`absent`), or only that of its trap is (`trap`). What a lookup finds is the nearest that no guard vetoes, as
server/cache/semantic_tier.cc chooses.
"""
import collections
import csv
import os

import numpy

COSINE_MIN = 0.5  # as server/cache/semantic_tier.cc
NEAREST = 8
OTHERS = 4  # neighbours of which features are made
UNLABELLED_MAX = 0.8  # an unlabelled neighbour that is nearer may well be right: not used

PAIRS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "pairs")

Asked = collections.namedtuple("Asked", "domain split category label")
Lookup = collections.namedtuple("Lookup", "row rival label kind asked")


def read_pairs():
    """[(Asked, stored, asked text)] of all domains."""
    with open(os.path.join(PAIRS, "domains.tsv"), encoding="utf-8") as file:
        domains = [(row["domain"], row["split"]) for row in csv.DictReader(file, delimiter="\t")]
    pairs = []
    for domain, split in domains:
        with open(os.path.join(PAIRS, domain + ".tsv"), encoding="utf-8") as file:
            for line in file.read().splitlines()[1:]:
                label, category, stored, asked = line.split("\t")
                pairs.append((Asked(domain, split, category, int(label)), stored, asked))
    return pairs


def key(stored, asked):
    return tuple(sorted(text.lower().strip(" ?.!") for text in (stored, asked)))


def read_neighbours():
    """Labels of pairs that a search found, by key: 1, 0, or None where people would dispute."""
    with open(os.path.join(PAIRS, "neighbours", "neighbours.tsv"), encoding="utf-8") as file:
        rows = [line.split("\t") for line in file.read().splitlines()[1:]]
    return {key(stored, asked): {"1": 1, "0": 0}.get(label) for label, _, stored, asked in rows}


class Crowd:
    """The corpus with its neighbours: one row of features for each (stored, asked) that is looked at."""

    def __init__(self, features):
        self.pairs = read_pairs()
        rows = [[str(about.label), about.category, stored, asked] for about, stored, asked in self.pairs]
        related = collections.defaultdict(set)
        for at, row in enumerate(rows):
            related[row[2]].add(at)
            related[row[3]].add(at)
        made, self.own, self.others, self.tails = [], [], [], []
        for at, near in enumerate(features.nearest("corpus", rows, NEAREST)):
            _, _, stored, asked = rows[at]
            kin = related[stored] | related[asked]
            found = [(other, cosine) for other, cosine in near if other not in kin and rows[other][2] not in (stored, asked)]
            self.own.append(len(made))
            made.append(rows[at])
            self.others.append(range(len(made), len(made) + len(found[:OTHERS])))
            made += [["0", "-", rows[other][2], asked] for other, _ in found[:OTHERS]]
            self.tails.append(found[OTHERS][1] if len(found) > OTHERS else COSINE_MIN)
        self.names, self.vetoed, self.matrix = features.of("corpus", made)
        self.cosine = self.matrix[:, self.names.index("cosine")]
        self._label(made)

    def _label(self, made):
        known = read_neighbours()
        self.labels, self.usable = numpy.zeros(len(made), int), numpy.ones(len(made), bool)
        own = set(self.own)
        for row, (label, _, stored, asked) in enumerate(made):
            pair = key(stored, asked)
            if row in own:
                self.labels[row] = int(label)
            elif pair in known:
                self.labels[row], self.usable[row] = known[pair] or 0, known[pair] is not None
            else:
                self.usable[row] = self.vetoed[row] or self.cosine[row] < UNLABELLED_MAX

    def _find(self, candidates, tail):
        fit_ones = [row for row in candidates if not self.vetoed[row] and self.cosine[row] >= COSINE_MIN]
        if not fit_ones:
            return None
        best = max(fit_ones, key=lambda row: self.cosine[row])
        rivals = [self.cosine[row] for row in candidates if row != best and not (self.labels[row] and self.labels[best])]
        return best, max(rivals, default=tail)

    def lookups(self):
        out = []
        for at, (about, _, _) in enumerate(self.pairs):
            own, others = self.own[at], list(self.others[at])
            cases = (("present" if about.label else "trap", [own] + others), ("absent", others))
            for kind, candidates in cases:
                found = self._find(candidates, self.tails[at])
                if found and self.usable[found[0]]:
                    out.append(Lookup(found[0], found[1], self.labels[found[0]], kind, about))
        return out

    def own_pairs(self):
        """Each authored pair by itself, and the nearest other question: lookups in which nothing else is known."""
        out = []
        for at, (about, _, _) in enumerate(self.pairs):
            own = self.own[at]
            if not self.vetoed[own] and self.cosine[own] >= COSINE_MIN:
                out.append(Lookup(own, None, about.label, "present" if about.label else "trap", about))
            found = self._find(list(self.others[at]), self.tails[at])
            if found and self.usable[found[0]]:
                out.append(Lookup(found[0], None, self.labels[found[0]], "absent", about))
        return out
