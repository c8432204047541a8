"""Features of pairs as a lookup computes them: runs match_features and keeps what it printed."""
import os
import subprocess

import numpy

# As server/match/features.cc.
RIVAL_MIN = 0.7
DISTANCE_MIN = 0.01


class Features:
    def __init__(self, program, model, cache):
        self.program, self.model, self.cache = program, model, cache

    def _lines(self, name, rows, arguments):
        path = os.path.join(self.cache, name) if self.cache else None
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return file.read().splitlines()
        text = "".join("\t".join(row) + "\n" for row in rows)
        out = subprocess.run([self.program, "--model", self.model, *arguments], input=text, capture_output=True, text=True,
                             check=True).stdout
        if path:
            with open(path, "w", encoding="utf-8") as file:
                file.write(out)
        return out.splitlines()

    def nearest(self, name, rows, count):
        """For each row (label, category, stored, asked) the nearest stored texts of all rows: [(row, cosine)]."""
        lines = self._lines(name + ".nearest", rows, ["--nearest", str(count)])
        return [[(int(cell.split()[0]), float(cell.split()[1])) for cell in line.split("\t")] for line in lines]

    def of(self, name, rows):
        """Names of the features, whether a guard vetoes, and the matrix."""
        lines = self._lines(name, rows, [])
        names = lines[0].split("\t")[3:-1]
        cells = [line.split("\t") for line in lines[1:]]
        return names, numpy.array([row[2] != "-" for row in cells]), numpy.array([[float(c) for c in row[3:-1]] for row in cells])


def ratio(cosine, rival):
    """The feature of that name."""
    return numpy.log((1 - cosine + DISTANCE_MIN) / (1 - numpy.maximum(rival, RIVAL_MIN) + DISTANCE_MIN))


def swapped(names, matrix):
    """Stored and asked exchanged: so their weights come out the same."""
    out = matrix.copy()
    for at, name in enumerate(names):
        if name.endswith("_stored"):
            other = names.index(name[:-len("_stored")] + "_asked")
            out[:, at], out[:, other] = matrix[:, other], matrix[:, at]
    return out
