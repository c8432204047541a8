#include "server/calendar/civil.h"

#include <catch2/catch.hpp>

namespace reprise::calendar {
namespace {

TEST_CASE("dates and their numbers of days turn into each other, one after another") {
  CivilDay expected{1896, 2, 27};
  std::int64_t days = DaysFrom(expected);
  CHECK(days == -26'971);
  for (; expected.year < 2105; ++days) {
    if (CivilFrom(days) != expected || DaysFrom(expected) != days) {
      FAIL("day " << days);
    }
    if (++expected.day > DaysIn(expected.year, expected.month)) {
      expected.day = 1;
      if (++expected.month > 12) {
        expected.month = 1;
        ++expected.year;
      }
    }
  }
  CHECK(DaysFrom({1970, 1, 1}) == 0);
  CHECK(DaysFrom({2026, 11, 30}) == 20'787);
}

TEST_CASE("weekdays are counted from Sunday, before 1970 too") {
  CHECK(WeekdayOf(0) == 4);
  CHECK(WeekdayOf(DaysFrom({2026, 11, 30})) == 1);
  CHECK(WeekdayOf(DaysFrom({1969, 12, 28})) == 0);
}

TEST_CASE("a text is a date only when that day exists") {
  CHECK(ParseDay("2026-11-30") == 20'787);
  CHECK(ParseDay("2024-02-29").has_value());
  for (const char* text :
       {"2023-02-29", "2100-02-29", "2026-13-01", "2026-00-10", "2026-11-31", "2026-1-01",
        "26-11-30", "2026/11/30", "2026-11-30 ", "", "2026-11-3x", "+026-11-30", "0000-01-01"}) {
    INFO(text);
    CHECK_FALSE(ParseDay(text).has_value());
  }
  CHECK(DayText(20'787) == "2026-11-30");
  CHECK(DayText(-1) == "1969-12-31");
}

TEST_CASE("times of day are from 00:00 to 24:00") {
  CHECK(ParseTimeOfDay("00:30") == 1'800);
  CHECK(ParseTimeOfDay("16:30:15") == 59'415);
  CHECK(ParseTimeOfDay("24:00") == kSecondsPerDay);
  for (const char* text : {"24:01", "7:30", "12:60", "12:30:60", "12-30", "", "12:30:", "ab:cd"}) {
    INFO(text);
    CHECK_FALSE(ParseTimeOfDay(text).has_value());
  }
  CHECK(TimeOfDayText(1'800) == "00:30");
  CHECK(TimeOfDayText(59'415) == "16:30:15");
}

}  // namespace
}  // namespace reprise::calendar
