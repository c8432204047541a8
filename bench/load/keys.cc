#include "bench/load/keys.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace reprise::bench {
namespace {

constexpr std::size_t kSamples = std::size_t{1} << 20U;

// A step that visits every number below `keys` once.
std::uint64_t SpreadStep(std::uint64_t keys) {
  std::uint64_t step = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(static_cast<double>(keys) * 0.6180339887));
  while (std::gcd(step, keys) != 1) {
    ++step;
  }
  return step;
}

}  // namespace

ZipfTable DrawZipf(std::uint64_t keys, double theta, std::uint64_t seed) {
  std::vector<double> cumulative(keys);
  double sum = 0.0;
  for (std::uint64_t rank = 0; rank < keys; ++rank) {
    sum += 1.0 / std::pow(static_cast<double>(rank + 1), theta);
    cumulative[rank] = sum;
  }
  Random random(seed);
  const std::uint64_t step = SpreadStep(keys);
  auto table = std::make_shared<std::vector<std::uint32_t>>(kSamples);
  for (std::uint32_t& key : *table) {
    const auto found =
        std::upper_bound(cumulative.begin(), cumulative.end(), random.Fraction() * sum);
    const auto rank =
        std::min<std::uint64_t>(keys - 1, static_cast<std::uint64_t>(found - cumulative.begin()));
    key = static_cast<std::uint32_t>((rank * step) % keys);
  }
  return table;
}

KeyStream::KeyStream(const Settings& settings) : settings_(settings), random_(settings.seed) {
  position_ = settings.distribution == Distribution::kSequential ? settings.first : random_.Next();
}

std::uint64_t KeyStream::Next() {
  switch (settings_.distribution) {
    case Distribution::kUniform:
      return random_.Below(settings_.keys);
    case Distribution::kZipf:
      return (*settings_.zipf)[position_++ % kSamples];
    case Distribution::kSequential:
      return position_++ % settings_.keys;
  }
  return 0;
}

}  // namespace reprise::bench
