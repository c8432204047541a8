// FlightTimer: ends leases and waits of the cache when their time has come.
//
// Threads: one of its own, asleep until the next deadline, or until Nudge when it does not know
// one. Lifetime: the destructor joins it; the flights outlive it. Errors: none.
#pragma once

#include <thread>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "server/cache/flights.h"

namespace reprise::instance {

class FlightTimer {
 public:
  FlightTimer(cache::Flights& flights, const base::Clock& clock);
  ~FlightTimer();
  FlightTimer(const FlightTimer&) = delete;
  FlightTimer& operator=(const FlightTimer&) = delete;
  FlightTimer(FlightTimer&&) = delete;
  FlightTimer& operator=(FlightTimer&&) = delete;

 private:
  void Work();

  cache::Flights& flights_;
  const base::Clock& clock_;
  base::Mutex mutex_;
  base::ConditionVariable wake_;
  bool nudged_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace reprise::instance
