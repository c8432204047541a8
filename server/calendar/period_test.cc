#include "server/calendar/period.h"

#include <catch2/catch.hpp>

#include "server/calendar/civil.h"
#include "server/calendar/zones.h"

namespace reprise::calendar {
namespace {

base::UnixMillis Utc(std::int64_t year, int month, int day, std::int64_t second_of_day = 0) {
  return base::UnixMillis{(DaysFrom({year, month, day}) * kSecondsPerDay + second_of_day) *
                          kMillisPerSecond};
}

std::int64_t HoursOf(const Period& period) {
  return (period.end - period.begin) / kMillisPerSecond / kSecondsPerHour;
}

TEST_CASE("in UTC a day begins at midnight, a month with its first day") {
  const ZonePtr utc = Zones::Utc();
  const base::UnixMillis at = Utc(2026, 11, 30, 45'296);
  CHECK(PeriodAt(*utc, Unit::kHour, at) ==
        Period{Utc(2026, 11, 30, 43'200), Utc(2026, 11, 30, 46'800)});
  CHECK(PeriodAt(*utc, Unit::kDay, at) == Period{Utc(2026, 11, 30), Utc(2026, 12, 1)});
  CHECK(PeriodAt(*utc, Unit::kMonth, at) == Period{Utc(2026, 11, 1), Utc(2026, 12, 1)});
  CHECK(PeriodAt(*utc, Unit::kMonth, Utc(2026, 12, 31, 86'399)) ==
        Period{Utc(2026, 12, 1), Utc(2027, 1, 1)});
}

TEST_CASE("a fixed offset moves the day") {
  const ZonePtr india = Zones().Find("+05:30").value();
  CHECK(PeriodAt(*india, Unit::kDay, Utc(2026, 6, 1, 66'600)).begin == Utc(2026, 6, 1, 66'600));
  CHECK(PeriodAt(*india, Unit::kDay, Utc(2026, 6, 1, 66'599)).end == Utc(2026, 6, 1, 66'600));
  CHECK(PeriodAt(*india, Unit::kHour, Utc(2026, 6, 1, 1'800)).begin == Utc(2026, 6, 1, 1'800));
}

// Zones of the system; they are checked where the machine has them.
ZonePtr Named(const char* name) {
  Zones zones;
  const auto zone = zones.Find(name);
  if (!zone.ok()) {
    WARN("not checked: " << zone.error().detail);
    return nullptr;
  }
  return zone.value();
}

TEST_CASE("days of daylight saving have 23 and 25 hours") {
  const ZonePtr berlin = Named("Europe/Berlin");
  if (berlin == nullptr) {
    return;
  }
  CHECK(PeriodAt(*berlin, Unit::kDay, Utc(2026, 3, 29, 43'200)) ==
        Period{Utc(2026, 3, 28, 82'800), Utc(2026, 3, 29, 79'200)});
  CHECK(HoursOf(PeriodAt(*berlin, Unit::kDay, Utc(2026, 10, 25, 43'200))) == 25);
  CHECK(HoursOf(PeriodAt(*berlin, Unit::kDay, Utc(2026, 10, 26, 43'200))) == 24);
  CHECK(HoursOf(PeriodAt(*berlin, Unit::kMonth, Utc(2026, 3, 15))) == 31 * 24 - 1);
  // The hour from 2 to 3 comes twice; each is its own.
  const Period first = PeriodAt(*berlin, Unit::kHour, Utc(2026, 10, 25, 600));
  const Period second = PeriodAt(*berlin, Unit::kHour, Utc(2026, 10, 25, 4'200));
  CHECK(first.end == second.begin);
  CHECK(HoursOf(first) == 1);
}

TEST_CASE("where midnight does not exist the day begins with the change of clocks") {
  const ZonePtr cairo = Named("Africa/Cairo");
  if (cairo == nullptr) {
    return;
  }
  // At 00:00 of April 24th 2026 clocks show 01:00.
  CHECK(PeriodAt(*cairo, Unit::kDay, Utc(2026, 4, 24, 43'200)).begin == Utc(2026, 4, 23, 79'200));
  CHECK(HoursOf(PeriodAt(*cairo, Unit::kDay, Utc(2026, 4, 24, 43'200))) == 23);
}

TEST_CASE("periods follow each other without gap or overlap in every zone") {
  for (const char* name : {"Europe/Berlin", "Africa/Cairo", "America/New_York", "America/Havana",
                           "Australia/Lord_Howe", "Asia/Gaza", "America/St_Johns", "Pacific/Apia",
                           "Europe/Dublin", "America/Sao_Paulo", "Africa/Casablanca"}) {
    const ZonePtr zone = Named(name);
    if (zone == nullptr) {
      continue;
    }
    INFO(name);
    for (const Unit unit : {Unit::kHour, Unit::kDay, Unit::kMonth}) {
      // Around a change by the rule of the last line, and a day that Samoa left out.
      bool is_sound = true;
      for (const base::UnixMillis start : {Utc(2011, 12, 20), Utc(2026, 3, 1), Utc(2026, 10, 20)}) {
        for (std::int64_t step = 0; step < 30; ++step) {
          const base::UnixMillis at = start + step * (kMillisPerDay + 3'600'000);
          const Period period = PeriodAt(*zone, unit, at);
          const Period before = PeriodAt(*zone, unit, period.begin + -1);
          const Period same = PeriodAt(*zone, unit, period.end + -1);
          is_sound = is_sound && period.begin <= at && at < period.end &&
                     before.end == period.begin && same == period;
        }
      }
      CHECK(is_sound);
    }
  }
}

}  // namespace
}  // namespace reprise::calendar
