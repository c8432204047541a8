#include "server/cache/index.h"

#include "protocol/base/ensure.h"
#include "storage/engine/expiry.h"

namespace reprise::cache {
namespace {

// Ids are counted up: without this they would lie side by side, in the longest possible runs.
std::uint64_t HashOfId(std::uint64_t id) {
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;
  return (id * kGolden) >> 20U;
}

}  // namespace

// A hit reads all of the slot and its place in the order of use: several lines of memory, fetched
// together instead of one after the other.
void Index::Prefetch(SlotNumber slot) const {
  constexpr std::size_t kLine = 64;
  const auto* bytes = reinterpret_cast<const char*>(&slots_[slot]);
  for (std::size_t at = 0; at < sizeof(Slot); at += kLine) {
    __builtin_prefetch(bytes + at);
  }
  order_.Prefetch(slot);
}

SlotNumber Index::FindExact(const KeyHash& hash) const {
  return exact_.Find(hash.low, [&](SlotNumber slot) {
    Prefetch(slot);
    return slots_[slot].exact == hash;
  });
}

SlotNumber Index::FindNormalized(const KeyHash& hash) const {
  return normalized_.Find(hash.low, [&](SlotNumber slot) {
    Prefetch(slot);
    return slots_[slot].normalized == hash;
  });
}

SlotNumber Index::FindId(std::uint64_t id) const {
  return ids_.Find(HashOfId(id), [&](SlotNumber slot) { return slots_[slot].id == id; });
}

SlotNumber Index::Insert(const Slot& entry) {
  DENSURE(FindExact(entry.exact) == kNoSlot);
  SlotNumber slot = slots();
  if (free_.empty()) {
    slots_.push_back(entry);
  } else {
    slot = free_.back();
    free_.pop_back();
    slots_[slot] = entry;
  }
  slots_[slot].used = true;
  exact_.Insert(slot, [this](SlotNumber s) { return slots_[s].exact.low; });
  ids_.Insert(slot, [this](SlotNumber s) { return HashOfId(slots_[s].id); });
  AddAlike(slot);
  // By the normal form: a question that comes back in other letters is the same question.
  order_.Insert(slot, {entry.normalized.low, entry.worth.cost_nano, entry.bytes});
  ++count_;
  bytes_ += entry.bytes;
  return slot;
}

void Index::SetLife(SlotNumber slot, base::UnixMillis fresh_until, base::UnixMillis expires_at) {
  slots_[slot].fresh_until = fresh_until;
  slots_[slot].expires_at = expires_at;
}

void Index::Remove(SlotNumber slot) {
  ENSURE(slots_[slot].used);
  exact_.Erase(slot, [this](SlotNumber s) { return slots_[s].exact.low; });
  ids_.Erase(slot, [this](SlotNumber s) { return HashOfId(slots_[s].id); });
  RemoveAlike(slot);
  order_.Remove(slot, slots_[slot].normalized.low);
  bytes_ -= slots_[slot].bytes;
  slots_[slot] = Slot();
  free_.push_back(slot);
  --count_;
}

void Index::Touch(SlotNumber slot) {
  order_.Touch(slot);
}

SlotNumber Index::Victim(Short what, base::UnixMillis now) {
  SlotNumber victim = kNoSlot;
  double lowest = 0;
  for (const SlotNumber slot : order_.Candidates()) {
    if (storage::IsExpired(slots_[slot].expires_at, now)) {
      return slot;
    }
    const double score = order_.Score(slot, what);
    if (victim == kNoSlot || score < lowest) {
      victim = slot;
      lowest = score;
    }
  }
  return victim;
}

std::size_t Index::MemoryBytes() const {
  return slots_.capacity() * sizeof(Slot) + free_.capacity() * sizeof(SlotNumber) +
         6 * count_ * sizeof(SlotNumber) + order_.MemoryBytes();
}

void Index::AddAlike(SlotNumber slot) {
  const auto hash_of = [this](SlotNumber s) { return slots_[s].normalized.low; };
  const SlotNumber head = FindNormalized(slots_[slot].normalized);
  slots_[slot].next_alike_ = head;
  slots_[slot].previous_alike_ = kNoSlot;
  if (head == kNoSlot) {
    normalized_.Insert(slot, hash_of);
  } else {
    slots_[head].previous_alike_ = slot;
    normalized_.Replace(head, slot, hash_of);
  }
}

void Index::RemoveAlike(SlotNumber slot) {
  const auto hash_of = [this](SlotNumber s) { return slots_[s].normalized.low; };
  const SlotNumber next = slots_[slot].next_alike_;
  const SlotNumber previous = slots_[slot].previous_alike_;
  if (next != kNoSlot) {
    slots_[next].previous_alike_ = previous;
  }
  if (previous != kNoSlot) {
    slots_[previous].next_alike_ = next;
  } else if (next != kNoSlot) {
    normalized_.Replace(slot, next, hash_of);
  } else {
    normalized_.Erase(slot, hash_of);
  }
}

}  // namespace reprise::cache
