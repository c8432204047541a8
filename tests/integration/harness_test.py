"""The harness itself can fail: the oracle sees a lost, a wrong and a revived write."""

import json
import os

import harness
from oracle import ABSENT, Oracle


class FakeStore:
    """What Oracle.verify needs of a server."""

    def __init__(self, keys):
        self.keys = keys

    def connect(self, _timeout):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def call(self, _method, *keys):
        return [self.keys.get(key) for key in keys]

    def pipeline(self, calls):
        return [{"status": "miss"} for _ in calls]


class OracleTest(harness.Case):
    def contradictions(self, events, keys, offset_of=None):
        oracle = Oracle(self.temp)
        log = os.path.join(self.temp, "log")
        with open(log, "w", encoding="utf-8") as file:
            for event in events:
                file.write(json.dumps({"t": 1.0, **event}) + "\n")
        oracle.logs = [log]
        limit = None
        if offset_of is not None:
            with open(log, "rb") as file:
                limit = {log: sum(len(line) for line in file.readlines()[:offset_of])}
        oracle.absorb(limit)
        return oracle.verify(FakeStore(keys), loss_is_expected=True)

    def set(self, i, value, error="none"):
        events = [{"i": i, "op": "set", "k": "k", "v": value}]
        if error != "unanswered":
            events.append({"a": i, "r": True, "e": None if error == "none" else error})
        return events

    def test_what_was_acknowledged_must_be_there(self):
        events = self.set("1", "a") + self.set("2", "b")
        self.assertEqual(self.contradictions(events, {"k": "b"}), [])
        self.assertEqual(len(self.contradictions(events, {"k": "a"})), 1)
        self.assertEqual(len(self.contradictions(events, {"k": "c"})), 1)
        self.assertEqual(self.contradictions(events, {})[0][1], ABSENT)

    def test_what_was_not_answered_may_be_there_or_not(self):
        events = self.set("1", "a") + self.set("2", "b", "unanswered")
        self.assertEqual(self.contradictions(events, {"k": "a"}), [])
        self.assertEqual(self.contradictions(events, {"k": "b"}), [])
        self.assertEqual(len(self.contradictions(events, {})), 1)

    def test_what_was_refused_must_not_be_there(self):
        events = self.set("1", "a") + self.set("2", "b", "read_only")
        self.assertEqual(self.contradictions(events, {"k": "a"}), [])
        self.assertEqual(len(self.contradictions(events, {"k": "b"})), 1)
        events = self.set("1", "a") + self.set("2", "b", "unknown_outcome")
        self.assertEqual(self.contradictions(events, {"k": "b"}), [])

    def test_acknowledgements_behind_the_cut_count_as_unanswered(self):
        events = self.set("1", "a") + self.set("2", "b")
        self.assertEqual(self.contradictions(events, {"k": "a"}, offset_of=2), [])
        self.assertEqual(len(self.contradictions(events, {}, offset_of=2)), 1)

    def test_a_counter_that_skips_is_seen(self):
        events = []
        for i, result in (("1", 1), ("2", 2), ("3", 4)):
            events += [{"i": i, "op": "incr", "k": "n", "v": 1}, {"a": i, "r": result, "e": None}]
        self.assertEqual(len(self.contradictions(events, {"n": 4})), 1)
        self.assertEqual(self.contradictions(events[:4], {"n": 2}), [])
        self.assertEqual(len(self.contradictions(events[:4], {"n": 3})), 1)


if __name__ == "__main__":
    harness.main()
