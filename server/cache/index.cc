#include "server/cache/index.h"

#include "protocol/base/ensure.h"
#include "storage/engine/expiry.h"

namespace reprise::cache {

SlotNumber Index::FindExact(const KeyHash& hash) const {
  return exact_.Find(hash.low, [&](SlotNumber slot) { return slots_[slot].exact == hash; });
}

SlotNumber Index::FindNormalized(const KeyHash& hash) const {
  return normalized_.Find(hash.low,
                          [&](SlotNumber slot) { return slots_[slot].normalized == hash; });
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
         4 * count_ * sizeof(SlotNumber) + order_.MemoryBytes();
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
