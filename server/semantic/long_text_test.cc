#include "server/semantic/long_text.h"

#include <cmath>
#include <string>

#include <catch2/catch.hpp>

#include "protocol/base/clock.h"
#include "server/semantic/parts.h"

namespace reprise::semantic {
namespace {

std::unique_ptr<Embedding> Hash() {
  static const base::SystemClock clock;
  EmbeddingOptions options;
  options.embedder = "hash";
  return Embedding::Make(options, clock).value();
}

constexpr storage::NamespaceId kOwner{1};

float Cosine(std::string_view one, std::string_view other) {
  const auto embedding = Hash();
  const auto left = EmbedWhole(*embedding, {kOwner, one}).value();
  const auto right = EmbedWhole(*embedding, {kOwner, other}).value();
  float cosine = 0;
  for (std::size_t i = 0; i < left->vector.size(); ++i) {
    cosine += left->vector[i] * right->vector[i];
  }
  return cosine;
}

std::string Document(int seed) {
  std::string text;
  for (int i = 0; i < 80; ++i) {
    text += "Line " + std::to_string(seed + i) + " of the report is about item " +
            std::to_string(seed * 7 + i) + ".\n";
  }
  return text;
}

TEST_CASE("a short text has the vector that the embedder gives it") {
  const auto embedding = Hash();
  const std::string_view text = "How do I reset my password?";
  CHECK(EmbedWhole(*embedding, {kOwner, text}).value()->vector ==
        embedding->Embed({kOwner, text}).value()->vector);
}

TEST_CASE("a long text has a unit vector in which its last word counts") {
  const std::string text = "Summarise this: " + Document(1);
  CHECK(Cosine(text, text) == Approx(1).margin(1e-4));
  CHECK(Cosine(text, text + "One word more.") < 0.9999F);
}

TEST_CASE("the same text with the question in other words is nearest") {
  const std::string asked = Document(1) + "How do I reset my password?";
  const float same = Cosine(asked, Document(1) + "How can I reset my password?");
  const float question = Cosine(asked, Document(1) + "Who wrote it?");
  const float document = Cosine(asked, Document(9'000) + "How do I reset my password?");
  const float nothing = Cosine(asked, Document(9'000) + "Who wrote it?");
  CHECK(same > question);
  CHECK(same > document + 0.1F);
  CHECK(document < 0.7F);
  CHECK(question > nothing + 0.2F);
  CHECK(nothing < 0.3F);
}

TEST_CASE("what is longer than the tier reads has no vector") {
  const auto embedding = Hash();
  CHECK(EmbedWhole(*embedding, {kOwner, std::string(kReadBytesMax, 'a')}).ok());
  const auto refused = EmbedWhole(*embedding, {kOwner, std::string(kReadBytesMax + 1, 'a')});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == base::Code::kBadRequest);
}

}  // namespace
}  // namespace reprise::semantic
