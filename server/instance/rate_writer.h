// RateWriter: saves what limits granted, in batches, and closes the limiter when that cannot be
// done in time.
//
// Twice in each `flush_ms` it looks for what has changed and gives it to the store. A batch that
// the store refuses, or that has not been written when the next one is due, makes the limiter
// refuse to grant more until one has been written: so no change is ever older than `flush_ms`
// without being saved.
//
// Threads: one of its own, for the most part asleep; SetInterval any. Lifetime: the destructor
// joins it; the limiter and the store outlive it. Errors: none.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

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
  struct Outcome;
  class WriteCall;

  void Work();
  void Sleep();
  base::Status WriteBatch();

  rate::Limiter& limiter_;
  storage::Store& store_;
  std::atomic<std::int64_t> flush_ms_;
  base::Mutex mutex_;
  base::ConditionVariable wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace reprise::instance
