"""Figures of repeated runs: medians, ratios with their spread, verdicts, and how they are printed."""
import statistics

# Measure -> (how to get it from a result of reprise-bench, unit, whether more is better)
MEASURES = {
    "throughput": (lambda r: r["throughput"], "/s", True),
    "cpu": (lambda r: r["server"]["cpu_us_per_call"], "us", False),
    "p50": (lambda r: r["latency_us"]["p50"], "us", False),
    "p99": (lambda r: r["latency_us"]["p99"], "us", False),
    "rss": (lambda r: r["server"]["rss_bytes_after"] / 2**20, "MiB", False),
}


def summarize(rounds):
    """[(result of A, result of B), ...] -> measure -> medians of A and B, and of the ratios A/B of each round."""
    summary = {}
    for name, (get, unit, _) in MEASURES.items():
        a = [get(first) for first, _ in rounds]
        b = [get(second) for _, second in rounds]
        ratios = [x / y for x, y in zip(a, b) if y > 0]
        summary[name] = {"unit": unit, "a": statistics.median(a), "b": statistics.median(b), "a_rounds": a, "b_rounds": b}
        if ratios:
            summary[name].update(ratio=statistics.median(ratios), ratio_min=min(ratios), ratio_max=max(ratios))
    return summary


def check(value, relation, bound):
    return value >= bound if relation == ">=" else value <= bound


def number(value):
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def markdown(header, rows):
    lines = ["| " + " | ".join(header) + " |", "| " + " | ".join("---" for _ in header) + " |"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def comparison_table(rows):
    """Rows of a suite -> a markdown table with one line for each row and measure that has a bar or matters beside."""
    cells = []
    for row in rows:
        if "summary" not in row:
            continue
        for name, figures in row["summary"].items():
            if "ratio" not in figures:
                continue
            bar = next((b for b in row["bars"] if b["measure"] == name), None)
            cells.append([
                row["title"] if name == "throughput" else "", f"{name} {figures['unit']}", number(figures["a"]),
                number(figures["b"]),
                f"{figures['ratio']:.2f} ({figures['ratio_min']:.2f} to {figures['ratio_max']:.2f})",
                f"{bar['relation']} {bar['bound']}" if bar else "", verdict(bar)
            ])
    return markdown(["row", "measure", "A", "B", "A/B median (min to max)", "bar", "verdict"], cells)


def figure_table(rows):
    """Rows that are not a comparison: figures with bars of their own."""
    cells = []
    for row in rows:
        for figure in row.get("figures", []):
            bar = f"{figure['relation']} {figure['bound']}" if "bound" in figure else ""
            cells.append([row["title"], figure["name"], f"{number(figure['value'])} {figure['unit']}", bar, verdict(figure)])
    return markdown(["row", "figure", "value", "bar", "verdict"], cells) if cells else ""


def verdict(bar):
    if not bar or "met" not in bar:
        return ""
    return "met" if bar["met"] else "MISSED"
