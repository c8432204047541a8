"""Whole chat requests in the commands of the cache: three shapes, spellings, modes, bad requests."""

import json

import harness
from harness import Closed, RpcError, pack, request

QUESTION = {"role": "user", "content": "What is RAII?"}
CHAT = {"model": "gpt-x", "temperature": 0, "messages": [
    {"role": "system", "content": "Sei kurz, s\u2019il te pla\u00eet."}, QUESTION]}
RESPONSES = {"model": "gpt-x", "instructions": "Be brief.", "input": "What is RAII?"}
ANTHROPIC = {"model": "claude-x", "max_tokens": 99, "system": "Be brief.", "messages": [QUESTION]}
# The same request, spelled otherwise: order of keys, volatile fields, content parts, numbers, NFD.
RESPELLED = [
    (CHAT, {"stream": True, "user": "u-7", "messages": [
        {"content": "Sei kurz, s\u2019il te plai\u0302t.", "role": "system"},
        {"content": [{"text": "What is RAII?", "type": "text"}], "role": "user"}],
        "metadata": {"a": "b"}, "temperature": 0.0, "model": "gpt-x"}),
    (RESPONSES, {"input": [{"content": [{"type": "input_text", "text": "What is RAII?"}],
                            "role": "user"}],
                 "store": False, "model": "gpt-x", "instructions": "Be brief.", "top_p": 1}),
    (ANTHROPIC, {"messages": [dict(reversed(QUESTION.items()))], "metadata": {"user_id": "u"},
                 "system": [{"type": "text", "text": "Be brief.",
                             "cache_control": {"type": "ephemeral"}}],
                 "max_tokens": 99, "model": "claude-x"}),
]


def history(turns, words):
    """A conversation of so many turns before the question."""
    earlier = [{"role": "assistant" if i % 2 else "user", "content": f"{i} " + "word " * words}
               for i in range(turns)]
    return {"model": "gpt-x", "messages": [*earlier, QUESTION]}


