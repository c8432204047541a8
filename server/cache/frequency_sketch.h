// FrequencySketch: how often questions that have left the cache were used, roughly.
//
// An entry counts its own uses while it is there (EvictionOrder); this remembers the count when it
// goes, so that a popular question that comes back is not taken for a new one. A count-min sketch
// of 4-bit counters: four of the 120 counters of one 64-byte block, by the hash; the answer is the
// smallest, so it is never too small but for ageing, which halves all counts. Blocks are halved
// when they are next used, so no call looks at them all.
//
// Units: counts of 0 to 15. Threads: one owner at a time. Errors: none. Complexity: O(1), one cache
// line; Reserve O(entries) when it grows, which doubles. Memory: 16 to 32 bytes an entry of the
// largest size that it was reserved for. The hashes must be keyed or otherwise out of reach of who
// asks the questions.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace reprise::cache {

class FrequencySketch {
 public:
  static constexpr std::uint32_t kCountMax = 15;

  // Makes it large enough to tell this many questions apart, keeping what it knows.
  void Reserve(std::size_t entries);
  // Raises the count of the question to `count`, when it is lower.
  void Raise(std::uint64_t hash, std::uint32_t count);
  std::uint32_t CountOf(std::uint64_t hash) const;
  // Halves all counts.
  void Age() { ++age_; }
  std::size_t MemoryBytes() const { return blocks_.capacity() * sizeof(Block); }

 private:
  struct alignas(64) Block {
    std::uint32_t age = 0;
    std::array<std::uint8_t, 60> pairs{};  // two counters each
  };
  static constexpr int kRows = 4;
  static constexpr std::uint32_t kCountersPerRow = 30;

  // The number of the counter in row `row` that the hash has.
  static std::uint32_t CounterOf(std::uint64_t hash, int row);

  std::vector<Block> blocks_;  // a power of two of them
  std::uint32_t age_ = 0;
};

}  // namespace reprise::cache
