#include "server/control/bet.h"

#include <algorithm>
#include <cmath>
#include <random>

#include <catch2/catch.hpp>

namespace reprise::control {
namespace {

// How often the wealth reaches `needed` in so many observations.
template <typename Score>
int TripsIn(int observations, double needed, Score score) {
  Bet bet;
  int trips = 0;
  for (int i = 0; i < observations; ++i) {
    bet.Take(score());
    if (bet.wealth() >= needed) {
      ++trips;
      bet = Bet();
    }
  }
  return trips;
}

TEST_CASE("a figure on its limit trips no more often than is stated, whatever its shape") {
  constexpr int kObservations = 20'000;
  constexpr double kNeeded = 500;
  constexpr int kAllowed = 40 + 3 * 7;  // kObservations / kNeeded, and three standard deviations
  const auto seed = GENERATE(1U, 2U, 3U);
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(-1, 1);
  CHECK(TripsIn(kObservations, kNeeded, [&] { return uniform(random); }) <= kAllowed);
  // Seldom very bad: nine in ten a little better than the limit.
  std::bernoulli_distribution seldom(0.1);
  CHECK(TripsIn(kObservations, kNeeded, [&] { return seldom(random) ? 2.1 : -2.1 / 9; }) <=
        kAllowed);
  // Seldom very good.
  CHECK(TripsIn(kObservations, kNeeded, [&] { return seldom(random) ? -0.9 : 0.1; }) <= kAllowed);
  // Long good and bad spells that say nothing of each other within.
  std::bernoulli_distribution turn(0.02);
  double spread = 0.1;
  CHECK(TripsIn(kObservations, kNeeded, [&] {
          spread = turn(random) ? 1.0 - spread : spread;
          return spread * uniform(random);
        }) <= kAllowed);
}

TEST_CASE("a healthy figure wins nothing, however long it lasts") {
  Bet bet;
  double most = 0;
  for (int i = 0; i < 10'000; ++i) {
    bet.Take(i % 2 == 0 ? -0.4 : 0.2);
    most = std::max(most, bet.wealth());
  }
  CHECK(most < 1.5);
}

TEST_CASE("a change after years of health is seen as soon as one on the first day") {
  const auto observations_until = [](Bet bet) {
    int count = 0;
    while (bet.wealth() < 1e7) {
      bet.Take(0.4);
      ++count;
    }
    return count;
  };
  Bet old;
  int survived = 0;
  for (int i = 0; i < 100'000; ++i) {
    survived += old.Take(-0.5) ? 1 : 0;
  }
  CHECK(survived == 0);
  CHECK(observations_until(old) == observations_until(Bet()));
  CHECK(observations_until(Bet()) < 60);
}

TEST_CASE("no observation is worth more than a factor of three, and the worst ones no infinity") {
  Bet bet;
  for (int i = 0; i < 200; ++i) {
    const double before = bet.wealth();
    bet.Take(1e9);
    CHECK(bet.wealth() < 3 * before);
  }
  CHECK(std::isfinite(bet.wealth()));
  bet.Take(-1e9);
  CHECK(bet.wealth() >= 1);
}

}  // namespace
}  // namespace reprise::control
