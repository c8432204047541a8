#include "server/cache/chat_request.h"

#include <catch2/catch.hpp>

#include "protocol/base/limits.h"
#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "server/cache/canonical_number.h"
#include "server/cache/chat_request_json.h"
#include "server/cache/identity.h"

namespace reprise::cache {
namespace {

using base::Code;
using base::Value;

std::string Packed(std::string_view json) {
  const auto value = wire::FromJson(json);
  INFO(json);
  REQUIRE(value.ok());
  return wire::Encode(value.value());
}

ChatQuestion Read(std::string_view json, IdentityMode mode = IdentityMode::kStrict) {
  auto question = ReadChatRequest(Packed(json), {mode, {}});
  INFO(json);
  INFO((question.ok() ? "" : question.error().detail));
  REQUIRE(question.ok());
  std::string canonical;
  REQUIRE(Canonicalize(question.value().identity, canonical).ok());
  REQUIRE(canonical == question.value().identity);
  return std::move(question).value();
}

bool Same(std::string_view a, std::string_view b, IdentityMode mode = IdentityMode::kStrict) {
  const ChatQuestion first = Read(a, mode);
  const ChatQuestion second = Read(b, mode);
  return first.prompt == second.prompt && first.identity == second.identity;
}

base::Error ErrorOf(std::string_view bytes) {
  auto question = ReadChatRequest(bytes, {});
  REQUIRE(!question.ok());
  return std::move(question).error();
}

// A request of Chat Completions with these members beside model and one message.
std::string Chat(std::string_view members) {
  return R"({"model": "m", "messages": [{"role": "user", "content": "q"}])" +
         std::string(members.empty() ? "" : ", ") + std::string(members) + "}";
}

std::string Messages(std::string_view messages) {
  return R"({"model": "m", "messages": [)" + std::string(messages) + "]}";
}

std::string Input(std::string_view input) {
  return R"({"model": "m", "input": )" + std::string(input) + "}";
}

TEST_CASE("each of the three shapes is known by its fields") {
  struct Row {
    std::string_view shape;
    std::string_view json;
  };
  for (const auto& [shape, json] : {
           Row{"openai_chat", R"({"model": "m", "messages": [{"role": "user", "content": "q"}]})"},
           Row{"openai_chat",
               R"({"model": "claude-x", "messages": [{"role": "user", "content": "q"}]})"},
           Row{"openai_chat", R"({"model": "m", "max_tokens": 5,
                                  "messages": [{"role": "user", "content": "q"}]})"},
           Row{"openai_responses", R"({"model": "m", "input": "q", "instructions": "be brief"})"},
           Row{"openai_responses", R"({"model": "m", "input": [{"role": "user", "content": "q"}],
                                       "previous_response_id": "resp_1", "messages": null})"},
           Row{"anthropic_messages", R"({"model": "m", "max_tokens": 9, "system": "be brief",
                                         "messages": [{"role": "user", "content": "q"}]})"},
           Row{"anthropic_messages", R"({"model": "claude-x", "max_tokens": 9,
                                         "messages": [{"role": "user", "content": "q"}]})"},
           Row{"anthropic_messages", R"({"model": "claude-x", "max_tokens": 9, "tools": [],
                                         "messages": [{"role": "user", "content": "q"}]})"},
           Row{"openai_chat",
               R"({"model": "claude-x", "max_tokens": 9, "tools": [{"type": "function"}],
                   "messages": [{"role": "user", "content": "q"}]})"},
           Row{"anthropic_messages",
               R"({"model": "m", "max_tokens": 9, "tools": [{"name": "t", "input_schema": {}}],
                   "messages": [{"role": "user", "content": "q"}]})"},
           Row{"anthropic_messages",
               R"({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content":
                   [{"type": "image", "source": {"type": "url", "url": "http://i"}},
                    {"type": "text", "text": "q"}]}]})"},
       }) {
    const ChatQuestion question = Read(json);
    INFO(json);
    CHECK(question.shape == shape);
    CHECK(question.prompt == "q");
    CHECK(question.model == wire::FromJson(json).value().Find("model")->AsText());
  }
  // The answers of two shapes look different, so they are two questions.
  CHECK(Read(Messages(R"({"role": "user", "content": "q"})")).identity !=
        Read(Input(R"([{"role": "user", "content": "q"}])")).identity);
  // The empty list says nothing, but only Anthropic's API knows the field.
  CHECK(Read(Chat("")).identity != Read(Chat(R"("stop_sequences": [])")).identity);
}

