// When to try again: the delay between attempts to connect, and which calls may be sent twice.
//
// Internal to client/cpp. Units: milliseconds, base::Nanos. Threads: one owner. Errors: none.
// Complexity: O(1).
#pragma once

#include <cstdint>
#include <random>

#include "client/cpp/options.h"
#include "protocol/base/clock.h"

namespace reprise::client {

// Counts failed attempts to connect in a row, and says when the next may be made.
class Backoff {
 public:
  // `seed` other than 0; see SystemSeed.
  Backoff(const ReconnectOptions& options, std::uint64_t seed);

  void Succeeded();
  void Failed(base::Nanos now);

  // 0: at once.
  std::int64_t WaitMs(base::Nanos now) const;
  Circuit circuit(base::Nanos now) const;
  int failures() const { return failures_; }

 private:
  ReconnectOptions options_;
  std::mt19937_64 generator_;
  int failures_ = 0;
  base::Nanos next_attempt_{0};
};

// 64 bits from getrandom(2).
std::uint64_t SystemSeed();

// How an attempt ended without the server's answer.
struct Failure {
  base::Error error;  // kUnavailable is worth another attempt, other codes are not
  bool sent = false;  // a byte of the request left
  bool timed_out = false;
};

bool MayRepeat(Retry retry, bool reads_only, const Failure& failure);

// The error for the caller: a command that writes and was sent has an unknown outcome.
base::Error ErrorFor(const Failure& failure, bool reads_only);

}  // namespace reprise::client
