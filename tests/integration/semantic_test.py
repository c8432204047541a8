"""The semantic tier over the wire: what is a hit, what never is, what is learned, what survives.

The shipped weights may change; therefore tests that want a hit teach it first (CACHE.CALIBRATE). The embedder is `hash`
where the words are all that counts, and `client` where vectors do: both need no model.
"""

import pathlib
import struct
import time

import harness
import traps

STORED = "How do I reset my password?"
REPHRASED = "What do I have to do to reset my password?"
ANSWER = "Click on the link."


def vector(*values):
    return struct.pack(f"<{len(values)}f", *values)


# Of four numbers, but for those of another width: with the embedder `client` each is refused.
BAD_VECTORS = (
    vector(float("nan"), 1, 0, 0), vector(1, 0, 0, float("nan")), vector(float("inf"), 0, 0, 0),
    vector(0, float("-inf"), 0, 0), vector(0, 0, 0, 0), vector(-0.0, 0, 0, 0), vector(1e-45, 0, 0, 0),
    vector(1e-40, -1e-40, 0, 0), vector(3e38, 3e38, 0, 0), vector(1e7, 0, 0, 0), vector(1, 0, 0), vector(1, 0, 0, 0, 0),
    b"12345", vector(1, 0, 0, 0) + b"x", 7, "text", [1, 0, 0, 0])


