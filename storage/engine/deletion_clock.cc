#include "storage/engine/deletion_clock.h"

#include <algorithm>
#include <cstdlib>

namespace reprise::storage {

DeletionClock::DeletionClock(const base::Clock& clock, base::UnixMillis high_water)
    : clock_(clock),
      base_ms_(base::ToInt(high_water)),
      start_(clock.Elapsed()),
      steady_since_(start_),
      steady_skew_ms_(clock.Wall() - clock.Now()),
      trusted_(base_ms_ == 0),
      now_ms_(0) {
  Update();
}

void DeletionClock::Update() {
  now_ms_.store(std::max(now_ms_.load(), Compute()));
}

std::int64_t DeletionClock::Compute() {
  const std::int64_t now_ms = base::ToInt(clock_.Now());
  if (trusted_) {
    return now_ms;
  }
  const base::Nanos elapsed = clock_.Elapsed();
  const std::int64_t skew_ms = clock_.Wall() - clock_.Now();
  if (std::abs(skew_ms - steady_skew_ms_) > kDriftMsMax) {
    steady_skew_ms_ = skew_ms;
    steady_since_ = elapsed;
  }
  trusted_ = elapsed - steady_since_ >= kSteadyMs * base::kNanosPerMilli;
  if (trusted_) {
    return now_ms;
  }
  return std::min(now_ms, base_ms_ + (elapsed - start_) / base::kNanosPerMilli + kAheadMsMax);
}

}  // namespace reprise::storage
