#include "server/cache/stream_join.h"

#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "protocol/wire/plain_json.h"
#include "server/cache/stream_fields.h"

namespace reprise::cache {
namespace {

using base::Value;

constexpr std::size_t kBytesMax = 1 << 20;
constexpr std::string_view kFinish = R"({"choices": [{"index": 0, "delta": {},
                                        "finish_reason": "stop"}]})";

Value FromJson(std::string_view json) {
  const auto value = wire::FromJson(json);
  INFO(json);
  REQUIRE(value.ok());
  return value.value();
}

// JSON of the pieces -> JSON of the answer, or the code of the error.
std::string Joined(std::string_view pieces, std::size_t bytes_max = kBytesMax) {
  const auto joined = JoinStream(wire::Encode(FromJson(pieces)), bytes_max);
  if (!joined.ok()) {
    return "error " + std::string(base::NameOf(joined.error().code));
  }
  const auto value = wire::Decode(joined.value());
  REQUIRE(value.ok());
  return wire::ToJson(value.value());
}

std::string Text(std::string_view text) {
  return wire::ToJson(Value(Value::Array{Value(text)}));
}

StreamAnswer Read(std::string_view pieces) {
  auto stream = ReadStream(wire::Encode(FromJson(pieces)));
  INFO(pieces);
  INFO((stream.ok() ? "" : stream.error().detail));
  REQUIRE(stream.ok());
  return std::move(stream).value();
}

std::string ErrorOf(std::string_view pieces) {
  const auto stream = ReadStream(wire::Encode(FromJson(pieces)));
  return stream.ok() ? "" : stream.error().detail;
}

// A chunk with one delta of the first choice.
std::string Chunk(std::string_view delta) {
  return R"({"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": )" +
         std::string(delta) + "}]}";
}

std::string Chunks(const std::vector<std::string>& deltas) {
  std::string pieces = "[";
  for (const std::string& delta : deltas) {
    pieces += Chunk(delta) + ", ";
  }
  return pieces + std::string(kFinish) + "]";
}

Value MessageOf(std::string_view pieces) {
  const StreamAnswer stream = Read(pieces);
  REQUIRE(stream.ending.end == StreamEnd::kComplete);
  return *stream.answer.Find("choices")->AsArray()->front().Find("message");
}

TEST_CASE("texts of no known shape are one text") {
  CHECK(Joined(R"(["An ", "idiom", ""])") == R"("An idiom")");
  CHECK(Joined(R"([{"$bin": "QW4g"}, "idiom"])") == R"("An idiom")");
  CHECK(Joined(R"([{"$bin": "QW4g"}])") == R"({"$bin":"QW4g"})");
  CHECK(Joined(R"([{"$bin": "/w=="}, "x"])") == R"({"$bin":"/3g="})");
  CHECK(Joined(R"(["da", "ta: the plural of datum"])") == R"("data: the plural of datum")");
  CHECK(Read(R"(["event"])").ending.end == StreamEnd::kUnknown);
  CHECK(Read(Text(":)")).shape == StreamShape::kText);
  CHECK(Read(R"(["event: party\nplace: here"])").shape == StreamShape::kText);
  // Two code points, cut within the first.
  CHECK(Joined(R"([{"$bin": "w6k="}, "!"])") == "\"\u00e9!\"");
  CHECK(Joined(R"([{"$bin": "ww=="}, {"$bin": "qQ=="}, ""])") == "\"\u00e9\"");
}

TEST_CASE("what is no array of pieces is given as it is") {
  for (const std::string_view json :
       {R"("text")", R"([])", R"([1,"a"])", R"([{"delta":"An "},{"delta":"idiom"}])", R"({"a":[]})",
        R"([{"a":1},"text"])", R"([{"id":1},{"error":"x"}])", R"([["a"]])"}) {
    INFO(json);
    CHECK(Joined(json) == json);
    CHECK(Read(json).shape == StreamShape::kNone);
  }
}

