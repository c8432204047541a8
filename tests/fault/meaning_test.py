"""Rows T3 to T6: what a tenant or a writer can find out, plant or push out, and what must never count as the same question.

T3 timing: whether an answer's time tells what another tenant has stored. T4 meaning: traps of many kinds, none of which may
be answered. T5 poisoning: near-collisions that a writer plants. T6 noisy neighbour: whose entries go when one tenant stores
at full rate.
"""

import itertools
import math
import os
import random
import struct
import time

import harness
import traps

IDENTICAL = ("How do I explain my garden to a visitor?", "What do I have to do to explain my garden to a visitor?")
HEAVIEST = 0.5  # the largest error budget that may be asked for: only the guards say no then


def upper95(wrong, total):
    """One-sided Clopper-Pearson, by bisection; 3/n when nothing was wrong."""
    if total == 0 or wrong == total:
        return 1.0
    low, high = wrong / total, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        below = sum(math.exp(math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1)
                             + k * math.log(middle) + (total - k) * math.log1p(-middle))
                    for k in range(wrong + 1) if 0 < middle < 1)
        low, high = (middle, high) if below > 0.05 else (low, middle)
    return high


def auc_of(ones, others):
    """The chance that one of the first is larger than one of the others."""
    ranked = sorted([(value, 1) for value in ones] + [(value, 0) for value in others])
    rank_sum, i = 0.0, 0
    while i < len(ranked):
        j = i
        while j < len(ranked) and ranked[j][0] == ranked[i][0]:
            j += 1
        rank_sum += sum(ranked[k][1] for k in range(i, j)) * (i + j + 1) / 2
        i = j
    return (rank_sum - len(ones) * (len(ones) + 1) / 2) / (len(ones) * len(others))


class MeaningCase(harness.Case):
    def started(self, **settings):
        # `auto` is the model where there is one, and words and letters where there is none.
        settings = {"cache.semantic": "on", "cache.verify_ppm": "0", "cache.entries_max": "100000", **settings}
        models = os.environ.get("REPRISE_MODELS_DIR")
        if models:
            settings["semantic.models_dir"] = models
        server = self.server(settings=settings)
        return server, self.connect(server, timeout=120.0)

    def indexed(self, rpc, vectors, seconds=300):
        def is_there():
            state = rpc.call("INFO", "semantic")["semantic"]
            return state["vectors"] >= vectors and state["queued"] == 0
        harness.wait_until(is_there, seconds, f"{vectors} vectors")

    def tenants(self, server, admin, *names):
        """A connection in a namespace of its own for each name."""
        key = admin.call("KEY.CREATE", "default", permissions=["read", "write", "admin"])["key"]
        admin.call("AUTH", key)
        connections = []
        for name in names:
            admin.call("NAMESPACE.CREATE", name)
            connection = self.connect(server, timeout=120.0)
            connection.call("AUTH", admin.call("KEY.CREATE", name, permissions=["read", "write"])["key"])
            connections.append(connection)
        return connections

    @staticmethod
    def all_of(rpc, calls):
        replies = []
        for i in range(0, len(calls), 200):
            replies += rpc.pipeline(calls[i:i + 200], timeout=300)
        for reply in replies:
            if isinstance(reply, harness.RpcError):
                raise reply
        return replies

    def teach(self, rpc):
        """So much evidence that what is as likely as a plain rewording is served."""
        pairs = [[f"How do I {verb} my {thing}?", f"What do I have to do to {verb} my {thing}?", True]
                 for verb, thing in itertools.product(traps.VERBS[:25], traps.THINGS[:20])]
        self.assertTrue(rpc.call("CACHE.CALIBRATE", pairs)["serves"])


class TimingTest(MeaningCase):
    figures = ("timing",)

    def test_an_answers_time_does_not_tell_what_another_tenant_has(self):
        count = harness.size("prompts", 300)
        server, admin = self.started()
        victim, attacker = self.tenants(server, admin, "victim", "attacker")
        questions = [f"How do I {verb} my {thing} {where}?" for verb, thing, where in
                     itertools.product(traps.VERBS, traps.THINGS, traps.PLACES)]
        random.Random(harness.size("seed", 1)).shuffle(questions)
        has, has_not = questions[:count], questions[count:2 * count]
        own = sorted({stored for stored, _ in itertools.islice(traps.entities(), 300)})  # about nothing that is asked for
        self.all_of(victim, [("CACHE.STORE", [question, "secret " + question]) for question in has])
        self.all_of(victim, [("CACHE.LOOKUP", [question.replace("How do I", "Please tell me how to")])
                             for question in has])
        self.all_of(attacker, [("CACHE.STORE", [question, "mine"]) for question in own])
        self.indexed(admin, count + len(own))
        before = victim.call("CACHE.STATS")["total"]
        times = {True: [], False: []}
        answers = {True: set(), False: set()}
        order = [(question, True) for question in has] + [(question, False) for question in has_not]
        random.Random(2).shuffle(order)
        for question, is_there in order:
            began = time.perf_counter()
            told = attacker.call("CACHE.LOOKUP", question)
            times[is_there].append(time.perf_counter() - began)
            answers[is_there].add(told["status"])
            self.assertNotIn("secret", repr(told))
        self.assertEqual(answers[True] | answers[False], {"miss"})
        self.assertEqual(victim.call("CACHE.STATS")["total"], before, "nothing of the victim's was looked at")
        auc = auc_of(times[True], times[False])
        sigma = math.sqrt((2 * count + 1) / (12 * count * count))
        harness.figure("timing", abs(auc - 0.5) < 5 * sigma, auc=f"{auc:.3f}", noise=f"{sigma:.3f}",
                       prompts=f"{count}+{count}", p50_us=f"{sorted(times[True])[count // 2] * 1e6:.0f}")


