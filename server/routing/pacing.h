// Pacing: what money is worth in quality, so that the mix of cheap and dear calls is the one
// wanted.
//
// For each call there is a price of money at which the choice tips from a dear model to a cheap
// one. Of the latest calls those prices are kept; the wanted share of cheap calls is the quantile
// to take. Nothing is tuned, and it follows the traffic. Where traffic changes faster than the
// quantile, what is missing of the share is asked for on top.
//
// Threads: one owner at a time. Errors: none. Complexity: O(kWindow) to ask, O(1) to add. Units:
// quality per cost of the dearest model's call.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

namespace reprise::routing {

class Pacing {
 public:
  static constexpr std::size_t kWindow = 512;
  // With fewer calls than this there is no quantile to speak of.
  static constexpr std::size_t kCallsMin = 16;
  static constexpr double kMemory = 100;

  // A call that would tip at this price, and what it became.
  void Add(double tips_at, bool is_cheap);
  // At this price, at least `share` of the latest calls are cheap. Absent: too few calls.
  std::optional<double> PriceFor(double share) const;

 private:
  std::vector<double> prices_;  // a ring once it is full
  std::size_t next_ = 0;
  double cheap_share_ = 0;  // of about the last kMemory calls
  double calls_ = 0;        // up to kMemory
};

// How much a budget presses (SelectRequest::pressure), of which `used` is spent or held, and
// `elapsed` of its period is over: a half when what is left lasts until the end at the pace so far,
// more when it does not, and all of it once it is spent. A budget whose period does not end presses
// by what is used.
double PressureOf(double used, double elapsed);

}  // namespace reprise::routing
