#include "protocol/base/clock.h"

#include <ctime>

namespace reprise::base {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

std::int64_t Read(clockid_t id) {
  timespec time{};
  clock_gettime(id, &time);
  return std::int64_t{time.tv_sec} * kNanosPerSecond + time.tv_nsec;
}

}  // namespace

// CLOCK_BOOTTIME counts time spent suspended; CLOCK_MONOTONIC would lengthen every time-to-live by
// the length of a suspend.
SystemClock::SystemClock(UnixMillis floor)
    : start_ms_(Read(CLOCK_REALTIME) / kNanosPerMilli), start_elapsed_ns_(Read(CLOCK_BOOTTIME)) {
  RaiseTo(floor);
}

void SystemClock::RaiseTo(UnixMillis floor) {
  if (const std::int64_t behind_ms = floor - Now(); behind_ms > 0) {
    start_ms_ += behind_ms;
  }
}

UnixMillis SystemClock::Now() const {
  return UnixMillis{start_ms_ + (Read(CLOCK_BOOTTIME) - start_elapsed_ns_) / kNanosPerMilli};
}

Nanos SystemClock::Elapsed() const {
  return Nanos{Read(CLOCK_MONOTONIC)};
}

UnixMillis SystemClock::Wall() const {
  return UnixMillis{Read(CLOCK_REALTIME) / kNanosPerMilli};
}

}  // namespace reprise::base
