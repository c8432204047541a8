#include "server/cache/frequency_sketch.h"

#include <algorithm>

namespace reprise::cache {
namespace {

constexpr std::size_t kEntriesPerBlock = 4;
constexpr std::size_t kBlocksMin = 16;

std::uint32_t Half(std::uint32_t counter) {
  return (counter & 1U) * 4;
}

}  // namespace

std::uint32_t FrequencySketch::CounterOf(std::uint64_t hash, int row) {
  // Eight bits of the upper half for each row; the lower half chooses the block.
  const auto bits = static_cast<std::uint32_t>(hash >> (32 + 8 * row)) & 0xffU;
  return static_cast<std::uint32_t>(row) * kCountersPerRow + bits * kCountersPerRow / 256;
}

void FrequencySketch::Reserve(std::size_t entries) {
  if (blocks_.empty()) {
    blocks_.assign(kBlocksMin, Block{age_, {}});
  }
  while (blocks_.size() * kEntriesPerBlock < entries) {
    // A question's block becomes the one of the same number or its copy, by one more bit.
    std::vector<Block> doubled;
    doubled.reserve(blocks_.size() * 2);
    doubled.insert(doubled.end(), blocks_.begin(), blocks_.end());
    doubled.insert(doubled.end(), blocks_.begin(), blocks_.end());
    blocks_ = std::move(doubled);
  }
}

void FrequencySketch::Raise(std::uint64_t hash, std::uint32_t count) {
  if (blocks_.empty()) {
    return;
  }
  Block& block = blocks_[hash & (blocks_.size() - 1)];
  if (const std::uint32_t behind = age_ - block.age; behind > 0) {
    for (std::uint8_t& pair : block.pairs) {
      const std::uint32_t low = behind < 4 ? (pair & 0xfU) >> behind : 0;
      const std::uint32_t high = behind < 4 ? static_cast<std::uint32_t>(pair >> 4) >> behind : 0;
      pair = static_cast<std::uint8_t>(high << 4 | low);
    }
    block.age = age_;
  }
  count = std::min(count, kCountMax);
  for (int row = 0; row < kRows; ++row) {
    const std::uint32_t counter = CounterOf(hash, row);
    std::uint8_t& pair = block.pairs[counter / 2];
    if (((pair >> Half(counter)) & 0xfU) < count) {
      pair = static_cast<std::uint8_t>((pair & ~(0xfU << Half(counter))) | count << Half(counter));
    }
  }
}

std::uint32_t FrequencySketch::CountOf(std::uint64_t hash) const {
  if (blocks_.empty()) {
    return 0;
  }
  const Block& block = blocks_[hash & (blocks_.size() - 1)];
  std::uint32_t least = kCountMax;
  for (int row = 0; row < kRows; ++row) {
    const std::uint32_t counter = CounterOf(hash, row);
    least = std::min(
        least, (static_cast<std::uint32_t>(block.pairs[counter / 2]) >> Half(counter)) & 0xfU);
  }
  const std::uint32_t behind = age_ - block.age;
  return behind < 4 ? least >> behind : 0;
}

}  // namespace reprise::cache
