#include "server/routing/drift.h"

#include <random>

#include <catch2/catch.hpp>

namespace reprise::routing {
namespace {

// Answers that are right with a chance; what is expected is `expected`.
struct Traffic {
  std::mt19937 random{11};
  Drift drift;

  bool Observe(double expected, double chance) {
    return drift.Observe(expected, std::bernoulli_distribution(chance)(random) ? 1 : 0);
  }
  // How many until there is drift; `most` and more: none.
  int Until(double expected, double chance, int most) {
    int count = 1;
    while (count < most && !Observe(expected, chance)) {
      ++count;
    }
    return count;
  }
};

TEST_CASE("noise around what is expected is no drift") {
  Traffic traffic;
  constexpr int kMany = 50'000;
  CHECK(traffic.Until(0.7, 0.7, kMany) == kMany);
}

TEST_CASE("a model that becomes worse or better by 0.3 is noticed within 150 outcomes") {
  for (const double chance : {0.4, 0.95}) {
    Traffic traffic;
    const double before = chance < 0.5 ? 0.7 : 0.65;
    REQUIRE(traffic.Until(before, before, 1'000) == 1'000);
    const int found = traffic.Until(before, chance, 1'000);
    CHECK(found > 10);
    CHECK(found <= 150);
  }
}

TEST_CASE("answers that are no longer told apart are drift although their mean is the same") {
  Traffic traffic;
  for (int i = 0; i < 1'000; ++i) {  // Known before they come.
    const bool is_easy = i % 2 == 0;
    REQUIRE_FALSE(traffic.Observe(is_easy ? 0.95 : 0.05, is_easy ? 0.95 : 0.05));
  }
  int count = 0;
  while (count < 1'000 && !traffic.Observe(count % 2 == 0 ? 0.95 : 0.05, 0.5)) {
    ++count;
  }
  CHECK(count < 100);
}

TEST_CASE("what is saved goes on where it was") {
  Traffic traffic;
  traffic.Until(0.7, 0.7, 500);
  traffic.Until(0.7, 0.4, 30);
  Drift loaded;
  const auto saved = traffic.drift.Save();
  loaded.Load(saved);
  CHECK(loaded.Save() == saved);
  int alike = 0;
  for (int i = 0; i < 200; ++i) {
    const double outcome = i % 3 == 0 ? 1 : 0;
    alike += loaded.Observe(0.7, outcome) == traffic.drift.Observe(0.7, outcome) ? 1 : 0;
  }
  CHECK(alike == 200);
}

}  // namespace
}  // namespace reprise::routing
