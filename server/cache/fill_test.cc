#include "server/cache/fill.h"

#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "server/cache/poison.h"

namespace reprise::cache {
namespace {

constexpr std::size_t kBytesMax = 1 << 20;

std::string Packed(std::string_view json) {
  const auto value = wire::FromJson(json);
  INFO(json);
  REQUIRE(value.ok());
  return wire::Encode(value.value());
}

// What is stored, as JSON, or "refused: why".
std::string Filled(std::string_view given, std::string_view pieces, bool cut = false) {
  const std::string given_bytes = Packed(given);
  const std::string pieces_bytes = pieces.empty() ? "" : Packed(pieces);
  const auto fill = ReadFill({given_bytes, pieces_bytes, cut}, kBytesMax);
  if (!fill.ok()) {
    return "refused: " + fill.error().detail;
  }
  return wire::ToJson(wire::Decode(fill.value().response).value());
}

constexpr std::string_view kChunk = R"({"choices":[{"index":0,"delta":{"content":"a"}}]})";
constexpr std::string_view kLast = R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})";

std::string List(std::initializer_list<std::string_view> items) {
  std::string list = "[";
  for (const std::string_view item : items) {
    list.append(list.size() > 1 ? "," : "").append(item);
  }
  return list + "]";
}

TEST_CASE("answers that are none are refused") {
  for (const std::string_view json : {
           R"(null)",
           R"("")",
           R"("  \n\t")",
           "\"\u00a0\u3000\u200b\"",
           R"([])",
           R"({})",
           R"({"$bin": ""})",
           R"({"$bin": "ICA="})",
           R"({"choices": []})",
           R"({"choices": [{"message": {"role": "assistant", "content": " "}}]})",
           R"({"choices": [{"message": {"content": null, "refusal": null, "tool_calls": []}}]})",
           R"({"choices": [{"text": ""}]})",
           R"({"type": "error"})",
           R"({"type": "error", "error": {"type": "overloaded_error"}})",
           R"({"error": {"message": "overloaded"}})",
           R"({"x": 1, "error": "overloaded"})",
           R"({"type": "message", "content": []})",
           R"({"type": "message", "content": [{"type": "text", "text": ""}]})",
           R"({"object": "response", "output": []})",
           R"({"object": "response", "status": "failed", "output": [{}]})",
           R"({"object": "response", "status": "in_progress", "output": [{}]})",
           R"({"object": "response", "status": "queued"})",
       }) {
    INFO(json);
    const auto status = CheckNotPoisoned(Packed(json));
    REQUIRE_FALSE(status.ok());
    CHECK(status.error().code == base::Code::kBadRequest);
    CHECK(Filled(json, "").starts_with("refused: the answer is "));
  }
}

TEST_CASE("answers that say something are taken") {
  for (const std::string_view json : {
           R"("x")",
           R"(0)",
           R"(false)",
           "\"\u65e5\"",
           R"({"$bin": "/w=="})",
           R"([null])",
           R"({"error": null, "text": "x"})",
           R"({"error": false, "text": "x"})",
           R"({"type": "text", "content": []})",
           R"({"choices": "none"})",
           R"({"choices": [{"message": "m"}]})",
           R"({"choices": [{"message": {"content": ""}}, {"message": {"content": "x"}}]})",
           R"({"choices": [{"message": {"content": null, "refusal": "no"}}]})",
           R"({"choices": [{"message": {"content": null, "tool_calls": [{"id": "c"}]}}]})",
           R"({"choices": [{"message": {"content": null, "function_call": {"name": "f"}}}]})",
           R"({"choices": [{"message": {"content": [{"type": "image_url"}]}}]})",
           R"({"type": "message", "content": [{"type": "tool_use"}]})",
           R"({"object": "response", "status": "completed", "output": [{}]})",
           R"({"object": "response", "status": "incomplete", "output": [{}]})",
       }) {
    INFO(json);
    CHECK(CheckNotPoisoned(Packed(json)).ok());
    CHECK_FALSE(Filled(json, "").starts_with("refused"));
  }
}

