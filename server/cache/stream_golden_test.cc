// Recorded streams of each API (tests/golden/streams: the stream and the answer that it is), cut in
// every way in which a network cuts them.
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "protocol/wire/plain_json.h"
#include "server/cache/fill.h"
#include "server/cache/identity.h"
#include "server/cache/stream_events.h"
#include "server/cache/stream_join.h"

namespace reprise::cache {
namespace {

using base::Value;

constexpr std::size_t kBytesMax = 1 << 20;

struct Golden {
  std::string name;
  StreamShape shape;
};

std::vector<Golden> Goldens() {
  return {{"openai_chat", StreamShape::kOpenAiChat},
          {"openai_reasoning", StreamShape::kOpenAiChat},
          {"openai_responses", StreamShape::kOpenAiResponses},
          {"anthropic_messages", StreamShape::kAnthropicMessages}};
}

std::string ReadFile(const std::string& name) {
  std::ifstream file(std::string(GOLDEN_STREAMS) + "/" + name, std::ios::binary);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string StreamOf(const Golden& golden) {
  return ReadFile(golden.name + ".sse");
}

std::string CanonicalOf(std::string_view packed) {
  std::string canonical;
  REQUIRE(Canonicalize(packed, canonical).ok());
  return canonical;
}

std::string AnswerOf(const Golden& golden) {
  const auto value = wire::FromPlainJson(ReadFile(golden.name + ".json"), kStreamDepth);
  REQUIRE(value.ok());
  return CanonicalOf(wire::Encode(value.value()));
}

std::string Packed(const std::vector<std::string_view>& texts) {
  Value::Array pieces;
  for (const std::string_view text : texts) {
    pieces.emplace_back(base::Binary{std::string(text)});
  }
  return wire::Encode(Value(std::move(pieces)));
}

// The events as a holder that parses them appends them.
Value::Array EventsOf(std::string_view text) {
  Value::Array events;
  const auto read = ReadEventText(text, [&](const TextEvent& event) -> base::Status {
    if (event.data != "[DONE]") {
      ASSIGN_OR_RETURN(Value value, wire::FromPlainJson(event.data, kStreamDepth));
      events.push_back(std::move(value));
    }
    return base::Ok{};
  });
  REQUIRE(read.ok());
  return events;
}

// `wanted` is packed, so that nothing has to be sorted for each of some thousand cuts.
bool IsJoined(const std::vector<std::string_view>& pieces, const std::string& wanted) {
  const auto joined = JoinStream(Packed(pieces), kBytesMax);
  return joined.ok() && joined.value() == wanted;
}

std::vector<std::string_view> PiecesOf(std::string_view text, std::size_t bytes) {
  std::vector<std::string_view> pieces;
  for (std::size_t at = 0; at < text.size(); at += bytes) {
    pieces.push_back(text.substr(at, bytes));
  }
  return pieces;
}

TEST_CASE("recorded streams join to the answer, as events and as text") {
  for (const Golden& golden : Goldens()) {
    INFO(golden.name);
    const std::string text = StreamOf(golden);
    const std::string wanted = AnswerOf(golden);
    const auto from_text = ReadStream(Packed({text}));
    REQUIRE(from_text.ok());
    CHECK(from_text.value().shape == golden.shape);
    CHECK(from_text.value().ending.end == StreamEnd::kComplete);
    CHECK(CanonicalOf(wire::Encode(from_text.value().answer)) == wanted);
    const auto from_events = ReadStream(wire::Encode(Value(EventsOf(text))));
    REQUIRE(from_events.ok());
    CHECK(from_events.value().shape == golden.shape);
    CHECK(from_events.value().ending.end == StreamEnd::kComplete);
    CHECK(CanonicalOf(wire::Encode(from_events.value().answer)) == wanted);
    const auto filled = ReadFill({"\xc0", Packed({text}), false}, kBytesMax);
    REQUIRE(filled.ok());
    CHECK(CanonicalOf(filled.value().joined) == wanted);
  }
}

TEST_CASE("a stream cut in two at any byte, or into pieces of 1 or 3 bytes, joins all the same") {
  for (const Golden& golden : Goldens()) {
    INFO(golden.name);
    const std::string text = StreamOf(golden);
    const auto whole = JoinStream(Packed({text}), kBytesMax);
    REQUIRE(whole.ok());
    const std::string& wanted = whole.value();
    REQUIRE(CanonicalOf(wanted) == AnswerOf(golden));
    CHECK(IsJoined(PiecesOf(text, 1), wanted));
    CHECK(IsJoined(PiecesOf(text, 3), wanted));
    std::vector<std::size_t> wrong;
    for (std::size_t at = 0; at <= text.size(); ++at) {
      const std::string_view all = text;
      if (!IsJoined({all.substr(0, at), all.substr(at)}, wanted)) {
        wrong.push_back(at);
      }
    }
    CHECK_THAT(wrong, Catch::Equals(std::vector<std::size_t>{}));
  }
}

TEST_CASE("a stream that ends early at any byte is never complete") {
  for (const Golden& golden : Goldens()) {
    INFO(golden.name);
    const std::string text = StreamOf(golden);
    const std::size_t last = text.find_last_not_of(" \r\n");
    std::vector<std::size_t> wrong;
    for (std::size_t size = 0; size <= text.size(); ++size) {
      const auto stream = ReadStream(Packed({std::string_view(text).substr(0, size)}));
      const bool is_complete = stream.ok() && stream.value().ending.end == StreamEnd::kComplete;
      if (!stream.ok() || is_complete != (size > last)) {
        wrong.push_back(size);
      }
    }
    CHECK_THAT(wrong, Catch::Equals(std::vector<std::size_t>{}));
  }
}

TEST_CASE("a stream that ends early is refused as a fill, once it is known to be one") {
  for (const Golden& golden : Goldens()) {
    INFO(golden.name);
    const std::string text = StreamOf(golden);
    const std::size_t last = text.find_last_not_of(" \r\n");
    std::vector<std::size_t> wrong;
    constexpr std::size_t kKnown = 64;  // Before that it may be some other text.
    constexpr std::size_t kStep = 13;   // The test above has looked at each.
    for (std::size_t size = kKnown; size <= last; size += kStep) {
      const std::string pieces = Packed({std::string_view(text).substr(0, size)});
      if (ReadFill({"\xc0", pieces, false}, kBytesMax).ok()) {
        wrong.push_back(size);
      }
    }
    CHECK_THAT(wrong, Catch::Equals(std::vector<std::size_t>{}));
  }
}

TEST_CASE("events of which the last are missing are no answer") {
  for (const Golden& golden : Goldens()) {
    INFO(golden.name);
    Value::Array events = EventsOf(StreamOf(golden));
    if (golden.name == "openai_chat") {
      events.pop_back();  // Only the usage, which nobody can miss.
      const auto stream = ReadStream(wire::Encode(Value(events)));
      REQUIRE(stream.ok());
      CHECK(stream.value().ending.end == StreamEnd::kComplete);
    }
    while (events.size() > 1) {
      events.pop_back();
      const auto stream = ReadStream(wire::Encode(Value(events)));
      REQUIRE(stream.ok());
      CHECK(stream.value().ending.end == StreamEnd::kCut);
      CHECK_FALSE(stream.value().ending.why.empty());
    }
  }
}

}  // namespace
}  // namespace reprise::cache
