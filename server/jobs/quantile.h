// Quantiles of durations: a histogram with buckets that grow by a fifth, in which the past fades.
//
// Units: milliseconds, 1 ms to about 7 days. Threads: one owner. Errors: none. Complexity: Note
// O(1), At O(buckets). Precision: the upper edge of a bucket, at most a fifth too high. Fading:
// when `fade_at` values have come, all count half.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace reprise::jobs {

class Durations {
 public:
  explicit Durations(std::uint32_t fade_at = 1'000) : fade_at_(fade_at) {}

  void Note(std::int64_t ms);
  // The duration that `share` (0 to 1) of the values do not exceed; absent while there are none.
  std::optional<std::int64_t> At(double share) const;
  std::uint32_t count() const { return count_; }

 private:
  static constexpr std::size_t kBuckets = 112;
  static std::size_t BucketOf(std::int64_t ms);
  static std::int64_t EdgeOf(std::size_t bucket);

  std::uint32_t fade_at_;
  std::uint32_t count_ = 0;
  std::array<std::uint32_t, kBuckets> buckets_{};
};

}  // namespace reprise::jobs