class ChatRequestTest(harness.Case):
    def setUp(self):
        super().setUp()
        self.running = self.server()
        self.rpc = self.connect(self.running)

    def ask(self, chat, rpc=None, **options):
        return (rpc or self.rpc).call("CACHE.FETCH", None, request=chat, **options)

    def test_tools_with_deep_schemas_are_taken(self):
        schema = {"type": "string"}
        for name in ("city", "address", "person", "group", "order", "batch"):
            schema = {"type": "array", "items": {"type": "object", "properties": {name: schema}}}
        chat = {**CHAT, "tools": [{"type": "function", "function": {
            "name": "f", "parameters": {"type": "object", "properties": {"all": schema}}}}]}
        lease = self.ask(chat)
        self.rpc.call("CACHE.FILL", lease["lease"], "An idiom.")
        self.assertEqual(self.ask(dict(reversed(chat.items())))["response"], "An idiom.")
        self.assertEqual(len(self.rpc.call("CACHE.EXPORT")["entries"]), 1)

    def test_another_spelling_waits_for_the_same_answer_and_then_finds_it(self):
        other = self.connect(self.running)
        for chat, again in RESPELLED:
            lease = self.ask(chat)
            self.assertEqual(lease["status"], "lease", chat)
            waiting = other.send("CACHE.FETCH", None, request=again)
            harness.wait_until(lambda: self.rpc.call("INFO", "cache")["cache"]["waiters"] == 1, 10,
                               "the other caller waits")
            self.rpc.call("CACHE.FILL", lease["lease"], {"text": "An idiom."})
            reply = other.reply(waiting)
            self.assertEqual((reply["status"], reply["response"], reply["model"]),
                             ("hit", {"text": "An idiom."}, chat["model"]))
            hit = self.ask(again)
            self.assertEqual((hit["status"], hit["tier"], hit["model"]),
                             ("hit", "exact", chat["model"]))
        self.assertEqual(self.rpc.call("CACHE.STATS")["entries"], 3)

    def test_any_material_change_is_another_question(self):
        self.rpc.call("CACHE.STORE", None, "An idiom.", request=CHAT)
        for change in ({"model": "gpt-y"}, {"temperature": 0.5}, {"seed": 1}, {"unknown": 1},
                       {"tools": [{"type": "function", "function": {"name": "f"}}]},
                       {"messages": [QUESTION]}):
            reply = self.rpc.call("CACHE.LOOKUP", None, request={**CHAT, **change})
            self.assertEqual(reply["status"], "miss", change)

    def test_modes_compare_less_and_the_operator_may_leave_out_more(self):
        longer = {**CHAT, "messages": [CHAT["messages"][0], {"role": "user", "content": "Hello"},
                                       {"role": "assistant", "content": "Hi"}, QUESTION]}
        for mode, found, missed in (("conversation", longer, {**CHAT, "model": "gpt-y"}),
                                    ("prompt_only", {**CHAT, "model": "gpt-y"}, None)):
            self.rpc.call("CACHE.STORE", None, mode, request=CHAT, identity_mode=mode)
            hit = self.rpc.call("CACHE.LOOKUP", None, request=found, identity_mode=mode)
            self.assertEqual((hit["status"], hit.get("response")), ("hit", mode))
            if missed is not None:
                self.assertEqual(self.rpc.call("CACHE.LOOKUP", None, request=missed,
                                               identity_mode=mode)["status"], "miss")
        self.rpc.call("CACHE.STORE", None, "strict", request=CHAT)
        marked = {**CHAT, "session_mark": 7}
        self.assertEqual(self.rpc.call("CACHE.LOOKUP", None, request=marked)["status"], "miss")
        self.rpc.call("CONFIG.SET", "cache.volatile_fields", "session_mark")
        self.assertEqual(self.rpc.call("CACHE.LOOKUP", None, request=marked)["response"], "strict")

    def test_an_entry_goes_by_its_request_and_listeners_hear_of_its_prompt(self):
        listener = self.connect(self.running)
        listener.call("SUBSCRIBE", "invalidation")
        self.rpc.call("CACHE.STORE", None, "An idiom.", request=CHAT)
        self.assertTrue(self.rpc.call("CACHE.EXPIRE", None, 60_000, request=CHAT))
        self.assertEqual(self.rpc.call("CACHE.INVALIDATE", "entry", None, request=CHAT),
                         {"entries": 1})
        self.assertEqual(self.rpc.call("CACHE.LOOKUP", None, request=CHAT)["status"], "miss")
        kind, method, (channel, event) = listener.receive(10)
        self.assertEqual((kind, method, channel), (2, "EVENT", "invalidation"))
        self.assertEqual((event["what"], event["value"]), ("entry", "What is RAII?"))

    def test_a_huge_history_is_read_off_the_loop_compared_whole_and_holds_up_nobody(self):
        huge = history(turns=400, words=400)
        self.assertGreater(len(pack(huge)), 700_000)
        lease = self.ask(huge)
        bystander = self.connect(self.running)
        self.assertEqual(bystander.call("PING"), "PONG")
        self.rpc.call("CACHE.FILL", lease["lease"], "An idiom.")
        self.assertEqual(self.ask(huge, bystander)["tier"], "exact")
        changed = json.loads(json.dumps(huge))
        changed["messages"][7]["content"] += "!"
        self.assertEqual(self.ask(changed, bystander)["status"], "lease")
        self.assertEqual(self.rpc.call("CACHE.LOOKUP", None, request=huge)["status"], "hit")

    def test_an_entry_survives_a_restart_with_its_request(self):
        if harness.is_in_memory():
            self.skipTest("the engine keeps nothing")
        self.rpc.call("CACHE.STORE", None, "An idiom.", request=CHAT)
        self.running.restart(kill=True)
        with self.connect(self.running) as rpc:
            self.assertEqual(self.ask(RESPELLED[0][1], rpc)["response"], "An idiom.")


def calls_with(arguments):
    return {"model": "m", "messages": [QUESTION, {"role": "assistant", "tool_calls": [
        {"id": "1", "function": {"name": "f", "arguments": arguments}}]}]}


ARGUMENTS = "request.messages[1].tool_calls[0].function.arguments: "
BAD = [
    (7, "request: "), ([], "request: "), ("text", "request: "), ({}, "request: neither messages"),
    ({"messages": [QUESTION]}, "request.model: missing"),
    ({"model": 7, "messages": [QUESTION]}, "request.model: "),
    ({"model": "m" * 200, "input": "q"}, "request.model: "),
    ({"model": "m", "messages": [QUESTION], "input": "q"}, "request: both"),
    ({"model": "m", "messages": "q"}, "request.messages: "),
    ({"model": "m", "messages": []}, "request.messages: no user message"),
    ({"model": "m", "messages": [{"role": "user", "content": ""}]}, "request.messages: no user"),
    ({"model": "m", "messages": [{"content": "q"}]}, "request.messages[0].role: missing"),
    ({"model": "m", "messages": [{"role": "robot", "content": "q"}]}, "request.messages[0].role: "),
    ({"model": "m", "messages": [QUESTION, 7]}, "request.messages[1]: "),
    ({"model": "m", "messages": [{"role": "user", "content": 7}]}, "request.messages[0].content: "),
    ({"model": "m", "input": "q", "tools": 7}, "request.tools: "),
    ({"model": "m", "input": "q", "top_p": float("nan")}, "request.top_p: "),
    ({"model": "m", "input": "q", "top_p": float("inf")}, "request.top_p: "),
    ({"model": "m", "input": "q", "\u00e9": 1, "e\u0301": 2}, "request.\u00e9: the key stands twice"),
    ({"model": "m", "input": "q", "x": {1: 2}}, "request.x: a key"),
    (calls_with('{"a": 1, "a": 2}'), ARGUMENTS), (calls_with('{"a": 1e999}'), ARGUMENTS),
    (calls_with('{"a": "\\ud800"}'), ARGUMENTS),
]
# (text to be replaced by bytes of the same length that are no UTF-8, path)
BROKEN = [
    ({"model": "m", "input": "q", "x": "AAAA"}, b"g\xff\xfe\xfd", "request.x: "),
    ({"model": "m", "input": "q", "AAAA": 1}, b"g\xff\xfe\xfd", "request: a key"),
    ({"model": "m", "input": "AAAA"}, b"q\xed\xa0\x80", "request.input: "),
]


