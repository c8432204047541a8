// Civil dates of the proleptic Gregorian calendar, and their number of days since 1970.
//
// Units: days since 1970-01-01, seconds of a day. Threads: any. Errors: a text that is no date is
// absent. Complexity: O(1). Limits: years 1 to 9999 in texts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reprise::calendar {

inline constexpr std::int64_t kSecondsPerHour = 3'600;
inline constexpr std::int64_t kSecondsPerDay = 86'400;
inline constexpr std::int64_t kMillisPerSecond = 1'000;
inline constexpr std::int64_t kMillisPerDay = kSecondsPerDay * kMillisPerSecond;

struct CivilDay {
  std::int64_t year = 1970;
  int month = 1;  // 1 to 12
  int day = 1;    // 1 to 31

  bool operator==(const CivilDay&) const = default;
};

std::int64_t DaysFrom(const CivilDay& civil);
CivilDay CivilFrom(std::int64_t days);
// 0: Sunday.
int WeekdayOf(std::int64_t days);
bool IsLeap(std::int64_t year);
int DaysIn(std::int64_t year, int month);

// Rounded down, also before 1970.
constexpr std::int64_t FloorDiv(std::int64_t dividend, std::int64_t divisor) {
  const std::int64_t quotient = dividend / divisor;
  return quotient - (dividend % divisor < 0 ? 1 : 0);
}

// "2026-11-30".
std::string DayText(std::int64_t days);
std::optional<std::int64_t> ParseDay(std::string_view text);
// "16:30" or "16:30:00" as seconds since midnight; "24:00" is the end of the day.
std::optional<std::int64_t> ParseTimeOfDay(std::string_view text);
std::string TimeOfDayText(std::int64_t seconds);

}  // namespace reprise::calendar
