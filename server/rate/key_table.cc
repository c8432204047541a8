#include "server/rate/key_table.h"

#include <limits>
#include <utility>

#include "protocol/base/ensure.h"

namespace reprise::rate {
namespace {

constexpr std::size_t kIndexMin = 16;

}  // namespace

std::size_t KeyTable::Locate(const Part& part, std::uint32_t tag, std::string_view key) {
  const std::size_t mask = part.index.size() - 1;
  std::size_t i = tag & mask;
  while (part.index[i].slot != 0) {
    if (part.index[i].tag == tag && EntryAt(part.index[i].slot - 1)->key.view() == key) {
      break;
    }
    i = (i + 1) & mask;
  }
  return i;
}

Entry* KeyTable::Find(std::uint64_t hash, std::string_view key) {
  const Part& part = PartOf(hash);
  if (part.index.empty()) {
    return nullptr;
  }
  const Reference reference = part.index[Locate(part, TagOf(hash), key)];
  return reference.slot == 0 ? nullptr : EntryAt(reference.slot - 1);
}

std::uint32_t KeyTable::TakeSlot() {
  if (!free_.empty()) {
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  ENSURE(slots_ < std::numeric_limits<std::uint32_t>::max() - 1);
  if (slots_ == blocks_.size() * kBlock) {
    blocks_.push_back(std::make_unique<Block>());
  }
  return slots_++;
}

void KeyTable::Grow(Part& part) {
  const std::size_t size = part.index.empty() ? kIndexMin : part.index.size() * 2;
  const std::vector<Reference> old = std::exchange(part.index, std::vector<Reference>(size));
  for (const Reference& reference : old) {
    if (reference.slot == 0) {
      continue;
    }
    std::size_t i = reference.tag & (size - 1);
    while (part.index[i].slot != 0) {
      i = (i + 1) & (size - 1);
    }
    part.index[i] = reference;
  }
}

Entry& KeyTable::Insert(std::uint64_t hash, std::string_view key) {
  Part& part = PartOf(hash);
  if ((part.used + 1) * 2 > part.index.size()) {
    Grow(part);
  }
  const std::size_t place = Locate(part, TagOf(hash), key);
  DENSURE(part.index[place].slot == 0);
  const std::uint32_t slot = TakeSlot();
  Entry& entry = *EntryAt(slot);
  entry.key = KeyBytes(key);
  entry.hash = hash;
  entry.place = Place{slot};
  entry.is_used = true;
  part.index[place] = {slot + 1, TagOf(hash)};
  ++part.used;
  ++size_;
  return entry;
}

// What stands behind it in the same run moves up, so that no gap cuts the run.
void KeyTable::Erase(const Entry& entry) {
  Part& part = PartOf(entry.hash);
  const std::size_t mask = part.index.size() - 1;
  std::size_t gap = Locate(part, TagOf(entry.hash), entry.key.view());
  const std::uint32_t slot = part.index[gap].slot - 1;
  part.index[gap] = {};
  for (std::size_t i = (gap + 1) & mask; part.index[i].slot != 0; i = (i + 1) & mask) {
    const std::size_t home = part.index[i].tag & mask;
    if (((i - home) & mask) >= ((i - gap) & mask)) {
      part.index[gap] = std::exchange(part.index[i], Reference());
      gap = i;
    }
  }
  *EntryAt(slot) = Entry();
  free_.push_back(slot);
  --part.used;
  --size_;
}

bool KeyTable::Next(Cursor& cursor, Entry*& entry) {
  entry = nullptr;
  if (cursor.slot >= slots_) {
    cursor = {};
    return false;
  }
  entry = At(Place{cursor.slot});
  ++cursor.slot;
  return true;
}

void KeyTable::Clear() {
  parts_ = {};
  blocks_.clear();
  free_.clear();
  slots_ = 0;
  size_ = 0;
}

}  // namespace reprise::rate
