// The bar: every kind of regression is caught within the stated sample, and healthy days trip
// nothing. Larger with REPRISE_GUARDRAIL_DAYS=100 REPRISE_GUARDRAIL_SEEDS=20, or with
// bench/control.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <catch2/catch.hpp>

#include "server/control/test_traffic.h"

namespace reprise::control {
namespace {

constexpr std::uint64_t kSampleMax = 20'000;  // calls, at 20 a minute and a hold-out of 5 %

std::uint64_t SizeOf(const char* name, std::uint64_t otherwise) {
  const char* asked = std::getenv(name);
  return asked == nullptr ? otherwise : std::strtoull(asked, nullptr, 10);
}

TEST_CASE("each kind of regression trips its guardrail within the stated sample") {
  const std::uint64_t seeds = SizeOf("REPRISE_GUARDRAIL_SEEDS", 1);
  std::uint64_t regressions = 0;
  std::uint64_t caught = 0;
  std::uint64_t worst = 0;
  for (const Fault fault : kFaults) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      const Regression found = RunRegression(fault, {seed, 20, 5}, kSampleMax);
      CAPTURE(NameOf(fault), seed, found.calls);
      CHECK(found.is_caught);
      CHECK(found.calls > 300);  // not by one bad minute
      CHECK(found.others.empty());
      ++regressions;
      caught += found.is_caught ? 1 : 0;
      worst = std::max(worst, found.calls);
    }
  }
  std::printf("guardrails regressions=%llu caught=%llu worst_sample=%llu\n",
              static_cast<unsigned long long>(regressions), static_cast<unsigned long long>(caught),
              static_cast<unsigned long long>(worst));
}

TEST_CASE("healthy days trip nothing, with all their bad minutes and slow hours") {
  const std::uint64_t days = SizeOf("REPRISE_GUARDRAIL_DAYS", 1);
  const Outcome outcome = RunHealthy({1001, 20, 5}, days);
  std::printf("guardrails healthy_days=%llu calls=%llu false_trips=%zu\n",
              static_cast<unsigned long long>(days), static_cast<unsigned long long>(outcome.calls),
              outcome.trips.size());
  CHECK(outcome.trips.size() <= days / 100);
}

TEST_CASE("what is needed to trip follows from the days between false trips") {
  CHECK(Terms::Of(60'000, 10'000).needed == Approx(1.44e7));
  CHECK(Terms::Of(10, 1).needed == Approx(8.64e6));
  CHECK(Terms::Of(86'400'000, 1).needed == 1'000);
}

TEST_CASE("simulated health has what real traffic has") {
  Traffic traffic({5, 20, 5});
  double calls = 0;
  double failures = 0;
  double quality = 0;
  double rated = 0;
  double slowest = 0;
  double quick = 0;
  while (traffic.now() < base::UnixMillis{1'700'000'000'000 + 86'400'000LL}) {
    const CallFigures figures = traffic.Next(Fault::kNone).figures;
    calls += 1;
    failures += figures.failed ? 1 : 0;
    quality += figures.quality.value_or(0);
    rated += figures.quality.has_value() ? 1 : 0;
    slowest = std::max(slowest, figures.response_ms.value_or(0));
    quick += figures.response_ms.value_or(1'000) < 50 ? 1 : 0;
  }
  CHECK(quality / rated > 0.93);
  CHECK(quality / rated < 0.96);
  CHECK(failures / calls < 0.02);
  CHECK(slowest > 30'000);
  CHECK(quick / calls > 0.1);
}

}  // namespace
}  // namespace reprise::control
