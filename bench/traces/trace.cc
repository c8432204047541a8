#include "bench/traces/trace.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>

namespace reprise::bench {
namespace {

constexpr std::uint32_t kScanEvery = 50'000;
constexpr std::uint32_t kScanLength = 15'000;
constexpr std::uint32_t kShifts = 10;

class Zipf {
 public:
  Zipf(std::uint32_t count, double skew) {
    sums_.reserve(count);
    double sum = 0;
    for (std::uint32_t rank = 1; rank <= count; ++rank) {
      sum += std::pow(rank, -skew);
      sums_.push_back(sum);
    }
  }
  std::uint32_t Draw(std::mt19937_64& random) const {
    const double share = static_cast<double>(random() >> 11) * 0x1p-53;
    const auto found = std::lower_bound(sums_.begin(), sums_.end(), share * sums_.back());
    return static_cast<std::uint32_t>(found - sums_.begin());
  }

 private:
  std::vector<double> sums_;
};

// By how many ranks the popularity has moved on at request `i`.
std::uint32_t Moved(const TraceSpec& spec, std::uint32_t i) {
  const std::uint64_t questions = spec.questions;
  if (spec.kind == TraceKind::kShift) {
    const std::uint64_t shift = std::uint64_t{i} * kShifts / spec.requests;
    return static_cast<std::uint32_t>(shift * (questions * 3 / 10) % questions);
  }
  if (spec.kind == TraceKind::kDrift) {
    return static_cast<std::uint32_t>(i * (questions / 2) / spec.requests);
  }
  return 0;
}

}  // namespace

std::vector<std::uint32_t> MakeTrace(const TraceSpec& spec, std::uint64_t seed) {
  const Zipf zipf(spec.questions, spec.skew);
  std::mt19937_64 random(seed);
  std::vector<std::uint32_t> trace;
  trace.reserve(spec.requests);
  std::uint32_t once = spec.questions;
  for (std::uint32_t i = 0; i < spec.requests; ++i) {
    const bool is_scan =
        spec.kind == TraceKind::kScan && (i % kScanEvery < kScanLength || random() % 10 == 0);
    trace.push_back(is_scan ? once++ : (zipf.Draw(random) + Moved(spec, i)) % spec.questions);
  }
  return trace;
}

std::string NameOf(const TraceSpec& spec) {
  std::string_view kind;
  switch (spec.kind) {
    case TraceKind::kZipf:
      kind = "zipf";
      break;
    case TraceKind::kScan:
      kind = "scan";
      break;
    case TraceKind::kShift:
      kind = "shift";
      break;
    case TraceKind::kDrift:
      kind = "drift";
      break;
  }
  char skew[16];
  std::snprintf(skew, sizeof skew, " %.1f", spec.skew);
  return std::string(kind) + skew;
}

}  // namespace reprise::bench
