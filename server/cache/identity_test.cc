#include "server/cache/identity.h"

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"
#include "server/cache/row.h"

namespace reprise::cache {
namespace {

std::string Canonical(std::string_view json) {
  std::string out;
  const std::string bytes = wire::Encode(wire::FromJson(json).value());
  REQUIRE(Canonicalize(bytes, out).ok());
  return out;
}

KeyHasher Hasher() {
  return KeyHasher(std::string(KeyHasher::kSecretBytes, 's'));
}

TEST_CASE("the order of keys and the spelling of numbers do not change an identity") {
  CHECK(Canonical(R"({"a": 1, "b": {"y": 2, "x": [1, 2]}})") ==
        Canonical(R"({"b": {"x": [1.0, 2], "y": 2}, "a": 1.0})"));
  CHECK(Canonical(R"({"temperature": 0.70})") == Canonical(R"({"temperature": 0.7})"));
  CHECK(Canonical(R"(-0.0)") == Canonical(R"(0)"));
  // 1 as an unsigned 64 bit number and as a signed one
  std::string wide;
  REQUIRE(Canonicalize(std::string("\xcf\0\0\0\0\0\0\0\1", 9), wide).ok());
  CHECK(wide == Canonical("1"));
}

TEST_CASE("any material change makes another identity") {
  const std::string base = Canonical(R"({"model": "m", "temperature": 0.7, "stop": ["a", "b"]})");
  for (const std::string_view other :
       {R"({"model": "M", "temperature": 0.7, "stop": ["a", "b"]})",
        R"({"model": "m", "temperature": 0.8, "stop": ["a", "b"]})",
        R"({"model": "m", "temperature": "0.7", "stop": ["a", "b"]})",
        R"({"model": "m", "temperature": 0.7, "stop": ["b", "a"]})",
        R"({"model": "m", "temperature": 0.7})", R"([1])"}) {
    CHECK(Canonical(other) != base);
  }
  CHECK(Canonical(R"({"$bin": "YQ=="})") != Canonical(R"("a")"));
  CHECK(Canonical("null") != Canonical("0"));
}

TEST_CASE("a key that stands twice in a map is refused") {
  std::string out;
  const std::string twice("\x82\xa1k\x01\xa1k\x02", 7);
  CHECK(Canonicalize(twice, out).error().code == base::Code::kBadRequest);
  const std::string nan("\xcb\x7f\xf8\0\0\0\0\0\0", 9);
  CHECK(Canonicalize(nan, out).error().code == base::Code::kBadRequest);
}

TEST_CASE("canonically equivalent text is the same identity, in values and in keys") {
  CHECK(Canonical("{\"system\": \"caf\u00e9\"}") == Canonical("{\"system\": \"cafe\u0301\"}"));
  CHECK(Canonical("{\"\u00e9\": 1, \"f\": 2}") == Canonical("{\"f\": 2, \"e\u0301\": 1}"));
  CHECK(Canonical("\"\u00e9\"") != Canonical("\"e\""));
  CHECK(Canonical("\"\ufb01\"") != Canonical("\"fi\""));  // they only look alike
  CHECK(Canonical(R"({"$bin": "w6k="})") != Canonical(R"({"$bin": "ZcyB"})"));  // bytes are bytes
}

TEST_CASE("keys that are the same text stand twice, however they are spelled") {
  std::string out;
  const std::string twice(
      "\x82\xa2\xc3\xa9\x01\xa3"
      "e\xcc\x81\x02",
      10);
  CHECK(Canonicalize(twice, out).error().detail ==
        "an identity must not have the same key twice in a map");
}

TEST_CASE("text of an identity that is not UTF-8 is refused with the place") {
  std::string out;
  const auto refused = Canonicalize("\x91\xa2g\xff", out);
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == base::Code::kBadRequest);
  CHECK(refused.error().detail == "in an identity the text is not valid UTF-8 at byte offset 1");
}

// Entries of the time before NFC are served only where both rules agree: bytes in form C are their
// own canonical form, and other bytes are what no question has any more.
TEST_CASE("canonical bytes are their own canonical form") {
  for (const std::string_view json : {R"({"b": 1.5, "a": [null, true, -1, "x"]})",
                                      "{\"s\": \"e\u0301\", \"\u212b\": \"\u1e69\"}"}) {
    const std::string once = Canonical(json);
    std::string twice;
    REQUIRE(Canonicalize(once, twice).ok());
    CHECK(once == twice);
  }
}

TEST_CASE("namespace, tier, identity and text all are part of a key") {
  const KeyHasher hasher = Hasher();
  const auto one = storage::NamespaceId{1};
  const KeyHash hash = hasher.Exact(one, "id", "text");
  CHECK(hash == hasher.Exact(one, "id", "text"));
  CHECK(hash != hasher.Exact(storage::NamespaceId{2}, "id", "text"));
  CHECK(hash != hasher.Normalized(one, "id", "text"));
  CHECK(hash != hasher.Exact(one, "idt", "ext"));  // the border between the two moved
  CHECK(hash != hasher.Exact(one, "", "idtext"));
  CHECK(hash != KeyHasher(std::string(KeyHasher::kSecretBytes, 't')).Exact(one, "id", "text"));
  const std::string large(5000, 'x');
  CHECK(hasher.Exact(one, "", large) != hasher.Exact(one, "", large + "x"));
}

TEST_CASE("a hash survives its bytes, and hexadecimal shows all of them") {
  const KeyHash hash{0x0123456789abcdefULL, 42};
  const auto bytes = hash.Bytes();
  CHECK(KeyHash::FromBytes({bytes.data(), bytes.size()}) == hash);
  CHECK(hash.Hex().size() == 32);
}

TEST_CASE("rows survive their stored form") {
  Summary summary;
  summary.exact = {1, 2};
  summary.normalized = {3, 4};
  summary.id = 5;
  summary.created_at = base::UnixMillis{6};
  summary.worth = {7, 8, 9};
  summary.type = "factLookup";
  const RowKey key = SummaryKey(storage::NamespaceId{1}, summary.exact);
  const std::string stored = FormatSummary(summary);
  const auto read = ParseSummary(ViewOf(key), stored, base::UnixMillis{10});
  REQUIRE(read.ok());
  CHECK(read.value().exact == summary.exact);
  CHECK(read.value().normalized == summary.normalized);
  CHECK(read.value().id == 5);
  CHECK(read.value().worth.cost_nano == 9);
  CHECK(read.value().type == "factLookup");
  CHECK(base::ToInt(read.value().expires_at) == 10);

  const Body body{storage::NamespaceId{1}, 5, "identity", "prompt", "response", "model", "tags"};
  const std::string large = FormatBody(body);
  const auto again = ParseBody(large);
  REQUIRE(again.ok());
  CHECK(again.value().prompt == "prompt");
  CHECK(again.value().response == "response");
  CHECK(again.value().tags == "tags");
}

TEST_CASE("a row that is cut or too long is corrupt at every length") {
  const std::string body =
      FormatBody({storage::NamespaceId{1}, 5, "identity", "prompt", "response", "m", ""});
  for (std::size_t size = 0; size < body.size(); ++size) {
    CHECK(!ParseBody(std::string_view(body).substr(0, size)).ok());
  }
  CHECK(!ParseBody(body + "x").ok());
}

// The stored form, byte for byte: a change here needs a new version and a reader for the old one.
TEST_CASE("the stored form of a body is what FORMAT.md says") {
  const std::string body = FormatBody({storage::NamespaceId{2}, 3, "i", "p", "r", "", ""});
  const std::string expected(
      "\x01\x02\0\0\0\x03\0\0\0\0\0\0\0\x01\0\0\0i\x01\0\0\0p\0\0\0\0\0\0\0\0\x01\0\0\0r", 36);
  CHECK(body == expected);
}

}  // namespace
}  // namespace reprise::cache