TEST_CASE("event texts are read as the specification says") {
  const std::string chunk = R"({"choices":[{"index":0,"delta":{"content":"a"}}]})";
  const std::string wanted = Joined(Text("data: " + chunk + "\n\ndata: [DONE]\n\n"));
  CHECK(wanted.find(R"("content":"a")") != std::string::npos);
  for (const std::string& text : std::vector<std::string>{
           "data:" + chunk + "\n\ndata:[DONE]\n\n",
           std::string("\xef\xbb\xbf").append("data: ").append(chunk).append("\n\ndata: [DONE]"),
           "data: " + chunk + "\r\rdata: [DONE]\r\r",
           ": hello\r\n\r\nid: 7\r\nretry: 5\r\ndata: " + chunk + "\r\n\r\ndata: [DONE]",
           "data:\n\nevent: message\ndata: " + chunk + "\nfoo: bar\ndata\n\ndata: [DONE]",
           "data: {\"choices\":[{\"index\":0,\ndata:\"delta\":{\"content\":\"a\"}}]}\n\n" +
               std::string("data: [DONE]"),
           "event: ping\ndata: {\"type\": \"ping\"}\n\ndata: " + chunk + "\n\ndata: [DONE]\n",
       }) {
    INFO(text);
    CHECK(Joined(Text(text)) == wanted);
  }
}

TEST_CASE("events of no known shape stay the text that they are") {
  const std::string text = "data: {\"token\": \"a\"}\n\ndata: {\"token\": \"b\"}\n\n";
  CHECK(Joined(Text(text)) == wire::ToJson(Value(text)));
  CHECK(Read(Text(text)).ending.end == StreamEnd::kUnknown);
  CHECK(Read(Text(text + "data: {\"tok")).ending.end == StreamEnd::kCut);
}

TEST_CASE("tool calls are joined by index, by id, or to the last one") {
  const Value message = MessageOf(Chunks({
      R"({"tool_calls": [{"index": 3, "id": "c", "type": "function",
                          "function": {"name": "f", "arguments": "{"}}]})",
      R"({"tool_calls": [{"index": 3, "id": "", "type": "function",
                          "function": {"name": "f", "arguments": "}"}}]})",
      R"({"tool_calls": [{"id": "d", "function": {"name": "g", "arguments": "1"}}]})",
      R"({"tool_calls": [{"id": "c", "function": {"arguments": " "}}]})",
      R"({"tool_calls": [{"function": {"arguments": "2"}}]})",
      R"({"tool_calls": [{"index": 9, "id": "e", "type": "custom",
                          "custom": {"name": "h", "input": "a"}}]})",
      R"({"tool_calls": [{"index": 9, "custom": {"input": "b"}}]})",
  }));
  CHECK(*message.Find("tool_calls") == FromJson(R"([
      {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{} "}},
      {"id": "d", "function": {"name": "g", "arguments": "12"}},
      {"id": "e", "type": "custom", "custom": {"name": "h", "input": "ab"}}])"));
  CHECK(message.Find("content")->IsNil());
}

TEST_CASE("fields that nobody knows are whole: the last one wins") {
  const Value message = MessageOf(
      Chunks({R"({"role": "assistant", "content": "a", "mood": "good", "score": {"x": 1}})",
              R"({"role": "assistant", "content": "b", "mood": "", "score": {"y": 2}})"}));
  CHECK(message ==
        FromJson(R"({"role": "assistant", "content": "ab", "mood": "good", "score": {"y": 2}})"));
  const Value audio =
      MessageOf(Chunks({R"({"audio": {"id": "a", "data": "QQ", "transcript": "A"}})",
                        R"({"audio": {"data": "=="}})", R"({"audio": {"expires_at": 9}})"}));
  CHECK(*audio.Find("audio") ==
        FromJson(R"({"id": "a", "data": "QQ==", "transcript": "A", "expires_at": 9})"));
}

TEST_CASE("an empty content stays empty text unless the message says something else") {
  CHECK(MessageOf(Chunks({R"({"content": ""})"})).Find("content")->AsText() == "");
  CHECK(MessageOf(Chunks({R"({"content": "", "refusal": "no"})"})).Find("content")->IsNil());
  CHECK(MessageOf(Chunks({R"({"content": "x", "refusal": "no"})"})).Find("content")->AsText() ==
        "x");
  CHECK(MessageOf(Chunks({R"({})"})).Find("content")->IsNil());
}

TEST_CASE("chunks as maps are complete when all choices are finished or with [DONE]") {
  const std::string chunk = Chunk(R"({"content": "a"})");
  CHECK(Read("[" + chunk + "]").ending.end == StreamEnd::kCut);
  CHECK(Read("[" + chunk + R"(, "[DONE]"])").ending.end == StreamEnd::kComplete);
  CHECK(Read("[" + chunk + ", " + std::string(kFinish) + "]").ending.end == StreamEnd::kComplete);
  const std::string other = R"({"choices": [{"index": 1, "delta": {"content": "b"}}]})";
  CHECK(Read("[" + chunk + ", " + other + ", " + std::string(kFinish) + "]").ending.end ==
        StreamEnd::kCut);
  CHECK(Joined("[" + chunk + "]") == "error bad_request");
}