TEST_CASE("spellings of one request are one question") {
  struct Row {
    std::string a;
    std::string b;
  };
  const std::string text = R"({"role": "user", "content": "q"})";
  const std::string calls = R"({"role": "user", "content": "q"},
      {"role": "assistant", "tool_calls": [{"id": "c", "type": "function",
       "function": {"name": "f", "arguments": )";
  const std::vector<Row> rows{
      {Chat(R"("temperature": 0.5, "seed": 7)"), Chat(R"("seed": 7.0, "temperature": 5e-1)")},
      {Chat(""), Chat(R"("stop": null, "user": "u", "stream": true, "timeout": 3, "metadata": {},
                         "stream_options": {"include_usage": true}, "store": true)")},
      {Chat(""), Chat(R"("temperature": 1.0, "top_p": 1, "n": 1, "presence_penalty": 0,
                         "frequency_penalty": -0.0, "logprobs": false, "tools": [],
                         "response_format": {"type": "text"}, "tool_choice": "none",
                         "logit_bias": {}, "parallel_tool_calls": true, "verbosity": "medium")")},
      {Chat(R"("stop": "x")"), Chat(R"("stop": ["x"])")},
      {Chat(R"("tools": [{"type": "function", "function": {"name": "a", "parameters":
                {"type": "object", "properties": {"x": {"type": "number", "maximum": 10}}}}},
                {"type": "function", "function": {"name": "b", "strict": false}}],
               "tool_choice": "auto")"),
       Chat(R"("tools": [{"function": {"name": "b", "description": null}, "type": "function"},
                {"function": {"parameters": {"properties": {"x": {"maximum": 1e1,
                "type": "number"}}, "type": "object"}, "name": "a"}, "type": "function"}])")},
      {Messages(text), Messages(R"({"content": [{"type": "text", "text": "q"}], "role": "user"})")},
      {Messages(text), Messages(R"({"role": "user", "content": "q", "name": null})")},
      {Messages(calls + R"("{\"b\": [1.0, \"\\u00e9\"], \"a\": 1e3}"}}]})"),
       Messages(calls + R"("{\"a\":1000,\"b\":[1,\"é\"]}"}}]})")},
      {Input(R"("q")"), Input(R"([{"type": "message", "role": "user",
                                   "content": [{"type": "input_text", "text": "q"}]}])")},
      {R"({"model": "m", "input": "q"})",
       R"({"model": "m", "input": "q", "truncation": "disabled", "background": false,
           "text": {"format": {"type": "text"}, "verbosity": "medium"}, "instructions": null})"},
      {R"({"model": "m", "input": "q", "tools": [{"type": "function", "name": "f"}]})",
       R"({"model": "m", "input": "q", "tools": [{"type": "function", "name": "f",
           "strict": true}]})"},
      {Input(R"([{"type": "function_call", "call_id": "1", "name": "f",
                      "arguments": "{\"x\": 1}"}, {"role": "user", "content": "q"}])"),
       Input(R"([{"type": "function_call", "call_id": "1", "name": "f", "status": null,
                  "arguments": "{ \"x\" : 1.0 }"}, {"role": "user", "content": "q"}])")},
      {R"({"model": "m", "system": "s", "messages": [{"role": "user", "content": "q"}]})",
       R"({"model": "m", "system": [{"type": "text", "text": "s",
                                     "cache_control": {"type": "ephemeral"}}],
           "messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}],
           "metadata": {"user_id": "u"}, "temperature": 1.0, "stop_sequences": []})"},
  };
  for (const Row& row : rows) {
    INFO(row.a);
    INFO(row.b);
    CHECK(Same(row.a, row.b));
  }
}

