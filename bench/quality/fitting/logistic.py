"""Logistic regression with a ridge and a bound on each weight. Needs numpy and scipy."""
import numpy
from scipy.optimize import minimize

from .features import swapped


class Logistic:
    """Weights by name; "" is the bias."""

    def __init__(self, weights):
        self.weights = weights

    def probabilities(self, names, matrix):
        picked = [names.index(name) for name in self.weights if name]
        slopes = numpy.array([weight for name, weight in self.weights.items() if name])
        return 1 / (1 + numpy.exp(-(matrix[:, picked] @ slopes + self.weights[""])))


def fit(names, matrix, labels, shares, used, bounds, ridge):
    """`shares`: the weight of each row. `used`: names that may have a weight. Each row counts in both directions."""
    used = [name for name in names if name in used]
    picked = [names.index(name) for name in used]
    matrix = numpy.vstack([matrix, swapped(names, matrix)])[:, picked]
    labels, shares = numpy.tile(labels, 2), numpy.tile(shares, 2) / 2
    means = numpy.average(matrix, 0, shares)
    scales = numpy.sqrt(numpy.average((matrix - means) ** 2, 0, shares)) + 1e-9
    data = (matrix - means) / scales

    def loss(point):
        scores = data @ point[:-1] + point[-1]
        errors = shares * (1 / (1 + numpy.exp(-scores)) - labels)
        value = (shares * numpy.logaddexp(0, numpy.where(labels == 1, -scores, scores))).sum()
        value += ridge / 2 * (point[:-1] ** 2).sum()
        return value, numpy.append(data.T @ errors + ridge * point[:-1], errors.sum())

    limits = [tuple(None if side is None else side * scale for side in bounds.get(name, (None, None)))
              for name, scale in zip(used, scales)]
    start = [low if low else high if high else 0.0 for low, high in limits] + [0.0]
    found = minimize(loss, numpy.array(start), jac=True, bounds=limits + [(None, None)], method="L-BFGS-B",
                     options={"maxiter": 800}).x
    slopes = found[:-1] / scales
    return Logistic({**dict(zip(used, slopes)), "": found[-1] - (slopes * means).sum()})
