#include "server/spend/balance.h"

#include <random>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "server/calendar/civil.h"
#include "server/spend/budget.h"
#include "server/spend/decimal.h"

namespace reprise::spend {
namespace {

base::UnixMillis Utc(std::int64_t year, int month, int day, std::int64_t second = 0) {
  return base::UnixMillis{
      (calendar::DaysFrom({year, month, day}) * calendar::kSecondsPerDay + second) * 1'000};
}

TEST_CASE("a calendar period begins anew at its end, in its zone") {
  const auto zone = calendar::Zones().Find("+02:00").value();
  const PeriodTerms day{PeriodKind::kDay, 0, "+02:00"};
  Balance balance;
  CHECK(balance.Advance(day, *zone, Utc(2026, 11, 30, 79'199)));
  CHECK(balance.begin == Utc(2026, 11, 29, 79'200));
  CHECK(balance.end == Utc(2026, 11, 30, 79'200));
  balance.Charge(5);
  balance.told = 1;
  CHECK_FALSE(balance.Advance(day, *zone, Utc(2026, 11, 30, 79'199)));
  CHECK(balance.spent_nano == 5);
  CHECK(balance.Advance(day, *zone, Utc(2026, 11, 30, 79'200)));
  CHECK(balance.spent_nano == 0);
  CHECK(balance.told == 0);
  CHECK(balance.NextFree(day) == Utc(2026, 12, 1, 79'200));
}

TEST_CASE("a total never begins anew") {
  const PeriodTerms total{PeriodKind::kTotal};
  Balance balance;
  balance.Charge(5);
  CHECK_FALSE(balance.Advance(total, *calendar::Zones::Utc(), Utc(2126, 1, 1)));
  CHECK(balance.spent_nano == 5);
  CHECK(balance.NextFree(total) == base::UnixMillis{0});
}

// A rolling window beside the list of every charge.
struct Rolling {
  explicit Rolling(std::int64_t window_ms) : terms{PeriodKind::kRolling, window_ms, "UTC"} {}

  void Charge(std::int64_t nano) {
    balance.Advance(terms, *utc, now);
    balance.Charge(nano);
    charges.emplace_back(now, nano);
  }
  // What was charged in the last `length_ms`.
  std::int64_t Within(std::int64_t length_ms) const {
    std::int64_t sum = 0;
    for (const auto& [at, nano] : charges) {
      sum += at >= now + -length_ms ? nano : 0;
    }
    return sum;
  }
  // It says of all that is spent when it will be free, and that is later.
  bool FreesItAll() const {
    std::int64_t freed = 0;
    bool is_later = true;
    for (const auto& [at, nano] : balance.Frees(terms)) {
      is_later = is_later && at > now;
      freed += nano;
    }
    return is_later && freed == balance.spent_nano;
  }

  PeriodTerms terms;
  Balance balance;
  calendar::ZonePtr utc = calendar::Zones::Utc();
  base::UnixMillis now = Utc(2026, 11, 30, 17);
  std::vector<std::pair<base::UnixMillis, std::int64_t>> charges;
};

TEST_CASE("a rolling window holds each charge for its length, and at most a 60th longer") {
  const std::uint64_t seed = 20'261'130;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  const auto below = [&random](std::int64_t bound) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(bound));
  };
  for (const std::int64_t window_ms : {std::int64_t{60'000}, std::int64_t{3'600'000}}) {
    Rolling rolling(window_ms);
    int problems = 0;
    for (int i = 0; i < 1'000; ++i) {
      rolling.now = rolling.now + below(below(50) == 0 ? 3 * window_ms : window_ms / 20);
      rolling.Charge(below(1'000));
      const std::int64_t spent = rolling.balance.spent_nano;
      const bool is_held = spent >= rolling.Within(window_ms - 1) &&
                           spent <= rolling.Within(window_ms + window_ms / kBuckets);
      problems += is_held && rolling.FreesItAll() ? 0 : 1;
    }
    CHECK(problems == 0);
    rolling.balance.Advance(rolling.terms, *rolling.utc, rolling.now + 2 * window_ms);
    CHECK(rolling.balance.spent_nano == 0);
  }
}

TEST_CASE("thresholds are exact at any size") {
  CHECK(Reached(0, 0) == 0);
  CHECK(Reached(1, 0) == 7);
  CHECK(Reached(49, 100) == 0);
  CHECK(Reached(50, 100) == 1);
  CHECK(Reached(80, 100) == 3);
  CHECK(Reached(94, 100) == 3);
  CHECK(Reached(95, 100) == 7);
  CHECK(Reached(kLimitNanoMax / 2 - 1, kLimitNanoMax) == 0);
  CHECK(Reached(kLimitNanoMax / 2, kLimitNanoMax) == 1);
  CHECK(ShareOf(kLimitNanoMax / 4, kLimitNanoMax) == 250'000);
  CHECK(ShareOf(1, 0) == 100 * kPpm);
  CHECK(ShareOf(kLimitNanoMax, 1) == 100 * kPpm);
}

TEST_CASE("a budget is read back from its rows, and nothing else is") {
  Budget budget;
  budget.id = 7;
  budget.owner = storage::kDefaultNamespace;
  budget.terms = {{ScopeKind::kBot, "coder"}, {PeriodKind::kRolling, 3'600'000, "UTC"}, 5, false};
  budget.zone = calendar::Zones::Utc();
  budget.Advance(Utc(2026, 11, 30));
  budget.balance.Charge(3);
  budget.counted_from = 99;
  budget.counted_before = budget.balance;
  const std::string row = FormatBudget(budget);
  const Budget read = ParseBudget(budget.owner, 7, row).value();
  CHECK(read.terms == budget.terms);
  CHECK(read.counted_from == 99);
  CHECK(read.counted_before == budget.balance);
  CHECK(ParseBalance(FormatBalance(budget.balance)).value() == budget.balance);
  for (std::size_t bytes = 0; bytes < row.size(); ++bytes) {
    CHECK(ParseBudget(budget.owner, 7, std::string_view(row).substr(0, bytes)).error().code ==
          base::Code::kCorrupt);
  }
  CHECK_FALSE(ParseBudget(budget.owner, 7, row + "x").ok());
  CHECK_FALSE(ParseBalance("").ok());
}

}  // namespace
}  // namespace reprise::spend
