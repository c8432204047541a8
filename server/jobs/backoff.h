// Backoff: how long a task that failed waits before it is tried again.
//
// Doubles with each attempt from `first_ms` up to `most_ms`, and of that between half and all,
// drawn at random: tasks that failed together do not come back together. Units: milliseconds.
// Threads: pure. Errors: none. Complexity: O(1).
#pragma once

#include <algorithm>
#include <cstdint>

namespace reprise::jobs {

struct BackoffRule {
  std::int64_t first_ms = 1'000;
  std::int64_t most_ms = 300'000;
};

// `attempts` counts those that failed, from 1; `draw` is any 64 random bits.
constexpr std::int64_t BackoffMs(const BackoffRule& rule, std::uint32_t attempts,
                                 std::uint64_t draw) {
  constexpr std::uint32_t kDoublings = 20;
  const std::uint32_t doublings = std::min(attempts == 0 ? 0 : attempts - 1, kDoublings);
  const std::int64_t whole = std::min(rule.most_ms, rule.first_ms << doublings);
  const std::int64_t half = whole / 2;
  return half + static_cast<std::int64_t>(draw % static_cast<std::uint64_t>(whole - half + 1));
}

}  // namespace reprise::jobs
