"""Tables and charts of a run, and the files they go to."""
import json
import os
import pathlib
import platform
import subprocess
import time

from comparing import tables

from . import ROOT, chart, figures, judge

LINES = {"p_correct": ("#0b62c4", ""), "cosine": ("#c2410c", "7 4"), "published cosine": ("#6b7280", "2 4")}


def percent(share, digits=1):
    return "-" if share is None else f"{share * 100:.{digits}f} %"


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"], cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.strip() or "unknown"


def machine():
    return {"kernel": f"{platform.system()} {platform.release()}", "architecture": platform.machine(), "cores": os.cpu_count()}


def headline(result):
    text = f"{result['pairs']:,} questions, {result['answerable']:,} have a right answer, mode {result['mode']}."
    if result["refused"]:
        text += f" {result['refused']:,} stored questions were not kept, as their query type says."
    return text + (f" A stored question was near {result['considered']:,} of those that no exact or normalized entry answered; "
                   f"guards vetoed the nearest of {result['vetoed']:,}.")


def budget_table(result):
    cells = []
    for name, row in result["budgets"].items():
        tiers = ", ".join(f"{count} {tier}" for tier, count in sorted(row["tiers"].items()))
        cells.append([name, row["hits"], row["right"], row["wrong"], row["misses"], percent(row["recall"]),
                      percent(row["wrong_share"]), tiers or "-"])
    return tables.markdown(["max_error", "hits", "right", "wrong", "misses", "recall", "wrong share", "by tier"], cells)


def sweep_table(result):
    cells = []
    for name, rows in result["swept"].items():
        cells.append([name] + [
            f"{percent(row['recall'])} (from {row['threshold']:.3f}, {row['wrong']} wrong)" if row["threshold"] else "0.0 %"
            for row in rows])
    return tables.markdown(["recall at a wrong share of at most"] + [percent(share, 0) for share in figures.SHARES], cells)


def category_table(result):
    budgets = list(result["budgets"])
    cells = []
    for name, row in result["categories"].items():
        cells.append([name, row["pairs"], row["answerable"]] + [row["wrong"][budget] for budget in budgets + ["swept"]] +
                     [row["right"]["swept"]])
    return tables.markdown(["class", "questions", "answerable"] + [f"wrong, {budget}" for budget in budgets] +
                           ["wrong, swept 5 %", "right, swept 5 %"], cells)


def calibration_table(result):
    cells = [[f"{row['low']:.1f} to {row['high']:.1f}", row["count"], percent(row["predicted"]), percent(row["observed"])]
             for row in result["calibration"]]
    text = tables.markdown(["p_correct", "answers", "predicted right", "observed right"], cells)
    if result["calibration_gap"] is not None:
        text += f"\n\nMean gap, weighted by answers: {percent(result['calibration_gap'])}."
    return text


def latency_line(result):
    words = {"first": "asked for the first time", "again": "asked again"}
    parts = [f"{words[kind]} p50 {row['p50_ms']:.2f} ms, p99 {row['p99_ms']:.2f} ms ({row['count']:,} calls)"
             for kind, row in result["latency"].items()]
    return f"CACHE.LOOKUP, one at a time, seen from the client: {'; '.join(parts)}. Of a debug build these mean nothing."


def section(result, image):
    parts = [f"## {result['set']}", headline(result), budget_table(result), sweep_table(result),
             "Wrong hits by class:", category_table(result), "Calibration:", calibration_table(result), latency_line(result)]
    if image:
        parts.append(f"![precision against recall]({image})")
    return "\n\n".join(parts)


def picture(result, judged):
    """SVG: precision against recall of p_correct, beside cosine, with a mark for each budget that served something."""
    scored = {"p_correct": judged.scored, "cosine": judged.cosine}
    if "published cosine" in result["swept"]:
        scored["published cosine"] = judge.published(judged.task.pairs)
    curves = []
    for name, items in scored.items():
        colour, dash = LINES[name]
        points = [(recall, precision) for _, recall, precision, _, _ in figures.steps(items, result["answerable"])]
        curves.append({"name": name, "colour": colour, "dash": dash, "points": points})
    marks = [{"name": name, "x": row["recall"], "y": 1 - row["wrong_share"]}
             for name, row in result["budgets"].items() if row["hits"]]
    subtitle = f"{result['mode']}: {result['pairs']:,} questions, {result['answerable']:,} answerable"
    return chart.chart(f"{result['set']}: precision against recall", subtitle, curves, marks)


def file_name(name):
    return name.replace(":", "-")


def write(out, name, kind, about, results, text, pictures):
    """<out>/<name>.json, .md and <name>-<set>.svg. No question of a set is in them."""
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    data = {"format": 1, "kind": kind, "commit": commit(), "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "machine": machine(), **about, "results": results}
    (out / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    (out / f"{name}.md").write_text(text, encoding="utf-8")
    for file, image in pictures.items():
        (out / file).write_text(image, encoding="utf-8")
    print(f"written: {out / name}.json and .md" + (f", {len(pictures)} charts" if pictures else ""))
