"""The public sets that routing is fitted to and measured with, the program that replays them, and the measures."""
import csv
import glob
import json
import os
import subprocess
import tempfile

import numpy

CHEAP, STRONG = "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"
FIELDS = 6  # of an estimate, as replay.cc tells it
QUALITY, GOOD_ENOUGH, RAW, DENSE, HASHED, NEAR = range(FIELDS)


class Set:
    def __init__(self, name, prompts, outcomes, groups=None):
        self.name, self.prompts, self.groups = name, prompts, groups
        self.outcomes = numpy.array(outcomes, numpy.float32)

    def __len__(self):
        return len(self.prompts)


def contaminated(data, name):
    with open(f"{data}/routellm/contaminated_{name}.jsonl", encoding="utf8") as lines:
        return {json.loads(line)["eval_prompt"] for line in lines}


def mmlu(data):
    """Right or wrong, of a cheap and a strong model; without what RouteLLM calls contaminated."""
    csv.field_size_limit(1 << 30)
    bad, rows = contaminated(data, "mmlu"), []
    for path in sorted(glob.glob(f"{data}/routellm/mmlu/*.csv")):
        subject = os.path.basename(path).split("mmlu_")[-1][:-4]
        with open(path, newline="", encoding="utf8") as file:
            rows += [(row["prompt"], [row[CHEAP] == "True", row[STRONG] == "True"], subject)
                     for row in csv.DictReader(file) if row["prompt"] not in bad]
    return Set("MMLU", *zip(*rows))


def gsm8k(data):
    bad, rows = contaminated(data, "gsm8k"), []
    with open(f"{data}/routellm/gsm8k_responses.jsonl", encoding="utf8") as lines:
        for row in map(json.loads, lines):
            if row["prompt"] not in bad:
                rows.append((row["prompt"], [str(row[CHEAP]) == "True", str(row[STRONG]) == "True"]))
    return Set("GSM8K", *zip(*rows))


def llmrouter(data):
    """Scores of nine models; the cheaper in front."""
    with open(f"{data}/llmrouter/train.json", encoding="utf8") as file:
        rows = json.load(file)
    with open(f"{data}/llmrouter/default_llm.json", encoding="utf8") as file:
        prices = {name: card["input_price"] for name, card in json.load(file).items()}
    models = sorted(rows[0]["scores"], key=lambda name: (prices[name], name))
    found = Set("llmrouter", [row["question"] for row in rows],
                [[row["scores"][name] for name in models] for row in rows])
    found.models, found.prices = models, numpy.array([prices[name] for name in models])
    return found


def joined(name, first, second):
    return Set(name, list(first.prompts) + list(second.prompts),
               numpy.vstack([first.outcomes, second.outcomes]))


class Replay:
    """Runs routing_replay."""

    def __init__(self, program, model, traits=True):
        self.program, self.model, self.traits = program, model, traits

    def __call__(self, rows, commands):
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/prompts", "wb") as file:
                file.write(b"".join(prompt.encode() + b"\0" for prompt in rows.prompts))
            rows.outcomes.tofile(f"{folder}/outcomes")
            done = subprocess.run(
                [self.program, self.model, f"{folder}/prompts", f"{folder}/outcomes",
                 str(rows.outcomes.shape[1])] + ([] if self.traits else ["--no-traits"]),
                input="\n".join(commands).encode(), stdout=subprocess.PIPE, check=True,
                stderr=subprocess.DEVNULL)
        return numpy.frombuffer(done.stdout, numpy.float32)

    def folds(self, rows, folds):
        """Estimates of every row by what was learned from the other folds: rows x models x FIELDS."""
        order = numpy.random.default_rng(0)
        commands = ["fold " + " ".join(map(str, order.permutation(train))) + " | "
                    + " ".join(map(str, test)) for train, test in folds]
        told = self(rows, commands).reshape(-1, rows.outcomes.shape[1], FIELDS)
        estimates = numpy.zeros_like(told)
        estimates[numpy.concatenate([test for _, test in folds])] = told
        return estimates

    def stream(self, rows, order, full, explore=0.1, seed=1):
        """Estimates in this order, each before its row was learned."""
        told = self(rows, [f"stream {int(full)} {explore} {seed} " + " ".join(map(str, order))])
        return told.reshape(-1, rows.outcomes.shape[1], FIELDS)


def k_folds(count, folds=5, seed=0):
    order = numpy.arange(count)
    numpy.random.RandomState(seed).shuffle(order)
    parts = numpy.array_split(order, folds)
    return [(numpy.setdiff1d(order, part), numpy.sort(part)) for part in parts]


def group_folds(groups, folds=5, seed=None):
    """Whole groups; the largest first into the smallest fold, or at random."""
    names, sizes = numpy.unique(groups, return_counts=True)
    fold_of, filled = {}, numpy.zeros(folds)
    if seed is not None:
        order = numpy.random.default_rng(seed).permutation(len(names))
        fold_of = {names[place]: at % folds for at, place in enumerate(order)}
    else:
        for place in numpy.argsort(-sizes, kind="stable"):
            fold_of[names[place]] = int(filled.argmin())
            filled[filled.argmin()] += sizes[place]
    fold = numpy.array([fold_of[group] for group in groups])
    return [(numpy.where(fold != each)[0], numpy.where(fold == each)[0]) for each in range(folds)]


def accuracies(gain, outcomes):
    """With the share i / n of the calls that have the most gain sent to the strong model."""
    order = numpy.argsort(-gain, kind="stable")
    cheap, strong = outcomes[order, 0].astype(float), outcomes[order, 1].astype(float)
    sums = numpy.concatenate([[0], strong.cumsum()]), numpy.concatenate([[0], cheap.cumsum()])
    return (sums[0] + sums[1][-1] - sums[1]) / len(gain)


def apgr(gain, outcomes):
    """Average performance gap recovered, on RouteLLM's eleven points."""
    reached = accuracies(gain, outcomes)
    cheap, strong = outcomes[:, 0].mean(), outcomes[:, 1].mean()
    points = numpy.linspace(0, len(gain), 11).round().astype(int)
    recovered = (reached[points] - cheap) / (strong - cheap)
    return float(((recovered[1:] + recovered[:-1]) / 2 * numpy.diff(points / len(gain))).sum())


def call_share(gain, outcomes, recovered):
    """The smallest share of strong calls that recovers so much of the gap, in percent."""
    cheap, strong = outcomes[:, 0].mean(), outcomes[:, 1].mean()
    share = (accuracies(gain, outcomes) - cheap) / (strong - cheap)
    return 100 * float(numpy.argmax(share >= recovered)) / len(gain)


def strong_share_kept(gain, outcomes, cheap_share):
    """Accuracy with so many cheap calls, as a share of the strong model's."""
    return float(accuracies(gain, outcomes)[round((1 - cheap_share) * len(gain))]
                 / outcomes[:, 1].mean())


def calibration_error(chance, happened, bins=10):
    place = numpy.minimum((chance * bins).astype(int), bins - 1)
    return float(sum(abs(chance[place == each].mean() - happened[place == each].mean())
                     * (place == each).mean() for each in range(bins) if (place == each).any()))
