// DayTotals: what one combination of bot, model, type and strategy did on one day (UTC). Reports
// are sums of these rows; they are written in the same batch as the record that changes them.
//
// Units: nano-dollars, tokens. Threads: values. Errors: kCorrupt; kTooLarge (a sum beyond 64 bits).
// Complexity: O(1). Limits: kCombinationsMax a day and namespace; what comes later counts under
// kOther.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "server/spend/record.h"
#include "server/spend/rows.h"

namespace reprise::spend {

inline constexpr std::uint64_t kCombinationsMax = 4'096;
inline constexpr std::string_view kOther = "(other)";

struct DayKey {
  std::int64_t day = 0;  // since 1970
  std::string bot{};
  std::string model{};
  std::string type{};
  std::string strategy{};  // empty: calls

  bool operator==(const DayKey&) const = default;
  // NOLINTNEXTLINE(modernize-use-nullptr): the check takes what the compiler writes for ours.
  auto operator<=>(const DayKey&) const = default;
};
DayKey DayKeyOf(const LedgerRecord& record);

struct DayTotals {
  std::uint64_t last_sequence = 0;  // the newest record that is counted here
  std::int64_t count = 0;           // calls, or occasions of saving
  std::int64_t tokens_in = 0;
  std::int64_t tokens_out = 0;
  std::int64_t tokens_cached = 0;
  std::int64_t cost_nano = 0;

  // False when a sum does not fit; then nothing has changed.
  bool Add(const DayTotals& other);
  bool operator==(const DayTotals&) const = default;
};
DayTotals TotalsOf(const LedgerRecord& record);

std::string DayRowKey(NamespaceId id, const DayKey& key);
// Rows of this day and later ones stand behind it.
std::string DayRowPrefix(NamespaceId id, std::int64_t day);
base::Result<DayKey> ParseDayKey(std::string_view row_key);
std::string FormatTotals(const DayTotals& totals);
base::Result<DayTotals> ParseTotals(std::string_view value);

}  // namespace reprise::spend
