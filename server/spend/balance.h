// Balance: what has been spent of one budget in its current period.
//
// A calendar period (hour, day, month in a zone) starts anew at its end. A rolling window is kept
// in kBuckets parts: money leaves when the part that it was spent in has wholly left the window, so
// a window never holds more than the limit, and holds money for at most a 60th longer than it must.
//
// Units: nano-dollars, milliseconds. Threads: values. Errors: none. Complexity: O(1), rolling
// O(kBuckets). Limits: sums are checked by the caller (CanCharge).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/calendar/zones.h"

namespace reprise::spend {

inline constexpr std::int64_t kBuckets = 60;

// Numbers are stored: append only.
enum class PeriodKind : std::uint8_t { kHour, kDay, kMonth, kRolling, kTotal };
inline constexpr std::array<std::string_view, 5> kPeriodNames{"hour", "day", "month", "rolling",
                                                              "total"};

// How a budget counts time.
struct PeriodTerms {
  PeriodKind kind = PeriodKind::kMonth;
  std::int64_t window_ms = 0;   // of kRolling
  std::string timezone{"UTC"};  // of hour, day and month

  std::int64_t bucket_ms() const { return window_ms / kBuckets; }
  bool is_calendar() const { return kind < PeriodKind::kRolling; }
  bool operator==(const PeriodTerms&) const = default;
};

struct Balance {
  std::int64_t spent_nano = 0;
  base::UnixMillis begin{0};  // of the calendar period
  base::UnixMillis end{0};    // 0: none
  std::uint8_t told = 0;      // thresholds that an event has told of, as bits
  // Of a rolling window: what was spent in each part, by part number modulo their number.
  std::vector<std::int64_t> buckets{};
  std::int64_t newest_bucket = 0;  // number of the part of now, counted from 1970

  // Brings it to `now`, which is never before the last time. True when a period has begun.
  bool Advance(const PeriodTerms& terms, const calendar::Zone& zone, base::UnixMillis now);
  // Another zone: the period is that of the new one, what is spent stays.
  void MoveTo(const PeriodTerms& terms, const calendar::Zone& zone, base::UnixMillis now);
  bool CanCharge(std::int64_t nano) const;
  void Charge(std::int64_t nano);
  // When how much of what is spent becomes free, in order of time.
  std::vector<std::pair<base::UnixMillis, std::int64_t>> Frees(const PeriodTerms& terms) const;
  // The end of the period; of a rolling window when its oldest money leaves; 0: never.
  base::UnixMillis NextFree(const PeriodTerms& terms) const;

  bool operator==(const Balance&) const = default;
};

void AppendBalance(const Balance& balance, std::string& out);

}  // namespace reprise::spend
