#include "server/cache/index.h"

#include "protocol/base/ensure.h"

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
  LinkNewest(slot);
  ++count_;
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
  Unlink(slot);
  slots_[slot] = Slot();
  free_.push_back(slot);
  --count_;
}

void Index::Touch(SlotNumber slot) {
  if (newest_ != slot) {
    Unlink(slot);
    LinkNewest(slot);
  }
}

std::size_t Index::MemoryBytes() const {
  return slots_.capacity() * sizeof(Slot) + free_.capacity() * sizeof(SlotNumber) +
         4 * count_ * sizeof(SlotNumber);
}

void Index::LinkNewest(SlotNumber slot) {
  slots_[slot].newer_ = kNoSlot;
  slots_[slot].older_ = newest_;
  if (newest_ != kNoSlot) {
    slots_[newest_].newer_ = slot;
  }
  newest_ = slot;
  if (oldest_ == kNoSlot) {
    oldest_ = slot;
  }
}

void Index::Unlink(SlotNumber slot) {
  const Slot& leaving = slots_[slot];
  (leaving.newer_ == kNoSlot ? newest_ : slots_[leaving.newer_].older_) = leaving.older_;
  (leaving.older_ == kNoSlot ? oldest_ : slots_[leaving.older_].newer_) = leaving.newer_;
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
