"""Another embedder: both answer while vectors are replaced, none meets one of another model, a crash costs nothing."""

import os
import pathlib
import time

import harness
from semantic_test import SemanticCase, vector

ROW = "model_change"


def stored(i):
    return f"How do I configure module{i}x of my router?"


def asked(i):
    return f"What do I have to do to configure module{i}x of my router?"


class MigrationCase(SemanticCase):
    def setUp(self):
        super().setUp()
        if harness.is_in_memory():
            self.skipTest("the in-memory engine forgets")

    def need_model(self):
        harness.need_file(ROW, os.path.join(harness.build_dir(), "..", "models", "use-lite.bin"),
                          "the model of use-lite (make setup)")

    def again(self, server, embedder, kill=False, **more):
        server.kill() if kill else server.stop()
        server.settings["semantic.embedder"] = embedder
        server.settings.update(more)
        server.start()
        return self.connect(server)

    def state(self, rpc):
        return rpc.call("INFO", "semantic")["semantic"]

    def replaced(self, rpc):
        harness.wait_until(lambda: self.state(rpc)["old_embedder"] == "", 120, "the old vectors are gone")
        return self.state(rpc)

    def considered(self, rpc, question, **options):
        return rpc.call("CACHE.EXPLAIN", question, **options)["tiers"]["semantic"]["considered"]


