// Window: a sliding window, exact up to kEntries units of one key, and never over the limit.
//
// It remembers when what was taken, in at most kEntries places. As long as each place holds one
// call, it is exact. Beyond that, calls of the same fifteenth of the period share a place and count
// as made at the latest of them: what was taken counts up to a fifteenth of the period too long,
// never too short, so that no window of the period ever sees more than the limit
// (notes/0001-algorithms.md).
//
// Units: nanoseconds of Instant. Threads: values. Errors: none. Complexity: O(kEntries). Memory:
// fixed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "server/rate/verdict.h"

namespace reprise::rate {

class Window {
 public:
  static constexpr std::size_t kEntries = 16;

  struct Entry {
    Instant at{0};
    std::int64_t units = 0;
  };

  Verdict Look(const Rule& rule, std::int64_t quantity, Instant now) const;
  // Charges whether it is allowed or not.
  Verdict Charge(const Rule& rule, std::int64_t quantity, Instant now);
  // Takes back units of a call that was charged at `at`; how many were still counted.
  std::int64_t GiveBack(const Rule& rule, Instant at, std::int64_t units, Instant now);

  bool IsIdle(Instant now) const { return ends_ <= now; }
  // From then on nothing counts any more.
  Instant ends() const { return ends_; }
  std::span<const Entry> entries() const { return {entries_.data(), count_}; }
  // The stored form: entries in order of time, at most kEntries.
  static Window From(std::span<const Entry> entries, Instant ends);

 private:
  void Append(const Rule& rule, std::int64_t quantity, Instant now);
  void DropBefore(Instant first);

  std::array<Entry, kEntries> entries_{};
  std::size_t count_ = 0;
  Instant ends_{0};
  Instant dropped_{0};  // the latest time of an entry that has gone
};

}  // namespace reprise::rate
