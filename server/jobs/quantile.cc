#include "server/jobs/quantile.h"

#include <algorithm>
#include <cmath>

namespace reprise::jobs {
namespace {

constexpr double kGrowth = 1.2;

}  // namespace

std::size_t Durations::BucketOf(std::int64_t ms) {
  if (ms <= 1) {
    return 0;
  }
  const double place = std::ceil(std::log(static_cast<double>(ms)) / std::log(kGrowth) - 1e-9);
  return std::min(static_cast<std::size_t>(place), kBuckets - 1);
}

std::int64_t Durations::EdgeOf(std::size_t bucket) {
  return static_cast<std::int64_t>(
      std::floor(std::pow(kGrowth, static_cast<double>(bucket)) + 1e-6));
}

void Durations::Note(std::int64_t ms) {
  ++buckets_[BucketOf(ms)];
  if (++count_ < fade_at_) {
    return;
  }
  count_ = 0;
  for (std::uint32_t& bucket : buckets_) {
    bucket /= 2;
    count_ += bucket;
  }
}

std::optional<std::int64_t> Durations::At(double share) const {
  if (count_ == 0) {
    return std::nullopt;
  }
  const double wanted = share * static_cast<double>(count_);
  double sum = 0;
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    sum += static_cast<double>(buckets_[bucket]);
    if (buckets_[bucket] > 0 && sum >= wanted) {
      return EdgeOf(bucket);
    }
  }
  return EdgeOf(kBuckets - 1);
}

}  // namespace reprise::jobs
