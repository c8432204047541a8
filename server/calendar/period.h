// Periods: the hour, day or month that a moment lies in, by the clocks of a zone.
//
// Periods of a kind follow each other without gap or overlap. A day begins with the first instant
// whose local date is that day: where midnight does not exist because clocks go forward, at the
// change; where it comes twice, at the first one. So a day may have 23 or 25 hours. An hour is
// counted by the offset in force: of the two hours with one name each is its own.
//
// Units: milliseconds since 1970. Threads: any. Errors: none. Complexity: O(log changes of the
// zone). Limits: none.
#pragma once

#include "protocol/base/clock.h"
#include "server/calendar/zone.h"

namespace reprise::calendar {

enum class Unit : std::uint8_t { kHour, kDay, kMonth };

struct Period {
  base::UnixMillis begin{0};
  base::UnixMillis end{0};  // the first moment behind it

  bool operator==(const Period&) const = default;
};

Period PeriodAt(const Zone& zone, Unit unit, base::UnixMillis at);

// The first instant whose local time is `local_s` or later (seconds since 1970 as the local clock
// counts them).
std::int64_t FirstInstantOf(const Zone& zone, std::int64_t local_s);

}  // namespace reprise::calendar
