// Slab: items at fixed places with small numbers for names; places are used again.
//
// Growing moves nothing, so references stay good until Release. Threads: one owner. Errors: none; a
// name that is not in use is a programmer's mistake. Complexity: O(1). Memory: chunks of kChunk
// items, kept.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "protocol/base/ensure.h"

namespace reprise::jobs {

using Slot = std::uint32_t;
inline constexpr Slot kNoSlot = ~Slot{0};

template <typename Item>
class Slab {
 public:
  Slot Take() {
    if (free_.empty()) {
      if (used_ == chunks_.size() * kChunk) {
        chunks_.push_back(std::make_unique<std::array<Item, kChunk>>());
      }
      return used_++;
    }
    const Slot slot = free_.back();
    free_.pop_back();
    return slot;
  }
  // The item becomes as new.
  void Release(Slot slot) {
    At(slot) = Item();
    free_.push_back(slot);
  }

  Item& operator[](Slot slot) { return At(slot); }
  const Item& operator[](Slot slot) const { return const_cast<Slab&>(*this).At(slot); }

  std::size_t size() const { return used_ - free_.size(); }
  // Places that were ever in use: those below it may be free.
  Slot end() const { return used_; }
  std::size_t MemoryBytes() const {
    return chunks_.size() * sizeof(std::array<Item, kChunk>) + free_.capacity() * sizeof(Slot);
  }

 private:
  static constexpr std::size_t kChunk = 512;

  Item& At(Slot slot) {
    DENSURE(slot < used_);
    return (*chunks_[slot / kChunk])[slot % kChunk];
  }

  std::vector<std::unique_ptr<std::array<Item, kChunk>>> chunks_;
  std::vector<Slot> free_;
  Slot used_ = 0;
};

}  // namespace reprise::jobs
