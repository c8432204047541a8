"""What is stored, what is asked, and which served answers are right.

`pairs`: each pair has a partition of its own, by an identity that no other has. The server compares entries of one
identity only, and keeps their vectors apart, so this equals a fresh namespace for each pair as far as lookups go; what a
namespace has besides, evidence and limits, all pairs share. Right: the pair's label is 1.

`crowded`: all stored questions are in one partition. Right: the question served is one that some pair of label 1 joins
with the one asked, or the very text that was asked. For sets of positives only (mock_data) that is: an entry with the
text of the pair's origin.
"""
from . import figures

ONE_PARTITION = 0


class Task:
    def __init__(self, pairs, is_crowded):
        self.pairs, self.is_crowded = pairs, is_crowded
        partitions = [ONE_PARTITION if is_crowded else number for number in range(len(pairs))]
        self.to_store = list(dict.fromkeys((partition, pair.stored) for partition, pair in zip(partitions, pairs)))
        self.to_ask = [(partition, pair.asked) for partition, pair in zip(partitions, pairs)]
        self._served_by = {}
        stored = {pair.stored for pair in pairs}
        for pair in pairs:
            good = self._served_by.setdefault(pair.asked, {pair.asked} & stored)
            if pair.label:
                good.add(pair.stored)
        self.answerable = sum(map(self.is_answerable, range(len(pairs))))

    def is_answerable(self, number):
        pair = self.pairs[number]
        return bool(self._served_by[pair.asked]) if self.is_crowded else pair.label == 1

    def is_right(self, number, served):
        pair = self.pairs[number]
        return served in self._served_by[pair.asked] if self.is_crowded else pair.label == 1


class Judged:
    """All answers of one run. Lists are in the order of the pairs."""

    def __init__(self, task, refused):
        self.task, self.refused = task, refused
        self.answers = {}       # name of the budget -> [(tier or None, is right)]
        self.latency = {}       # "first", "again" -> [milliseconds]
        self.scored = []        # (p_correct of what would be served, is right); 1 where the text itself is stored
        self.nearest = []       # (p_correct of the nearest by cosine, is right); the server takes the likeliest of them
        self.cosine = []        # (similarity of the nearest, is right)
        self.semantic = []      # `scored` without those that an exact or normalized entry answers
        self.considered = 0     # questions that had a stored one near
        self.vetoed = 0         # of these, those whose nearest a guard vetoed

    def add_explanation(self, number, considered, names, tier):
        """`names`: (partition, id) -> stored question. `tier` that answered without a threshold, if any."""
        partition = self.task.to_ask[number][0]

        def is_right(entry):
            return self.task.is_right(number, names.get((partition, entry["id"])))

        best = max(considered, key=lambda entry: entry["p_correct"], default=None)
        first = considered[0] if considered else {"similarity": 0.0, "p_correct": 0.0, "id": None}
        self.cosine.append((first["similarity"], is_right(first)))
        self.nearest.append((first["p_correct"], is_right(first)) if tier is None else (1.0, self.is_right_anyway(number)))
        score = (best["p_correct"], is_right(best)) if best else (0.0, False)
        if tier is None:
            self.semantic.append(score)
            self.considered += bool(considered)
            self.vetoed += bool(considered) and any(guard["veto"] for guard in considered[0]["guards"])
            self.scored.append(score)
        else:
            self.scored.append((1.0, self.is_right_anyway(number)))

    def is_right_anyway(self, number):
        """Of a question that an exact or normalized entry answers, whatever the budget is."""
        return self.answers["default"][number][1]


def run(session, task, budgets, **options):
    """Stores, waits for the index, asks. budgets: name -> options of CACHE.LOOKUP, of which one is `default`."""
    names, refused = session.store(task.to_store, **options)
    judged = Judged(task, refused)
    tiers = [None] * len(task.pairs)
    for name, budget in budgets.items():
        answers, times = [], []
        for number, (reply, ms) in enumerate(session.lookup(task.to_ask, f"ask, {name}", **budget, **options)):
            is_hit = reply["status"] != "miss"
            answers.append((reply["tier"] if is_hit else None, is_hit and task.is_right(number, reply["response"])))
            times.append(ms)
            if is_hit and reply["tier"] != "semantic":
                tiers[number] = reply["tier"]
        judged.answers[name] = answers
        judged.latency.setdefault("again" if judged.latency else "first", []).extend(times)
    for number, considered in enumerate(session.explain(task.to_ask, **options)):
        judged.add_explanation(number, considered, names, tiers[number])
    return judged


def published(pairs):
    """(cosine of a hosted embedding, is right), where the set has them all."""
    if not pairs or any(pair.published_cosine is None for pair in pairs):
        return []
    return [(pair.published_cosine, bool(pair.label)) for pair in pairs]


def by_category(judged, threshold):
    """Category -> {pairs, answerable, wrong: {budget: hits}, right: {budget: hits}}, with `swept` as one more budget:
    what is served from `threshold` (of p_correct) on."""
    served = dict(judged.answers)
    served["swept"] = [("swept" if threshold is not None and score >= threshold else None, is_right)
                       for score, is_right in judged.scored]
    rows = {}
    for number, pair in enumerate(judged.task.pairs):
        row = rows.setdefault(pair.category or "-", {"pairs": 0, "answerable": 0, "wrong": {}, "right": {}})
        row["pairs"] += 1
        row["answerable"] += judged.task.is_answerable(number)
        for name, answers in served.items():
            tier, is_right = answers[number]
            for kind, counts in (("right", bool(tier) and is_right), ("wrong", bool(tier) and not is_right)):
                row[kind][name] = row[kind].get(name, 0) + counts
    return dict(sorted(rows.items()))


def summary(name, judged):
    """All figures of a set, ready for JSON."""
    task = judged.task
    answerable = task.answerable
    swept = figures.sweep(judged.scored, answerable)
    bins, gap = figures.calibration(judged.semantic)
    at_five = next(row["threshold"] for row in swept if row["wrong_share"] == 0.05)
    latency = {kind: {"p50_ms": figures.percentile(times, 0.5), "p99_ms": figures.percentile(times, 0.99), "count": len(times)}
               for kind, times in judged.latency.items()}
    result = {
        "set": name, "mode": "crowded" if task.is_crowded else "pairs", "pairs": len(task.pairs), "answerable": answerable,
        "refused": len(judged.refused), "considered": judged.considered, "vetoed": judged.vetoed,
        "budgets": {budget: figures.outcome(answers, answerable) for budget, answers in judged.answers.items()},
        "swept": {"p_correct": swept, "cosine": figures.sweep(judged.cosine, answerable)},
        "categories": by_category(judged, at_five), "calibration": bins, "calibration_gap": gap, "latency": latency,
    }
    if task.is_crowded:
        result["swept"]["p_correct of the nearest"] = figures.sweep(judged.nearest, answerable)
    if published(task.pairs) and not task.is_crowded:
        result["swept"]["published cosine"] = figures.sweep(published(task.pairs), answerable)
    return result
