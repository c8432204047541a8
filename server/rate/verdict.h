// Verdict: what a limit says to a quantity. Threads: values. Errors: none.
#pragma once

#include <cstdint>

#include "protocol/base/clock.h"
#include "server/config/rate_limit.h"

namespace reprise::rate {

using Algorithm = config::RateAlgorithm;
using Rule = config::RateRule;

// Nanoseconds of the limiter's own time (time_base.h).
enum class Instant : std::int64_t {};
constexpr std::int64_t ToInt(Instant time) {
  return static_cast<std::int64_t>(time);
}
constexpr Instant operator+(Instant time, std::int64_t ns) {
  return Instant{ToInt(time) + ns};
}
constexpr std::int64_t operator-(Instant a, Instant b) {
  return ToInt(a) - ToInt(b);
}
// Rounded up: who waits so long waits long enough.
constexpr std::int64_t ToMillisUp(std::int64_t ns) {
  return (ns + base::kNanosPerMilli - 1) / base::kNanosPerMilli;
}

inline constexpr std::int64_t kNever = -1;

struct Verdict {
  bool allowed = false;
  std::int64_t limit = 0;           // as the rule says
  std::int64_t remaining = 0;       // could be taken now
  std::int64_t retry_after_ms = 0;  // until the quantity is free, or kNever; 0 when it is allowed
  std::int64_t reset_ms = 0;        // until everything is free again
};

// The most that one call can ever take.
constexpr std::int64_t MostAtOnce(const Rule& rule) {
  return rule.algorithm == Algorithm::kGcra ? rule.burst : rule.limit;
}

}  // namespace reprise::rate
