#include "server/jobs/classifier.h"

#include <set>

#include <catch2/catch.hpp>

#include "server/jobs/test_jobs.h"
#include "server/jobs/trainer.h"

namespace reprise::jobs {
namespace {

std::vector<Example> SomeExamples() {
  return {{"translate this into german", "translate"},
          {"what is it in french", "translate"},
          {"how do you say hello in spanish", "translate"},
          {"sum up the text", "summarize"},
          {"a short summary please", "summarize"},
          {"make this shorter", "summarize"},
          {"what is 3 plus 4", "sums"},
          {"add 17 and 5", "sums"},
          {"how much is two times two", "sums"}};
}

Classifier Trained() {
  auto model = Train(SomeExamples(), {});
  REQUIRE(model.ok());
  return std::move(model).value();
}

TEST_CASE("features are words, pairs and pieces, each kind of length one") {
  FeatureMaker maker(16);
  const std::vector<Feature> features = maker.Make("Where is my card?", {});
  double square = 0;
  std::set<std::uint32_t> buckets;
  for (const Feature& feature : features) {
    square += static_cast<double>(feature.weight) * static_cast<double>(feature.weight);
    CHECK(buckets.insert(feature.bucket).second);
    CHECK(feature.bucket < 65'536);
  }
  CHECK(square == Approx(2).epsilon(0.05));  // A bucket of both kinds adds up.
  CHECK(std::is_sorted(features.begin(), features.end(),
                       [](const Feature& a, const Feature& b) { return a.bucket < b.bucket; }));
  const std::vector<Feature> other = maker.Make("WHERE IS MY CARD", {});
  CHECK(other == features);
  CHECK(maker.Make("", {}).empty());
  CHECK(maker.Make("?!", {}).empty());
  CHECK_FALSE(maker.Make("\xff\xfe\x80", {}).empty());  // No UTF-8, but bytes.
}

TEST_CASE("a text of any length costs no more than its first bytes") {
  FeatureMaker maker(16);
  const std::string head(kTextBytesMax, 'a');
  const std::vector<Feature> features = maker.Make(head, {});
  CHECK(maker.Make(head + std::string(100'000, 'b'), {}) == features);
}

TEST_CASE("what was learned is told, of words that were not seen together too") {
  const Classifier model = Trained();
  CHECK(model.Classify("please translate hello into french").category == "translate");
  CHECK(model.Classify("a shorter text please").category == "summarize");
  CHECK(model.Classify("how much is 17 plus 4").category == "sums");
  CHECK(model.Classify("please translate hello into french").score > 0);
  CHECK(model.Classify("please translate hello into french").margin > 0);
  for (const Example& example : SomeExamples()) {
    CHECK(model.Classify(example.text).category == example.category);
  }
}

TEST_CASE("the same examples give the same model, and its bytes give it back") {
  const std::string bytes = Trained().Serialize();
  CHECK(Trained().Serialize() == bytes);
  const auto read = Classifier::Parse(bytes);
  REQUIRE(read.ok());
  CHECK(read.value().Serialize() == bytes);
  for (const Example& example : SomeExamples()) {
    CHECK(read.value().Classify(example.text).category == example.category);
  }
  for (const std::size_t cut :
       {std::size_t{0}, std::size_t{1}, std::size_t{20}, bytes.size() / 2, bytes.size() - 1}) {
    CHECK_FALSE(Classifier::Parse(bytes.substr(0, cut)).ok());
  }
}

TEST_CASE("examples of one category, or of too many, are refused") {
  CHECK(Train({{"a", "x"}, {"b", "x"}}, {}).error().code == base::Code::kBadRequest);
  CHECK(Train({}, {}).error().code == base::Code::kBadRequest);
  std::vector<std::string> names;
  std::vector<Example> many;
  for (int i = 0; i <= 256; ++i) {
    names.push_back("category " + std::to_string(i));
  }
  many.reserve(names.size());
  for (const std::string& name : names) {
    many.push_back({name, name});
  }
  CHECK(Train(many, {}).error().code == base::Code::kTooLarge);
}

TEST_CASE("a namespace keeps its classifier over restarts, and learns more") {
  JobsKit kit(storage::EngineKind::kRocksDb);
  CHECK(kit.jobs->Classify(kHere, "translate this").category.empty());
  REQUIRE(kit.jobs->Train(kHere, SomeExamples(), false).ok());
  CHECK(kit.jobs->Classify(kHere, "translate this").category == "translate");
  CHECK(kit.jobs->Classify(kThere, "translate this").category.empty());
  CHECK_FALSE(kit.jobs->Train(kHere, {{"only one", "one"}}, false).ok());
  CHECK(kit.jobs->Classify(kHere, "translate this").category == "translate");
  const auto more = kit.jobs->Train(
      kHere, {{"write a poem about spring", "poems"}, {"a poem for my wife", "poems"}}, true);
  REQUIRE(more.ok());
  CHECK(more.value().examples == 11);
  CHECK(more.value().categories == 4);
  kit.Reopen();
  CHECK(kit.jobs->Classify(kHere, "translate this").category == "translate");
  CHECK(kit.jobs->Classify(kHere, "a poem about my wife").category == "poems");
}

}  // namespace
}  // namespace reprise::jobs
