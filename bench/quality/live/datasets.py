"""Labelled pairs of questions, by name: the project's own corpus, and public sets beside the repository."""
import dataclasses
import json
import pathlib

from . import ROOT

CORPUS = ROOT / "bench" / "quality" / "pairs"
PUBLIC = ROOT.parent / "shared" / "data"
UNIFIED = {"redis_716": "redis_chatgpt_716", "banking_94": "banking_94", "qqp_1000": "qqp_1000"}
def _test_domains():
    """Those that the weights were not fitted on."""
    rows = [line.split("\t") for line in (CORPUS / "domains.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    return tuple(row[0] for row in rows if row[1] == "test")


TEST_DOMAINS = _test_domains()


class Absent(Exception):
    """The files of a known set are not on this machine; the message says which."""


class Unknown(Exception):
    """No set has this name."""


@dataclasses.dataclass(frozen=True)
class Pair:
    """`label` 1: the answer to `stored` serves `asked`. `published_cosine`: of a hosted embedding, where a set has it."""
    stored: str
    asked: str
    label: int
    category: str = ""
    published_cosine: float | None = None


def read_corpus(path):
    """A file with the columns label, category, stored, asked, and a line that names them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = []
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split("\t")
        if len(cells) != 4 or cells[0] not in ("0", "1"):
            raise ValueError(f"{path}:{number}: not label, category, stored, asked")
        pairs.append(Pair(cells[2], cells[3], int(cells[0]), cells[1]))
    return pairs


def read_unified(path):
    pairs = []
    with open(path, encoding="utf-8") as file:
        for row in map(json.loads, file):
            pairs.append(Pair(row["a"], row["b"], row["label"], row["category"], row.get("cosine_te3small")))
    return pairs


def read_mock_data(path):
    return [Pair(row["origin"], row["similar"], 1) for row in json.loads(path.read_text(encoding="utf-8"))]


def domains():
    return sorted(path.stem for path in CORPUS.glob("*.tsv") if path.stem != "domains")


def read_domains(names):
    return [pair for name in names for pair in read_corpus(CORPUS / f"{name}.tsv")]


def load(name, public=PUBLIC):
    """The pairs of a set. Raises Absent when its files are not there, Unknown when there is no such set."""
    if name == "corpus":
        return read_domains(domains())
    if name == "corpus:test":
        return read_domains(TEST_DOMAINS)
    if name.startswith("corpus:"):
        if name[len("corpus:"):] not in domains():
            raise Unknown(f"no domain {name[len('corpus:'):]}; there are {', '.join(domains())}")
        return read_domains([name[len("corpus:"):]])
    if name in UNIFIED:
        path = pathlib.Path(public) / "cache-pairs-unified" / f"{UNIFIED[name]}.jsonl"
    elif name == "mock_data":
        path = pathlib.Path(public) / "gptcache" / "mock_data.json"
    else:
        raise Unknown(f"no set {name}; there are mock_data, {', '.join(UNIFIED)}, corpus, corpus:test, corpus:<domain>")
    if not path.exists():
        raise Absent(f"{path} is not there")
    return read_mock_data(path) if name == "mock_data" else read_unified(path)


def load_present(names, public, say):
    """[(name, pairs)] of the sets that are on this machine; a clear line for each that is not."""
    present = []
    for name in names:
        try:
            present.append((name, load(name, public)))
        except Absent as reason:
            say(f"SKIPPED {name}: {reason}")
    return present