TEST_CASE("canonically equivalent text is one question, wherever it stands") {
  // One text in two spellings, at every place where a request has text.
  const auto both = [](const std::string& json) {
    const auto spelled = [&](std::string_view letter) {
      std::string text = json;
      for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@')) {
        text.replace(at, 1, letter);
      }
      return text;
    };
    return Read(spelled("\u00e9")).identity == Read(spelled("e\u0301")).identity &&
           Read(spelled("\u00e9")).identity != Read(spelled("e")).identity;
  };
  for (const std::string& json : {
           Chat(R"("locale": "@")"),
           Chat(R"("@": 1)"),
           Chat(R"("tools": [{"type": "function", "function": {"name": "@", "parameters":
                   {"properties": {"@": {}}}}}, {"type": "function", "function": {"name": "f"}}])"),
           Messages(R"({"role": "system", "content": "@"}, {"role": "user", "content": "q"})"),
           Messages(R"({"role": "user", "content": "q"}, {"role": "assistant", "tool_calls":
                   [{"id": "1", "function": {"name": "f", "arguments": "{\"@\": [\"@\"]}"}}]})"),
           Messages(R"({"role": "user", "content": "q"}, {"role": "assistant", "tool_calls":
                   [{"id": "1", "function": {"name": "f", "arguments": "broken @"}}]})"),
           Messages(R"({"role": "user", "content": "q"}, {"role": "tool", "content": "@"})"),
           std::string(R"({"model": "claude-x", "max_tokens": 9, "system": "@",
                   "messages": [{"role": "user", "content": "q"}]})"),
           Messages(R"({"role": "user", "content": [{"type": "document", "source":
                   {"type": "text", "data": "@"}}, {"type": "text", "text": "q"}]})"),
       }) {
    INFO(json);
    CHECK(both(json));
  }
  // An address is where something is, and bytes are bytes.
  const auto image = [](std::string_view url) {
    return Messages(R"({"role": "user", "content": [{"type": "text", "text": "q"},
        {"type": "image_url", "image_url": {"url": ")" +
                    std::string(url) + R"("}}]})");
  };
  CHECK_FALSE(Same(image("http://h/\u00e9"), image("http://h/e\u0301")));
}

TEST_CASE("the prompt stays as it was given") {
  for (const std::string_view prompt : {"caf\u00e9", "cafe\u0301"}) {
    const std::string json =
        Messages(R"({"role": "user", "content": ")" + std::string(prompt) + R"("})");
    CHECK(Read(json).prompt == prompt);
    CHECK(Read(json).identity == Read(Chat("")).identity);
  }
}

TEST_CASE("whatever can change the answer makes another question") {
  const std::string base =
      R"({"model": "m", "messages": [{"role": "system", "content": "s"},
          {"role": "user", "content": "one"}, {"role": "assistant", "content": "two"},
          {"role": "user", "content": "q"}], "temperature": 0.5, "top_p": 0.9, "seed": 1,
          "tools": [{"type": "function", "function": {"name": "f", "parameters":
          {"enum": ["a", "b"], "default": null}}}], "stop": ["x", "y"], "locale": "en-US"})";
  struct Row {
    std::string_view from;
    std::string_view to;
  };
  for (const auto& [from, to] : {
           Row{R"("model": "m")", R"("model": "M")"},
           Row{R"("content": "s")", R"("content": "S")"},
           Row{R"("content": "s")", R"("content": "s ")"},
           Row{R"("content": "one")", R"("content": "")"},
           Row{R"("content": "two")", R"("content": "three")"},
           Row{R"("role": "assistant", "content": "two")", R"("role": "user", "content": "two")"},
           Row{R"({"role": "assistant", "content": "two"},)", ""},
           Row{R"("content": "q")", R"("content": "q?")"},
           Row{R"("content": "q")", R"("content": "q", "name": "ann")"},
           Row{R"("role": "system")", R"("role": "developer")"},
           Row{"0.5", "0.51"},
           Row{"0.5", R"("0.5")"},
           Row{"0.9", "1"},
           Row{R"("seed": 1,)", R"("seed": 2,)"},
           Row{R"("seed": 1,)", ""},
           Row{R"("name": "f")", R"("name": "g")"},
           Row{R"(["a", "b"])", R"(["b", "a"])"},
           Row{R"(, "default": null)", ""},
           Row{R"(["x", "y"])", R"(["y", "x"])"},
           Row{"en-US", "en-GB"},
           Row{R"("locale")", R"("region")"},
           Row{R"("locale": "en-US")", R"("locale": "en-US", "unheard_of": 0)"},
           Row{R"("locale": "en-US")", R"("locale": "en-US", "tool_choice": "none")"},
           Row{R"("locale": "en-US")", R"("locale": "en-US", "n": 2)"},
           Row{R"("locale": "en-US")", R"("locale": "en-US", "reasoning_effort": "low")"},
           Row{R"("locale": "en-US")",
               R"("locale": "en-US", "response_format": {"type": "json_object"})"},
       }) {
    std::string changed = base;
    const std::size_t at = changed.find(from);
    REQUIRE(at != std::string::npos);
    changed.replace(at, from.size(), to);
    INFO(changed);
    CHECK(!Same(base, changed));
  }
}

