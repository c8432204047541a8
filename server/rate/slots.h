// Slots: what is held of one limit of concurrency, by whom and until when.
//
// Units: nanoseconds of Instant. Threads: values. Errors: none. Complexity: O(log leases);
// O(quantity) where time makes room. Lifetime: a lease that has ended stays until Expire meets it.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "server/rate/lease.h"
#include "server/rate/verdict.h"

namespace reprise::rate {

class Slots {
 public:
  // `retry_after_ms` is when room is made at the latest: a holder may be done before.
  Verdict Look(const Rule& rule, std::int64_t quantity, Instant now) const;

  void Add(LeaseId lease, Instant ends, std::int64_t units);
  // How many units it held.
  std::int64_t Remove(LeaseId lease, Instant ends);

  std::int64_t held() const { return held_; }
  bool IsIdle(Instant now) const { return by_end_.empty() || by_end_.rbegin()->first.first <= now; }

 private:
  std::map<std::pair<Instant, LeaseId>, std::int64_t> by_end_;
  std::int64_t held_ = 0;
};

}  // namespace reprise::rate