class SemanticCase(harness.Case):
    embedder = "hash"

    def start(self, **more):
        server = self.server(settings={"semantic.embedder": self.embedder, "cache.semantic": "on", **more})
        return server, self.connect(server)

    def teach(self, rpc, stored=STORED, asked=REPHRASED, query_type="general", pairs=500):
        """So much evidence that pairs as likely as this one are served."""
        told = rpc.call("CACHE.CALIBRATE", traps.labelled(stored, asked, True, pairs), type=query_type)
        self.assertTrue(told["serves"], told)
        self.assertEqual(told["vetoed"], 0)

    def indexed(self, rpc, vectors):
        """Waits until the index has exactly so many."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            state = rpc.call("INFO", "semantic")["semantic"]
            if state["vectors"] == vectors and state["queued"] == 0 and not state["reconciling"]:
                return state
            time.sleep(0.02)
        self.fail(f"the index has {state}, wanted {vectors} vectors")

    def store(self, rpc, prompt=STORED, answer=ANSWER, **options):
        told = rpc.call("CACHE.STORE", prompt, answer, **options)
        self.assertTrue(told["stored"], told)
        return told


class HitTest(SemanticCase):
    def test_a_rephrased_question_gets_the_answer_and_says_why(self):
        _, rpc = self.start()
        self.store(rpc, tokens_out=7)
        self.indexed(rpc, 1)
        self.teach(rpc)
        told = rpc.call("CACHE.LOOKUP", REPHRASED)
        self.assertEqual((told["status"], told["tier"], told["response"]), ("hit", "semantic", ANSWER))
        self.assertGreater(told["p_correct"], 0)
        self.assertGreater(told["similarity"], 0.5)
        self.assertLessEqual(told["bound"], 0.02)
        fetched = rpc.call("CACHE.FETCH", REPHRASED)
        self.assertEqual((fetched["status"], fetched["tier"]), ("hit", "semantic"))
        self.assertNotEqual(fetched["hit"], told["hit"])
        stats = rpc.call("CACHE.STATS")
        self.assertEqual(stats["total"]["hits_semantic"], 2)
        self.assertEqual(stats["total"]["tokens_saved_out"], 14)
        self.assertEqual(stats["semantic"]["general"]["evidence"], 500)

    def test_the_caller_and_the_policies_can_keep_the_tier_out(self):
        _, rpc = self.start(**{"cache.types.research.semantic": "false"})
        self.store(rpc)
        self.store(rpc, type="research", identity={"m": 1})
        self.indexed(rpc, 2)
        self.teach(rpc)
        for options in ({"tier": "normalized"}, {"tier": "exact"}, {"max_error": 0},
                        {"type": "research"}, {"identity": {"m": 1}}, {"identity": {"m": 2}}):
            told = rpc.call("CACHE.LOOKUP", REPHRASED, **options)
            self.assertEqual(told["status"], "miss", options)
        rpc.call("CONFIG.SET", "cache.semantic", "shadow")
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["status"], "miss")
        self.assertEqual(rpc.call("CACHE.STATS")["total"]["shadow_hits"], 1)
        rpc.call("CONFIG.SET", "cache.semantic", "off")
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["status"], "miss")
        self.assertEqual(rpc.call("CACHE.STATS")["total"]["hits_semantic"], 0)

    def test_what_was_stored_while_the_tier_was_off_is_found_when_it_is_on(self):
        _, rpc = self.start(**{"cache.semantic": "off"})
        self.store(rpc)
        self.teach(rpc)
        self.assertEqual(rpc.call("INFO", "semantic")["semantic"]["vectors"], 0)
        rpc.call("CONFIG.SET", "cache.semantic", "on")
        self.indexed(rpc, 1)
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["status"], "hit")

    def test_what_must_never_be_a_hit(self):
        _, rpc = self.start()
        pairs = (("What is 2+2?", "What is 2+3?"),
                 ("How do I enable 2FA?", "How do I disable 2FA?"),
                 ("What is the dose for a child of 3 years?", "What is the dose for a child of 8 years?"),
                 ("Who founded Apple?", "Who founded Google?"),
                 ("Is there a flight from Rome to Oslo?", "Is there a flight from Oslo to Rome?"))
        for stored, _ in pairs:
            self.store(rpc, stored)
        self.indexed(rpc, len(pairs))
        self.teach(rpc)
        for _, asked in pairs:
            told = rpc.call("CACHE.LOOKUP", asked, max_error=0.5)
            self.assertEqual(told["status"], "miss", (asked, told))
            why = rpc.call("CACHE.EXPLAIN", asked, max_error=0.5)["tiers"]["semantic"]
            self.assertEqual(why["status"], "miss")
            if why["considered"]:
                self.assertTrue(any(guard["veto"] for guard in why["considered"][0]["guards"]), why)

    def test_entries_that_have_gone_are_not_found(self):
        _, rpc = self.start()
        self.store(rpc)
        self.indexed(rpc, 1)
        self.teach(rpc)
        rpc.call("CACHE.INVALIDATE", "entry", STORED)
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["status"], "miss")
        self.indexed(rpc, 0)
        self.store(rpc, ttl_ms=1)
        time.sleep(0.05)
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["status"], "miss")
        self.store(rpc, tags=["t"])
        self.indexed(rpc, 1)
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["status"], "hit")
        rpc.call("CACHE.INVALIDATE", "tag", "t")
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["status"], "miss")

    def test_two_different_answers_that_are_as_likely_are_a_miss(self):
        _, rpc = self.start()
        self.store(rpc, "reset password of the shop account", "one")
        self.store(rpc, "reset password of the bank account", "two")
        self.indexed(rpc, 2)
        self.teach(rpc, "reset password of the shop account", "reset password of the account")
        told = rpc.call("CACHE.LOOKUP", "reset password of the account")
        self.assertEqual((told["status"], told["reason"]),
                         ("miss", "two stored questions that are not the same are equally likely to be meant"))
        rpc.call("CACHE.STORE", "reset password of the bank account", "one")  # Now it does not matter which.
        self.indexed(rpc, 2)
        self.assertEqual(rpc.call("CACHE.LOOKUP", "reset password of the account")["response"], "one")


class LearningTest(SemanticCase):
    def test_a_bad_hit_is_barred_for_good_and_only_for_its_question(self):
        server, rpc = self.start()
        self.store(rpc)
        self.indexed(rpc, 1)
        self.teach(rpc)
        told = rpc.call("CACHE.LOOKUP", REPHRASED)
        self.assertEqual(rpc.call("CACHE.FEEDBACK", told["hit"], "bad"), {"quarantined": True})
        again = rpc.call("CACHE.LOOKUP", REPHRASED)
        self.assertEqual((again["status"], again["reason"]),
                         ("miss", "the nearest entry was judged wrong for this question"))
        self.assertEqual(rpc.call("CACHE.STATS")["total"]["misses_barred"], 1)
        for spelled in (REPHRASED.lower(), REPHRASED.upper(), REPHRASED.rstrip("?"), REPHRASED + "!"):
            self.assertEqual(rpc.call("CACHE.LOOKUP", spelled)["status"], "miss", spelled)
        self.assertEqual(rpc.call("CACHE.LOOKUP", STORED)["status"], "hit")  # It asks for just that.
        self.assertEqual(rpc.call("CACHE.STATS")["semantic"]["general"]["evidence"], 501)
        server.kill()
        server.start()
        rpc = self.connect(server)
        self.indexed(rpc, 1)
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["status"], "miss")
        self.assertTrue(rpc.call("CACHE.EXPLAIN", REPHRASED)["tiers"]["semantic"]["considered"][0]["barred"])
        self.store(rpc)  # A new answer to the same stored question is barred too.
        self.indexed(rpc, 1)
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["status"], "miss")
        self.assertEqual(rpc.call("CACHE.STATS")["semantic"]["general"]["evidence"], 501)

    def test_a_hit_is_judged_once_and_by_its_own_namespace(self):
        server, rpc = self.start()
        self.store(rpc)
        self.indexed(rpc, 1)
        self.teach(rpc)
        hit = rpc.call("CACHE.LOOKUP", REPHRASED)["hit"]
        rpc.call("NAMESPACE.CREATE", "other")
        admin = rpc.call("KEY.CREATE", "default", permissions=["read", "write", "admin"])["key"]
        rpc.call("AUTH", admin)
        stranger = self.connect(server)
        stranger.call("AUTH", rpc.call("KEY.CREATE", "other", permissions=["read", "write"])["key"])
        self.assert_error("not_found", stranger, "CACHE.FEEDBACK", hit, "bad")
        self.assertEqual(rpc.call("CACHE.FEEDBACK", hit, "good"), {"quarantined": False})
        self.assert_error("not_found", rpc, "CACHE.FEEDBACK", hit, "good")
        self.assert_error("bad_request", rpc, "CACHE.FEEDBACK", hit, "so so")
        self.assertEqual(stranger.call("CACHE.LOOKUP", REPHRASED)["status"], "miss")
        self.assertEqual(stranger.call("CACHE.STATS")["semantic"]["general"]["evidence"], 0)

    def test_what_a_namespace_has_learned_goes_with_it(self):
        server, rpc = self.start()
        admin = rpc.call("KEY.CREATE", "default", permissions=["read", "write", "admin"])["key"]
        rpc.call("AUTH", admin)
        rpc.call("NAMESPACE.CREATE", "other")
        other = self.connect(server)
        other.call("AUTH", rpc.call("KEY.CREATE", "other", permissions=["read", "write"])["key"])
        self.store(other)
        self.indexed(rpc, 1)
        self.teach(other)
        other.call("CACHE.FEEDBACK", other.call("CACHE.LOOKUP", REPHRASED)["hit"], "bad")
        self.assertEqual(rpc.call("INFO", "semantic")["semantic"]["quarantined"], 1)
        rpc.call("NAMESPACE.DEL", "other")
        self.assertEqual(self.indexed(rpc, 0)["quarantined"], 0)
        if not harness.is_in_memory():
            server.kill()
            server.start()
            rpc = self.connect(server)
            rpc.call("AUTH", admin)
            self.assertEqual(self.indexed(rpc, 0)["quarantined"], 0)

    def test_bad_verdicts_close_the_tier(self):
        _, rpc = self.start()
        self.store(rpc)
        self.indexed(rpc, 1)
        self.teach(rpc)
        told = rpc.call("CACHE.CALIBRATE", traps.labelled(STORED, REPHRASED, False, 100))
        self.assertFalse(told["serves"])
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["status"], "miss")
        told = rpc.call("CACHE.CALIBRATE", traps.labelled(STORED, REPHRASED, True, 500), replace=True)
        self.assertEqual((told["serves"], told["evidence"]), (True, 500))
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["status"], "hit")

    def test_without_a_pair_calibrate_tells_what_is_in_force(self):
        _, rpc = self.start()
        fresh = rpc.call("CACHE.CALIBRATE", [], apply=False)
        told = rpc.call("CACHE.CALIBRATE", traps.labelled(STORED, REPHRASED, True, 500))
        before = {name: fresh[name] for name in ("serves", "threshold", "bound")}
        self.assertEqual(told["before"], before)
        now = rpc.call("CACHE.CALIBRATE", [], apply=False)
        self.assertEqual((now["threshold"], now["bound"]), (told["threshold"], told["bound"]))
        self.assertNotEqual(now["bound"], fresh["bound"])

    def test_a_miss_says_that_entries_are_still_being_indexed(self):
        _, rpc = self.start(**{"semantic.embedder": "http", "semantic.http_model": "m",
                               "semantic.http_url": "http://127.0.0.1:9/v1/embeddings"})
        self.assertNotIn("in other words yet", rpc.call("CACHE.LOOKUP", REPHRASED)["reason"])
        self.store(rpc)
        self.assertIn("in other words yet", rpc.call("CACHE.LOOKUP", REPHRASED)["reason"])

    def test_a_model_that_was_asked_for_by_name_must_be_there(self):
        server = self.prepared(settings={"semantic.embedder": "use-lite",
                                         "semantic.models_dir": self.temp})
        failure = server.expect_refusal()
        self.assertIn("semantic.embedder is use-lite", failure.log)
        self.assertIn("set auto or hash", failure.log)

    def test_a_labelled_pair_is_evidence_once(self):
        server, rpc = self.start()
        pairs = traps.labelled(STORED, REPHRASED, True, 50)
        first = rpc.call("CACHE.CALIBRATE", pairs + pairs[:10])
        self.assertEqual((first["pairs"], first["repeated"], first["evidence"]), (50, 10, 50))
        for _ in range(3):
            again = rpc.call("CACHE.CALIBRATE", pairs)
            self.assertEqual((again["repeated"], again["evidence"], again["bound"]), (50, 50, first["bound"]))
        if not harness.is_in_memory():
            server.kill()
            server.start()
            rpc = self.connect(server)
            again = rpc.call("CACHE.CALIBRATE", pairs + traps.labelled(STORED, REPHRASED, True, 60)[50:])
            self.assertEqual((again["repeated"], again["evidence"]), (50, 60))
        other = rpc.call("CACHE.CALIBRATE", [[STORED, REPHRASED, False]])  # Another label is other evidence.
        self.assertEqual(other["repeated"], 0)
        told = rpc.call("CACHE.CALIBRATE", pairs, replace=True)
        self.assertEqual((told["repeated"], told["evidence"]), (0, 50))
        self.assertEqual(rpc.call("CACHE.CALIBRATE", pairs * 3, apply=False)["repeated"], 100)

    def test_verification_asks_the_caller(self):
        _, rpc = self.start(**{"cache.verify_ppm": "1000000"})
        self.store(rpc)
        self.indexed(rpc, 1)
        self.teach(rpc)
        told = rpc.call("CACHE.FETCH", REPHRASED)
        self.assertEqual((told["status"], told["response"]), ("verify", ANSWER))
        self.assertTrue(rpc.call("CACHE.FILL", told["lease"], "An own answer.")["stored"])
        rpc.call("CACHE.FEEDBACK", told["hit"], "good")
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["response"], "An own answer.")
        stats = rpc.call("CACHE.STATS")
        self.assertEqual(stats["total"]["misses_to_verify"], 1)
        self.assertEqual(stats["total"]["hits_semantic"], 0)
        general = stats["semantic"]["general"]
        self.assertEqual((general["verified"], general["verified_wrong"]), (1, 0))
        self.assertLess(general["wrong_share_high"], 1)

    def test_bad_pairs_are_refused_with_their_number(self):
        _, rpc = self.start()
        for pairs in ("text", [["a", "b"]], [["a", "b", True], ["a", 5, True]], [["", "b", True]],
                      [["a", "b", "yes"]]):
            self.assert_error("bad_request", rpc, "CACHE.CALIBRATE", pairs)
        self.assert_error("too_large", rpc, "CACHE.CALIBRATE", [["a", "b", True]] * 2001)
        self.assert_error("bad_request", rpc, "CACHE.CALIBRATE", [], max_error=0.6)
        self.assert_error("bad_request", rpc, "CACHE.LOOKUP", "q", max_error="much")
        for blank in (" ", "\n\t  "):
            self.assert_error("bad_request", rpc, "CACHE.STORE", blank, ANSWER)
            self.assert_error("bad_request", rpc, "CACHE.LOOKUP", blank)
        self.assertEqual(rpc.call("CACHE.STATS")["semantic"]["general"]["evidence"], 0)


class RestartTest(SemanticCase):
    def test_the_index_is_there_again_after_a_crash_and_after_a_stop(self):
        if harness.is_in_memory():
            self.skipTest("the in-memory engine forgets")
        server, rpc = self.start()
        self.teach(rpc)
        for i in range(200):
            self.store(rpc, f"What is the meaning of word{i}x{i}?", f"answer {i}")
        self.store(rpc)
        self.indexed(rpc, 201)
        server.kill()
        server.start()
        rpc = self.connect(server)
        self.indexed(rpc, 201)
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["status"], "hit")
        server.stop()
        server.start()
        rpc = self.connect(server)
        state = self.indexed(rpc, 201)
        self.assertEqual(state["embedded"], 0)
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["status"], "hit")

    def test_a_damaged_snapshot_is_made_anew(self):
        if harness.is_in_memory():
            self.skipTest("the in-memory engine forgets")
        server, rpc = self.start()
        self.teach(rpc)
        self.store(rpc)
        self.indexed(rpc, 1)
        server.stop()
        snapshots = list(pathlib.Path(server.directory, "vectors").glob("*.snapshot"))
        self.assertEqual(len(snapshots), 1)
        content = bytearray(snapshots[0].read_bytes())
        content[len(content) // 2] ^= 0x40
        snapshots[0].write_bytes(content)
        server.start()
        rpc = self.connect(server)
        self.indexed(rpc, 1)
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["status"], "hit")


class ClientVectorTest(SemanticCase):
    embedder = "client"
    figures = ("X4",)

    def test_callers_bring_their_vectors(self):
        server, rpc = self.start(**{"semantic.client_width": "4"})
        self.store(rpc, vector=vector(1, 0, 0, 0))
        self.store(rpc, "Something else entirely", "no", vector=vector(0, 1, 0, 0))
        self.indexed(rpc, 2)
        near = vector(9, 1, 0, 0)
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED, vector=near, max_error=0.5)["status"],
                         rpc.call("CACHE.EXPLAIN", REPHRASED, vector=near, max_error=0.5)["tiers"]["semantic"]["status"])
        considered = rpc.call("CACHE.EXPLAIN", REPHRASED, vector=near)["tiers"]["semantic"]["considered"]
        self.assertEqual(considered[0]["prompt"], STORED)
        self.assertAlmostEqual(considered[0]["similarity"], 9 / 82 ** 0.5, delta=0.01)
        refused = 0
        for bad in BAD_VECTORS:
            self.assert_error("bad_request", rpc, "CACHE.LOOKUP", REPHRASED, vector=bad)
            self.assert_error("bad_request", rpc, "CACHE.STORE", "another question", "a", vector=bad)
            refused += 1
        self.indexed(rpc, 2)
        harness.figure("X4", refused == len(BAD_VECTORS), refused=f"{refused}/{len(BAD_VECTORS)}")
        self.assert_error("bad_request", rpc, "CACHE.LOOKUP", REPHRASED)
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED, tier="normalized")["status"], "miss")
        self.assertEqual(rpc.call("CACHE.LOOKUP", "another question", tier="normalized")["status"], "miss")
        if not harness.is_in_memory():
            server.kill()
            server.start()
            self.indexed(self.connect(server), 2)

    def test_other_embedders_take_none(self):
        self.embedder = "hash"
        _, rpc = self.start()
        self.store(rpc)
        self.indexed(rpc, 1)
        self.assert_error("bad_request", rpc, "CACHE.LOOKUP", REPHRASED, vector=vector(*[1] * 512))


class EndpointTest(SemanticCase):
    embedder = "http"

    def test_a_dead_endpoint_is_a_miss(self):
        _, rpc = self.start(**{"semantic.http_url": "http://127.0.0.1:9/v1/embeddings",
                               "semantic.http_model": "m", "semantic.http_width": "8"})
        self.store(rpc)
        self.assertEqual(rpc.call("CACHE.LOOKUP", STORED)["status"], "hit")
        self.assertEqual(rpc.call("CACHE.LOOKUP", REPHRASED)["status"], "miss")


if __name__ == "__main__":
    harness.main()
