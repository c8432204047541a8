#include "server/routing/pacing.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

#include <catch2/catch.hpp>

namespace reprise::routing {
namespace {

TEST_CASE("at the price asked for, the wanted share of the latest calls is cheap") {
  std::vector<double> prices(Pacing::kWindow);
  std::iota(prices.begin(), prices.end(), 0.0);
  std::shuffle(prices.begin(), prices.end(), std::mt19937(7));
  Pacing pacing;
  for (const double price : prices) {
    pacing.Add(price, price < 512 * 0.95);
  }
  for (const double share : {0.1, 0.45, 0.9}) {
    const double price = pacing.PriceFor(share).value();
    const auto cheap =
        std::count_if(prices.begin(), prices.end(), [price](double each) { return each <= price; });
    CHECK(static_cast<double>(cheap) ==
          Approx(share * static_cast<double>(Pacing::kWindow)).margin(1));
  }
}

TEST_CASE("a handful of calls has no quantile, and no share needs no price") {
  Pacing pacing;
  for (std::size_t i = 1; i < Pacing::kCallsMin; ++i) {
    pacing.Add(1, true);
  }
  CHECK_FALSE(pacing.PriceFor(0.5).has_value());
  pacing.Add(1, true);
  CHECK(pacing.PriceFor(0.5) == 1.0);
  CHECK_FALSE(pacing.PriceFor(0).has_value());
}

TEST_CASE("only the latest calls count") {
  Pacing pacing;
  for (std::size_t i = 0; i < Pacing::kWindow; ++i) {
    pacing.Add(std::numeric_limits<double>::infinity(), true);
  }
  for (std::size_t i = 0; i < Pacing::kWindow; ++i) {
    pacing.Add(2, true);
  }
  CHECK(pacing.PriceFor(0.9) == 2.0);
}

TEST_CASE("traffic that becomes harder and harder still has the share") {
  Pacing pacing;
  int cheap = 0;
  constexpr int kCalls = 2'000;
  for (int i = 0; i < kCalls; ++i) {
    const double tips_at = 0.05 * i + (i * 37 % 100);
    const auto price = pacing.PriceFor(0.45);
    const bool is_cheap = price.has_value() && tips_at <= *price;
    pacing.Add(tips_at, is_cheap);
    cheap += is_cheap ? 1 : 0;
  }
  // The quantile of the window alone would make a third cheap.
  CHECK(cheap > 0.37 * kCalls);
}

TEST_CASE("a budget presses by what is left for the time that is left") {
  CHECK(PressureOf(0.5, 0.5) == Approx(0.5));
  CHECK(PressureOf(0.9, 0.9) == Approx(0.5));
  CHECK(PressureOf(0.51, 0.5) > 0.6);
  CHECK(PressureOf(0.91, 0.9) > PressureOf(0.51, 0.5));  // Less time to make up for it.
  CHECK(PressureOf(0.3, 0.5) == 0);
  CHECK(PressureOf(0.99, 0.5) < 1);
  CHECK(PressureOf(1, 0.5) == 1);
  CHECK(PressureOf(1.2, 0.5) == 1.2);
  CHECK(PressureOf(0.4, 0) == 0.4);  // Its period does not end.
}

}  // namespace
}  // namespace reprise::routing
