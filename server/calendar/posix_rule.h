// PosixRule: how a zone goes on behind the changes that its file lists, as POSIX writes it:
// "CET-1CEST,M3.5.0,M10.5.0/3".
//
// Units: seconds; offsets count east of UTC, as in zone.h (POSIX counts west). Threads: a value.
// Errors: kCorrupt. Complexity: O(1) a question. Limits: texts of 128 bytes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/base/result.h"

namespace reprise::calendar {

inline constexpr std::size_t kRuleBytesMax = 128;

// A day of each year.
struct YearDay {
  enum class Kind : std::uint8_t {
    kWeekday,  // of `month`, in `week` (5: the last), `day` from Sunday = 0
    kJulian,   // `day` from 1 to 365; February 29th does not count
    kZeroBased,
  };
  Kind kind = Kind::kWeekday;
  int month = 1;
  int week = 1;
  int day = 0;
  std::int64_t time_s = 7'200;  // since midnight, by the clock before the change; may be outside
                                // of the day
};

struct Change {
  std::int64_t at_s = 0;  // since 1970, UTC
  std::int64_t offset_s = 0;
};

class PosixRule {
 public:
  static base::Result<PosixRule> Parse(std::string_view text);

  // The two changes of this year in order of time; absent for a zone without daylight saving.
  std::optional<std::array<Change, 2>> ChangesIn(std::int64_t year) const;
  std::int64_t standard_offset_s() const { return standard_offset_s_; }

 private:
  std::int64_t standard_offset_s_ = 0;
  bool has_saving_ = false;
  std::int64_t saving_offset_s_ = 0;
  YearDay saving_begins_;
  YearDay saving_ends_;
};

}  // namespace reprise::calendar
