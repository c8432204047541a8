#include "server/semantic/budget.h"

#include <random>

#include <catch2/catch.hpp>

namespace reprise::semantic {
namespace {

TEST_CASE("the upper bound is that of Clopper and Pearson") {
  // 1 - 0.05^(1/n) for no wrong pair; the others from tables of the beta distribution.
  CHECK(UpperBound(0, 59, 0.95) == Approx(0.0495).margin(0.0002));
  CHECK(UpperBound(0, 149, 0.95) == Approx(0.0199).margin(0.0001));
  CHECK(UpperBound(1, 10, 0.95) == Approx(0.3942).margin(0.0002));
  CHECK(UpperBound(5, 100, 0.95) == Approx(0.1023).margin(0.0002));
  CHECK(UpperBound(0, 0, 0.95) == 1);
  CHECK(UpperBound(10, 10, 0.95) == 1);
}

TEST_CASE("bins are ordered and their floors are inside them") {
  double before = -1;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    CHECK(FloorOf(bin) > before);
    before = FloorOf(bin);
    if (bin > 0) {
      CHECK(BinOf(FloorOf(bin) + 1e-7) == bin);
    }
  }
  CHECK(BinOf(0) == 0);
  CHECK(BinOf(1) == kBins - 1);
}

TEST_CASE("without pairs nothing is served") {
  CHECK_FALSE(ThresholdOf(Tally(), {}).serves);
  Tally few;
  few.Add(0.99, true, 58);
  const BudgetOptions options{.max_error = 0.05, .confidence = 0.95};
  CHECK_FALSE(ThresholdOf(few, options).serves);
  few.Add(0.99, true);
  CHECK(ThresholdOf(few, options).serves);
}

TEST_CASE("the threshold goes down as far as the budget allows and no further") {
  Tally tally;
  tally.Add(0.999, true, 500);
  tally.Add(0.9, true, 300);
  tally.Add(0.9, false, 6);
  tally.Add(0.6, false, 200);
  tally.Add(0.2, true, 9'000);  // Behind the bad ones: never reached.
  const Ruling strict = ThresholdOf(tally, {.max_error = 0.01});
  REQUIRE(strict.serves);
  CHECK(BinOf(strict.threshold + 1e-7) == BinOf(0.999));
  CHECK(strict.observed == 0);
  const Ruling loose = ThresholdOf(tally, {.max_error = 0.03});
  REQUIRE(loose.serves);
  CHECK(BinOf(loose.threshold + 1e-7) == BinOf(0.9));
  CHECK(loose.bound <= 0.03);
  CHECK(loose.observed < loose.bound);
}

TEST_CASE("evidence takes the place of the prior") {
  Tally prior;
  prior.Add(0.95, true, 2'000);
  CHECK(ThresholdOf(prior, Tally(), {}).serves);
  Tally bad;
  bad.Add(0.95, false, 60);
  bad.Add(0.95, true, 60);
  CHECK_FALSE(ThresholdOf(prior, bad, {}).serves);
  Tally good;
  good.Add(0.7, true, 500);
  const Ruling learned = ThresholdOf(prior, good, {});
  REQUIRE(learned.serves);
  CHECK(learned.threshold < 0.71);
}

// What an operator relies on: whatever the scores are worth, the share of wrong answers that he
// gets stays inside the budget. The score here tells right from wrong only roughly.
TEST_CASE("of 200 calibrations at most one in twenty breaks its budget") {
  constexpr std::uint64_t kSeed = 20'261'121;
  std::mt19937_64 random(kSeed);
  const auto draw = [&random](bool is_right) {
    std::normal_distribution<double> logit(is_right ? 2.5 : -1.0, 2.0);
    return 1 / (1 + std::exp(-logit(random)));
  };
  int broken = 0;
  constexpr int kRuns = 200;
  constexpr double kBudget = 0.05;
  for (int run = 0; run < kRuns; ++run) {
    Tally known;
    for (int i = 0; i < 600; ++i) {
      const bool is_right = random() % 2 == 0;
      known.Add(draw(is_right), is_right);
    }
    const Ruling ruling = ThresholdOf(known, {.max_error = kBudget});
    if (!ruling.serves) {
      continue;
    }
    int served = 0;
    int wrong = 0;
    for (int i = 0; i < 20'000; ++i) {  // Many, so that what is seen is the true share.
      const bool is_right = random() % 2 == 0;
      if (draw(is_right) >= ruling.threshold) {
        ++served;
        wrong += is_right ? 0 : 1;
      }
    }
    broken += wrong > kBudget * served ? 1 : 0;
  }
  INFO("broken " << broken << " of " << kRuns);
  CHECK(broken <= kRuns / 20);
}

}  // namespace
}  // namespace reprise::semantic