TEST_CASE("an error of the upstream is told, wherever it comes") {
  const std::string chunk = Chunk(R"({"content": "a"})");
  const std::string finish(kFinish);
  const std::vector<std::string> failing{
      "[" + chunk + R"(, {"error": {"message": "overloaded"}}])",
      R"([{"error": {"message": "overloaded"}}, )" + chunk + ", " + finish + "]",
      R"([{"type": "error", "error": {"type": "overloaded_error"}}])",
      R"([{"type": "message_start", "message": {}}, {"type": "error"}])",
      R"([{"type": "response.created"}, {"type": "error", "message": "m"}])",
      R"([{"type": "response.failed", "response": {"error": {"code": "c"}}}])",
      R"([{"type": "response.completed", "response": {"error": {"code": "c"}}}])",
      R"([{"choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]}])",
      Text("event: error\ndata: overloaded\n\n"),
      Text("data: {\"error\": {}}\n\ndata: [DONE]\n\n"),
  };
  for (const std::string& pieces : failing) {
    INFO(pieces);
    CHECK(Read(pieces).ending.end == StreamEnd::kUpstreamError);
    CHECK(Joined(pieces) == "error bad_request");
  }
  CHECK(Read("[" + Chunk(R"({"content": "a"})") + ", " +
             R"({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "error": null}])")
            .ending.end == StreamEnd::kComplete);
}

TEST_CASE("a response is that of its last event, or the items that were done") {
  const std::string item = R"({"type": "response.output_item.done", "output_index": 0,
                               "item": {"type": "message", "id": "m"}})";
  CHECK(Joined("[" + item + R"(, {"type": "response.completed",
                                 "response": {"id": "r", "output": []}}])") ==
        R"({"id":"r","output":[{"type":"message","id":"m"}]})");
  CHECK(Joined("[" + item + R"(, {"type": "response.incomplete", "response":
                                 {"status": "incomplete", "output": [{"id": "n"}]}}])") ==
        R"({"status":"incomplete","output":[{"id":"n"}]})");
  CHECK(Read("[" + item + "]").ending.end == StreamEnd::kCut);
  CHECK(Read("[" + item + R"(, {"type": "response.cancelled"}])").ending.end == StreamEnd::kCut);
  for (const std::string_view response : {R"({"id": "r"})", R"({"id": "r", "output": null})"}) {
    const std::string last =
        R"({"type": "response.completed", "response": )" + std::string(response) + "}";
    CHECK(Read("[" + last + "]").ending.end == StreamEnd::kCut);
    CHECK(Joined("[" + item + ", " + last + "]").starts_with("{"));
  }
}

