#include "server/rate/gcra.h"

#include <algorithm>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

namespace reprise::rate {
namespace {

constexpr Instant kStart{1'700'000'000'000'000'000};

Rule Bucket(std::int64_t limit, std::int64_t period_ms, std::int64_t burst) {
  return config::CompleteRate({Algorithm::kGcra, limit, period_ms, burst, 0}).value();
}

bool TakeIfAllowed(Gcra& state, const Rule& rule, std::int64_t quantity, Instant now) {
  if (!state.Look(rule, quantity, now).allowed) {
    return false;
  }
  state.Charge(rule, quantity, now);
  return true;
}

TEST_CASE("a bucket allows the burst at once, and not one more") {
  const Rule rule = Bucket(3, 1'000, 3);
  Gcra state;
  for (int left = 2; left >= 0; --left) {
    const Verdict before = state.Look(rule, 1, kStart);
    CHECK(before.allowed);
    CHECK(before.remaining == left + 1);
    CHECK(state.Charge(rule, 1, kStart).remaining == left);
  }
  const Verdict full = state.Look(rule, 1, kStart);
  CHECK_FALSE(full.allowed);
  CHECK(full.remaining == 0);
  CHECK(full.retry_after_ms == 334);  // A third of a second, rounded up.
  CHECK(full.reset_ms == 1'000);
  CHECK(full.limit == 3);
}

TEST_CASE("a quantity of the burst is allowed, one above it never is") {
  const Rule rule = Bucket(60, 60'000, 10);
  const Gcra state;
  CHECK(state.Look(rule, 9, kStart).allowed);
  CHECK(state.Look(rule, 10, kStart).allowed);
  CHECK_FALSE(state.Look(rule, 11, kStart).allowed);
}

TEST_CASE("who waits as long as it was told is allowed, a moment before it is not") {
  std::mt19937_64 chance(1);
  for (int i = 0; i < 500; ++i) {
    const Rule rule = Bucket(1 + static_cast<std::int64_t>(chance() % 997),
                             1 + static_cast<std::int64_t>(chance() % 100'000),
                             1 + static_cast<std::int64_t>(chance() % 50));
    Gcra state;
    state.Charge(rule, rule.burst, kStart);
    const std::int64_t wanted =
        1 + static_cast<std::int64_t>(chance() % static_cast<std::uint64_t>(rule.burst));
    const Verdict verdict = state.Look(rule, wanted, kStart);
    REQUIRE_FALSE(verdict.allowed);
    const Instant then = kStart + verdict.retry_after_ms * base::kNanosPerMilli;
    CHECK(state.Look(rule, wanted, then).allowed);
    CHECK_FALSE(state.Look(rule, wanted, then + -base::kNanosPerMilli).allowed);
    const Instant free = kStart + verdict.reset_ms * base::kNanosPerMilli;
    CHECK(state.Look(rule, rule.burst, free).allowed);
  }
}

// The same limit told another way: a bucket of tokens, counted in tokens times the period, which is
// a whole number at any time.
class TokenBucket {
 public:
  explicit TokenBucket(const Rule& rule)
      : period_(Wide(rule.period_ms) * base::kNanosPerMilli),
        limit_(rule.limit),
        most_(Wide(rule.burst) * period_),
        level_(most_) {}

  void Pass(std::int64_t ns) { level_ = std::min(most_, level_ + Wide(ns) * limit_); }
  bool Allows(std::int64_t quantity) const { return level_ >= Wide(quantity) * period_; }
  void Take(std::int64_t quantity) { level_ -= Wide(quantity) * period_; }
  std::int64_t remaining() const { return static_cast<std::int64_t>(level_ / period_); }

 private:
  // NOLINTNEXTLINE(modernize-use-using): an alias takes no __extension__.
  __extension__ typedef __int128 Wide;
  Wide period_;
  Wide limit_;
  Wide most_;
  Wide level_;
};

TEST_CASE("for any rule, quantities and times it agrees with an exact bucket of tokens") {
  const std::uint64_t seed = 20'261'130;
  INFO("seed " << seed);
  std::mt19937_64 chance(seed);
  const auto up_to = [&chance](std::int64_t most) {
    return static_cast<std::int64_t>(chance() % static_cast<std::uint64_t>(most)) + 1;
  };
  for (int run = 0; run < 60; ++run) {
    const std::int64_t limit = up_to(run % 3 == 0 ? 7 : run % 3 == 1 ? 1'000 : 1'000'000'000'000);
    const std::int64_t burst = std::max<std::int64_t>(1, limit / up_to(4));
    const Rule rule = Bucket(limit, up_to(run % 2 == 0 ? 1'000 : 2'678'400'000), burst);
    Gcra state;
    TokenBucket bucket(rule);
    Instant now = kStart;
    for (int step = 0; step < 300; ++step) {
      const std::int64_t quantity = up_to(burst) / up_to(3);
      const Verdict verdict = state.Look(rule, quantity, now);
      REQUIRE(verdict.allowed == bucket.Allows(quantity));
      REQUIRE(verdict.remaining == bucket.remaining());
      if (verdict.allowed) {
        bucket.Take(quantity);
        REQUIRE(state.Charge(rule, quantity, now).remaining == bucket.remaining());
      }
      const std::int64_t ns = up_to(std::max<std::int64_t>(
          2, rule.period_ms * base::kNanosPerMilli / std::min<std::int64_t>(limit, 1'000)));
      now = now + ns;
      bucket.Pass(ns);
    }
  }
}

TEST_CASE("another limit for the same key takes over what was used") {
  const Rule per_minute = Bucket(60, 60'000, 60);
  const Rule slower = Bucket(7, 60'000, 7);
  Gcra state;
  state.Charge(per_minute, 30, kStart);
  CHECK(state.Look(slower, 1, kStart).remaining == 3);  // Half of it, rounded down.
  REQUIRE(TakeIfAllowed(state, slower, 3, kStart));
  CHECK_FALSE(state.Look(slower, 1, kStart).allowed);
  CHECK(state.Look(per_minute, 1, kStart).remaining < 30);
}

TEST_CASE("what was used beyond the burst is a debt that is paid off") {
  const Rule rule = Bucket(60, 60'000, 60);
  Gcra state;
  state.Charge(rule, 150, kStart);
  CHECK(state.Look(rule, 1, kStart).remaining == 0);
  CHECK(state.Look(rule, 1, kStart).retry_after_ms == 91'000);
  CHECK_FALSE(state.Look(rule, 0, kStart).allowed);  // Not even nothing, while something is owed.
  CHECK(state.Look(rule, 0, kStart + 90'000 * base::kNanosPerMilli).allowed);
}

TEST_CASE("a debt has an end, and no number runs over") {
  const Rule rule = Bucket(1, 2'678'400'000, 1);
  Gcra state;
  for (int i = 0; i < 5; ++i) {
    state.Charge(rule, 1'000'000'000'000, kStart);
  }
  const std::int64_t years =
      state.Look(rule, 1, kStart).reset_ms / (365 * std::int64_t{86'400'000});
  CHECK(years == 20);
}

TEST_CASE("giving back moves no farther than the span that is allowed") {
  const Rule rule = Bucket(10, 10'000, 10);
  Gcra state;
  state.Charge(rule, 8, kStart);
  const Gcra::Back all = state.GiveBack(rule, 3, 100 * std::int64_t{1'000'000'000});
  CHECK(all.units == 3);
  CHECK(state.Look(rule, 1, kStart).remaining == 5);
  const Gcra::Back some = state.GiveBack(rule, 5, 2 * std::int64_t{1'000'000'000});
  CHECK(some.units == 2);
  CHECK(state.Look(rule, 1, kStart).remaining == 7);
  CHECK(state.GiveBack(rule, 5, -1).units == 0);
}

}  // namespace
}  // namespace reprise::rate
