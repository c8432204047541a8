#include "server/cache/explain.h"

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"

namespace reprise::cache {
namespace {

std::string Packed(std::string_view json) {
  return json.empty() ? std::string() : wire::Encode(wire::FromJson(json).value());
}

// "path: asked -> stored", one a line.
std::string Told(std::string_view asked, std::string_view stored) {
  const auto differences = DifferencesOf(Packed(asked), Packed(stored));
  REQUIRE(differences.ok());
  std::string told;
  for (const Difference& difference : differences.value()) {
    told += difference.path + ": " + difference.asked + " -> " + difference.stored + "\n";
  }
  return told;
}

TEST_CASE("identities are told apart field by field, down to the innermost") {
  CHECK(Told(R"({"a": 1})", R"({"a": 1})").empty());
  CHECK(Told("", "").empty());
  CHECK(Told(R"({"model": "large", "t": 0})", R"({"model": "small", "t": 0})") ==
        "model: \"large\" -> \"small\"\n");
  CHECK(Told(R"({"a": 1})", "") == "a: 1 -> \n");
  CHECK(Told("", R"({"a": null})") == "a:  -> null\n");
  CHECK(Told(R"({"tools": [{"name": "f"}, {"name": "g"}]})",
             R"({"tools": [{"name": "f", "strict": true}]})") ==
        "tools[0].strict:  -> true\ntools[1]: {\"name\":\"g\"} -> \n");
  CHECK(Told(R"({"a": [1]})", R"({"a": {"b": 1}})") == "a: [1] -> {\"b\":1}\n");
  CHECK(Told("1", "\"1\"") == ": 1 -> \"1\"\n");
}

TEST_CASE("long values are cut and there are only so many differences") {
  const std::string long_text = "{\"a\": \"" + std::string(1'000, 'x') + "\"}";
  const auto differences = DifferencesOf(Packed(long_text), "");
  CHECK(differences.value().at(0).asked.size() == kShownBytes + 3);
  std::string many = "{";
  for (int i = 0; i < 100; ++i) {
    many += (i == 0 ? "\"" : ", \"") + std::to_string(i) + "\": 1";
  }
  CHECK(DifferencesOf(Packed(many + "}"), "").value().size() == kDifferences);
  CHECK_FALSE(DifferencesOf("\xc1", "").ok());
}

TEST_CASE("the overlap is the share of shared words") {
  CHECK(WordOverlap("what is raii", "what is raii") == 1);
  CHECK(WordOverlap("what is raii", "what is raid") == 0.5);
  CHECK(WordOverlap("a b", "c d") == 0);
  CHECK(WordOverlap("", "") == 0);
  CHECK(WordOverlap("a a a", "a") == 1);
}

}  // namespace
}  // namespace reprise::cache