TEST_CASE("the parts of a prompt are its lines, and where they end is part of the identity") {
  const auto parts = [](std::string_view list) {
    return Read(Messages(R"({"role": "user", "content": [)" + std::string(list) + "]}"));
  };
  const std::string image = R"({"type": "image_url", "image_url": {"url": "http://i"}})";
  const auto one = parts(R"({"type": "text", "text": "a\nb"}, {"type": "text", "text": "c"})");
  const auto two = parts(R"({"type": "text", "text": "a"}, {"type": "text", "text": "b\nc"})");
  const auto three = parts(R"({"type": "text", "text": "a\nb\nc"})");
  CHECK(one.prompt == "a\nb\nc");
  CHECK(two.prompt == one.prompt);
  CHECK(three.prompt == one.prompt);
  CHECK(one.identity != two.identity);
  CHECK(one.identity != three.identity);
  CHECK(parts(R"({"type": "text", "text": "q"}, )" + image).identity !=
        parts(image + R"(, {"type": "text", "text": "q"})").identity);
}

TEST_CASE("attachments are told apart by their bytes or their address") {
  const auto with = [](std::string_view part) {
    return Read(Messages(R"({"role": "user", "content": [{"type": "text", "text": "q"}, )" +
                         std::string(part) + "]}"))
        .identity;
  };
  const auto image = [&](std::string_view url) {
    return with(R"({"type": "image_url", "image_url": {"url": ")" + std::string(url) + R"("}})");
  };
  CHECK(image("data:image/png;base64,AAEC/w==") == image("data:image/png;base64,AAEC_w"));
  CHECK(image("data:image/png;base64,AAEC") != image("data:image/png;base64,AAED"));
  CHECK(image("data:image/png;base64,AAEC") != image("data:image/gif;base64,AAEC"));
  CHECK(image("http://one") != image("http://two"));
  CHECK(image("http://one") ==
        with(R"({"type": "image_url", "image_url": {"url": "http://one", "detail": "auto"}})"));
  CHECK(image("http://one") !=
        with(R"({"type": "image_url", "image_url": {"url": "http://one", "detail": "low"}})"));
  const auto sound = [&](std::string_view data) {
    return with(R"({"type": "input_audio", "input_audio": {"format": "wav", "data": )" +
                std::string(data) + "}}");
  };
  CHECK(sound(R"("AAEC")") == sound(R"({"$bin": "AAEC"})"));
  CHECK(sound(R"("AAEC")") != sound(R"("AAE!")"));
  // A megabyte of image is 32 bytes of identity.
  CHECK(image("data:image/png;base64," + std::string(1 << 20U, 'A')).size() < 300);

  const auto anthropic = [](std::string_view source) {
    return Read(R"({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [
        {"type": "image", "source": )" +
                std::string(source) + R"(}, {"type": "text", "text": "q"}]}]})")
        .identity;
  };
  CHECK(anthropic(R"({"type": "base64", "media_type": "image/png", "data": "AAEC"})") !=
        anthropic(R"({"type": "base64", "media_type": "image/png", "data": "AAED"})"));
  CHECK(anthropic(R"({"type": "url", "url": "http://one"})") !=
        anthropic(R"({"type": "url", "url": "http://two"})"));
}

TEST_CASE("what follows the last words of the user is identity") {
  const std::string asked = R"({"role": "user", "content": "q"}, )";
  const auto tool = [&](std::string_view result) {
    return Read(Messages(asked +
                         R"({"role": "assistant", "content": null, "tool_calls": [{"id": "c",
        "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": ")" +
                         std::string(result) + R"("})"));
  };
  CHECK(tool("21 degrees").prompt == "q");
  CHECK(tool("21 degrees").identity != tool("22 degrees").identity);

  const auto anthropic = [](std::string_view last) {
    return Read(R"({"model": "m", "max_tokens": 1, "system": "s", "messages": [
        {"role": "user", "content": "q"}, )" +
                std::string(last) + "]}");
  };
  const auto prefill = anthropic(R"({"role": "assistant", "content": "{"})");
  CHECK(prefill.prompt == "q");
  CHECK(prefill.identity != anthropic(R"({"role": "assistant", "content": "["})").identity);
  const auto result = anthropic(
      R"({"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f",
          "input": {}}]}, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t",
          "content": [{"type": "text", "text": "21"}]}]})");
  CHECK(result.prompt == "q");  // a tool's result is no question
  CHECK(anthropic(R"({"role": "user", "content": "again"})").prompt == "again");
  // The same two messages of the user, but another one is the prompt.
  CHECK(Read(Messages(R"({"role": "user", "content": "a"}, {"role": "user", "content": ""})"))
            .identity !=
        Read(Messages(R"({"role": "user", "content": ""}, {"role": "user", "content": "a"})"))
            .identity);
}

TEST_CASE("looser modes leave out what they say and nothing else") {
  const auto talk = [](std::string_view model, std::string_view system, std::string_view earlier,
                       std::string_view later) {
    return R"({"model": ")" + std::string(model) + R"(", "messages": [
        {"role": "system", "content": ")" +
           std::string(system) + R"("}, {"role": "user", "content": ")" + std::string(earlier) +
           R"("}, {"role": "assistant", "content": "a"}, {"role": "user", "content": "q"},
        {"role": "assistant", "content": ")" +
           std::string(later) + R"("}]})";
  };
  const std::string base = talk("m", "s", "e", "l");
  const auto strict = IdentityMode::kStrict;
  const auto conversation = IdentityMode::kConversation;
  const auto prompt_only = IdentityMode::kPromptOnly;
  CHECK(!Same(base, talk("m", "s", "E", "l"), strict));
  CHECK(Same(base, talk("m", "s", "E", "l"), conversation));
  CHECK(!Same(base, talk("m", "S", "e", "l"), conversation));
  CHECK(!Same(base, talk("M", "s", "e", "l"), conversation));
  CHECK(!Same(base, talk("m", "s", "e", "L"), conversation));
  CHECK(Same(base, talk("M", "S", "E", "L"), prompt_only));
  CHECK(Read(base, prompt_only).identity == Packed("{}"));
  CHECK(Read(base, prompt_only).model == "m");
  const std::string continued = R"({"model": "m", "input": "q", "previous_response_id": "r"})";
  CHECK(!Same(continued, R"({"model": "m", "input": "q"})", strict));
  CHECK(Same(continued, R"({"model": "m", "input": "q"})", conversation));
  // A strict caller with the same last turn and no history is not served from a conversation.
  CHECK(Read(Input(R"("q")"), strict).identity != Read(Input(R"("q")"), conversation).identity);
  // What is in the picture is what was asked.
  const auto look = [](std::string_view url) {
    return Messages(R"({"role": "user", "content": [{"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": ")" +
                    std::string(url) + R"("}}]})");
  };
  CHECK(!Same(look("http://one"), look("http://two"), prompt_only));
}

