#include "server/routing/score.h"

#include <catch2/catch.hpp>

namespace reprise::routing {
namespace {

TEST_CASE("a score is the chance in percent that an answer is not good enough") {
  Estimate estimate;
  estimate.good_enough = 0.85;
  CHECK(ScoreOf(estimate) == Approx(15));
}

TEST_CASE("levels begin at their bounds, which are configured") {
  config::RoutingOptions options;
  const auto name = [&](double score) { return NameOf(LevelOf(score, options)); };
  CHECK(name(0) == "simple");
  CHECK(name(24.9) == "simple");
  CHECK(name(25) == "straightforward");
  CHECK(name(50) == "complex");
  CHECK(name(74.9) == "complex");
  CHECK(name(75) == "very complex");
  options.level_straightforward = 10;
  options.level_complex = 10;
  CHECK(name(9) == "simple");
  CHECK(name(10) == "complex");
}

TEST_CASE("confidence grows with outcomes, and faster with near ones") {
  Estimate estimate;
  CHECK(ConfidenceOf(estimate) == 0);
  estimate.outcomes = 200;
  const double far = ConfidenceOf(estimate);
  CHECK(far == Approx(0.5));
  estimate.near_evidence = 2;
  CHECK(ConfidenceOf(estimate) > far);
  CHECK(ConfidenceOf(estimate) < 1);
}

}  // namespace
}  // namespace reprise::routing
