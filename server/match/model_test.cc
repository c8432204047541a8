// Features, alignment and the model that they go into.
#include "server/match/model.h"

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "server/match/alignment.h"
#include "server/match/idf.h"

namespace reprise::match {
namespace {

float At(const Features& features, Feature feature) {
  return features[static_cast<std::size_t>(feature)];
}

Assessment AssessTexts(std::string_view stored, std::string_view asked,
                       const Outside* outside = nullptr) {
  return Assess(ReadWords(stored), ReadWords(asked), outside);
}

TEST_CASE("the model was fitted for these features, in this order") {
  CHECK(ModelFeaturesVersion() == kFeaturesVersion);
  REQUIRE(ModelFeatures() == kFeatures);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kFeatures; ++i) {
    CHECK(ModelFeatureName(i) == NameOfFeature(i));
    names.insert(NameOfFeature(i));
  }
  CHECK(names.size() == kFeatures);
}

TEST_CASE("a probability is one, and a veto makes it nothing") {
  CHECK(AssessTexts("enable 2FA", "disable 2FA").probability == 0);
  CHECK(AssessTexts("What is machine learning?", "Tell me about machine learning").probability >
        AssessTexts("What is machine learning?", "How are bricks made?").probability);
  Features features{};
  features[0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(Probability(features) == 0);
  features.fill(1e6F);
  CHECK(Probability(features) >= 0);
  CHECK(Probability(features) <= 1);
}

TEST_CASE("texts that share no word that says something are not the same question") {
  Outside outside;
  outside.cosine = 0.99F;
  outside.alignment.fill(0.99F);
  CHECK(AssessTexts("too many", "what about that?", &outside).probability == 0);
  CHECK(AssessTexts("mend a bike", "repair my bicycle", &outside).probability > 0);
}

TEST_CASE("two short names are no slip of each other") {
  CHECK(At(AssessTexts("What is RAII?", "What is RAID?").features, Feature::kOverlap) == 0);
  CHECK(At(AssessTexts("What does SSD stand for?", "What does SSH stand for?").features,
           Feature::kEqual) == 0);
  CHECK(At(AssessTexts("Where is my seat?", "Where is my seet?").features, Feature::kOverlap) > 0);
}

TEST_CASE("equal texts share everything, others what they have in common") {
  const Features same = AssessTexts("how do I reset my router", "How to reset my router?").features;
  CHECK(At(same, Feature::kOverlap) == 1);
  CHECK(At(same, Feature::kEqual) == 1);
  CHECK(At(same, Feature::kLongestCommon) == 1);
  CHECK(At(same, Feature::kAloneAsked) == 0);
  CHECK(At(same, Feature::kHasVectors) == 0);
  const Features other = AssessTexts("how do I reset my router", "how do I sell my piano").features;
  CHECK(At(other, Feature::kOverlap) == 0);
  CHECK(At(other, Feature::kEqual) == 0);
  CHECK(At(other, Feature::kHeaviestAsked) > 0);
}

TEST_CASE("each feature is a finite number, for empty texts too") {
  for (const auto& [stored, asked] : {std::pair<std::string_view, std::string_view>{"", ""},
                                      {"", "why"},
                                      {"the of", "a"},
                                      {"5", "5 5 5"},
                                      {"что это", "42"}}) {
    for (const float value : AssessTexts(stored, asked).features) {
      CHECK(std::isfinite(value));
    }
  }
}

TEST_CASE("what the caller knows comes last and unchanged") {
  Outside outside;
  outside.cosine = 0.75F;
  outside.rival = 0.8F;
  outside.alignment.fill(0.5F);
  const Features features = AssessTexts("a cat", "a dog", &outside).features;
  CHECK(At(features, Feature::kHasVectors) == 1);
  CHECK(At(features, Feature::kCosine) == 0.75F);
  CHECK(At(features, Feature::kCrowd) == 1);
  CHECK(At(features, Feature::kRatio) == Approx(std::log(0.26 / 0.21)));
  CHECK(features.back() == 0.5F);
}

TEST_CASE("a statement that is much nearer than its rivals is likelier") {
  Outside outside;
  outside.cosine = 0.9F;
  outside.alignment.fill(0.8F);
  const auto given = [&](std::optional<float> rival) {
    outside.rival = rival;
    return AssessTexts("The filter method selects the rows of a table that match.",
                       "The filter method picks those rows of a table that match.", &outside);
  };
  CHECK(given(0.72F).probability > given(0.88F).probability);
  CHECK(given(0.88F).probability > given(0.95F).probability);
  // Rivals that are far are as if they were not so far: a small crowd is no proof.
  CHECK(given(0.1F).probability == given(0.7F).probability);
  CHECK(At(given(std::nullopt).features, Feature::kCrowd) == 0);
  CHECK(At(given(std::nullopt).features, Feature::kRatio) == 0);
}

TEST_CASE("a crowd makes no question likelier than it is by itself") {
  Outside outside;
  outside.cosine = 0.93F;
  outside.alignment.fill(0.8F);
  const auto given = [&](std::optional<float> rival) {
    outside.rival = rival;
    return AssessTexts("How do I reverse a list in Python?", "How do I sort a list in Python?",
                       &outside)
        .probability;
  };
  CHECK(given(0.2F) <= given(std::nullopt));
  CHECK(given(0.92F) <= given(std::nullopt));
}

TEST_CASE("weights of words lie between nothing and that of an unseen one") {
  CHECK(IdfOf("zzyzx") == kIdfUnseen);
  CHECK(!IsKnownWord("zzyzx"));
  CHECK(IdfOf("python") < kIdfUnseen);
  CHECK(IdfOf("python") > 0);
}

// One token a word, each with a vector of its own.
struct Vectors {
  std::vector<TokenRange> tokens;
  std::vector<float> contextual;
  std::vector<float> input;

  TokenVectors View() const { return {tokens, contextual, 2, input, 2}; }
};

TEST_CASE("a word is met by the nearest word of the other side") {
  const Words stored = ReadWords("purple zebra");
  const Words asked = ReadWords("violet zebra");
  const Vectors one{{{0, 6}, {7, 12}}, {1, 0, 0, 1}, {1, 0, 0, 1}};
  const Vectors other{{{0, 6}, {7, 12}}, {0.8F, 0.6F, 0, 1}, {0, -1, 0, 1}};
  const TokenVectors here = one.View();
  const TokenVectors there = other.View();
  const auto out = Align({stored, here}, {asked, there});
  CHECK(out[1] == Approx(0.8));  // purple by violet
  CHECK(out[2] == 0);            // all is met
  CHECK(out[4] == Approx(0.8));  // violet, the other way round
  CHECK(out[7] == Approx(0.0));  // purple, by input vectors, by nobody
  CHECK(out[8] > 0);
}

TEST_CASE("missing, short and empty vectors are passed over") {
  const Words words = ReadWords("purple zebra");
  const Vectors none{};
  const Vectors zeros{{{0, 6}, {7, 12}}, {0, 0, 0, 0}, {0, 0}};
  const TokenVectors here = none.View();
  const TokenVectors there = zeros.View();
  for (const float value : Align({words, here}, {words, there})) {
    CHECK(std::isfinite(value));
  }
  const Words empty = ReadWords("");
  CHECK(Align({empty, here}, {empty, here})[0] == 1);
  CHECK(Align({words, here}, {empty, there})[0] == 1);  // no vectors on either side
}

}  // namespace
}  // namespace reprise::match
