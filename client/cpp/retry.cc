#include "client/cpp/retry.h"

#include <algorithm>
#include <sys/random.h>

namespace reprise::client {

Backoff::Backoff(const ReconnectOptions& options, std::uint64_t seed)
    : options_(options), generator_(seed) {}

void Backoff::Succeeded() {
  failures_ = 0;
  next_attempt_ = base::Nanos{0};
}

void Backoff::Failed(base::Nanos now) {
  constexpr int kDoublingsMax = 30;  // The delay reaches its maximum long before.
  const int doublings = std::min(failures_, kDoublingsMax);
  ++failures_;
  std::int64_t delay_ms = options_.max_delay_ms;
  if (options_.first_delay_ms <= (options_.max_delay_ms >> doublings)) {
    delay_ms = options_.first_delay_ms << doublings;
  }
  std::uniform_int_distribution<std::int64_t> half(0, delay_ms / 2);
  next_attempt_ = now + (delay_ms - half(generator_)) * base::kNanosPerMilli;
}

std::int64_t Backoff::WaitMs(base::Nanos now) const {
  if (failures_ == 0 || now >= next_attempt_) {
    return 0;
  }
  return (next_attempt_ - now + base::kNanosPerMilli - 1) / base::kNanosPerMilli;
}

Circuit Backoff::circuit(base::Nanos now) const {
  if (failures_ < options_.failures_to_open) {
    return Circuit::kClosed;
  }
  return WaitMs(now) > 0 ? Circuit::kOpen : Circuit::kHalfOpen;
}

std::uint64_t SystemSeed() {
  std::uint64_t seed = 0;
  const ssize_t count = getrandom(&seed, sizeof seed, 0);
  // Without it the clients of one machine may come back together; nothing else depends on it.
  return count == static_cast<ssize_t>(sizeof seed) && seed != 0 ? seed : 1;
}

bool MayRepeat(Retry retry, bool reads_only, const Failure& failure) {
  if (failure.timed_out || failure.error.code != base::Code::kUnavailable) {
    return false;
  }
  switch (retry) {
    case Retry::kNever:
      return false;
    case Retry::kAlways:
      return true;
    case Retry::kSafe:
      return !failure.sent || reads_only;
  }
  return false;
}

base::Error ErrorFor(const Failure& failure, bool reads_only) {
  const bool lost = failure.timed_out || failure.error.code == base::Code::kUnavailable ||
                    failure.error.code == base::Code::kCorrupt;
  if (failure.sent && !reads_only && lost) {
    return {base::Code::kUnknownOutcome,
            failure.error.detail + "; the request had been sent and may have been applied"};
  }
  return failure.error;
}

}  // namespace reprise::client
