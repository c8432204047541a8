"""fetch_or_compute_stream of the blocking client against a double: followers, cuts, limits."""

from double import CacheDouble, Refusal
from support import Case, harness, reprise

from reprise.single_flight import Follower


def never():
    raise AssertionError("fn must not run")


class BlockingStreams(Case):
    def setUp(self):
        super().setUp()
        self.server = self.double(CacheDouble)
        self.cache = self.client(self.server)

    def test_chunks_come_as_they_are_made_and_are_stored_as_a_list(self):
        stream = self.cache.fetch_or_compute_stream("q", lambda: iter("abc"))
        self.assertEqual(next(stream), "a")
        self.assertEqual(self.server.flights["q"].chunks, ["a"])
        self.assertEqual(list(stream), ["b", "c"])
        self.assertEqual(self.server.entries["q"], ["a", "b", "c"])
        self.assertEqual(list(self.cache.fetch_or_compute_stream("q", never)), ["a", "b", "c"])

    def test_a_follower_gets_each_chunk_before_the_end(self):
        holder = self.cache.fetch_or_compute_stream("q", lambda: iter("abcd"))
        self.assertEqual([next(holder), next(holder)], ["a", "b"])
        seen = []
        follower = self.background(lambda: [seen.append(each) for each in
                                            self.cache.fetch_or_compute_stream("q", never)])
        harness.wait_until(lambda: seen == ["a", "b"], 5, "the first chunks")
        self.assertEqual(next(holder), "c")
        harness.wait_until(lambda: seen == ["a", "b", "c"], 5, "the third chunk")
        self.assertEqual(list(holder), ["d"])
        follower.result(5)
        self.assertEqual(seen, ["a", "b", "c", "d"])

    def test_a_stream_is_filled_with_nil_when_all_its_chunks_were_appended(self):
        self.assertEqual(list(self.cache.fetch_or_compute_stream("q", lambda: iter("ab"))),
                         ["a", "b"])
        self.assertEqual(self.server.filled[0][1], None)
        self.assertEqual(list(self.cache.fetch_or_compute_stream("r", lambda: iter(()))), [])
        self.assertEqual(self.server.filled[1][1], [])

    def refuse_the_second_chunk(self, code):
        append = self.server.handlers["CACHE.APPEND"]

        @self.server.on("CACHE.APPEND")
        def _append(session, msgid, params):
            if params[1] == "b":
                raise Refusal(code)
            return append(session, msgid, params)

    def test_a_chunk_that_could_not_be_appended_comes_with_the_whole_answer(self):
        self.refuse_the_second_chunk("busy")
        self.assertEqual(list(self.cache.fetch_or_compute_stream("q", lambda: iter("abc"))),
                         ["a", "b", "c"])
        self.assertEqual(self.server.entries["q"], ["a", "b", "c"])

    def test_a_stream_that_is_too_large_goes_on_for_its_caller_and_gives_the_lease_up(self):
        self.refuse_the_second_chunk("too_large")
        seen = []
        stream = self.cache.fetch_or_compute_stream("q", lambda: iter("abcd"), error_ttl_ms=5_000,
                                                    on_outcome=seen.append)
        self.assertEqual([next(stream), next(stream)], ["a", "b"])
        harness.wait_until(lambda: self.server.abandoned, 5, "the lease is given up at once")
        self.assertNotIn("ttl_ms", self.server.abandoned[0][1], "it is no error of the upstream")
        self.assertEqual(list(stream), ["c", "d"])
        self.assertEqual((self.server.filled, seen[0].error.code), ([], "too_large"))

    def test_a_stream_that_is_not_read_to_its_end_gives_the_lease_up(self):
        stream = self.cache.fetch_or_compute_stream("q", lambda: iter("abc"))
        next(stream)
        stream.close()
        harness.wait_until(lambda: self.server.abandoned, 5, "the lease is given up")
        self.assertEqual(self.server.filled, [])

    def follow_a_stream_that_is_cut(self, **options):
        holder = self.cache.fetch_or_compute_stream("q", lambda: iter("abc"))
        next(holder)
        stream = self.cache.fetch_or_compute_stream("q", lambda: iter("xy"), **options)
        self.assertEqual(next(stream), "a")
        holder.close()
        return stream

    def test_a_cut_stream_is_an_error_unless_the_follower_can_begin_anew(self):
        with self.assertRaisesRegex(reprise.Unavailable, "cut after 1 chunk"):
            list(self.follow_a_stream_that_is_cut())
        self.assertEqual(self.server.filled, [])
        restarts = []
        stream = self.follow_a_stream_that_is_cut(on_restart=lambda: restarts.append(1))
        self.assertEqual(list(stream), ["x", "y"])
        self.assertEqual((restarts, self.server.entries["q"]), ([1], ["x", "y"]))

    def test_a_follower_begins_anew_when_the_final_answer_is_another_one(self):
        holder = self.cache.fetch_or_compute_stream("q", lambda: iter("abc"))
        next(holder)
        restarts = []
        stream = self.cache.fetch_or_compute_stream("q", never,
                                                    on_restart=lambda: restarts.append(1))
        self.assertEqual(next(stream), "a")
        token = self.server.flights["q"].token
        self.cache.cache_fill(token, "whole")
        self.assertEqual((list(stream), restarts), (["whole"], [1]))

    def test_chunks_that_were_missed_come_with_the_final_answer(self):
        follower = Follower(None)
        self.assertEqual(follower.take(0, "a") + follower.take(2, "c") + follower.take(3, "d"),
                         ["a"])
        self.assertEqual(follower.rest(["a", "b", "c", "d"]), ["b", "c", "d"])

    def test_a_plain_function_refuses_a_generator_and_says_what_to_use(self):
        def generator():
            yield 1
        with self.assertRaisesRegex(TypeError, "fetch_or_compute_stream"):
            self.cache.fetch_or_compute("q", generator)


if __name__ == "__main__":
    harness.main()
