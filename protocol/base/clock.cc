#include "protocol/base/clock.h"

#include <ctime>
#include <fstream>
#include <string>

namespace reprise::base {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

std::int64_t Read(clockid_t id) {
  timespec time{};
  clock_gettime(id, &time);
  return std::int64_t{time.tv_sec} * kNanosPerSecond + time.tv_nsec;
}

// The kernel draws a new id at each start of the machine, and shows containers that of their host.
std::uint64_t ReadMachineStart() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  std::uint64_t start = 0;
  for (const char digit : id) {
    const auto code = static_cast<unsigned char>(digit);
    if (digit != '-') {  // 32 hexadecimal digits; all of them count.
      start = (start << 4U | start >> 60U) ^ code;
    }
  }
  return start;
}

}  // namespace

// CLOCK_BOOTTIME counts time spent suspended; CLOCK_MONOTONIC would lengthen every time-to-live by
// the length of a suspend.
SystemClock::SystemClock(UnixMillis floor)
    : start_ms_(Read(CLOCK_REALTIME) / kNanosPerMilli),
      start_elapsed_ns_(Read(CLOCK_BOOTTIME)),
      machine_start_(ReadMachineStart()) {
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

Uptime SystemClock::SinceStart() const {
  return {machine_start_, Nanos{Read(CLOCK_BOOTTIME)}};
}

}  // namespace reprise::base