TEST_CASE("events that make no sense are errors with their number") {
  struct Row {
    std::string pieces;
    std::string_view what;
  };
  const std::string start = R"([{"type": "message_start", "message": {}}, )";
  const std::string block = R"({"type": "content_block_start", "index": 0,
                               "content_block": {"type": "tool_use"}}, )";
  const std::string stop = R"({"type": "content_block_stop", "index": 0}, )";
  const std::vector<Row> rows{
      Row{R"([{"type": "message_stop"}])", "event 1: message_stop comes before message_start"},
      Row{start + R"({"type": "message_start", "message": {}}])", "event 2: a second"},
      Row{start + R"({"type": "content_block_start", "index": 1, "content_block": {}}])",
          "event 2: content block 1 begins"},
      Row{start + R"({"type": "content_block_delta", "index": 0, "delta": {}}])",
          "event 2: content block 0 is not open"},
      Row{start + block + R"({"type": "message_stop"}])", "event 3: the message stops"},
      Row{start + block + R"({"type": "content_block_delta", "index": 0, "delta":
                                  {"type": "input_json_delta", "partial_json": "{"}}, )" +
              stop + R"({"type": "message_stop"}])",
          "event 4: the input of a tool: "},
      Row{start + R"({"type": "message_stop"}, {"type": "message_delta"}])",
          "event 3: it follows the end"},
      Row{start + Chunk("{}") + "]", "event 2: it is of another API"},
      Row{start + R"("text"])", "texts stand among the events"},
      Row{"[" + Chunk(R"({"content": "a"})") + ", " + Chunk(R"({"content": ["b"]})") + "]",
          "event 2: 'content' changes"},
      Row{"[" + Chunk(R"({"content": "a"})") + ", " + Chunk(R"({"content": 5})") + "]",
          "event 2: 'content' is no text"},
      Row{"[" + Chunk(R"({"content": 5})") + "]", "event 1: 'content' is no text"},
      Row{"[" + Chunk(R"({"refusal": {"a": 1}})") + "]", "event 1: 'refusal' is no text"},
      Row{"[" + Chunk(R"({"tool_calls": [{"index": 1024}]})") + "]", "the highest is 1023"},
      Row{R"([{"object": "chat.completion.chunk",
                    "choices": [{"index": 4294967296, "delta": {}}]}])",
          "the highest is 1023"},
      Row{R"([{"object": "chat.completion.chunk", "choices": [{"index": -1, "delta": {}}]}])",
          "'index' is no number"},
      Row{start + R"({"type": "content_block_start", "index": 18446744073709551615,
                           "content_block": {}}])",
          "the highest is 1023"},
      Row{R"([{"type": "response.output_item.done", "output_index": 1e9, "item": {}}])",
          "'output_index' is no number"},
      Row{R"([{"type": "response.completed"}])", "'response' is missing"},
      Row{Text("data: {oops}\n\n"), "event 1: "},
      Row{Text("data: {\"a\": \"\\ud800\"}\n\n"), "surrogate"},
      Row{Text("data: {\"a\": 1, \"a\": 2}\n\n"), "twice"},
      Row{Text("data: {\"a\": 1e999}\n\n"), "number"},
      Row{Text("data: [DONE]\n\ndata: " + Chunk("{}") + "\n\n"), "follows the end"},
  };
  for (const auto& [pieces, what] : rows) {
    INFO(pieces);
    CHECK_THAT(ErrorOf(pieces), Catch::Contains(std::string(what)));
  }
}

TEST_CASE("the highest index is taken, and takes no more than its own place") {
  const std::string call = R"({"tool_calls": [{"index": 1023, "id": "c"}]})";
  const Value message = MessageOf(Chunks({call}));
  CHECK(*message.Find("tool_calls") == FromJson(R"([{"id": "c"}])"));
}

TEST_CASE("an answer beyond a limit cannot be joined") {
  CHECK(Joined(R"(["ab", "cd"])", 5) == R"("abcd")");  // A byte for the length.
  CHECK(Joined(R"(["ab", "cd"])", 4) == "error too_large");
  const auto nested = [](std::size_t levels) {
    return Text("data: {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"delta\":{\"x\":" +
                std::string(levels, '[') + std::string(levels, ']') + "}}]}\n\ndata: [DONE]\n\n");
  };
  // 4 levels of the answer around it, 2 of the reply.
  CHECK(Joined(nested(58)).starts_with("{"));
  CHECK(Joined(nested(59)) == "error too_large");
  CHECK(Read(nested(59)).ending.end == StreamEnd::kComplete);
  CHECK(Read(nested(kStreamDepth - 4)).ending.end == StreamEnd::kComplete);
  CHECK_THAT(ErrorOf(nested(kStreamDepth - 3)), Catch::Contains("depth"));
  const auto wide = [](std::size_t items) {
    std::string list = "0";
    for (std::size_t i = 1; i < items; ++i) {
      list += ",0";
    }
    return Text("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\",\"x\":[" + list +
                "]}}]}\n\ndata: [DONE]\n\n");
  };
  CHECK(Joined(wide(32'768)).starts_with("{"));
  CHECK(Joined(wide(32'769)) == "error too_large");
}

TEST_CASE("JSON of others is read as it is") {
  const auto read = [](std::string_view json, std::size_t depth_max) {
    const auto value = wire::FromPlainJson(json, depth_max);
    return value.ok() ? wire::Encode(value.value()) : "error: " + value.error().detail;
  };
  CHECK(read(R"({"$bin": "AAAA"})", 4) ==
        "\x81\xa4$bin\xa4"
        "AAAA");
  CHECK(read("[[1, -1, true, null]]", 2) == "\x91\x94\x01\xff\xc3\xc0");
  CHECK_THAT(read("[[1]]", 1), Catch::StartsWith("error: depth"));
  CHECK_THAT(read("", 1), Catch::StartsWith("error: "));
  CHECK_THAT(read("{\"secret\": secret}", 1), !Catch::Contains("secret"));
  CHECK_THAT(read("\"\xff\"", 1), Catch::Contains("UTF-8") && !Catch::Contains("\xff"));
}

}  // namespace
}  // namespace reprise::cache
