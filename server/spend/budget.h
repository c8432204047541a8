// Budget: how much may be spent in a scope in a period, and how that stands.
//
// A hard budget refuses what does not fit; a soft one only tells (events, pressure). Its name is
// made of scope and period: "bot:coder/day", "global/rolling-3600000". Bytes: FORMAT.md. Units:
// nano-dollars, milliseconds. Threads: values. Errors: kCorrupt; kBadRequest for terms that
// contradict each other. Complexity: O(1).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "server/calendar/zones.h"
#include "server/spend/balance.h"
#include "server/spend/rows.h"
#include "server/spend/scope.h"

namespace reprise::spend {

inline constexpr std::array<std::int64_t, 3> kThresholdsPercent{50, 80, 95};
inline constexpr std::int64_t kPpm = 1'000'000;

struct BudgetTerms {
  Scope scope{};
  PeriodTerms period{};
  std::int64_t limit_nano = 0;
  bool is_hard = true;

  bool operator==(const BudgetTerms&) const = default;
};
base::Status CheckTerms(const BudgetTerms& terms);
std::string NameOf(const BudgetTerms& terms);

struct Budget {
  std::uint64_t id = 0;
  NamespaceId owner = kServerWide;  // kServerWide: of scope `global`
  BudgetTerms terms{};
  calendar::ZonePtr zone{};
  bool zone_is_missing = false;  // its file has gone; counted in UTC until it is back
  Balance balance{};
  // From here on the ledger says what was spent: the number of the last record before, and how the
  // balance stood then.
  std::uint64_t counted_from = 0;
  Balance counted_before{};
  // Unsettled reservations; not stored: their own rows say it.
  std::int64_t reserved_nano = 0;
  std::int64_t reservations = 0;

  void Advance(base::UnixMillis now) { balance.Advance(terms.period, *zone, now); }
  std::int64_t held_nano() const { return balance.spent_nano + reserved_nano; }
  // What may still be reserved; never negative.
  std::int64_t left_nano() const;
  // Of the limit, in millionths; at most a hundred times the limit.
  std::int64_t used_ppm() const;
};

// How much of the period has passed, in millionths; 0 where none ends.
std::int64_t ElapsedPpm(const PeriodTerms& period, const Balance& balance, base::UnixMillis now);

// The thresholds that `spent_nano` has reached, as bits.
std::uint8_t Reached(std::int64_t spent_nano, std::int64_t limit_nano);
// Part of the limit in millionths, without overflow.
std::int64_t ShareOf(std::int64_t nano, std::int64_t limit_nano);

std::string FormatBudget(const Budget& budget);
std::string FormatBalance(const Balance& balance);
// Both rows; the zone is left to the caller.
base::Result<Budget> ParseBudget(NamespaceId owner, std::uint64_t id, std::string_view value);
base::Result<Balance> ParseBalance(std::string_view value);

}  // namespace reprise::spend
