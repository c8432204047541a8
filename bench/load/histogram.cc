#include "bench/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace reprise::bench {
namespace {

constexpr unsigned kPrecisionBits = 10;  // 2^10 buckets in each power of two: within 1/1024
constexpr std::uint64_t kLinearValues = std::uint64_t{2} << kPrecisionBits;

std::size_t BucketOf(std::uint64_t value) {
  if (value < kLinearValues) {
    return value;
  }
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - (kPrecisionBits + 1);
  return (static_cast<std::size_t>(shift) << kPrecisionBits) + (value >> shift);
}

// The largest value that falls into the bucket.
std::uint64_t TopOf(std::size_t bucket) {
  if (bucket < kLinearValues) {
    return bucket;
  }
  const std::size_t shift = (bucket >> kPrecisionBits) - 1;
  const std::uint64_t start = (bucket - (shift << kPrecisionBits)) << shift;
  return start + (std::uint64_t{1} << shift) - 1;
}

}  // namespace

Histogram::Histogram() : buckets_(BucketOf(kValueMax) + 1) {}

void Histogram::Record(std::int64_t value) {
  value = std::clamp(value, std::int64_t{0}, kValueMax);
  ++buckets_[BucketOf(static_cast<std::uint64_t>(value))];
  ++count_;
  sum_ += static_cast<std::uint64_t>(value);
  max_ = std::max(max_, value);
  min_ = std::min(min_, value);
}

void Histogram::Add(const Histogram& other) {
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    buckets_[i] += other.buckets_[i];
  }
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
  min_ = std::min(min_, other.min_);
}

void Histogram::Clear() {
  std::fill(buckets_.begin(), buckets_.end(), 0);
  count_ = 0;
  sum_ = 0;
  max_ = 0;
  min_ = kValueMax;
}

std::int64_t Histogram::min() const {
  return count_ == 0 ? 0 : min_;
}

double Histogram::Mean() const {
  return count_ == 0 ? 0.0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

std::int64_t Histogram::Percentile(double percent) const {
  if (count_ == 0) {
    return 0;
  }
  const double share = std::clamp(percent, 0.0, 100.0) / 100.0;
  const auto rank = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= rank) {
      return std::min(max_, static_cast<std::int64_t>(TopOf(i)));
    }
  }
  return max_;
}

}  // namespace reprise::bench
