#include "server/routing/learner.h"

#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "server/routing/projection.h"
#include "server/routing/reader.h"

namespace reprise::routing {
namespace {

// Two models; the second is good at everything, the first not at proofs.
struct School {
  School() {
    learner.AddColumn(0);
    learner.AddColumn(1);
  }
  static std::string Easy(int i) { return "what is the capital of country " + std::to_string(i); }
  static std::string Hard(int i) {
    return "prove that the lemma holds for every ring " + std::to_string(i);
  }
  Input Read(std::string_view text) const { return reader.Expand(reader.Read({.text = text})); }
  void Learn(std::string_view text, std::size_t column, float quality,
             std::uint8_t type = kNoType) {
    changes += learner.Learn(Read(text), {++event, type, column, quality}) ? 1 : 0;
  }
  void LearnBoth(int count) {
    for (int i = 0; i < count; ++i) {
      Learn(Easy(i), 0, 1);
      Learn(Easy(i), 1, 1);
      Learn(Hard(i), 0, 0);
      Learn(Hard(i), 1, 1);
    }
  }
  std::vector<Estimate> Ask(std::string_view text, std::uint8_t type = kNoType) const {
    const Input input = Read(text);
    return learner.Predict(input, learner.Look(input), type);
  }

  Reader reader;
  Learner learner{Learner::Settings{}};
  std::uint64_t event = 0;
  int changes = 0;
};

TEST_CASE("a learner tells prompts apart that a model answers well and badly") {
  School school;
  school.LearnBoth(40);
  const auto easy = school.Ask(School::Easy(1'000));
  const auto hard = school.Ask(School::Hard(1'000));
  CHECK(easy[0].quality > hard[0].quality + 0.4);
  CHECK(hard[1].quality > hard[0].quality + 0.4);
  CHECK(easy[0].good_enough > 0.7);
  CHECK(hard[0].good_enough < 0.3);
  CHECK(easy[0].outcomes == 80);
  CHECK(school.changes == 0);
}

TEST_CASE("before any outcome a model stands between the cheapest and the strongest by its rank") {
  const School school;
  const Input input = school.Read("what is a monad");
  CHECK(Learner::Before(input, 0).quality < Learner::Before(input, 1).quality);
  const auto asked = school.Ask("what is a monad");
  CHECK(asked[0].quality < asked[1].quality);
  CHECK(asked[1].outcomes == 0);
}

TEST_CASE("what is saved answers as before, and learns on") {
  School school;
  school.LearnBoth(10);
  std::string bytes;
  school.learner.Save(bytes);
  Learner loaded{Learner::Settings{}};
  Cursor cursor(bytes);
  REQUIRE(loaded.Load(cursor));
  CHECK(cursor.Complete());
  CHECK(loaded.event() == school.event);
  const Input hard = school.Read(School::Hard(77));
  for (int i = 0; i < 3; ++i) {
    for (const std::size_t column : {0U, 1U}) {
      CHECK(loaded.Predict(hard, {}, kNoType)[column].quality ==
            school.learner.Predict(hard, {}, kNoType)[column].quality);
    }
    const Learner::Outcome outcome{++school.event, kNoType, 0, 1};
    loaded.Learn(hard, outcome);
    school.learner.Learn(hard, outcome);
  }
}

TEST_CASE("no beginning of what was saved is taken") {
  School school;
  school.LearnBoth(1);
  std::string bytes;
  school.learner.Save(bytes);
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, bytes.size() / 2, bytes.size() - 1}) {
    Learner loaded{Learner::Settings{}};
    Cursor cursor(std::string_view(bytes).substr(0, size));
    CHECK_FALSE(loaded.Load(cursor));
    CHECK(loaded.columns() == 0);
  }
  bytes[1] = static_cast<char>(bytes[1] + 1);  // Another prior.
  Cursor cursor(bytes);
  CHECK_FALSE(Learner(Learner::Settings{}).Load(cursor));
}

TEST_CASE("a type that is answered worse is expected to be answered worse") {
  School school;
  constexpr std::uint8_t kLaw = 3;
  for (int i = 0; i < 60; ++i) {
    school.Learn(School::Easy(i), 0, i % 2 == 0 ? 1.0F : 0.0F, i % 2 == 0 ? kNoType : kLaw);
  }
  CHECK(school.Ask(School::Easy(500), kLaw)[0].type_shift < -0.1);
  CHECK(school.Ask(School::Easy(500), kLaw)[0].quality < school.Ask(School::Easy(500))[0].quality);
}

TEST_CASE("a model that has changed is noticed and learned anew") {
  School school;
  for (int i = 0; i < 100; ++i) {
    school.Learn(School::Easy(i), 0, 1);
  }
  REQUIRE(school.learner.drifts() == 0);
  int until = 0;
  while (until < 200 && school.learner.drifts() == 0) {
    school.Learn(School::Easy(until++), 0, 0);
  }
  CHECK(school.learner.drifts() == 1);
  CHECK(school.learner.OutcomesOf(0) == 0);
  for (int i = 0; i < 20; ++i) {
    school.Learn(School::Easy(i), 0, 0);
  }
  CHECK(school.Ask(School::Easy(500))[0].quality < 0.3);
}

TEST_CASE("outcomes nearby speak for a prompt until they are forgotten") {
  School school;
  const auto at = [&](float x, float y) {
    Place place{};
    place[0] = x;
    place[1] = y;
    Input input = school.Read("the same words");
    input.features.place = Packed(UnitOf(place));
    input.features.place_length = 1;
    input.features.embedder = 1;
    return input;
  };
  const auto near_quality = [&](const Input& input) {
    return school.learner.Predict(input, school.learner.Look(input), kNoType)[0].views[2];
  };
  for (std::uint32_t slot = 0; slot < 40; ++slot) {
    const bool is_left = slot % 2 == 0;
    const Input input = is_left ? at(1, 0) : at(0, 1);
    school.learner.Place(slot, input.features, slot + 1);
    school.learner.Note(slot, 0, is_left ? 0.0F : 1.0F);
  }
  CHECK(near_quality(at(1, 0)) < 0.2);
  CHECK(near_quality(at(0, 1)) > 0.8);
  for (std::uint32_t slot = 0; slot < 40; slot += 2) {
    school.learner.Forget(slot);
  }
  CHECK(near_quality(at(1, 0)) > 0.5);
  // Another embedder's places have nothing to do with these.
  Input foreign = at(0, 1);
  foreign.features.embedder = 2;
  CHECK(school.learner.Look(foreign).found.empty());
}

}  // namespace
}  // namespace reprise::routing