TEST_CASE("the operator can name more volatile fields, but not the messages") {
  const std::string bytes = Packed(Chat(R"("session": "1", "seed": 4)"));
  const ChatRules rules{IdentityMode::kStrict, {"session", "messages", "model"}};
  CHECK(ReadChatRequest(bytes, rules).value().identity == Read(Chat(R"("seed": 4)")).identity);
  CHECK(ReadChatRequest(bytes, {}).value().identity != Read(Chat(R"("seed": 4)")).identity);
}

TEST_CASE("an error names the field and what is wrong with it") {
  struct Row {
    std::string json;
    std::string_view detail;
  };
  const std::vector<Row> rows{
      {"[]", "request: array found, a map expected"},
      {R"({"model": "m"})", "request: neither messages"},
      {R"({"model": "m", "messages": [], "input": "q"})", "request: both messages and input"},
      {R"({"model": "m", "messages": "q"})", "request.messages: str found, an array expected"},
      {R"({"model": "m", "input": 5})", "request.input: uint found, text or an array expected"},
      {R"({"messages": []})", "request.model: missing"},
      {R"({"model": 5, "messages": []})",
       "request.model: uint found, the name of the model expected"},
      {R"({"model": null, "messages": []})",
       "request.model: nil found, the name of the model expected"},
      {R"({"model": "", "messages": []})",
       "request.model: empty text found, the name of the model expected"},
      {R"({"model": "m", "messages": []})", "request.messages: no user message with text"},
      {Messages(R"({"role": "system", "content": "s"})"),
       "request.messages: no user message with text"},
      {Messages(R"("q")"), "request.messages[0]: str found, a map expected"},
      {Messages(R"({"content": "q"})"), "request.messages[0].role: missing; it is one of system"},
      {Messages(R"({"role": "user", "content": "q"}, {"role": "narrator"})"),
       "request.messages[1].role: 'narrator' is not one of system, developer, user"},
      {Messages(R"({"role": 1, "content": "q"})"),
       "request.messages[0].role: uint found, text expected"},
      {Messages(R"({"role": "user", "content": 1})"), "request.messages[0].content: uint found"},
      {Messages(R"({"role": "user", "content": ["q"]})"),
       "request.messages[0].content[0]: str found, a map expected"},
      {Messages(R"({"role": "user", "content": [{"text": "q"}]})"),
       "request.messages[0].content[0].type: missing"},
      {Messages(R"({"role": "user", "content": [{"type": "text"}]})"),
       "request.messages[0].content[0].text: missing"},
      {Messages(R"({"role": "user", "content": [{"type": 1, "text": "q"}]})"),
       "request.messages[0].content[0].type: uint found, the name of a type expected"},
      {Messages(R"({"role": "user", "content": [{"type": "text", "text": 1}]})"),
       "request.messages[0].content[0].text: uint found, text expected"},
      {Messages(R"({"role": "assistant", "tool_calls": {}})"),
       "request.messages[0].tool_calls: map found, an array expected"},
      {Messages(R"({"role": "assistant", "tool_calls": [{"function": {"arguments":
                    "{\"a\":1,\"a\":2}"}}]})"),
       "request.messages[0].tool_calls[0].function.arguments: a key stands twice"},
      {Messages(R"({"role": "assistant", "tool_calls": [{"function": {"arguments":
                    "{\"a\":\"\\ud800\"}"}}]})"),
       "request.messages[0].tool_calls[0].function.arguments: a string has a lone surrogate"},
      {Messages(R"({"role": "assistant", "tool_calls": [{"function": {"arguments":
                    "{\"a\":1e999}"}}]})"),
       "request.messages[0].tool_calls[0].function.arguments: a number is beyond"},
      {Input(R"([{"content": "q"}])"), "request.input[0]: no role and no type"},
      {Input(R"([{"role": "tool", "content": "q"}])"), "request.input[0].role: 'tool' is not"},
      {R"({"model": "m", "system": "s", "messages": [{"role": "tool"}]})",
       "request.messages[0].role: 'tool' is not one of user, assistant"},
      {Chat(R"("tools": [1])"), "request.tools[0]: uint found, a map expected"},
      {Chat(R"("tools": "f")"), "request.tools: str found, an array expected"},
  };
  for (const Row& row : rows) {
    const base::Error error = ErrorOf(Packed(row.json));
    INFO(row.json);
    CHECK(error.code == Code::kBadRequest);
    CHECK_THAT(error.detail, Catch::StartsWith(std::string(row.detail)));
  }
}

