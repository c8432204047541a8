// CircuitBreaker: stops asking an endpoint that fails, and finds out when it is back.
//
// Closed, all may ask. After so many failures in a row it opens: nobody may, for a while. Then one
// may, the probe: its success closes, its failure opens again.
//
// Units: nanoseconds of one clock, the caller's. Threads: one owner at a time. Errors: none.
// Complexity: O(1).
#pragma once

#include <cstddef>
#include <cstdint>

#include "protocol/base/clock.h"

namespace reprise::embed {

class CircuitBreaker {
 public:
  struct Options {
    std::size_t failures_to_open = 5;  // in a row
    std::int64_t open_ms = 5'000;
  };
  enum class State { kClosed, kOpen, kProbing };

  explicit CircuitBreaker(const Options& options) : options_(options) {}

  // True: ask, and report what became of it. Of those who come when it has been open for long
  // enough, the first is the probe.
  bool MayAsk(base::Nanos now) {
    if (state_ == State::kOpen && now >= open_until_) {
      state_ = State::kProbing;
      return true;
    }
    return state_ == State::kClosed;
  }
  void Succeeded() {
    state_ = State::kClosed;
    failures_ = 0;
  }
  void Failed(base::Nanos now) {
    ++failures_;
    if (state_ == State::kProbing || failures_ >= options_.failures_to_open) {
      state_ = State::kOpen;
      open_until_ = now + options_.open_ms * base::kNanosPerMilli;
    }
  }
  State state() const { return state_; }

 private:
  Options options_;
  State state_ = State::kClosed;
  std::size_t failures_ = 0;
  base::Nanos open_until_{0};
};

}  // namespace reprise::embed
