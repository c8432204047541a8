#include "bench/load/histogram.h"

#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include "bench/load/content.h"

namespace reprise::bench {
namespace {

constexpr double kErrorMax = 1.0 / 1024;

}  // namespace

TEST_CASE("An empty histogram reports zeros") {
  const Histogram histogram;
  CHECK(histogram.count() == 0);
  CHECK(histogram.Percentile(99) == 0);
  CHECK(histogram.min() == 0);
  CHECK(histogram.max() == 0);
  CHECK(histogram.Mean() == 0.0);
}

TEST_CASE("Values below 2048 are exact") {
  for (std::int64_t value = 0; value < 2048; ++value) {
    Histogram histogram;
    histogram.Record(value);
    histogram.Record(1'000'000);  // So that the maximum does not cap the answer.
    REQUIRE(histogram.Percentile(50) == value);
  }
}

TEST_CASE("Every power of two and its neighbours stay within three significant digits") {
  for (unsigned power = 1; power < 40; ++power) {
    for (const std::int64_t offset : {-1, 0, 1}) {
      const std::int64_t value = (std::int64_t{1} << power) + offset;
      Histogram histogram;
      histogram.Record(value);
      histogram.Record(Histogram::kValueMax);
      const std::int64_t reported = histogram.Percentile(50);
      REQUIRE(reported >= value);
      REQUIRE(static_cast<double>(reported - value) <= kErrorMax * static_cast<double>(value));
    }
  }
}

TEST_CASE("Percentiles of random durations agree with a sorted list") {
  Random random(7);
  Histogram histogram;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    const auto value = static_cast<std::int64_t>(std::exp(random.Fraction() * 24.0));
    values.push_back(value);
    histogram.Record(value);
  }
  std::sort(values.begin(), values.end());
  for (const double percent : {0.0, 1.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
    const auto rank =
        std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(percent / 100.0 * 20'000.0)));
    const auto exact = static_cast<double>(values[rank - 1]);
    const auto reported = static_cast<double>(histogram.Percentile(percent));
    REQUIRE(reported >= exact);
    REQUIRE(reported - exact <= kErrorMax * exact);
  }
  CHECK(histogram.max() == values.back());
  CHECK(histogram.min() == values.front());
}

TEST_CASE("Out of range values are counted at the ends") {
  Histogram histogram;
  histogram.Record(-5);
  histogram.Record(Histogram::kValueMax * 2);
  CHECK(histogram.count() == 2);
  CHECK(histogram.min() == 0);
  CHECK(histogram.max() == Histogram::kValueMax);
  CHECK(histogram.Percentile(100) == Histogram::kValueMax);
}

TEST_CASE("Adding histograms is the same as recording into one") {
  Histogram left;
  Histogram right;
  Histogram all;
  Random random(9);
  for (int i = 0; i < 1'000; ++i) {
    const auto value = static_cast<std::int64_t>(random.Below(10'000'000));
    (i % 3 == 0 ? left : right).Record(value);
    all.Record(value);
  }
  left.Add(right);
  CHECK(left.count() == all.count());
  CHECK(left.Mean() == all.Mean());
  for (const double percent : {1.0, 50.0, 99.0}) {
    CHECK(left.Percentile(percent) == all.Percentile(percent));
  }
  left.Clear();
  CHECK(left.count() == 0);
  CHECK(left.Percentile(50) == 0);
}

}  // namespace reprise::bench