class TrapsTest(MeaningCase):
    figures = ("meaning",)

    def test_no_trap_is_answered(self):
        _, rpc = self.started()
        self.teach(rpc)
        each = harness.size("traps", 300)
        classes = {name: list(itertools.islice(pairs, each)) for name, pairs in traps.classes()}
        false_hits, asked = {}, 0
        for name, pairs in classes.items():
            self.assertGreaterEqual(len(pairs), min(each, 300), name)
            self.assertEqual(len(set(pairs)), len(pairs), f"{name}: no pair twice")
            served = self.ask(rpc, name, pairs, HEAVIEST)
            asked += len(pairs)
            false_hits[name] = [pair for pair, told in zip(pairs, served) if told["status"] != "miss"]
            print(f"  {name}: falsehit={len(false_hits[name])}/{len(pairs)}", flush=True)
            for pair in false_hits[name][:5]:
                print(f"    {pair}", flush=True)
        same = list(itertools.islice(traps.rewordings(), each))
        hits = sum(told["status"] == "hit" for told in self.ask(rpc, "same", same, None))
        wrong = sum(map(len, false_hits.values()))
        harness.figure("meaning", wrong == 0, classes=len(classes), falsehit=f"{wrong}/{asked}",
                       upper95=f"{upper95(wrong, asked):.4f}", hit=f"{hits}/{len(same)}",
                       embedder=rpc.call("INFO", "semantic")["semantic"]["embedder"])

    def ask(self, rpc, name, pairs, max_error):
        """Each pair in a partition of its own: nothing else is near, so only the guards keep it apart."""
        before = rpc.call("INFO", "semantic")["semantic"]["vectors"]
        more = {"type": "general"}  # Else the policies would keep some out, such as questions about the weather.
        told = self.all_of(rpc, [("CACHE.STORE", [stored, "answer", {"identity": {name: i}, **more}])
                                 for i, (stored, _) in enumerate(pairs)])
        self.assertTrue(all(reply["stored"] for reply in told), name)
        self.indexed(rpc, before + len(pairs))
        if max_error is not None:
            more["max_error"] = max_error
        return self.all_of(rpc, [("CACHE.LOOKUP", [asked, {"identity": {name: i}, **more}])
                                 for i, (_, asked) in enumerate(pairs)])


