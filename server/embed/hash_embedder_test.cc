#include "server/embed/hash_embedder.h"

#include <cmath>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "server/embed/test_support.h"

namespace reprise::embed {
namespace {

Vector VectorOf(std::string_view text) {
  auto vector = HashEmbedder().Embed(text);
  REQUIRE(vector.ok());
  return std::move(vector).value();
}

double Likeness(std::string_view a, std::string_view b) {
  return Cosine(VectorOf(a), VectorOf(b));
}

TEST_CASE("texts that share words are nearer than texts that do not") {
  constexpr std::string_view kQuestion = "How do I reset my password?";
  CHECK(Likeness(kQuestion, "how do i reset my password") == Approx(1.0));
  CHECK(Likeness(kQuestion, "How can I reset the password?") >
        Likeness(kQuestion, "How can I reset the router?"));
  CHECK(Likeness(kQuestion, "resetting passwords") >
        Likeness(kQuestion, "What is the capital of France?") + 0.2);
}

TEST_CASE("words that carry little count little") {
  CHECK(Likeness("the weather in Paris", "weather Paris") > 0.9);
  CHECK(Likeness("the dog", "the cat") < 0.4);
  CHECK(Likeness("is it safe", "is it not safe") < 0.9);
}

TEST_CASE("a spelling mistake moves a text less than another word") {
  CHECK(Likeness("machine learning", "machine lerning") >
        Likeness("machine learning", "machine washing"));
}

TEST_CASE("signs that belong to a word stay with it") {
  CHECK(Likeness("learn c", "learn c++") < 0.95);
  CHECK(Likeness("learn c#", "learn c++") < 0.95);
  CHECK(Likeness("2+2", "2+3") < 0.95);
}

TEST_CASE("any text has a hashed vector of length 1, but for what is not UTF-8") {
  for (const std::string& text : {std::string(), std::string("?"), std::string("x"),
                                  std::string("\u65e5\u672c\u8a9e"), std::string(50'000, 'a')}) {
    double squares = 0;
    for (const float value : VectorOf(text)) {
      squares += double{value} * value;
    }
    CHECK(squares == Approx(1.0).epsilon(1e-5));
  }
  const auto refused = HashEmbedder().Embed("abc\xff");
  REQUIRE(!refused.ok());
  CHECK(refused.error().code == base::Code::kBadRequest);
}

// Vectors are stored: whoever changes these numbers changes the fingerprint.
TEST_CASE("hashed vectors stay what they are") {
  const Vector vector = VectorOf("What is machine learning?");
  double sum = 0;
  for (std::size_t i = 0; i < vector.size(); ++i) {
    sum += double{vector[i]} * static_cast<double>(i % 31);
  }
  CHECK(HashEmbedder().Fingerprint() == "hash/512/1");
  CHECK(sum == Approx(32.68005).margin(1e-4));
}

}  // namespace
}  // namespace reprise::embed
