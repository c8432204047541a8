// KeyStream: which key comes next, by the distribution that a run asks for.
//
// Zipf keys are drawn beforehand into a table of kSamples and replayed from a start that differs by
// thread, because drawing one costs more than sending a request. Ranks are spread over the key
// numbers, so that popular keys are not neighbours.
//
// Threads: one owner each. Errors: none. Complexity: construction O(keys + samples log keys) for
// Zipf, Next O(1).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench/load/content.h"

namespace reprise::bench {

enum class Distribution : std::uint8_t { kUniform, kZipf, kSequential };

// The table that all threads of a run share; empty unless the distribution is kZipf.
using ZipfTable = std::shared_ptr<const std::vector<std::uint32_t>>;
ZipfTable DrawZipf(std::uint64_t keys, double theta, std::uint64_t seed);

class KeyStream {
 public:
  struct Settings {
    Distribution distribution = Distribution::kUniform;
    std::uint64_t first = 0;  // kSequential counts from here
    std::uint64_t keys = 1;   // from 0 to keys - 1; at most 2^32 for kZipf
    std::uint64_t seed = 1;
    ZipfTable zipf;
  };

  explicit KeyStream(const Settings& settings);

  std::uint64_t Next();
  // For decisions that go with the key, such as read or write.
  double Fraction() { return random_.Fraction(); }

 private:
  Settings settings_;
  Random random_;
  std::uint64_t position_ = 0;
};

}  // namespace reprise::bench