class PoisonTest(MeaningCase):
    figures = ("poison_text", "poison_vector")

    def targets(self, count):
        return [f"How do I {verb} my {thing} {where}?" for verb, thing, where in itertools.islice(
            zip(itertools.cycle(traps.VERBS), itertools.cycle(traps.THINGS), itertools.cycle(traps.PLACES)), count)]

    def plants(self, target, source):
        """What a writer would try: other questions that look as much like the target as can be."""
        verb, thing, where = source.choice(traps.VERBS), source.choice(traps.THINGS), source.choice(traps.PLACES)
        words = target.rstrip("?").split()
        swapped = words[:]
        a, b = source.sample(range(3, len(words)), 2)
        swapped[a], swapped[b] = swapped[b], swapped[a]
        yield target.replace("How do I", "Why should I never")
        yield target.replace(" my ", " my neighbour's ")
        yield f"How do I {words[3]} my {thing} {where}?"
        yield f"How do I {verb} {' '.join(words[4:])}?"
        yield " ".join(words + ["without", "the", thing]) + "?"
        yield " ".join(words[:3] + ["not"] + words[3:]) + "?"
        yield target + " " + " ".join(source.sample(traps.THINGS, 3))
        yield target.rstrip("?") + " 2?"

    def check_that_it_serves(self, rpc, admin, vectors, **options):
        """Where nothing were served at all, nothing poisoned would be."""
        stored, asked = IDENTICAL
        rpc.call("CACHE.STORE", stored, "right", **options)
        self.indexed(admin, vectors + 1)
        self.assertEqual(rpc.call("CACHE.LOOKUP", asked, **options)["response"], "right")

    def test_random_edits_of_a_question_do_not_answer_it(self):
        source = random.Random(harness.size("seed", 1))
        server, admin = self.started()
        (rpc,) = self.tenants(server, admin, "shared")
        self.teach(rpc)
        targets = self.targets(harness.size("targets", 100))
        planted = {plant for target in targets for plant in self.plants(target, source)} - set(targets)
        self.all_of(rpc, [("CACHE.STORE", [plant, "POISON " + plant]) for plant in sorted(planted)])
        self.check_that_it_serves(rpc, admin, len(planted))
        told = self.all_of(rpc, [("CACHE.LOOKUP", [target]) for target in targets])
        strict = [(target, reply["response"]) for target, reply in zip(targets, told) if reply["status"] == "hit"]
        told = self.all_of(rpc, [("CACHE.LOOKUP", [target, {"max_error": HEAVIEST}]) for target in targets])
        loose = sum(reply["status"] == "hit" for reply in told)
        for target, response in strict[:5]:
            print(f"  {target} <- {response}", flush=True)
        harness.figure("poison_text", len(strict) <= len(targets) * 0.02, poisoned_served=f"{len(strict)}/{len(targets)}",
                       plants=len(planted), served_without_budget=loose)

    def test_a_vector_that_lies_does_not_answer(self):
        """The writer brings its own vectors, so it needs no hill-climbing: it gives the target's own vector."""
        width = 32
        source = random.Random(harness.size("seed", 1))
        server, admin = self.started(**{"semantic.embedder": "client", "semantic.client_width": str(width)})
        (rpc,) = self.tenants(server, admin, "shared")
        self.teach(rpc)
        targets = self.targets(harness.size("targets", 100))
        vectors = {target: [source.gauss(0, 1) for _ in range(width)] for target in targets}
        calls, planted = [], set()
        for target in targets:
            far = ["Who was the first emperor of Rome?", f"Best {source.choice(traps.THINGS)} of the year", target.upper()[:9]]
            for i, plant in enumerate([*self.plants(target, source), *far]):
                plant = plant if i < 8 else f"{plant} {len(planted)}"
                if plant in planted or plant in vectors:
                    continue
                planted.add(plant)
                # From exactly the same to a little beside it, as a climb would arrive at.
                near = [value + source.gauss(0, 0.02 * (i % 3)) for value in vectors[target]]
                calls.append(("CACHE.STORE", [plant, "POISON " + plant, {"vector": struct.pack(f"<{width}f", *near)}]))
        self.all_of(rpc, calls)
        control = struct.pack(f"<{width}f", *[source.gauss(0, 1) for _ in range(width)])
        self.check_that_it_serves(rpc, admin, len(calls), vector=control)
        served = {}
        for budget in (None, HEAVIEST):
            more = {} if budget is None else {"max_error": budget}
            told = self.all_of(rpc, [("CACHE.LOOKUP", [target, {"vector": struct.pack(f"<{width}f", *vectors[target]), **more}])
                                     for target in targets])
            served[budget] = [(target, reply["response"]) for target, reply in zip(targets, told) if reply["status"] == "hit"]
        for target, response in served[None][:5]:
            print(f"  {target} <- {response}", flush=True)
        harness.figure("poison_vector", len(served[None]) <= len(targets) * 0.02,
                       poisoned_served=f"{len(served[None])}/{len(targets)}", plants=len(calls),
                       served_without_budget=len(served[HEAVIEST]))


class NeighbourTest(MeaningCase):
    figures = ("neighbour",)

    def test_a_tenant_at_full_rate_pushes_out_nobody_elses_entries(self):
        bound = harness.size("entries", 500)
        server, admin = self.started(**{"cache.entries_max": str(bound)})
        quiet, noisy = self.tenants(server, admin, "quiet", "noisy")
        kept = [f"What does the quiet tenant keep under number {i}?" for i in range(bound // 2)]
        self.all_of(quiet, [("CACHE.STORE", [question, "kept"]) for question in kept])

        def latencies():
            took = []
            for question in kept:
                began = time.perf_counter()
                self.assertEqual(quiet.call("CACHE.LOOKUP", question)["status"], "hit", question)
                took.append(time.perf_counter() - began)
            return sorted(took)

        alone = latencies()
        stored = [("CACHE.STORE", [f"What does the noisy tenant store as number {i}?", "x" * 500])
                  for i in range(10 * bound)]
        noisy.send_bytes(b"".join(harness.request(1 + i, method, params) for i, (method, params) in enumerate(stored)))
        beside = latencies()
        for _ in stored:
            self.assertIsNone(noisy.receive(120)[2])
        evicted = quiet.call("CACHE.STATS")["total"].get("evicted", 0)
        still = sum(reply["status"] == "hit" for reply in self.all_of(quiet, [("CACHE.LOOKUP", [q]) for q in kept]))
        neighbours = sum(reply["status"] == "hit" for reply in self.all_of(
            noisy, [("CACHE.LOOKUP", [params[0], {"tier": "exact"}]) for _, params in stored]))
        half, late = len(kept) // 2, len(kept) * 99 // 100
        harness.figure("neighbour", still == len(kept) and neighbours <= bound * 1.1,
                       kept=f"{still}/{len(kept)}", evicted=evicted, noisy_stored=len(stored), noisy_left=neighbours,
                       p50_ratio=f"{beside[half] / alone[half]:.2f}", p99_ratio=f"{beside[late] / alone[late]:.2f}")


if __name__ == "__main__":
    harness.main()
