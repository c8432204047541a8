#include "storage/vector/flat_block.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "protocol/base/ensure.h"

namespace reprise::vector {

void FreeBlock::operator()(FlatBlock* block) const {
  ::operator delete(static_cast<void*>(block));
}

std::size_t FlatBlock::BytesFor(std::uint32_t capacity, std::size_t item_bytes) {
  return sizeof(FlatBlock) + capacity * (sizeof(EntryId) + item_bytes);
}

BlockPtr FlatBlock::Make(PartitionId partition, std::uint32_t capacity, std::size_t item_bytes) {
  void* memory = ::operator new(BytesFor(capacity, item_bytes));
  return BlockPtr(new (memory) FlatBlock(partition, capacity));
}

BlockPtr FlatBlock::CopyWith(std::uint32_t capacity, std::size_t item_bytes) const {
  ENSURE(capacity >= count_);
  BlockPtr copy = Make(partition_, capacity, item_bytes);
  copy->count_ = count_;
  if (count_ > 0) {
    std::memcpy(copy->Ids(), Ids(), count_ * sizeof(EntryId));
    std::memcpy(copy->Items(), Items(), count_ * item_bytes);
  }
  return copy;
}

std::optional<std::uint32_t> FlatBlock::Find(EntryId id) const {
  const EntryId* end = Ids() + count_;
  const EntryId* found = std::find(Ids(), end, id);
  if (found == end) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(found - Ids());
}

void FlatBlock::Append(EntryId id, const char* item, std::size_t item_bytes) {
  ENSURE(count_ < capacity_);
  Ids()[count_] = id;
  std::memcpy(Items() + count_ * item_bytes, item, item_bytes);
  ++count_;
}

void FlatBlock::Erase(std::uint32_t position, std::size_t item_bytes) {
  ENSURE(position < count_);
  --count_;
  char* last = Items() + count_ * item_bytes;
  if (position != count_) {
    Ids()[position] = Ids()[count_];
    std::memcpy(Items() + position * item_bytes, last, item_bytes);
  }
  std::memset(last, 0, item_bytes);  // Nothing of a removed vector stays in memory.
}

}  // namespace reprise::vector
