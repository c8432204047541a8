#include "server/rate/window.h"

#include <algorithm>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

namespace reprise::rate {
namespace {

constexpr Instant kStart{1'700'000'000'000'000'000};
constexpr std::int64_t kSecondNs = 1'000'000'000;

Rule InAny(std::int64_t limit, std::int64_t period_ms) {
  return config::CompleteRate({Algorithm::kWindow, limit, period_ms, 0, 0}).value();
}

// Every call, as it was.
struct Made {
  Instant at{0};
  std::int64_t units = 0;
};

std::int64_t UnitsWithin(const std::vector<Made>& made, Instant now, std::int64_t span_ns) {
  std::int64_t units = 0;
  for (const Made& call : made) {
    units += now - call.at < span_ns ? call.units : 0;
  }
  return units;
}

TEST_CASE("a window allows the limit in any period, exactly, for few calls") {
  const Rule rule = InAny(3, 60'000);
  Window window;
  for (int i = 0; i < 3; ++i) {
    CHECK(window.Look(rule, 1, kStart + i * kSecondNs).allowed);
    window.Charge(rule, 1, kStart + i * kSecondNs);
  }
  const Verdict full = window.Look(rule, 1, kStart + 3 * kSecondNs);
  CHECK_FALSE(full.allowed);
  CHECK(full.retry_after_ms == 57'000);
  CHECK(full.reset_ms == 59'000);
  CHECK_FALSE(window.Look(rule, 1, kStart + 60 * kSecondNs + -1).allowed);
  CHECK(window.Look(rule, 1, kStart + 60 * kSecondNs).allowed);
  CHECK_FALSE(window.Look(rule, 2, kStart + 60 * kSecondNs).allowed);
  CHECK(window.Look(rule, 3, kStart + 62 * kSecondNs).allowed);
  CHECK(window.IsIdle(kStart + 62 * kSecondNs));
  CHECK_FALSE(window.IsIdle(kStart + 62 * kSecondNs + -1));
}

TEST_CASE("random calls: never over the limit, and never refused but for a fifteenth more") {
  const std::uint64_t seed = 20'261'130;
  INFO("seed " << seed);
  std::mt19937_64 chance(seed);
  const auto up_to = [&chance](std::int64_t most) {
    return static_cast<std::int64_t>(chance() % static_cast<std::uint64_t>(most)) + 1;
  };
  for (int run = 0; run < 40; ++run) {
    const Rule rule = InAny(up_to(run % 2 == 0 ? 16 : 10'000), up_to(100'000));
    const std::int64_t period_ns = rule.period_ms * base::kNanosPerMilli;
    const bool is_exact = rule.limit <= static_cast<std::int64_t>(Window::kEntries);
    Window window;
    std::vector<Made> made;
    Instant now = kStart;
    for (int step = 0; step < 400; ++step) {
      const std::int64_t quantity = 1 + up_to(rule.limit) / up_to(20);
      const bool fits = UnitsWithin(made, now, period_ns) + quantity <= rule.limit;
      const std::int64_t longer_ns = is_exact ? period_ns : period_ns + period_ns / 15 + 2;
      const bool fits_longer = UnitsWithin(made, now, longer_ns) + quantity <= rule.limit;
      if (window.Look(rule, quantity, now).allowed) {
        REQUIRE(fits);
        window.Charge(rule, quantity, now);
        made.push_back({now, quantity});
      } else {
        REQUIRE_FALSE(fits_longer);
      }
      now = now + up_to(period_ns / 30 + 1);
    }
  }
}

TEST_CASE("what is given back is free again, but only what still counts") {
  const Rule rule = InAny(100, 60'000);
  Window window;
  window.Charge(rule, 60, kStart);
  window.Charge(rule, 40, kStart + 30 * kSecondNs);
  CHECK(window.GiveBack(rule, kStart, 50, kStart + 31 * kSecondNs) == 50);
  CHECK(window.Look(rule, 50, kStart + 31 * kSecondNs).allowed);
  CHECK_FALSE(window.Look(rule, 51, kStart + 31 * kSecondNs).allowed);
  CHECK(window.GiveBack(rule, kStart, 50, kStart + 32 * kSecondNs) == 10);
  CHECK(window.GiveBack(rule, kStart, 5, kStart + 60 * kSecondNs) == 0);
  CHECK(window.Look(rule, 60, kStart + 60 * kSecondNs).allowed);
  CHECK_FALSE(window.Look(rule, 61, kStart + 60 * kSecondNs).allowed);
}

TEST_CASE("a window whose period becomes longer forgets nothing that it still has") {
  const Rule minute = InAny(1'000'000, 60'000);
  const Rule hour = InAny(1'000'000, 3'600'000);
  Window window;
  for (std::int64_t i = 0; i < 15; ++i) {  // In places of their own.
    window.Charge(minute, 10, kStart + i * 4 * kSecondNs);
  }
  for (std::int64_t i = 0; i < 30; ++i) {
    window.Charge(hour, 10, kStart + (60 + i * 300) * kSecondNs);
  }
  CHECK(window.entries().size() <= Window::kEntries);
  const Instant end = kStart + (60 + 29 * 300) * kSecondNs;
  CHECK(window.Look(hour, 0, end).remaining <= 1'000'000 - 12 * 10);
}

TEST_CASE("a reading of the time that comes late does not break the order") {
  const Rule rule = InAny(5, 1'000);
  Window window;
  window.Charge(rule, 2, kStart + 10);
  window.Charge(rule, 2, kStart);
  CHECK(window.Look(rule, 1, kStart + 11).remaining == 1);
  CHECK(window.Look(rule, 5, kStart + 10 + kSecondNs).allowed);
}

}  // namespace
}  // namespace reprise::rate
