// Histogram: counts of durations with three significant digits, in constant memory.
//
// Log-linear buckets as in HdrHistogram: below 2048 each value has its own bucket, above that each
// power of two is cut into 1024. A reported percentile is never below the true value at that rank
// and at most 1/1024 above it.
//
// Units: nanoseconds. Errors: none; values above kValueMax are counted as kValueMax. Threads: one
// owner. Complexity: Record is O(1) and takes no memory; Percentile is O(buckets).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace reprise::bench {

class Histogram {
 public:
  static constexpr std::int64_t kValueMax = std::int64_t{1} << 40U;  // about 18 minutes

  Histogram();

  void Record(std::int64_t value);
  void Add(const Histogram& other);
  void Clear();

  std::uint64_t count() const { return count_; }
  // 0 when nothing was recorded.
  std::int64_t max() const { return max_; }
  std::int64_t min() const;
  double Mean() const;
  // The value below or at which `percent` of the recorded values lie; 0 when nothing was recorded.
  std::int64_t Percentile(double percent) const;

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::int64_t max_ = 0;
  std::int64_t min_ = kValueMax;
};

}  // namespace reprise::bench
