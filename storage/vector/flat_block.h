// FlatBlock: a small partition in one allocation: its id, the ids of its entries, their items.
//
// A partition of one entry costs 36 bytes here beside the elements of its vector. Growing copies
// into a larger block beside this one. Threads: as the caller locks. Errors: none.
// Complexity: Find O(count), Append and Erase O(1). Limits: as many as the caller lets in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "storage/vector/match.h"

namespace reprise::vector {

class FlatBlock;
struct FreeBlock {
  void operator()(FlatBlock* block) const;
};
using BlockPtr = std::unique_ptr<FlatBlock, FreeBlock>;

class FlatBlock {
 public:
  static BlockPtr Make(PartitionId partition, std::uint32_t capacity, std::size_t item_bytes);
  // The same entries with room for `capacity`, which is not less than their count.
  BlockPtr CopyWith(std::uint32_t capacity, std::size_t item_bytes) const;
  // As much again by a quarter.
  std::uint32_t NextCapacity() const { return capacity_ + 1 + capacity_ / 4; }

  PartitionId partition() const { return partition_; }
  std::uint32_t count() const { return count_; }
  std::uint32_t capacity() const { return capacity_; }
  std::size_t bytes(std::size_t item_bytes) const { return BytesFor(capacity_, item_bytes); }

  EntryId Id(std::uint32_t position) const { return Ids()[position]; }
  const char* Item(std::uint32_t position, std::size_t item_bytes) const {
    return Items() + position * item_bytes;
  }
  std::optional<std::uint32_t> Find(EntryId id) const;

  // There is room.
  void Append(EntryId id, const char* item, std::size_t item_bytes);
  // The last entry takes the place.
  void Erase(std::uint32_t position, std::size_t item_bytes);

 private:
  FlatBlock(PartitionId partition, std::uint32_t capacity)
      : partition_(partition), capacity_(capacity) {}
  static std::size_t BytesFor(std::uint32_t capacity, std::size_t item_bytes);

  EntryId* Ids() { return reinterpret_cast<EntryId*>(this + 1); }
  const EntryId* Ids() const { return reinterpret_cast<const EntryId*>(this + 1); }
  char* Items() { return reinterpret_cast<char*>(Ids() + capacity_); }
  const char* Items() const { return reinterpret_cast<const char*>(Ids() + capacity_); }

  PartitionId partition_;
  std::uint32_t count_ = 0;
  std::uint32_t capacity_;
};

}  // namespace reprise::vector
