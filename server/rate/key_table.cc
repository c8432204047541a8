#include "server/rate/key_table.h"

#include <utility>

#include "protocol/base/ensure.h"

namespace reprise::rate {
namespace {

constexpr std::size_t kIndexMin = 16;

}  // namespace

std::size_t KeyTable::Locate(const Part& part, std::uint64_t hash, std::string_view key) {
  const std::size_t mask = part.index.size() - 1;
  const std::uint32_t tag = TagOf(hash);
  std::size_t i = hash & mask;
  while (part.index[i].slot != 0) {
    if (part.index[i].tag == tag && part.At(part.index[i].slot - 1).key == key) {
      break;
    }
    i = (i + 1) & mask;
  }
  return i;
}

Entry* KeyTable::Find(std::uint64_t hash, std::string_view key) {
  if (parts_ == nullptr) {
    return nullptr;
  }
  Part& part = (*parts_)[PartOf(hash)];
  if (part.index.empty()) {
    return nullptr;
  }
  const Reference reference = part.index[Locate(part, hash, key)];
  return reference.slot == 0 ? nullptr : &part.At(reference.slot - 1);
}

std::uint32_t KeyTable::TakeSlot(Part& part) {
  if (!part.free.empty()) {
    const std::uint32_t slot = part.free.back();
    part.free.pop_back();
    return slot;
  }
  if (part.slots == part.blocks.size() * kBlock) {
    part.blocks.push_back(std::make_unique<std::array<Entry, kBlock>>());
  }
  ENSURE(part.slots < (1U << kSlotBits));
  return part.slots++;
}

void KeyTable::Grow(Part& part) {
  const std::size_t size = part.index.empty() ? kIndexMin : part.index.size() * 2;
  part.index.assign(size, Reference());
  for (std::uint32_t slot = 0; slot < part.slots; ++slot) {
    const Entry& entry = part.At(slot);
    if (entry.is_used) {
      part.index[Locate(part, entry.hash, entry.key)] = {slot + 1, TagOf(entry.hash)};
    }
  }
}

Entry& KeyTable::Insert(std::uint64_t hash, std::string_view key) {
  if (parts_ == nullptr) {
    parts_ = std::make_unique<std::array<Part, kParts>>();
  }
  const std::uint32_t number = PartOf(hash);
  Part& part = (*parts_)[number];
  if ((part.used + 1) * std::size_t{2} > part.index.size()) {
    Grow(part);
  }
  const std::size_t place = Locate(part, hash, key);
  DENSURE(part.index[place].slot == 0);
  const std::uint32_t slot = TakeSlot(part);
  Entry& entry = part.At(slot);
  entry.key = key;
  entry.hash = hash;
  entry.place = MakePlace(number, slot);
  entry.is_used = true;
  part.index[place] = {slot + 1, TagOf(hash)};
  ++part.used;
  ++size_;
  return entry;
}

// What stands behind it in the same run moves up, so that no gap cuts the run.
void KeyTable::Erase(const Entry& entry) {
  Part& part = (*parts_)[PartOf(entry.hash)];
  const std::size_t mask = part.index.size() - 1;
  std::size_t gap = Locate(part, entry.hash, entry.key);
  const std::uint32_t slot = part.index[gap].slot - 1;
  part.index[gap] = {};
  for (std::size_t i = (gap + 1) & mask; part.index[i].slot != 0; i = (i + 1) & mask) {
    const std::size_t home = part.At(part.index[i].slot - 1).hash & mask;
    if (((i - home) & mask) >= ((i - gap) & mask)) {
      part.index[gap] = std::exchange(part.index[i], Reference());
      gap = i;
    }
  }
  part.At(slot) = Entry();
  part.free.push_back(slot);
  --part.used;
  --size_;
}

Entry* KeyTable::At(Place place) {
  const auto number = static_cast<std::uint32_t>(place);
  const std::uint32_t part = number >> kSlotBits;
  const std::uint32_t slot = number & ((1U << kSlotBits) - 1);
  if (slot >= SlotsOf(part)) {
    return nullptr;
  }
  Entry& entry = (*parts_)[part].At(slot);
  return entry.is_used ? &entry : nullptr;
}

bool KeyTable::Next(Cursor& cursor, Entry*& entry) {
  entry = nullptr;
  while (cursor.part < kParts && cursor.slot >= SlotsOf(cursor.part)) {
    cursor = {cursor.part + 1, 0};
  }
  if (cursor.part == kParts) {
    cursor = {};
    return false;
  }
  entry = At(MakePlace(cursor.part, cursor.slot));
  ++cursor.slot;
  return true;
}

void KeyTable::Clear() {
  parts_.reset();
  size_ = 0;
}

}  // namespace reprise::rate
