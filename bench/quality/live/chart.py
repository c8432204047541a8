"""A precision and recall chart as SVG, by hand: axes, curves, marks, legend. Readable at its 700 px."""
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 700, 470
LEFT, RIGHT, TOP, BOTTOM = 70, 30, 92, 60
INK, FAINT = "#222", "#ddd"
FONT = "font-family='system-ui, sans-serif'"
POINTS_MAX = 400


def text(x, y, words, size=14, anchor="start", more=""):
    return f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' fill='{INK}' {more}>{escape(words)}</text>"


def thinned(points):
    """At most POINTS_MAX of them, first and last kept."""
    if len(points) <= POINTS_MAX:
        return points
    return [points[round(at * (len(points) - 1) / (POINTS_MAX - 1))] for at in range(POINTS_MAX)]


def floor_of(curves, marks):
    """Where the precision axis begins: a multiple of 10 % below all that is shown, and at most 90 %."""
    values = [y for curve in curves for _, y in curve["points"]] + [mark["y"] for mark in marks]
    return min([0.9] + [int(value * 10) / 10 for value in values])


def chart(title, subtitle, curves, marks):
    """curves: {name, colour, dash, points: [(recall, precision)]}; marks: {name, x, y}. Shares from 0 to 1."""
    low = floor_of(curves, marks)
    plot_width, plot_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at_x(value):
        return LEFT + value * plot_width

    def at_y(value):
        return TOP + (1 - value) / (1 - low) * plot_height

    parts = [f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {HEIGHT}' width='{WIDTH}' height='{HEIGHT}' {FONT}>",
             f"<rect width='{WIDTH}' height='{HEIGHT}' fill='white'/>",
             text(LEFT, 26, title, 18, more="font-weight='600'"), text(LEFT, 47, subtitle, 13)]
    parts += axes(low, at_x, at_y)
    parts += legend(curves, marks)
    for curve in curves:
        path = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in thinned(curve["points"]))
        if path:
            parts.append(f"<polyline points='{path}' fill='none' stroke='{curve['colour']}' stroke-width='2.5' "
                         f"stroke-dasharray='{curve['dash']}' stroke-linejoin='round'/>")
    parts += drawn_marks(marks, at_x, at_y)
    return "\n".join(parts + ["</svg>"]) + "\n"


def axes(low, at_x, at_y):
    parts = []
    for tick in range(0, 101, 20):
        x = at_x(tick / 100)
        parts.append(f"<line x1='{x:.1f}' y1='{at_y(1):.1f}' x2='{x:.1f}' y2='{at_y(low):.1f}' stroke='{FAINT}'/>")
        parts.append(text(x, at_y(low) + 20, f"{tick} %", 13, "middle"))
    tenths = round((1 - low) * 10)
    step = 2 if tenths <= 2 else 5 if tenths <= 4 else 10 if tenths <= 6 else 20
    for tick in range(100, round(low * 100) - 1, -step):
        y = at_y(tick / 100)
        parts.append(f"<line x1='{at_x(0):.1f}' y1='{y:.1f}' x2='{at_x(1):.1f}' y2='{y:.1f}' stroke='{FAINT}'/>")
        parts.append(text(at_x(0) - 8, y + 4.5, f"{tick} %", 13, "end"))
    parts.append(f"<path d='M{at_x(0):.1f},{at_y(1):.1f} V{at_y(low):.1f} H{at_x(1):.1f}' fill='none' stroke='{INK}'/>")
    parts.append(text(at_x(0.5), HEIGHT - 14, "recall: answerable questions that got the right answer", 14, "middle"))
    middle = (at_y(1) + at_y(low)) / 2
    parts.append(text(20, middle, "precision: right of those served", 14, "middle", f"transform='rotate(-90 20 {middle:.1f})'"))
    return parts


def legend(curves, marks):
    parts, x, y = [], LEFT, 72
    for curve in curves:
        parts.append(f"<line x1='{x}' y1='{y}' x2='{x + 26}' y2='{y}' stroke='{curve['colour']}' stroke-width='2.5' "
                     f"stroke-dasharray='{curve['dash']}'/>")
        parts.append(text(x + 32, y + 4.5, curve["name"], 13))
        x += 32 + 7.2 * len(curve["name"]) + 22
    if marks:
        parts.append(f"<circle cx='{x + 5:.1f}' cy='{y}' r='5' fill='white' stroke='{INK}' stroke-width='2'/>")
        parts.append(text(x + 16, y + 4.5, "served at max_error", 13))
    return parts


def drawn_marks(marks, at_x, at_y):
    """Marks at one place share a label."""
    places = {}
    for mark in marks:
        places.setdefault((round(at_x(mark["x"])), round(at_y(mark["y"]))), []).append(mark["name"])
    parts = []
    for (x, y), names in places.items():
        right_edge = x > WIDTH - 160
        parts.append(f"<circle cx='{x}' cy='{y}' r='5' fill='white' stroke='{INK}' stroke-width='2'/>")
        parts.append(text(x - 9 if right_edge else x + 9, y + 17, ", ".join(names), 13, "end" if right_edge else "start",
                          "paint-order='stroke' stroke='white' stroke-width='4'"))
    return parts
