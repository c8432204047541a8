// Arrivals: a running estimate of how often something comes.
//
// The mean time between arrivals, with the newest weighing a fifth; silence counts as it lasts, so
// that a stream which has stopped is not waited for. Units: milliseconds. Threads: one owner.
// Errors: none. Complexity: O(1).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace reprise::jobs {

class Arrivals {
 public:
  void Note(std::int64_t now_ms) {
    if (seen_ > 0) {
      const auto gap = static_cast<double>(std::max<std::int64_t>(now_ms - last_ms_, 0));
      gap_ms_ = seen_ == 1 ? gap : gap_ms_ + kNewest * (gap - gap_ms_);
    }
    seen_ = std::min(seen_ + 1, 2);
    last_ms_ = now_ms;
  }

  // Absent until two have come.
  std::optional<double> GapMs() const {
    return seen_ < 2 ? std::nullopt : std::optional(std::max(gap_ms_, kShortestMs));
  }
  std::int64_t last_ms() const { return last_ms_; }

 private:
  static constexpr double kNewest = 0.2;
  static constexpr double kShortestMs = 0.01;

  double gap_ms_ = 0;
  std::int64_t last_ms_ = 0;
  int seen_ = 0;
};

}  // namespace reprise::jobs
