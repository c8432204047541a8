#include "server/control/monitor.h"

#include <cmath>
#include <random>

#include <catch2/catch.hpp>

namespace reprise::control {
namespace {

constexpr std::int64_t kSliceMs = 60'000;
constexpr double kNeeded = 1.44e7;
constexpr std::uint64_t kManyUnits = 500;

// Calls that come every two seconds.
struct Bench {
  Bench(Metric metric, double limit)
      : monitor(metric, static_cast<std::int64_t>(std::llround(limit * 1e6))) {}

  void Add(Group group, double value, std::optional<double> baseline = std::nullopt) {
    // Scattered as hashes are.
    const std::uint64_t unit = (++calls % units) * 0x9E3779B97F4A7C15;
    monitor.Add({group, unit ^ (unit >> 29U), value, baseline, now}, kSliceMs);
    now = now + step_ms;
  }
  // Calls until it trips; 0: it does not, in so many.
  template <typename Step>
  int CallsUntilTrip(int calls_max, Step step) {
    for (int i = 1; i <= calls_max; ++i) {
      step();
      if (monitor.IsTripped(kNeeded)) {
        return i;
      }
    }
    return 0;
  }

  Monitor monitor;
  base::UnixMillis now{1'700'000'000'000};
  std::int64_t step_ms = 2'000;
  std::uint64_t units = kManyUnits;
  std::uint64_t calls = 0;
  std::mt19937_64 random{7};
};

TEST_CASE("one bad minute trips nothing, however many calls it has") {
  Bench bench(Metric::kErrorRate, 0.03);
  for (int i = 0; i < 1'000; ++i) {
    bench.Add(Group::kTreated, i % 100 == 0 ? 1 : 0);
  }
  bench.step_ms = 1;
  for (int i = 0; i < 59'000; ++i) {
    bench.Add(Group::kTreated, 1);
  }
  CHECK_FALSE(bench.monitor.IsTripped(kNeeded));
  bench.step_ms = 2'000;
  for (int i = 0; i < 1'000; ++i) {
    bench.Add(Group::kTreated, i % 100 == 0 ? 1 : 0);
  }
  CHECK_FALSE(bench.monitor.IsTripped(kNeeded));
  CHECK(bench.monitor.state().evidence.slices == 0);  // forgotten
}

TEST_CASE("a lasting one trips, with the calls that say so as evidence") {
  Bench bench(Metric::kErrorRate, 0.03);
  for (int i = 0; i < 3'000; ++i) {
    bench.Add(Group::kTreated, i % 100 == 0 ? 1 : 0);
  }
  const base::UnixMillis began = bench.now;
  int i = 0;
  const int calls =
      bench.CallsUntilTrip(3'000, [&] { bench.Add(Group::kTreated, i++ % 10 == 0 ? 1 : 0); });
  CAPTURE(calls);
  CHECK(calls > 300);
  CHECK(calls < 900);
  const Evidence& evidence = bench.monitor.state().evidence;
  CHECK(std::abs(evidence.since - began) <= 2 * kSliceMs);
  CHECK(*bench.monitor.EvidenceFigure() == Approx(0.1).margin(0.01));
  CHECK(*bench.monitor.Bound() > 0.03);
  CHECK(*bench.monitor.Bound() <= *bench.monitor.EvidenceFigure());
  bench.monitor.Forget();
  CHECK_FALSE(bench.monitor.IsTripped(kNeeded));
  CHECK_FALSE(bench.monitor.EvidenceFigure().has_value());
}

TEST_CASE("quality below its floor trips, and just above it does not") {
  const auto run = [](double mean, int calls_max) {
    Bench bench(Metric::kQuality, 0.92);
    std::uniform_real_distribution<double> noise(-0.06, 0.06);
    return bench.CallsUntilTrip(
        calls_max, [&] { bench.Add(Group::kTreated, std::min(mean + noise(bench.random), 1.0)); });
  };
  CHECK(run(0.93, 50'000) == 0);
  const int calls = run(0.89, 50'000);
  CAPTURE(calls);
  CHECK(calls > 400);
  CHECK(calls < 3'000);
}

// Every fifth call of the control group, with a heavy tail.
int CallsUntilSlow(Bench& bench, double factor, int calls_max) {
  std::lognormal_distribution<double> time(7, 0.8);
  int i = 0;
  return bench.CallsUntilTrip(calls_max, [&] {
    const bool is_control = i++ % 5 == 0;
    const double tail = i % 97 == 0 ? 100 : 1;
    bench.Add(is_control ? Group::kControl : Group::kTreated,
              time(bench.random) * tail * (is_control ? 1 : factor));
  });
}

TEST_CASE("response times are compared with those of the control group") {
  Bench fine(Metric::kResponseTime, 1.5);
  CHECK(CallsUntilSlow(fine, 1.3, 20'000) == 0);
  CHECK(*fine.monitor.RollingFigure() == Approx(1.3).epsilon(0.15));
  CHECK(*fine.monitor.GroupFigure(Group::kControl) == Approx(1'097).epsilon(0.2));

  Bench slow(Metric::kResponseTime, 1.5);
  const int calls = CallsUntilSlow(slow, 3, 20'000);
  CAPTURE(calls);
  CHECK(calls > 200);
  CHECK(calls < 3'000);
  CHECK(*slow.monitor.EvidenceFigure() == Approx(3).epsilon(0.2));
  CHECK(*slow.monitor.Bound() < 3);
}

TEST_CASE("a day in which everything is slow is not held against the strategy") {
  Bench bench(Metric::kResponseTime, 1.5);
  std::lognormal_distribution<double> time(7, 0.8);
  int i = 0;
  CHECK(bench.CallsUntilTrip(20'000, [&] {
    const double weather = 1 + 20.0 * (i / 2'000 % 2);
    bench.Add(i % 5 == 0 ? Group::kControl : Group::kTreated, time(bench.random) * weather);
    ++i;
  }) == 0);
}

TEST_CASE("calls that take a day, or no time at all, are calls like others") {
  Bench bench(Metric::kResponseTime, 1.5);
  int i = 0;
  CHECK(bench.CallsUntilTrip(5'000, [&] {
    bench.Add(i % 5 == 0 ? Group::kControl : Group::kTreated, i % 7 == 0 ? 86'400'000 : 0);
    ++i;
  }) == 0);
  CHECK(std::isfinite(*bench.monitor.RollingFigure()));
}

TEST_CASE("a few bots are not compared: one may just be slower than another") {
  Bench bench(Metric::kResponseTime, 1.5);
  bench.units = 6;
  CHECK(CallsUntilSlow(bench, 4, 20'000) == 0);
  CHECK_THAT(std::string(bench.monitor.Lack()), Catch::Contains("too few different"));
}

TEST_CASE("without a control group there is nothing to compare, and that is said") {
  Bench bench(Metric::kResponseTime, 1.5);
  CHECK_THAT(std::string(bench.monitor.Lack()), Catch::Contains("no call"));
  for (int i = 0; i < 1'000; ++i) {
    bench.Add(Group::kTreated, 60'000);
  }
  CHECK_FALSE(bench.monitor.IsTripped(kNeeded));
  CHECK_FALSE(bench.monitor.RollingFigure().has_value());
  CHECK_THAT(std::string(bench.monitor.Lack()), Catch::Contains("no control group"));
}

TEST_CASE("cost goes against the baseline of each call, or else against the control group") {
  const auto run = [](double share, bool has_baseline) {
    Bench bench(Metric::kCostReduction, 0.1);
    std::lognormal_distribution<double> cost(15, 1);
    int i = 0;
    return bench.CallsUntilTrip(30'000, [&] {
      const double price = cost(bench.random);
      const bool is_control = i++ % 2 == 0;
      bench.Add(is_control ? Group::kControl : Group::kTreated, is_control ? price : price * share,
                has_baseline ? std::optional(price) : std::nullopt);
    });
  };
  CHECK(run(0.6, true) == 0);
  CHECK(run(0.6, false) == 0);
  const int paired = run(1.0, true);
  const int compared = run(1.2, false);
  CAPTURE(paired, compared);
  CHECK(paired > 0);
  CHECK(paired < 6'000);
  CHECK(compared > 0);
  CHECK(compared < 20'000);
}

TEST_CASE("a slice waits for its calls as well as for its time") {
  Bench bench(Metric::kQuality, 0.92);
  bench.step_ms = 1'000'000;
  for (std::uint32_t i = 0; i <= kTreatedCalls; ++i) {
    CHECK(bench.monitor.state().slices == 0);
    bench.Add(Group::kTreated, 0.5);
  }
  CHECK(bench.monitor.state().slices == 1);
  bench.now = bench.monitor.state().slice.began;
  bench.step_ms = 1;
  for (std::uint32_t i = 0; i < 10 * kTreatedCalls; ++i) {
    bench.Add(Group::kTreated, 0.5);
  }
  CHECK(bench.monitor.state().slices == 1);
}

}  // namespace
}  // namespace reprise::control
