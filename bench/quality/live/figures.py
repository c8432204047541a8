"""Figures of judged answers: recall within a wrong share, curves, calibration. Pure functions.

A scored answer is (score, whether it would be right): what the server would serve from that score on. Score 0 is never
served. `answerable` is how many questions have a right answer in the store.
"""
import itertools
import math

SHARES = (0.01, 0.02, 0.05, 0.10)
BINS = 10


def steps(scored, answerable):
    """(score, recall, precision, right, wrong) of serving all from each score down, strictest first; ties together."""
    served = sorted((item for item in scored if item[0] > 0), key=lambda item: -item[0])
    right = wrong = 0
    out = []
    for score, ties in itertools.groupby(served, key=lambda item: item[0]):
        for _, is_right in ties:
            right, wrong = right + is_right, wrong + (not is_right)
        out.append((score, right / max(answerable, 1), right / (right + wrong), right, wrong))
    return out


def most_within(scored, answerable, share):
    """The most that any threshold serves with at most this wrong share: {recall, threshold, right, wrong}."""
    best = {"recall": 0.0, "threshold": None, "right": 0, "wrong": 0}
    for score, recall, _, right, wrong in steps(scored, answerable):
        if wrong <= share * (right + wrong) and right >= best["right"]:
            best = {"recall": recall, "threshold": score, "right": right, "wrong": wrong}
    return best


def sweep(scored, answerable):
    return [{"wrong_share": share, **most_within(scored, answerable, share)} for share in SHARES]


def calibration(scored):
    """BINS rows {low, high, count, predicted, observed}, and the mean gap weighted by count (None without answers)."""
    bins = [[] for _ in range(BINS)]
    for score, is_right in scored:
        if score > 0:
            bins[min(int(score * BINS), BINS - 1)].append((score, is_right))
    rows = []
    for at, items in enumerate(bins):
        row = {"low": at / BINS, "high": (at + 1) / BINS, "count": len(items), "predicted": None, "observed": None}
        if items:
            row["predicted"] = sum(score for score, _ in items) / len(items)
            row["observed"] = sum(is_right for _, is_right in items) / len(items)
        rows.append(row)
    total = sum(row["count"] for row in rows)
    gap = sum(row["count"] * abs(row["predicted"] - row["observed"]) for row in rows if row["count"])
    return rows, gap / total if total else None


def percentile(values, share):
    """The smallest value that at least this share of the values does not exceed; None without values."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else None


def outcome(answers, answerable):
    """answers: (tier or None, whether it is right) of each question -> counts and shares."""
    hits = [(tier, is_right) for tier, is_right in answers if tier]
    right = sum(is_right for _, is_right in hits)
    tiers = {}
    for tier, _ in hits:
        tiers[tier] = tiers.get(tier, 0) + 1
    wrong = len(hits) - right
    return {"hits": len(hits), "right": right, "wrong": wrong, "misses": len(answers) - len(hits), "tiers": tiers,
            "recall": right / max(answerable, 1), "wrong_share": wrong / len(hits) if hits else 0.0}
