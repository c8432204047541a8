#include "server/calendar/period.h"

#include <algorithm>

#include "server/calendar/civil.h"

namespace reprise::calendar {
namespace {

constexpr base::UnixMillis Millis(std::int64_t seconds) {
  return base::UnixMillis{seconds * kMillisPerSecond};
}

Period HourAt(const Zone& zone, std::int64_t at_s) {
  const Stretch stretch = zone.StretchAt(at_s);
  const std::int64_t local = at_s + stretch.offset_s;
  const std::int64_t begin = FloorDiv(local, kSecondsPerHour) * kSecondsPerHour - stretch.offset_s;
  return {Millis(std::max(begin, stretch.begin_s)),
          Millis(std::min(begin + kSecondsPerHour, stretch.end_s))};
}

}  // namespace

std::int64_t FirstInstantOf(const Zone& zone, std::int64_t local_s) {
  // No clock is further from UTC than kOffsetMaxS, so the instant lies within.
  std::int64_t at_s = local_s - kOffsetMaxS;
  for (;;) {
    const Stretch stretch = zone.StretchAt(at_s);
    const std::int64_t instant = std::max(local_s - stretch.offset_s, at_s);
    if (instant < stretch.end_s) {
      return instant;
    }
    at_s = stretch.end_s;
  }
}

Period PeriodAt(const Zone& zone, Unit unit, base::UnixMillis at) {
  const std::int64_t at_s = FloorDiv(base::ToInt(at), kMillisPerSecond);
  if (unit == Unit::kHour) {
    return HourAt(zone, at_s);
  }
  const std::int64_t local_day = FloorDiv(at_s + zone.StretchAt(at_s).offset_s, kSecondsPerDay);
  const CivilDay civil = CivilFrom(local_day);
  std::int64_t first = local_day;
  std::int64_t next = local_day + 1;
  if (unit == Unit::kMonth) {
    first = DaysFrom({civil.year, civil.month, 1});
    next = first + DaysIn(civil.year, civil.month);
  }
  const auto begin_of = [&](std::int64_t day) {
    return FirstInstantOf(zone, day * kSecondsPerDay);
  };
  // Clocks that go back over midnight show the end of a day twice; it belongs to the next one by
  // then.
  if (begin_of(next) <= at_s) {
    first = next;
    next = unit == Unit::kDay ? next + 1
                              : first + DaysIn(CivilFrom(first).year, CivilFrom(first).month);
  }
  return {Millis(begin_of(first)), Millis(begin_of(next))};
}

}  // namespace reprise::calendar
