"""A strict reader of the Prometheus text exposition format 0.0.4.

It refuses what a lenient scraper would let pass: samples before their TYPE, a second TYPE for one
name, groups that are torn apart, duplicate series, histograms whose buckets are not cumulative.
"""

import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: (-?\d+))?\Z")
TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}


class FormatError(Exception):
    pass


def parse_labels(text, line):
    labels = {}
    position = 0
    while position < len(text):
        match = LABEL.match(text, position)
        if not match:
            raise FormatError(f"bad labels in {line!r}")
        if match.group(1) in labels:
            raise FormatError(f"label {match.group(1)} twice in {line!r}")
        labels[match.group(1)] = re.sub(
            r"\\(.)", lambda m: "\n" if m.group(1) == "n" else m.group(1), match.group(2))
        position = match.end()
        if position < len(text):
            if text[position] != ",":
                raise FormatError(f"labels are not separated by a comma in {line!r}")
            position += 1
    return labels


def parse_value(text, line):
    if text in ("+Inf", "-Inf", "NaN"):
        return float(text.replace("Inf", "inf"))
    if not re.match(r"[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?)\Z", text):
        raise FormatError(f"bad number in {line!r}")
    return float(text)


class Exposition:
    """samples: {(name, ((label, value), ...)): number}; types and helps by metric name."""

    def __init__(self, text):
        self.samples = {}
        self.types = {}
        self.helps = {}
        self._family = None
        self._finished = set()
        if text and not text.endswith("\n"):
            raise FormatError("the last line must end with a line feed")
        for line in text.split("\n")[:-1]:
            self._read_line(line)
        self._check_histograms()

    def _read_line(self, line):
        if not line:
            return
        if line.startswith("# HELP ") or line.startswith("# TYPE "):
            self._read_head(line)
        elif not line.startswith("#"):
            self._read_sample(line)

    def _read_head(self, line):
        parts = line.split(" ", 3)
        if len(parts) < 4 or not NAME.match(parts[2]):
            raise FormatError(f"bad header line {line!r}")
        table = self.helps if parts[1] == "HELP" else self.types
        if parts[2] in table:
            raise FormatError(f"{parts[1]} of {parts[2]} stands twice")
        if parts[1] == "TYPE" and parts[3] not in TYPES:
            raise FormatError(f"unknown type in {line!r}")
        table[parts[2]] = parts[3]
        self._enter(parts[2])

    def _enter(self, family):
        if family == self._family:
            return
        if family in self._finished:
            raise FormatError(f"the lines of {family} do not stand together")
        if self._family:
            self._finished.add(self._family)
        self._family = family

    def _family_of(self, name):
        for suffix in ("_bucket", "_sum", "_count"):
            base = name[:-len(suffix)] if name.endswith(suffix) else None
            if base and self.types.get(base) in ("histogram", "summary"):
                return base
        return name

    def _read_sample(self, line):
        match = SAMPLE.match(line)
        if not match:
            raise FormatError(f"not a sample: {line!r}")
        name = match.group(1)
        family = self._family_of(name)
        if family not in self.types:
            raise FormatError(f"{name} has no TYPE line before its first sample")
        if family not in self.helps:
            raise FormatError(f"{name} has no HELP line")
        self._enter(family)
        labels = parse_labels(match.group(2) or "", line)
        series = (name, tuple(sorted(labels.items())))
        if series in self.samples:
            raise FormatError(f"the series {line!r} stands twice")
        value = parse_value(match.group(3), line)
        if self.types[family] == "counter" and value < 0:
            raise FormatError(f"a counter below zero: {line!r}")
        self.samples[series] = value

    def _check_histograms(self):
        for family, kind in self.types.items():
            if kind == "histogram":
                self._check_histogram(family)

    def _check_histogram(self, family):
        groups = {}
        for (name, labels), value in self.samples.items():
            if name == family + "_bucket":
                bound = dict(labels).get("le")
                if bound is None:
                    raise FormatError(f"a bucket of {family} has no le label")
                rest = tuple(item for item in labels if item[0] != "le")
                groups.setdefault(rest, []).append((float(bound.replace("Inf", "inf")), value))
        for rest, buckets in groups.items():
            buckets.sort()
            counts = [count for _, count in buckets]
            if buckets[-1][0] != float("inf") or counts != sorted(counts):
                raise FormatError(f"the buckets of {family}{dict(rest)} are not cumulative to +Inf")
            if self.samples.get((family + "_count", rest)) != counts[-1]:
                raise FormatError(f"{family}_count{dict(rest)} is not its +Inf bucket")
            if (family + "_sum", rest) not in self.samples:
                raise FormatError(f"{family}{dict(rest)} has no _sum")

    def get(self, name, **labels):
        """The value of one series; None when it is absent."""
        return self.samples.get((name, tuple(sorted(labels.items()))))

    def total(self, name, **labels):
        """The sum over all series of this name that carry these labels."""
        wanted = set(labels.items())
        return sum(value for (series, pairs), value in self.samples.items()
                   if series == name and wanted <= set(pairs))