class ModelChangeTest(MigrationCase):
    figures = (ROW,)

    def setUp(self):
        super().setUp()
        self.need_model()
        self.entries = harness.size("entries", 1_800)
        self.samples = range(0, self.entries, max(1, self.entries // 24))
        self.seen = []  # (question, stored question, embedder, similarity)
        self.missed = []  # questions whose entry was not found
        self.served = {"hash": 0, "use-lite": 0}

    def look(self, rpc, i):
        """One question: is its entry found, by whom, and how near does that one say it is?"""
        entries = self.considered(rpc, asked(i))
        self.seen += [(asked(i), e["prompt"], e["embedder"], e["similarity"]) for e in entries]
        own = [e["embedder"] for e in entries if e["prompt"] == stored(i)]
        if not own:
            self.missed.append(i)
        told = rpc.call("CACHE.LOOKUP", asked(i))
        if told["status"] == "hit":
            self.assertEqual(told["response"], f"answer {i}")
            self.served[own[0] if own else "?"] += 1

    def change_until(self, rpc, share):
        """Asks while vectors are replaced, until so many are."""
        samples = list(self.samples)
        while True:
            state = self.state(rpc)
            if state["old_embedder"] == "" or state["vectors"] >= share * self.entries:
                return state
            self.look(rpc, samples[0])
            samples.append(samples.pop(0))

    def reference(self, rpc, embedder):
        """What one embedder alone says of how near the samples are."""
        near = {}
        for i in self.samples:
            for e in self.considered(rpc, asked(i)):
                self.assertEqual(e["embedder"], embedder)
                near[(asked(i), e["prompt"], embedder)] = e["similarity"]
        return near

    def test_hash_to_use_lite_and_back_with_a_crash_in_the_middle(self):
        server, rpc = self.start()
        for i in range(self.entries):
            self.store(rpc, stored(i), f"answer {i}")
        self.indexed(rpc, self.entries)
        self.teach(rpc, stored(0), asked(0))
        near = self.reference(rpc, "hash")

        rpc = self.again(server, "use-lite")
        self.assertEqual(rpc.call("CACHE.STATS")["semantic"]["general"]["evidence"], 0)  # that was of hash
        self.teach(rpc, stored(0), asked(0), pairs=100)  # Few: vectors are replaced meanwhile.
        middle = self.change_until(rpc, 0.4)
        self.assertEqual((middle["old_embedder"], middle["old_warning"]), ("hash", ""))
        self.assertEqual(middle["filled_of"], self.entries)
        self.assertGreater(middle["filled"], 0)
        self.assertGreater(middle["old_vectors"], 0)

        rpc = self.again(server, "use-lite", kill=True)
        harness.wait_until(lambda: self.state(rpc)["filling"] != "reading", 60, "all rows are read")
        after = self.state(rpc)
        self.assertGreaterEqual(after["filled"], middle["filled"])  # none is embedded twice
        self.assertEqual(after["vectors"] + after["old_vectors"], self.entries)
        self.change_until(rpc, 0.7)
        self.change_until(rpc, 2)
        state = self.indexed(rpc, self.entries)
        self.assertEqual((state["old_fingerprint"], state["old_vectors"], state["old_memory_bytes"]), ("", 0, 0))
        self.assertEqual(len(list(pathlib.Path(server.directory, "vectors").glob("*.snapshot"))), 1)
        near |= self.reference(rpc, "use-lite")
        self.assertIn("are replaced by those of use-lite", server.log())
        self.assertIn("those of hash are deleted", server.log())

        rpc = self.again(server, "hash")
        self.change_until(rpc, 2)
        self.indexed(rpc, self.entries)
        self.assertEqual(rpc.call("CACHE.STATS")["semantic"]["general"]["evidence"], 500)
        self.assertEqual(rpc.call("CACHE.LOOKUP", asked(7))["status"], "hit")
        # Of many questions that are so alike, one model alone may not have the right one among the nearest.
        lost = sum(all((asked(i), stored(i), e) in near for e in self.served) for i in self.missed)
        known = sum(all((asked(i), stored(i), e) in near for e in self.served) for i in self.samples)
        mixed = sum(abs(near[(q, s, e)] - similarity) > 0.02 for q, s, e, similarity in self.seen if (q, s, e) in near)
        compared = sum((q, s, e) in near for q, s, e, _ in self.seen)
        harness.figure(ROW, mixed == 0 and lost == 0 and compared > 100 and known > 10 and min(self.served.values()) > 0,
                       mixed=mixed, compared=compared, lost=lost, of_questions=known, served_by_old=self.served["hash"],
                       served_by_new=self.served["use-lite"])

    def test_back_in_the_middle(self):
        server, rpc = self.start()
        for i in range(self.entries):
            self.store(rpc, stored(i), f"answer {i}")
        self.indexed(rpc, self.entries)
        rpc = self.again(server, "use-lite")
        self.change_until(rpc, 0.2)
        self.assertEqual(self.state(rpc)["old_embedder"], "hash")
        rpc = self.again(server, "hash", kill=True)
        self.replaced(rpc)
        state = self.indexed(rpc, self.entries)
        self.assertEqual(state["embedded"], 0)


class OtherEmbeddersTest(MigrationCase):
    def test_an_endpoint_that_is_not_configured_any_more_is_named(self):
        server, rpc = self.start(**{"semantic.embedder": "http", "semantic.http_model": "m", "semantic.http_width": "8",
                                    "semantic.http_url": "http://127.0.0.1:9/v1/embeddings"})
        self.store(rpc)
        rpc = self.again(server, "http", **{"semantic.http_model": "n"})
        harness.wait_until(lambda: self.state(rpc)["filled_of"] == 1, 30, "the entries were looked through")
        state = self.state(rpc)
        self.assertEqual(state["old_embedder"], "http")
        self.assertIn("not there any more", state["old_warning"])
        self.assertIn("the old ones are not searched meanwhile", server.log())
        rpc = self.again(server, "hash")
        self.replaced(rpc)
        self.indexed(rpc, 1)

    def test_what_is_barred_stays_barred(self):
        self.need_model()
        server, rpc = self.start()
        self.store(rpc)
        self.indexed(rpc, 1)
        self.teach(rpc)
        question = "What do I have to do to reset my password?"
        rpc.call("CACHE.FEEDBACK", rpc.call("CACHE.LOOKUP", question)["hit"], "bad")
        for embedder in ("use-lite", "hash"):
            rpc = self.again(server, embedder)
            self.replaced(rpc)
            self.indexed(rpc, 1)
            self.assertTrue(self.considered(rpc, question)[0]["barred"], embedder)

    def test_vectors_of_callers_are_replaced_by_the_embedder_and_back(self):
        self.embedder = "client"
        server, rpc = self.start(**{"semantic.client_width": "4"})
        self.store(rpc, vector=vector(1, 0, 0, 0))
        self.indexed(rpc, 1)
        self.assert_error("bad_request", rpc, "CACHE.LOOKUP", asked(1), vector=vector(1, 0, 0))
        rpc = self.again(server, "hash")
        self.replaced(rpc)
        self.indexed(rpc, 1)
        self.assertEqual(self.considered(rpc, "What must I do to reset my password?")[0]["embedder"], "hash")
        self.assert_error("bad_request", rpc, "CACHE.LOOKUP", asked(1), vector=vector(1, 0, 0, 0))
        rpc = self.again(server, "client")  # The server cannot make these: what it made serves on.
        harness.wait_until(lambda: self.state(rpc)["old_vectors"] == 1, 30, "the old vectors are there")
        time.sleep(0.2)
        self.assertEqual(self.considered(rpc, "What must I do to reset my password?")[0]["embedder"], "hash")
        self.assert_error("bad_request", rpc, "CACHE.LOOKUP", asked(1), vector=vector(1, 0, 0))
        self.store(rpc, vector=vector(1, 0, 0, 0))
        self.indexed(rpc, 1)
        found = self.considered(rpc, "What must I do to reset my password?", vector=vector(1, 0, 0, 0))
        self.assertEqual([e["embedder"] for e in found], ["client"])


if __name__ == "__main__":
    harness.main()