TEST_CASE("bytes that are no chat request are refused with the place") {
  const auto with_user = [](std::string_view key, std::string_view value) {  // one more member
    std::string bytes = Packed(Chat(""));
    bytes[0] = '\x83';
    return bytes + static_cast<char>(0xa0U + key.size()) + std::string(key) + std::string(value);
  };
  struct Row {
    std::string bytes;
    std::string_view detail;
  };
  const std::vector<Row> rows{
      {"", "request: "},
      {Packed(Chat("")).substr(0, 20), "request"},
      {Packed(Chat("")) + "\xc0", "request: bytes follow the value"},
      {with_user("model", "\xa1x"), "request.model: the key stands twice"},
      {with_user("x", std::string("\x82\xa1k\x01\xa1k\x02", 7)), "request.x.k: the key stands"},
      {with_user("x", std::string("\x82\xa2\xc3\xa9\x01\xa3"
                                  "e\xcc\x81\x02",
                                  10)),
       "request.x.\u00e9: the key stands"},
      {with_user("x", "\xa2\xc3\x28"), "request.x: "},      // no UTF-8
      {with_user("x", "\xa3\xed\xa0\x80"), "request.x: "},  // a surrogate in UTF-8
      {with_user("\xff", "\x01"), "request: a key is not valid UTF-8"},
      {with_user("x", std::string("\x81\x01\x02", 3)), "request.x: a key: "},
      {with_user("x", std::string("\xcb\x7f\xf8\0\0\0\0\0\0", 9)), "request.x: not a number"},
      {with_user("x", std::string("\xcb\x7f\xf0\0\0\0\0\0\0", 9)), "request.x: not a number"},
      {with_user("x", std::string("\xca\xff\x80\0\0", 5)), "request.x: not a number"},
      {with_user("x", std::string("\xd4\x01\x02", 3)), "request.x: an ext value"},
  };
  for (const Row& row : rows) {
    const base::Error error = ErrorOf(row.bytes);
    INFO(row.detail);
    CHECK(error.code == Code::kBadRequest);
    CHECK_THAT(error.detail, Catch::StartsWith(std::string(row.detail)));
  }
}

