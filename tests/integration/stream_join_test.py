"""Streamed answers: replayed in pieces or as one answer; streams that were cut are refused."""

import json
import pathlib

import harness
from harness import RpcError

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden/streams"
PROMPT = "What is RAII?"


def golden(name):
    """The recorded text of a stream, and the answer that it is."""
    text = (GOLDEN / f"{name}.sse").read_bytes()
    return text, json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def cut(text, size):
    return [text[at:at + size] for at in range(0, len(text), size)]


class StreamJoinTest(harness.Case):
    def setUp(self):
        super().setUp()
        self.running = self.server()
        self.holder = self.connect(self.running)

    def lease(self, prompt=PROMPT):
        reply = self.holder.call("CACHE.FETCH", prompt)
        self.assertEqual(reply["status"], "lease")
        return reply["lease"]

    def append(self, lease, pieces):
        for piece in pieces:
            self.holder.call("CACHE.APPEND", lease, piece)

    def wait_for_waiters(self, count):
        harness.wait_until(
            lambda: self.holder.call("INFO", "cache")["cache"]["waiters"] == count, 10,
            f"{count} callers wait")

    def test_pieces_that_no_reply_could_carry_are_refused_and_the_lease_stays(self):
        for name, pieces, limit in (("many", [[0] * 30] * 2_200, "frame_items"),
                                    ("deep", [self.nested(62)], "depth")):
            lease = self.lease(name)
            self.append(lease, pieces)
            with self.assertRaisesRegex(RpcError, limit) as caught:
                self.holder.call("CACHE.FILL", lease, None)
            self.assertEqual(caught.exception.code, "too_large")
            self.holder.call("CACHE.ABANDON", lease)
            self.assertEqual(self.holder.call("CACHE.LOOKUP", name)["status"], "miss")
        lease = self.lease()
        self.append(lease, [self.nested(61)] + [[0] * 30] * 2_000)
        self.assertIs(self.holder.call("CACHE.FILL", lease, None)["stored"], True)
        self.assertEqual(len(self.holder.call("CACHE.LOOKUP", PROMPT)["response"]), 2_001)
        self.assertEqual(len(self.holder.call("CACHE.EXPORT")["entries"]), 1)

    @staticmethod
    def nested(levels):
        value = 1
        for _ in range(levels):
            value = [value]
        return value

    def test_raw_text_is_replayed_as_it_came_or_as_one_answer(self):
        for name in ("openai_chat", "openai_reasoning", "openai_responses", "anthropic_messages"):
            text, answer = golden(name)
            pieces = cut(text, 97)
            lease = self.lease(name)
            self.append(lease, pieces)
            self.holder.call("CACHE.FILL", lease, None)
            for method in ("CACHE.LOOKUP", "CACHE.FETCH"):
                for options, wanted in (({}, pieces), ({"replay": "chunks"}, pieces),
                                        ({"replay": "joined"}, answer)):
                    reply = self.holder.call(method, name, **options)
                    self.assertEqual((reply["status"], reply["response"]), ("hit", wanted),
                                     f"{method} {options}")

    def test_followers_get_the_form_that_each_of_them_asked_for(self):
        text, answer = golden("anthropic_messages")
        pieces = cut(text, 500)
        lease = self.lease()
        asked = [{}, {"replay": "chunks"}, {"replay": "joined"}, {"replay": "joined"}]
        waiting = []
        for options in asked:
            follower = self.connect(self.running)
            waiting.append((follower, follower.send("CACHE.FETCH", PROMPT, **options)))
        self.wait_for_waiters(len(asked))
        self.append(lease, pieces)
        self.holder.call("CACHE.FILL", lease, None)
        for options, (follower, number) in zip(asked, waiting):
            wanted = answer if options.get("replay") == "joined" else pieces
            self.assertEqual(follower.reply(number)["response"], wanted, options)

    def test_a_stream_that_was_cut_is_refused_and_the_next_one_may_compute(self):
        text, answer = golden("openai_chat")
        lease = self.lease()
        self.append(lease, cut(text[:text.index(b"data: [DONE]")], 300))
        follower = self.connect(self.running)
        waiting = follower.send("CACHE.FETCH", PROMPT, replay="joined")
        self.wait_for_waiters(1)
        error = self.assert_error("bad_request", self.holder, "CACHE.FILL", lease, None)
        self.assertIn("[DONE]", error.message)
        self.assertEqual(self.holder.call("CACHE.LOOKUP", PROMPT)["status"], "miss")
        # The lease stays: its holder may go on, or give it to the next one.
        self.assertEqual(self.holder.call("CACHE.RENEW", lease), {"lease_ms": 60_000})
        self.holder.call("CACHE.ABANDON", lease)
        second = follower.reply(waiting)
        self.assertEqual(second["status"], "lease")
        self.holder = follower
        self.append(second["lease"], [text])
        follower.call("CACHE.FILL", second["lease"], None)
        self.assertEqual(follower.call("CACHE.LOOKUP", PROMPT, replay="joined")["response"], answer)

    def test_a_stream_that_was_cut_can_still_be_finished(self):
        text, answer = golden("openai_responses")
        lease = self.lease()
        self.append(lease, [text[:1000]])
        self.assert_error("bad_request", self.holder, "CACHE.FILL", lease, None)
        self.append(lease, [text[1000:]])
        self.holder.call("CACHE.FILL", lease, None)
        self.assertEqual(self.holder.call("CACHE.FETCH", PROMPT, replay="joined")["response"],
                         answer)

    def test_an_error_of_the_upstream_and_another_answer_are_refused(self):
        lease = self.lease()
        self.append(lease, [{"choices": [{"index": 0, "delta": {"content": "Hel"}}]},
                            {"error": {"message": "overloaded"}}])
        error = self.assert_error("bad_request", self.holder, "CACHE.FILL", lease, None)
        self.assertIn("error", error.message)
        self.holder.call("CACHE.ABANDON", lease)
        lease = self.lease()
        self.append(lease, ["An ", "idiom"])
        for other in ("An idea", ["An ", "idea"], ["An "], {"text": "An idiom"}, "  "):
            self.assert_error("bad_request", self.holder, "CACHE.FILL", lease, other)
        self.assertEqual(self.holder.call("CACHE.LOOKUP", PROMPT)["status"], "miss")
        self.holder.call("CACHE.FILL", lease, "An idiom")
        self.assertEqual(self.holder.call("CACHE.LOOKUP", PROMPT)["response"], "An idiom")

    def test_a_response_that_is_no_stream_is_given_as_it_is(self):
        for number, response in enumerate(("text", {"a": [1]}, [1, "x"], b"\xff", ["one", " text"])):
            prompt = f"question {number}"
            self.holder.call("CACHE.STORE", prompt, response)
            wanted = "one text" if number == 4 else response
            for method in ("CACHE.LOOKUP", "CACHE.FETCH"):
                reply = self.holder.call(method, prompt, replay="joined")
                self.assertEqual(reply["response"], wanted)

    def test_a_stored_stream_that_is_no_answer_cannot_be_joined(self):
        pieces = [{"type": "message_start", "message": {}}]
        self.holder.call("CACHE.STORE", PROMPT, pieces)
        for method in ("CACHE.LOOKUP", "CACHE.FETCH"):
            error = self.assert_error("bad_request", self.holder, method, PROMPT, replay="joined")
            self.assertIn("message_stop", error.message)
            self.assertEqual(self.holder.call(method, PROMPT)["response"], pieces)

    def test_a_stale_answer_has_the_form_too(self):
        text, answer = golden("openai_chat")
        server = self.server(settings={"cache.types.faq.ttl_ms": 1,
                                       "cache.types.faq.stale_ms": 600_000})
        rpc = self.connect(server)
        rpc.call("CACHE.STORE", PROMPT, [text], type="faq")
        rpc.call("CACHE.STORE", "cut", [text[:-40]], type="faq")
        for prompt in (PROMPT, "cut"):
            harness.wait_until(
                lambda asked=prompt: rpc.call("CACHE.LOOKUP", asked, stale_ok_ms=0)["status"] == "miss",
                5, "the answer to expire")
        self.assertEqual(rpc.call("CACHE.LOOKUP", PROMPT, replay="joined")["response"], answer)
        for status in ("lease", "stale"):
            reply = rpc.call("CACHE.FETCH", PROMPT, type="faq", replay="joined")
            self.assertEqual((reply["status"], reply["response"]), (status, answer))
        # What cannot be joined is nothing to fall back on, and does not keep anybody from computing.
        reply = rpc.call("CACHE.FETCH", "cut", type="faq", replay="joined")
        self.assertEqual(reply["status"], "lease")
        self.assertNotIn("response", reply)

    def test_an_unknown_replay_is_refused(self):
        for method in ("CACHE.LOOKUP", "CACHE.FETCH"):
            with self.assertRaises(RpcError) as caught:
                self.holder.call(method, PROMPT, replay="whole")
            self.assertEqual(caught.exception.code, "bad_request")
            self.assertIn("chunks or joined", caught.exception.message)


if __name__ == "__main__":
    harness.main()
