#include "server/routing/platt.h"

#include <random>

#include <catch2/catch.hpp>

namespace reprise::routing {
namespace {

TEST_CASE("without evidence an estimate stays as it is") {
  const Platt platt;
  for (const double estimate : {0.01, 0.3, 0.5, 0.99}) {
    CHECK(platt.Apply(estimate) == Approx(estimate));
  }
}

TEST_CASE("estimates that claim too much are brought to what comes true") {
  Platt platt;
  std::mt19937 random(5);
  std::uniform_real_distribution<double> estimates(0.05, 0.95);
  const auto truth = [](double estimate) { return 0.2 + 0.4 * estimate; };
  for (int i = 0; i < 5'000; ++i) {
    const double estimate = estimates(random);
    platt.Learn(estimate, std::bernoulli_distribution(truth(estimate))(random) ? 1 : 0);
  }
  for (const double estimate : {0.1, 0.3, 0.5, 0.7, 0.9}) {
    CHECK(platt.Apply(estimate) == Approx(truth(estimate)).margin(0.06));
  }
  CHECK(platt.Apply(0.9) > platt.Apply(0.1));
}

TEST_CASE("a run of surprises leaves a probability") {
  Platt platt;
  for (int i = 0; i < 10'000; ++i) {
    platt.Learn(i % 2 == 0 ? 1 : 0, i % 2 == 0 ? 0 : 1);
  }
  for (const double estimate : {0.0, 0.5, 1.0}) {
    CHECK(platt.Apply(estimate) >= 0);
    CHECK(platt.Apply(estimate) <= 1);
  }
}

}  // namespace
}  // namespace reprise::routing