TEST_CASE("a float of 32 bits is the number that it was written for") {
  const auto with = [](std::string_view number) {
    std::string bytes = Packed(Chat(""));
    bytes[0] = '\x83';
    return ReadChatRequest(bytes + "\xa1x" + std::string(number), {}).value().identity;
  };
  CHECK(with("\xca\x3f\x33\x33\x33") == Read(Chat(R"("x": 0.7)")).identity);
  CHECK(with(std::string("\xca\x3f\x80\0\0", 5)) == Read(Chat(R"("x": 1)")).identity);
  CHECK(with(std::string("\xd3\0\0\0\0\0\0\0\1", 9)) == Read(Chat(R"("x": 1)")).identity);
  CHECK(Same(Chat(R"("x": 1152921504606846976)"), Chat(R"("x": 1152921504606846976.0)")));
  CHECK(!Same(Chat(R"("x": 1152921504606846976)"), Chat(R"("x": 1152921504606846977)")));
}

TEST_CASE("limits hold one under, at and one over") {
  const auto listed = [](std::size_t count) {
    std::string list = "0";
    for (std::size_t i = 1; i < count; ++i) {
      list += ",0";
    }
    return ReadChatRequest(Packed(Chat("\"x\": [" + list + "]")), {});
  };
  const auto most = static_cast<std::size_t>(base::limits::kContainerItems.value);
  CHECK(listed(most - 1).ok());
  CHECK(listed(most).ok());
  CHECK(listed(most + 1).error().code == Code::kTooLarge);
  CHECK_THAT(listed(most + 1).error().detail, Catch::StartsWith("request.x: 32769 items"));

  const auto nested = [](std::size_t levels) {  // beside the request itself
    std::string bytes = Packed(Chat(""));
    bytes[0] = '\x83';
    return ReadChatRequest(bytes + "\xa1x" + std::string(levels, '\x91') + "\x01", {});
  };
  CHECK(nested(62).ok());
  CHECK(nested(63).ok());
  CHECK(nested(64).error().code == Code::kTooLarge);
  CHECK_THAT(nested(64).error().detail, Catch::EndsWith("[0]: nested deeper than the limit of 64"));

  const auto model = [](std::size_t bytes) {
    return ReadChatRequest(Packed(R"({"input": "q", "model": ")" + std::string(bytes, 'm') + "\"}"),
                           {});
  };
  CHECK(model(128).ok());
  CHECK(model(129).error().code == Code::kTooLarge);

  const auto prompt = [](std::size_t bytes) {
    return ReadChatRequest(Packed(Input('"' + std::string(bytes, 'q') + '"')), {});
  };
  const auto longest = static_cast<std::size_t>(base::limits::kPromptBytes.ceiling);
  CHECK(prompt(longest).ok());
  CHECK(prompt(longest + 1).error().code == Code::kTooLarge);
  CHECK_THAT(prompt(longest + 1).error().detail, Catch::StartsWith("request.input[0]: a prompt"));
}

TEST_CASE("turns beyond the limit of the identity are folded into a hash, other fields are not") {
  const auto limit = static_cast<std::size_t>(base::limits::kIdentityBytes.value);
  const auto history = [](std::size_t bytes, std::string_view end) {
    return Messages(R"({"role": "system", "content": "s"}, {"role": "assistant", "content": ")" +
                    std::string(bytes, 'x') + std::string(end) +
                    R"("}, {"role": "user", "content": "q"}, {"role": "assistant",
                       "content": "later"})");
  };
  const std::size_t around = Read(history(0, "")).identity.size() + 4;  // a longer str header
  CHECK(Read(history(limit - around, "")).identity.size() == limit);
  const std::string folded = Read(history(limit - around, "y")).identity;
  CHECK(folded.size() < 400);
  CHECK(folded == Read(history(limit - around, "y")).identity);
  CHECK(folded != Read(history(limit - around, "z")).identity);
  CHECK(folded != Read(history(limit - around, "yy")).identity);
  const auto value = wire::Decode(folded).value();
  const Value::Array& items = *value.Find("request")->Find("messages")->AsArray();
  REQUIRE(items.size() == 3);
  CHECK(items[0].Find("folded")->AsUint() == 2U);
  CHECK(items[1].Find("role")->AsText() == "user");
  CHECK(items[2].Find("folded")->AsUint() == 1U);

  const std::string system = R"({"model": "m", "system": ")" + std::string(limit, 's') +
                             R"(", "messages": [{"role": "user", "content": "q"}]})";
  const base::Error error = ErrorOf(Packed(system));
  CHECK(error.code == Code::kTooLarge);
  CHECK_THAT(error.detail, Catch::StartsWith("request.system: "));
}

