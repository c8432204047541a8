#include "server/instance/flight_timer.h"

#include <algorithm>
#include <chrono>
#include <pthread.h>

namespace reprise::instance {

FlightTimer::FlightTimer(cache::Flights& flights, const base::Clock& clock)
    : flights_(flights), clock_(clock) {
  flights_.OnEarlierDeadline([this] {
    {
      base::MutexLock lock(mutex_);
      nudged_ = true;
    }
    wake_.notify_one();
  });
  thread_ = std::thread([this] { Work(); });
  pthread_setname_np(thread_.native_handle(), "cache-flights");
}

FlightTimer::~FlightTimer() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  flights_.OnEarlierDeadline(nullptr);
}

void FlightTimer::Work() {
  // A clock that a test moves is looked at again after this much real time.
  constexpr std::int64_t kLongestSleepMs = 1'000;
  for (;;) {
    flights_.Expire(clock_.Elapsed());
    const auto next = flights_.NextDeadline();
    base::MutexLock lock(mutex_);
    if (stopping_) {
      return;
    }
    if (!nudged_ && next.has_value()) {
      const std::int64_t left = std::max<std::int64_t>(*next - clock_.Elapsed(), 0);
      wake_.wait_for(
          mutex_, std::chrono::nanoseconds(std::min(left, kLongestSleepMs * base::kNanosPerMilli)));
    }
    while (!nudged_ && !next.has_value() && !stopping_) {
      wake_.wait(mutex_);
    }
    nudged_ = false;
  }
}

}  // namespace reprise::instance
