// TimeBase: the limiter's own time. It counts what really passed, and nothing else.
//
// A limit must not grant more because somebody set the clock, so neither the wall clock nor the
// server's time, which each start reads from it, will do. While the machine is up its uptime says
// how long the process was not running. Only when the machine itself was started again the wall
// clock is asked: a clock that was set back then counts as no time, one that was set forward may
// free each key once (notes/0002-state-and-time.md). Instants begin at the server's time of the
// first start, so that people can read them.
//
// Units: nanoseconds. Threads: Now from any; the rest as the store. Errors: those of the store;
// kCorrupt. Complexity: one reading of the clock. Lifetime: the clock outlives it.
#pragma once

#include <cstdint>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/rate/verdict.h"
#include "storage/engine/store.h"

namespace reprise::rate {

class TimeBase {
 public:
  static base::Result<TimeBase> Load(const storage::Store& store, const base::Clock& clock);

  Instant Now() const { return Instant{base_ns_ + ToInt(clock_->SinceStart().elapsed)}; }
  // Part of every batch that saves instants.
  void Write(storage::Transaction& transaction) const;

 private:
  TimeBase(const base::Clock& clock, std::int64_t base_ns) : clock_(&clock), base_ns_(base_ns) {}

  const base::Clock* clock_;
  std::int64_t base_ns_;
};

}  // namespace reprise::rate
