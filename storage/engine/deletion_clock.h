// DeletionClock: the time by which expired rows may be deleted for good.
//
// The server's time hides rows; this one removes them. They differ only after a start: the wall
// clock may be wrong then, and what is deleted by a wrong clock is gone. So the time goes on from
// the persisted high-water mark as elapsed time does, at most five minutes ahead of that, until the
// process has run ten minutes with a steady wall clock; then it is the server's time. It is also
// what is persisted as the next high-water mark, so that one start with a wrong clock is forgotten.
//
// Units: UnixMillis. Threads: Update from one thread, now_ms() from any. Errors: none.
#pragma once

#include <atomic>
#include <cstdint>

#include "protocol/base/clock.h"

namespace reprise::storage {

class DeletionClock {
 public:
  static constexpr std::int64_t kAheadMsMax = std::int64_t{5} * 60 * 1000;
  static constexpr std::int64_t kSteadyMs = std::int64_t{10} * 60 * 1000;
  // How far the wall clock may drift from elapsed time and still count as steady.
  static constexpr std::int64_t kDriftMsMax = 5'000;

  // Without a high-water mark (a new directory) there is nothing to lose: the clock is trusted.
  DeletionClock(const base::Clock& clock, base::UnixMillis high_water);

  // Reads the clock and moves on. About once a second.
  void Update();

  base::UnixMillis now() const { return base::UnixMillis{now_ms_.load()}; }
  const std::atomic<std::int64_t>& now_ms() const { return now_ms_; }

 private:
  std::int64_t Compute();

  const base::Clock& clock_;
  const std::int64_t base_ms_;
  const base::Nanos start_;
  base::Nanos steady_since_;
  std::int64_t steady_skew_ms_;
  bool trusted_;
  std::atomic<std::int64_t> now_ms_;
};

}  // namespace reprise::storage