TEST_CASE("without pieces the response is the answer, with nil the pieces are") {
  CHECK(Filled(R"("x")", "") == R"("x")");
  CHECK(Filled("null", R"(["a","b"])") == R"(["a","b"])");
  CHECK(Filled("null", R"([{"delta":"a"}])") == R"([{"delta":"a"}])");
  CHECK(Filled("null", R"(["", " "])") == "refused: the answer is empty");
  CHECK(Filled("null", List({kChunk, kLast})) == List({kChunk, kLast}));
}

TEST_CASE("a stream that was cut or ends with an error is refused, however it is handed in") {
  const std::string cut = List({kChunk});
  const std::string failed = List({kChunk, R"({"error":{"message":"x"}})"});
  for (const std::string& pieces : {cut, failed}) {
    CHECK_THAT(Filled("null", pieces), Catch::StartsWith("refused: the stream is no answer"));
    CHECK_THAT(Filled(pieces, pieces), Catch::StartsWith("refused: the stream is no answer"));
    CHECK_THAT(Filled(pieces, ""), Catch::StartsWith("refused: the stream is no answer"));
  }
  CHECK_THAT(Filled("null", R"(["data: {\"choices\":[]"])"),
             Catch::Contains("it ends within an event"));
  CHECK_THAT(Filled("null", R"([": keep-alive\n\n"])"), Catch::Contains("it has no answer"));
  CHECK_THAT(Filled("null", R"(["data: {]}\n\n"])"), Catch::Contains("event 1"));
  CHECK_THAT(
      Filled("null", List({R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})"})),
      Catch::Contains("the answer is empty"));
}

TEST_CASE("beside pieces only the same answer is taken") {
  const std::string pieces = List({kChunk, kLast});
  const std::string joined =
      R"({"choices": [{"finish_reason": "stop", "message": {"content": "a", "role": "assistant"},
          "index": 0.0}], "object": "chat.completion"})";
  CHECK(Filled(pieces, pieces) == pieces);
  CHECK(Filled(joined, pieces).starts_with("{"));
  CHECK(Filled(R"(["a","b","c"])", R"(["a","b"])") == R"(["a","b","c"])");  // One was not appended.
  CHECK(Filled(pieces, List({kChunk})) == pieces);
  CHECK(Filled(R"("ab")", R"(["a","b"])") == R"("ab")");
  for (const std::string_view given :
       {R"("abc")", R"(["a"])", R"(["a","c"])", R"(["b","a"])", R"({"text":"ab"})", R"("a")"}) {
    INFO(given);
    CHECK_THAT(Filled(given, R"(["a","b"])"), Catch::StartsWith("refused: the answer is another"));
  }
  CHECK_THAT(Filled(R"("An idiom")", R"([{"delta":"An "}])"),
             Catch::StartsWith("refused: the answer is another"));
  CHECK_THAT(Filled(joined, List({kChunk})), Catch::StartsWith("refused: the stream is no answer"));
  CHECK(Filled(R"("  ")", R"(["a"])") == "refused: the answer is empty");
}

TEST_CASE("after a piece was refused only a whole answer is taken") {
  CHECK_THAT(Filled("null", R"(["a"])", true), Catch::StartsWith("refused: a piece was refused"));
  CHECK(Filled(R"("whole")", R"(["a"])", true) == R"("whole")");
  CHECK(Filled(R"("")", R"(["a"])", true) == "refused: the answer is empty");
}

TEST_CASE("the joined answer comes along when there is one") {
  const std::string nil = Packed("null");
  const std::string pieces = Packed(List({kChunk, kLast}));
  const auto fill = ReadFill({nil, pieces, false}, kBytesMax);
  REQUIRE(fill.ok());
  CHECK(wire::ToJson(wire::Decode(fill.value().joined).value()) ==
        R"({"object":"chat.completion","choices":[{"index":0,"finish_reason":"stop",)"
        R"("message":{"role":"assistant","content":"a"}}]})");
  const auto tight = ReadFill({nil, pieces, false}, 8);  // Kept in pieces, but not to be joined.
  REQUIRE(tight.ok());
  CHECK(tight.value().joined.empty());
  const std::string text = Packed(R"("x")");
  CHECK(ReadFill({text, {}, false}, kBytesMax).value().joined.empty());
}

}  // namespace
}  // namespace reprise::cache
