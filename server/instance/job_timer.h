// JobTimer: lets the jobs do what is due when it is due.
//
// Threads: one of its own, asleep until the next moment that the jobs named, or until they name an
// earlier one. Lifetime: the destructor joins it; the jobs outlive it. Errors: none. Precision: a
// millisecond and what the system takes to wake a thread.
#pragma once

#include <thread>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "server/jobs/jobs.h"

namespace reprise::instance {

class JobTimer {
 public:
  JobTimer(jobs::Jobs& jobs, const base::Clock& clock);
  ~JobTimer();
  JobTimer(const JobTimer&) = delete;
  JobTimer& operator=(const JobTimer&) = delete;
  JobTimer(JobTimer&&) = delete;
  JobTimer& operator=(JobTimer&&) = delete;

 private:
  void Work();

  jobs::Jobs& jobs_;
  const base::Clock& clock_;
  base::Mutex mutex_;
  base::ConditionVariable wake_;
  bool nudged_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace reprise::instance
