#include "server/spend/budget.h"

#include <algorithm>
#include <utility>

#include "protocol/base/limits.h"
#include "server/spend/decimal.h"

namespace reprise::spend {
namespace {

using base::Code;
using base::Error;

constexpr std::uint64_t kVersion = 1;
constexpr std::int64_t kMostPpm = 100 * kPpm;

Error Unreadable() {
  return {Code::kCorrupt, "a row of a budget cannot be read"};
}

Balance ReadBalance(Cursor& cursor) {
  Balance balance;
  balance.spent_nano = cursor.Signed();
  balance.begin = base::UnixMillis{cursor.Signed()};
  balance.end = base::UnixMillis{cursor.Signed()};
  balance.told = static_cast<std::uint8_t>(cursor.NumberUpTo(255));
  const std::uint64_t buckets = cursor.NumberUpTo(static_cast<std::uint64_t>(kBuckets) + 1);
  for (std::uint64_t i = 0; i < buckets; ++i) {
    balance.buckets.push_back(cursor.Signed());
  }
  balance.newest_bucket = cursor.Signed();
  if (buckets != 0 && buckets != static_cast<std::uint64_t>(kBuckets) + 1) {
    cursor.Fail();
  }
  return balance;
}

}  // namespace

base::Status CheckTerms(const BudgetTerms& terms) {
  const bool is_rolling = terms.period.kind == PeriodKind::kRolling;
  if (terms.limit_nano < 0 || terms.limit_nano > kLimitNanoMax) {
    return Error{Code::kBadRequest,
                 "'limit_nano' must be from 0 to " + std::to_string(kLimitNanoMax)};
  }
  if (is_rolling != (terms.period.window_ms != 0)) {
    return Error{Code::kBadRequest, is_rolling ? "a rolling budget needs 'window_ms'"
                                               : "'window_ms' goes with the period rolling only"};
  }
  const base::Limit& window = base::limits::kBudgetWindowMs;
  if (is_rolling &&
      (terms.period.window_ms < window.floor || terms.period.window_ms > window.ceiling)) {
    return Error{Code::kBadRequest, "'window_ms' must be from " + std::to_string(window.floor) +
                                        " to " + std::to_string(window.ceiling)};
  }
  if (!terms.period.is_calendar() && terms.period.timezone != "UTC") {
    return Error{Code::kBadRequest, "'timezone' goes with the periods hour, day and month only"};
  }
  return base::Ok{};
}

std::string NameOf(const BudgetTerms& terms) {
  std::string name = ScopeText(terms.scope) + "/" +
                     std::string(kPeriodNames[static_cast<std::size_t>(terms.period.kind)]);
  if (terms.period.kind == PeriodKind::kRolling) {
    name += "-" + std::to_string(terms.period.window_ms);
  }
  return name;
}

std::int64_t Budget::left_nano() const {
  return std::max<std::int64_t>(terms.limit_nano - held_nano(), 0);
}

std::int64_t ShareOf(std::int64_t nano, std::int64_t limit_nano) {
  if (limit_nano == 0) {
    return nano == 0 ? kPpm : kMostPpm;  // Of nothing, nothing is left.
  }
  const Wide share = static_cast<Wide>(std::max<std::int64_t>(nano, 0)) * static_cast<Wide>(kPpm) /
                     static_cast<Wide>(limit_nano);
  return static_cast<std::int64_t>(std::min(share, static_cast<Wide>(kMostPpm)));
}

std::int64_t Budget::used_ppm() const {
  return ShareOf(held_nano(), terms.limit_nano);
}

std::int64_t ElapsedPpm(const PeriodTerms& period, const Balance& balance, base::UnixMillis now) {
  if (!period.is_calendar() || balance.end <= balance.begin) {
    return 0;
  }
  const std::int64_t length = balance.end - balance.begin;
  return ShareOf(std::clamp<std::int64_t>(now - balance.begin, 0, length), length);
}

std::uint8_t Reached(std::int64_t spent_nano, std::int64_t limit_nano) {
  unsigned bits = 0;
  for (std::size_t i = 0; i < kThresholdsPercent.size(); ++i) {
    const Wide spent = static_cast<Wide>(std::max<std::int64_t>(spent_nano, 0)) * 100;
    const Wide threshold = static_cast<Wide>(limit_nano) * static_cast<Wide>(kThresholdsPercent[i]);
    if (spent_nano > 0 && spent >= threshold) {
      bits |= 1U << i;
    }
  }
  return static_cast<std::uint8_t>(bits);
}

std::string FormatBudget(const Budget& budget) {
  const BudgetTerms& terms = budget.terms;
  std::string out;
  AppendNumber(kVersion, out);
  AppendNumber(static_cast<std::uint64_t>(terms.scope.kind), out);
  AppendText(terms.scope.name, out);
  AppendNumber(static_cast<std::uint64_t>(terms.period.kind), out);
  AppendSigned(terms.period.window_ms, out);
  AppendText(terms.period.timezone, out);
  AppendSigned(terms.limit_nano, out);
  AppendNumber(terms.is_hard ? 1 : 0, out);
  AppendNumber(budget.counted_from, out);
  AppendBalance(budget.counted_before, out);
  return out;
}

std::string FormatBalance(const Balance& balance) {
  std::string out;
  AppendNumber(kVersion, out);
  AppendBalance(balance, out);
  return out;
}

base::Result<Budget> ParseBudget(NamespaceId owner, std::uint64_t id, std::string_view value) {
  Cursor cursor(value);
  const std::uint64_t version = cursor.Number();
  Budget budget;
  budget.owner = owner;
  budget.id = id;
  BudgetTerms& terms = budget.terms;
  terms.scope.kind = static_cast<ScopeKind>(cursor.NumberUpTo(kScopeKinds.size() - 1));
  terms.scope.name = cursor.Text();
  terms.period.kind = static_cast<PeriodKind>(cursor.NumberUpTo(kPeriodNames.size() - 1));
  terms.period.window_ms = cursor.Signed();
  terms.period.timezone = cursor.Text();
  terms.limit_nano = cursor.Signed();
  terms.is_hard = cursor.NumberUpTo(1) == 1;
  budget.counted_from = cursor.Number();
  budget.counted_before = ReadBalance(cursor);
  if (!cursor.Finished() || version != kVersion || !CheckTerms(terms).ok()) {
    return Unreadable();
  }
  return budget;
}

base::Result<Balance> ParseBalance(std::string_view value) {
  Cursor cursor(value);
  const std::uint64_t version = cursor.Number();
  Balance balance = ReadBalance(cursor);
  if (!cursor.Finished() || version != kVersion) {
    return Unreadable();
  }
  return balance;
}

}  // namespace reprise::spend
