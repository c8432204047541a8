// Gcra: the generic cell rate algorithm, exact.
//
// The state of a key is one instant, the theoretical arrival time: when everything would be free
// again. Each unit moves it by period / limit; a quantity is allowed when it then lies at most
// burst * period / limit ahead. Whatever the times and quantities, what is allowed in any span of t
// is at most burst + t * limit / period (notes/0001-algorithms.md). The fraction of a nanosecond is
// kept, so nothing is lost or given by rounding.
//
// Units: nanoseconds of Instant; milliseconds rounded up. Threads: values. Errors: none.
// Complexity: O(1), no memory. Limits: rules that config::CompleteRate let pass; a debt beyond
// twenty years is twenty years.
#pragma once

#include <cstdint>

#include "server/rate/verdict.h"

namespace reprise::rate {

class Gcra {
 public:
  // Without changing anything; `remaining` and `reset_ms` are of now.
  Verdict Look(const Rule& rule, std::int64_t quantity, Instant now) const;
  // Charges whether it is allowed or not, and answers what is left; the caller looked before.
  Verdict Charge(const Rule& rule, std::int64_t quantity, Instant now);
  // Gives whole units back, but moves the state by at most `span_ns`.
  struct Back {
    std::int64_t ns = 0;     // by which it moved
    std::int64_t units = 0;  // that are
  };
  Back GiveBack(const Rule& rule, std::int64_t units, std::int64_t span_ns);

  // The arrival, rounded up, with burst / `share` whole units on top.
  Instant Ahead(const Rule& rule, std::int64_t share) const;

  // Everything is free: the same as a key that was never seen.
  bool IsIdle(Instant now) const { return arrival_ < now; }
  Instant arrival() const { return arrival_; }

  // The stored form.
  struct Parts {
    Instant arrival{0};
    std::uint64_t part = 0;   // the arrival is part / parts of a nanosecond later
    std::uint64_t parts = 1;  // above 0
  };
  Parts ToParts() const { return {arrival_, part_, parts_}; }
  static Gcra From(const Parts& parts);

 private:
  Instant arrival_{0};
  std::uint64_t part_ = 0;
  std::uint64_t parts_ = 1;
};

}  // namespace reprise::rate
