// RateWriter: saves what limits granted, in batches, and closes the limiter when that cannot be
// done in time.
//
// Four times in each `flush_ms` it gives what has changed to the store. When nothing could be
// written for `flush_ms`, because the store refuses or hangs, the limiter refuses to grant more
// until something was written: so no change is ever older than that without being saved.
//
// Threads: one of its own, for the most part asleep; SetInterval any. Lifetime: the destructor
// joins it; the limiter and the store outlive it. Errors: none.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/rate/limiter.h"
#include "storage/engine/store.h"

namespace reprise::instance {

class RateWriter {
 public:
  RateWriter(rate::Limiter& limiter, storage::Store& store, std::int64_t flush_ms);
  ~RateWriter();
  RateWriter(const RateWriter&) = delete;
  RateWriter& operator=(const RateWriter&) = delete;
  RateWriter(RateWriter&&) = delete;
  RateWriter& operator=(RateWriter&&) = delete;

  void SetInterval(std::int64_t flush_ms) { flush_ms_ = flush_ms; }

 private:
  class Outcome;
  class WriteCall;

  void Work();
  // False when it is to stop.
  bool Sleep();
  void Save();
  base::Status Write(std::size_t batches);
  // How long it may take until what is not saved yet is too old; not above 0: it is.
  std::int64_t LeftMs() const;

  rate::Limiter& limiter_;
  storage::Store& store_;
  std::atomic<std::int64_t> flush_ms_;
  const base::SystemClock clock_;  // real time, whatever clock the rest runs on
  base::Nanos saved_until_;        // what had changed by then is saved; of the thread
  base::Mutex mutex_;
  base::ConditionVariable wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace reprise::instance