class BadChatRequestTest(harness.Case):
    def setUp(self):
        super().setUp()
        self.running = self.server()
        self.rpc = self.connect(self.running)
        self.bystander = self.connect(self.running)

    def tearDown(self):
        """Nothing was stored, nobody computes, nobody waits, and everybody is served."""
        self.assertEqual(self.rpc.call("CACHE.STATS")["entries"], 0)
        state = self.bystander.call("INFO", "cache")["cache"]
        self.assertEqual((state["flights"], state["waiters"]), (0, 0))
        self.assertEqual(self.bystander.call("PING"), "PONG")

    def commands(self, chat):
        yield "CACHE.FETCH", [None, {"request": chat}]
        yield "CACHE.LOOKUP", [None, {"request": chat}]
        yield "CACHE.STORE", [None, "r", {"request": chat}]
        yield "CACHE.EXPIRE", [None, 1000, {"request": chat}]
        yield "CACHE.INVALIDATE", ["entry", {"request": chat}]

    def assert_refused(self, error, path, what):
        self.assertIsInstance(error, RpcError, what)
        self.assertIn(error.code, ("bad_request", "too_large"), what)
        self.assertTrue(error.message.startswith(path), (what, error.message))

    def test_a_malformed_request_is_refused_with_the_path(self):
        for chat, path in BAD:
            for method, params in self.commands(chat):
                self.assert_refused(self.rpc.error_of(method, *params), path, (method, chat))

    def test_bytes_that_are_no_text_are_refused_with_the_path(self):
        for chat, instead, path in BROKEN:
            for method, params in self.commands(chat):
                data = request(1, method, params).replace(b"AAAA", instead)
                _, _, error, _ = self.rpc.exchange(data, 1)[0]
                self.assertIsNotNone(error, method)
                self.assertTrue(error[1].startswith(path), (method, error))

    def test_what_is_too_large_is_refused_with_the_path_and_a_huge_prompt_too(self):
        wide = {"model": "m", "input": "q", "x": "y" * 1_100_000}
        self.assert_refused(self.rpc.error_of("CACHE.FETCH", None, request=wide), "request.x: ",
                            "a large field")
        prompt = {"model": "m", "input": "q" * 3_000_000}
        error = self.rpc.error_of("CACHE.FETCH", None, request=prompt)
        self.assertEqual(error.code, "too_large")

    def test_more_messages_than_a_frame_may_have_end_the_connection_with_the_reason(self):
        for chat, limit in (({"model": "m", "input": "q", "x": [0] * 32_769}, "container_items"),
                            ({"model": "m", "messages": [QUESTION] * 14_000}, "frame_items")):
            sender = self.connect(self.running)
            with self.assertRaisesRegex(RpcError, limit) as caught:
                sender.call("CACHE.FETCH", None, request=chat)
            self.assertEqual(caught.exception.code, "too_large")
            with self.assertRaises((Closed, ConnectionError)):
                sender.call("PING")

    def test_a_question_is_given_in_one_way(self):
        chat = {"model": "m", "input": "q"}
        for params in ([None], ["q", {"request": chat}], [None, {"request": None}],
                       [None, {"request": chat, "identity": {"a": 1}}],
                       ["q", {"identity_mode": "strict"}],
                       [None, {"request": chat, "identity_mode": "loose"}]):
            for method in ("CACHE.FETCH", "CACHE.LOOKUP"):
                self.assertEqual(self.rpc.error_of(method, *params).code, "bad_request", params)


if __name__ == "__main__":
    harness.main()