// The examples of RFC 8785 (appendix B, and section 3.2).
TEST_CASE("numbers are spelled as RFC 8785 says") {
  struct Row {
    double number;
    std::string_view spelled;
  };
  for (const auto& [number, spelled] : {Row{0.0, "0"},
                                        Row{-0.0, "0"},
                                        Row{5e-324, "5e-324"},
                                        Row{-5e-324, "-5e-324"},
                                        Row{1.7976931348623157e308, "1.7976931348623157e+308"},
                                        Row{9007199254740992.0, "9007199254740992"},
                                        Row{-9007199254740992.0, "-9007199254740992"},
                                        Row{295147905179352830000.0, "295147905179352830000"},
                                        Row{9.999999999999997e22, "9.999999999999997e+22"},
                                        Row{1e23, "1e+23"},
                                        Row{999999999999999700000.0, "999999999999999700000"},
                                        Row{1e21, "1e+21"},
                                        Row{9.999999999999997e-7, "9.999999999999997e-7"},
                                        Row{0.000001, "0.000001"},
                                        Row{333333333.3333332, "333333333.3333332"},
                                        Row{333333333.33333325, "333333333.33333325"},
                                        Row{4.50, "4.5"},
                                        Row{2e-3, "0.002"},
                                        Row{1e30, "1e+30"},
                                        Row{1e-27, "1e-27"},
                                        Row{100e-2, "1"}}) {
    std::string text;
    AppendCanonicalNumber(number, text);
    CHECK(text == spelled);
  }
}

TEST_CASE("JSON in a string has one form, and what is no JSON object has none") {
  const auto canonical = [](std::string_view text) { return CanonicalJsonObject(text).value(); };
  CHECK(canonical(R"( { "b" : [ 1.0 , true , null ] , "a" : "\u0061\/\n\u001F" } )") ==
        R"({"a":"a/\n\u001f","b":[1,true,null]})");
  // RFC 8785, section 3.2.3: keys in the order of their UTF-16 units. Its example has U+FB33, which
  // form C takes apart.
  CHECK(canonical(R"({"\u20ac": 1, "\r": 2, "\ufb13": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6,
                      "\u00f6": 7})") ==
        "{\"\\r\":2,\"1\":4,\"\xc2\x80\":6,\"\xc3\xb6\":7,\"\xe2\x82\xac\":1,"
        "\"\xf0\x9f\x98\x80\":5,\"\xef\xac\x93\":3}");
  CHECK(canonical(R"({"e\u0301": "\u0041\u030a"})") == "{\"\xc3\xa9\":\"\xc3\x85\"}");
  CHECK(canonical("{\"\\u00ea\xcc\x81\": 1}") == "{\"\xe1\xba\xbf\":1}");  // an escape and a mark
  CHECK(canonical(R"({"id": 9007199254740993})") == R"({"id":9007199254740993})");
  CHECK(canonical(R"({"id": 9007199254740992.0})") == R"({"id":9007199254740992})");
  for (const std::string_view text : {"",
                                      "  ",
                                      "[1]",
                                      "1",
                                      "\"a\"",
                                      "{",
                                      "{}x",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{,}",
                                      "{\"a\":01}",
                                      "{\"a\":1.}",
                                      "{\"a\":.5}",
                                      "{\"a\":+1}",
                                      "{\"a\":1e}",
                                      "{\"a\":NaN}",
                                      "{\"a\":[1,]}",
                                      "{\"a\":'b'}",
                                      "{\"a\":\"\n\"}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":\"\\u12\"}",
                                      "{\"a\":\"\\u12G4\"}",
                                      "{\"a\":\"",
                                      "{\"a\":\"\\",
                                      "{a:1}",
                                      "{\"a\":1 \"b\":2}",
                                      "{\"a\":1e999",
                                      "{\"a\":1,\"a\":2"}) {
    INFO(text);
    CHECK(canonical(text) == std::nullopt);
  }
  const auto deep = [](std::size_t levels) {
    std::string text = "{\"a\":";
    text += std::string(levels, '[') + std::string(levels, ']') + "}";
    return text;
  };
  CHECK(canonical(deep(kJsonDepth - 1)).has_value());
  CHECK(!canonical(deep(kJsonDepth)).has_value());
  CHECK(!canonical("{\"a\":" + std::string(100'000, '[')).has_value());
  for (const std::string_view text :
       {R"({"a":1,"\u0061":2})", R"({"a":{"b":1,"b":1}})", R"({"a":"\udc00"})",
        R"({"a":"\ud800\u0041"})", R"({"\u00e9":1,"e\u0301":2})", R"({"a":"\ud800x"})",
        R"({"a":-1e400})", R"({"a":1e-400})"}) {
    INFO(text);
    CHECK(CanonicalJsonObject(text).error().code == Code::kBadRequest);
  }
}

}  // namespace
}  // namespace reprise::cache
