#include "server/calendar/civil.h"

#include <array>
#include <cstdio>

namespace reprise::calendar {
namespace {

constexpr int kMonths = 12;

// The digits of `text` as a number; absent when anything else is in it.
std::optional<int> Digits(std::string_view text) {
  int number = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') {
      return std::nullopt;
    }
    number = number * 10 + (digit - '0');
  }
  return text.empty() ? std::nullopt : std::optional(number);
}

}  // namespace

bool IsLeap(std::int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int DaysIn(std::int64_t year, int month) {
  constexpr std::array kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return kDays.at(static_cast<std::size_t>(month - 1)) + (month == 2 && IsLeap(year) ? 1 : 0);
}

// Years begin in March here, so that the leap day is the last of its year; 146,097 days are 400
// years.
std::int64_t DaysFrom(const CivilDay& civil) {
  const std::int64_t year = civil.year - (civil.month <= 2 ? 1 : 0);
  const std::int64_t era = FloorDiv(year, 400);
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t month = (civil.month + 9) % kMonths;  // March is 0
  const std::int64_t day_of_year = (153 * month + 2) / 5 + civil.day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  constexpr std::int64_t kMarchFirstOfYear0 = 719'468;
  return era * 146'097 + day_of_era - kMarchFirstOfYear0;
}

CivilDay CivilFrom(std::int64_t days) {
  // 400 years have 146,097 days; the guess is at most one too high.
  CivilDay civil;
  civil.year = 1970 + FloorDiv(days * 400, 146'097);
  while (DaysFrom({civil.year, 1, 1}) > days) {
    --civil.year;
  }
  while (DaysFrom({civil.year + 1, 1, 1}) <= days) {
    ++civil.year;
  }
  std::int64_t left = days - DaysFrom({civil.year, 1, 1});
  while (left >= DaysIn(civil.year, civil.month)) {
    left -= DaysIn(civil.year, civil.month);
    ++civil.month;
  }
  civil.day = static_cast<int>(left) + 1;
  return civil;
}

int WeekdayOf(std::int64_t days) {
  constexpr std::int64_t kWeekdayOf1970 = 4;  // a Thursday
  return static_cast<int>(days + kWeekdayOf1970 - FloorDiv(days + kWeekdayOf1970, 7) * 7);
}

std::string DayText(std::int64_t days) {
  const CivilDay civil = CivilFrom(days);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04lld-%02d-%02d", static_cast<long long>(civil.year),
                civil.month, civil.day);
  return text.data();
}

std::optional<std::int64_t> ParseDay(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') {
    return std::nullopt;
  }
  const auto year = Digits(text.substr(0, 4));
  const auto month = Digits(text.substr(5, 2));
  const auto day = Digits(text.substr(8, 2));
  if (!year || !month || !day || *year < 1 || *month < 1 || *month > kMonths || *day < 1 ||
      *day > DaysIn(*year, *month)) {
    return std::nullopt;
  }
  return DaysFrom({*year, *month, *day});
}

std::optional<std::int64_t> ParseTimeOfDay(std::string_view text) {
  const bool has_seconds = text.size() == 8 && text[5] == ':';
  if ((text.size() != 5 && !has_seconds) || text[2] != ':') {
    return std::nullopt;
  }
  const auto hour = Digits(text.substr(0, 2));
  const auto minute = Digits(text.substr(3, 2));
  const auto second = has_seconds ? Digits(text.substr(6, 2)) : std::optional(0);
  if (!hour || !minute || !second || *minute > 59 || *second > 59) {
    return std::nullopt;
  }
  const std::int64_t seconds = *hour * kSecondsPerHour + std::int64_t{60} * *minute + *second;
  return seconds <= kSecondsPerDay ? std::optional(seconds) : std::nullopt;
}

std::string TimeOfDayText(std::int64_t seconds) {
  std::array<char, 32> text{};
  const auto hour = static_cast<int>(seconds / kSecondsPerHour);
  const auto minute = static_cast<int>(seconds / 60 % 60);
  const auto second = static_cast<int>(seconds % 60);
  if (second == 0) {
    std::snprintf(text.data(), text.size(), "%02d:%02d", hour, minute);
  } else {
    std::snprintf(text.data(), text.size(), "%02d:%02d:%02d", hour, minute, second);
  }
  return text.data();
}

}  // namespace reprise::calendar
