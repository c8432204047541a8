"""Compares two result files: of reprise-bench, or of a suite of compare.py.

A difference counts only outside the noise band: at least the share that the caller gives, and at least the spread
that the rounds of the two files themselves show.
"""
import json

from . import tables


def measures(result):
    """(row, measure) -> rounds of the figure; of a suite, those of its server A."""
    if "rows" not in result:
        found = {}
        for name, (get, _, _) in tables.MEASURES.items():
            if name in ("cpu", "rss") and not result.get("server"):
                continue
            found[(result["options"]["workload"], name)] = [get(result)]
        return found
    found = {}
    for row in result["rows"]:
        for name, figures in row.get("summary", {}).items():
            found[(row["name"], name)] = figures["a_rounds"]
        for figure in row.get("figures", []):
            found[(row["name"], figure["name"])] = [figure["value"]]
    return found


def middle(values):
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def band(before, after, least):
    """The larger of `least` and half the spread of either side."""
    spreads = [(max(v) - min(v)) / 2 / middle(v) if middle(v) else 0.0 for v in (before, after)]
    return max([least] + spreads)


def more_is_better(name):
    return tables.MEASURES[name][2] if name in tables.MEASURES else name.endswith("per_second")


def judge(name, before, after, noise):
    old, new = middle(before), middle(after)
    width = band(before, after, noise)
    if not old:
        return 1.0, width, "same"
    ratio = new / old
    if abs(ratio - 1.0) <= width:
        return ratio, width, "same"
    return ratio, width, "better" if (ratio > 1.0) == more_is_better(name) else "WORSE"


def compare(before_path, after_path, noise):
    before = measures(json.loads(before_path.read_text()))
    after = measures(json.loads(after_path.read_text()))
    rows, worse = [], 0
    for key in before:
        if key not in after:
            continue
        ratio, width, word = judge(key[1], before[key], after[key], noise)
        worse += word == "WORSE"
        rows.append([key[0], key[1], tables.number(middle(before[key])), tables.number(middle(after[key])), f"{ratio:.2f}",
                     f"+-{width:.0%}", word])
    if not rows:
        print("the files have no measure in common")
        return 2
    print(tables.markdown(["row", "measure", "before", "after", "after/before", "noise band", "verdict"], rows))
    return 1 if worse else 0
