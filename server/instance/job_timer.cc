#include "server/instance/job_timer.h"

#include <algorithm>
#include <chrono>
#include <pthread.h>

namespace reprise::instance {

JobTimer::JobTimer(jobs::Jobs& jobs, const base::Clock& clock) : jobs_(jobs), clock_(clock) {
  jobs_.OnEarlier([this] {
    {
      base::MutexLock lock(mutex_);
      nudged_ = true;
    }
    wake_.notify_one();
  });
  thread_ = std::thread([this] { Work(); });
  pthread_setname_np(thread_.native_handle(), "jobs-timer");
}

JobTimer::~JobTimer() {
  jobs_.OnEarlier(nullptr);
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void JobTimer::Work() {
  // A clock that a test moves is looked at again after this much real time.
  constexpr std::int64_t kLongestSleepMs = 1'000;
  for (;;) {
    jobs_.Advance();
    const auto next = jobs_.PlanNext();
    base::MutexLock lock(mutex_);
    if (stopping_) {
      return;
    }
    if (!nudged_) {
      const std::int64_t left_ms =
          next.has_value() ? *next - base::ToInt(clock_.Now()) : kLongestSleepMs;
      if (left_ms > 0) {
        wake_.wait_for(mutex_, std::chrono::milliseconds(std::min(left_ms, kLongestSleepMs)));
      }
    }
    nudged_ = false;
  }
}

}  // namespace reprise::instance
