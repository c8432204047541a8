#include "server/cache/space.h"

#include <algorithm>
#include <utility>

#include "protocol/wire/reader.h"
#include "storage/engine/expiry.h"

namespace reprise::cache {
namespace {

// How many void entries one transaction deletes.
constexpr std::size_t kReclaimedAtOnce = 2'000;
// An entry slides when that wins it more than this part of its time, so that a popular one is not
// written anew with each hit.
constexpr std::int64_t kSlidePart = 16;

bool IsStale(const Slot& slot, base::UnixMillis now) {
  return storage::IsExpired(slot.fresh_until, now);
}

std::vector<Label> LabelsOf(const EntryLabels& entry) {
  std::vector<Label> labels{{LabelKind::kType, entry.type}};
  if (!entry.model.empty()) {
    labels.push_back({LabelKind::kModel, entry.model});
  }
  if (entry.tags.empty()) {
    return labels;
  }
  wire::Reader reader(entry.tags);
  const auto count = reader.Array();
  for (std::uint32_t i = 0; count.ok() && i < count.value(); ++i) {
    if (const auto tag = reader.Text(); tag.ok()) {
      labels.push_back({LabelKind::kTag, tag.value()});
    }
  }
  return labels;
}

}  // namespace

bool HasLabel(const EntryLabels& entry, const Label& label) {
  const std::vector<Label> labels = LabelsOf(entry);
  return label.kind == LabelKind::kAll ||
         std::find(labels.begin(), labels.end(), label) != labels.end();
}

bool Cache::Space::IsVoid(const Slot& slot) const {
  return labels_.IsVoid(slot.labels, slot.id) || partitions_.IsVoid(slot.partition, slot.id);
}

bool Cache::Space::Shows(const Slot& slot, const Visible& visible, Absent& why) const {
  if (slot.commit > visible.committed) {
    return false;
  }
  if (IsVoid(slot)) {
    why = Absent::kVoid;
    return false;
  }
  if (storage::IsExpired(slot.expires_at, visible.now) ||
      (IsStale(slot, visible.now) && visible.stale_ok_ms.has_value() &&
       visible.now - slot.fresh_until >= *visible.stale_ok_ms)) {
    why = Absent::kExpired;
    return false;
  }
  if (visible.max_age_ms.has_value() && visible.now - slot.created_at > *visible.max_age_ms) {
    why = Absent::kTooOld;
    return false;
  }
  return true;
}

Cache::Candidate Cache::Space::Take(SlotNumber slot, Tier tier, const Visible& visible) {
  if (!visible.peek) {
    index_.Touch(slot);
  }
  const Slot& entry = index_.at(slot);
  const base::UnixMillis now = visible.now;
  const bool stale = IsStale(entry, now);
  if (!visible.peek && entry.sliding_ms > 0 && !entry.slides && !stale &&
      now + entry.sliding_ms - entry.fresh_until > entry.sliding_ms / kSlidePart) {
    index_.SetSlides(slot, true);
    slides_.push_back(entry.exact);
  }
  return {tier,
          entry.id,
          entry.exact,
          entry.created_at,
          entry.fresh_until,
          entry.worth,
          entry.type,
          std::string(accounts_.types().NameOf(entry.type)),
          stale};
}

std::optional<Cache::Candidate> Cache::Space::FindExact(const KeyHash& hash, const Visible& visible,
                                                        Absent& why) {
  base::MutexLock lock(mutex_);
  const SlotNumber slot = index_.FindExact(hash);
  if (slot == kNoSlot || !Shows(index_.at(slot), visible, why)) {
    return std::nullopt;
  }
  return Take(slot, Tier::kExact, visible);
}

std::optional<Cache::Candidate> Cache::Space::FindNormalized(const KeyHash& hash,
                                                             const Visible& visible, Absent& why) {
  base::MutexLock lock(mutex_);
  SlotNumber stale = kNoSlot;
  for (SlotNumber slot = index_.FindNormalized(hash); slot != kNoSlot;
       slot = index_.NextAlike(slot)) {
    if (!Shows(index_.at(slot), visible, why)) {
      continue;
    }
    if (!IsStale(index_.at(slot), visible.now)) {
      return Take(slot, Tier::kNormalized, visible);
    }
    stale = stale == kNoSlot ? slot : stale;
  }
  if (stale == kNoSlot) {
    return std::nullopt;
  }
  return Take(stale, Tier::kNormalized, visible);
}

std::optional<Cache::Candidate> Cache::Space::FindId(std::uint64_t id, const Visible& visible) {
  base::MutexLock lock(mutex_);
  const SlotNumber slot = index_.FindId(id);
  auto why = Absent::kUnknown;
  if (slot == kNoSlot || !Shows(index_.at(slot), visible, why)) {
    return std::nullopt;
  }
  Visible unused = visible;
  unused.peek = true;
  return Take(slot, Tier::kSemantic, unused);
}

void Cache::Space::Use(std::uint64_t id) {
  base::MutexLock lock(mutex_);
  if (const SlotNumber slot = index_.FindId(id); slot != kNoSlot) {
    index_.Touch(slot);
  }
}

Cache::Space::Gone Cache::Space::TakeGone() {
  base::MutexLock lock(mutex_);
  keeps_gone_ = true;
  return std::exchange(gone_, {});
}

std::vector<Cache::Space::Listed> Cache::Space::List(SlotNumber first,
                                                     std::size_t slots_max) const {
  base::MutexLock lock(mutex_);
  std::vector<Listed> listed;
  for (std::size_t i = first; i < index_.slots() && i < first + slots_max; ++i) {
    const Slot& entry = index_.at(static_cast<SlotNumber>(i));
    if (entry.used && !IsVoid(entry)) {
      listed.push_back({entry.id, entry.partition, entry.exact, entry.expires_at});
    }
  }
  return listed;
}

SlotNumber Cache::Space::slots() const {
  base::MutexLock lock(mutex_);
  return index_.slots();
}

std::optional<Cache::Space::Known> Cache::Space::Look(const KeyHash& exact,
                                                      const Visible& visible) const {
  base::MutexLock lock(mutex_);
  const SlotNumber slot = index_.FindExact(exact);
  auto why = Absent::kUnknown;
  if (slot == kNoSlot || !Shows(index_.at(slot), visible, why)) {
    return std::nullopt;
  }
  const Slot& entry = index_.at(slot);
  return Known{entry.id, std::string(accounts_.types().NameOf(entry.type)), entry.created_at,
               entry.fresh_until, entry.worth};
}

std::vector<KeyHash> Cache::Space::MakeRoom(const KeyHash& exact, std::uint32_t bytes,
                                            const Rules& rules, base::UnixMillis now) {
  base::MutexLock lock(mutex_);
  index_.SetPolicy(rules.policy);
  if (const SlotNumber replaced = index_.FindExact(exact); replaced != kNoSlot) {
    RemoveSlot(replaced);
  }
  std::vector<KeyHash> evicted;
  while (evicted.size() < kEvictionsPerStore) {
    const auto excess = Excess(index_.held() + Room{1, bytes}, rules.bound);
    const auto gone = excess.has_value() ? Evict(*excess, now) : std::nullopt;
    if (!gone.has_value()) {
      break;
    }
    evicted.push_back(*gone);
  }
  return evicted;
}

std::vector<KeyHash> Cache::Space::Trim(const Rules& rules, std::size_t entries_max,
                                        base::UnixMillis now) {
  base::MutexLock lock(mutex_);
  index_.SetPolicy(rules.policy);
  std::vector<KeyHash> evicted;
  while (evicted.size() < entries_max) {
    const auto excess = Excess(index_.held(), rules.bound);
    const auto gone = excess.has_value() ? Evict(*excess, now) : std::nullopt;
    if (!gone.has_value()) {
      break;
    }
    evicted.push_back(*gone);
  }
  return evicted;
}

std::optional<KeyHash> Cache::Space::EvictOne(Short what, config::EvictionPolicy policy,
                                              base::UnixMillis now) {
  base::MutexLock lock(mutex_);
  index_.SetPolicy(policy);
  return Evict(what, now);
}

std::optional<KeyHash> Cache::Space::Evict(Short what, base::UnixMillis now) {
  const SlotNumber victim = index_.Victim(what, now);
  if (victim == kNoSlot) {
    return std::nullopt;
  }
  const Slot& entry = index_.at(victim);
  const KeyHash exact = entry.exact;
  CountEviction(entry);
  RemoveSlot(victim);
  return exact;
}

Room Cache::Space::held() const {
  base::MutexLock lock(mutex_);
  return index_.held();
}

void Cache::Space::Insert(Slot entry, const EntryLabels& labels) {
  base::MutexLock lock(mutex_);
  entry.type = accounts_.types().NumberOf(labels.type);
  if (const SlotNumber replaced = index_.FindExact(entry.exact); replaced != kNoSlot) {
    RemoveSlot(replaced);
  }
  entry.labels = labels_.Add(LabelsOf(labels));
  partitions_.Add(entry.partition);
  index_.Insert(entry);
  totals_.Add(entry.bytes);
}

void Cache::Space::Forget(const KeyHash& exact, std::uint64_t id) {
  base::MutexLock lock(mutex_);
  const SlotNumber slot = index_.FindExact(exact);
  if (slot != kNoSlot && index_.at(slot).id == id) {
    RemoveSlot(slot);
  }
}

std::optional<std::uint64_t> Cache::Space::TakeOut(const KeyHash& exact) {
  base::MutexLock lock(mutex_);
  const SlotNumber slot = index_.FindExact(exact);
  if (slot == kNoSlot) {
    return std::nullopt;
  }
  const std::uint64_t id = index_.at(slot).id;
  RemoveSlot(slot);
  return id;
}

void Cache::Space::RemoveSlot(SlotNumber slot) {
  labels_.Remove(index_.at(slot).labels, index_.at(slot).id);
  partitions_.Remove(index_.at(slot).partition, index_.at(slot).id);
  totals_.Subtract({1, index_.at(slot).bytes});
  if (keeps_gone_) {
    gone_.emplace_back(index_.at(slot).partition, index_.at(slot).id);
  }
  index_.Remove(slot);
}

std::uint64_t Cache::Space::Clear(bool forget_counters) {
  base::MutexLock lock(mutex_);
  const std::uint64_t removed = index_.size();
  totals_.Subtract(index_.held());
  for (SlotNumber slot = 0; keeps_gone_ && slot < index_.slots(); ++slot) {
    if (index_.at(slot).used) {
      gone_.emplace_back(index_.at(slot).partition, index_.at(slot).id);
    }
  }
  index_.Clear();
  labels_ = Labels();
  partitions_ = Partitions();
  sweep_cursor_ = 0;
  reclaim_cursor_ = 0;
  reclaim_left_ = 0;
  if (forget_counters) {
    accounts_.Forget();
  }
  return removed;
}

Cache::Space::Life Cache::Space::Refresh(SlotNumber slot, base::UnixMillis fresh_until) {
  const Slot& entry = index_.at(slot);
  const base::UnixMillis expires_at = fresh_until + (entry.expires_at - entry.fresh_until);
  index_.SetLife(slot, fresh_until, expires_at);
  return {entry.exact, fresh_until, expires_at};
}

std::optional<Cache::Space::Life> Cache::Space::SetFresh(const KeyHash& exact, base::UnixMillis now,
                                                         std::int64_t ttl_ms) {
  base::MutexLock lock(mutex_);
  const SlotNumber slot = index_.FindExact(exact);
  if (slot == kNoSlot || storage::IsExpired(index_.at(slot).expires_at, now) ||
      IsVoid(index_.at(slot))) {
    return std::nullopt;
  }
  return Refresh(slot, now + ttl_ms);
}

std::vector<Cache::Space::Life> Cache::Space::TakeSlides(base::UnixMillis now,
                                                         std::size_t entries_max) {
  base::MutexLock lock(mutex_);
  std::vector<Life> slid;
  while (!slides_.empty() && slid.size() < entries_max) {
    const SlotNumber slot = index_.FindExact(slides_.back());
    slides_.pop_back();
    if (slot == kNoSlot || !index_.at(slot).slides) {
      continue;  // It went, or was replaced.
    }
    index_.SetSlides(slot, false);
    if (!storage::IsExpired(index_.at(slot).expires_at, now)) {
      slid.push_back(Refresh(slot, now + index_.at(slot).sliding_ms));
    }
  }
  return slid;
}

bool Cache::Space::HasSlides() const {
  base::MutexLock lock(mutex_);
  return !slides_.empty();
}

void Cache::Space::CountForeignBody() {
  base::MutexLock lock(mutex_);
  ++foreign_bodies_;
}

void Cache::Space::SweepExpired(base::UnixMillis now, std::size_t slots_max) {
  base::MutexLock lock(mutex_);
  const std::size_t looked = std::min<std::size_t>(slots_max, index_.slots());
  for (std::size_t i = 0; i < looked; ++i) {
    sweep_cursor_ = sweep_cursor_ + 1 < index_.slots() ? sweep_cursor_ + 1 : 0;
    const Slot& entry = index_.at(sweep_cursor_);
    if (entry.used && storage::IsExpired(entry.expires_at, now)) {
      RemoveSlot(sweep_cursor_);
    }
  }
}

std::uint64_t Cache::Space::Count(const Label& label) const {
  return label.kind == LabelKind::kIdentity ? partitions_.Count(PartitionNamed(label.name))
                                            : labels_.Count(label);
}

std::uint64_t Cache::Space::CountLabel(const Label& label) const {
  base::MutexLock lock(mutex_);
  return Count(label);
}

Cache::Space::Invalidated Cache::Space::Invalidate(const Label& label, Floor floor) {
  base::MutexLock lock(mutex_);
  const std::uint64_t entries = Count(label);
  reclaim_left_ = std::max<std::size_t>(index_.slots(), 1);
  const Floor before = label.kind == LabelKind::kIdentity
                           ? partitions_.Invalidate(PartitionNamed(label.name), floor)
                           : labels_.Invalidate(label, floor);
  return {before, entries};
}

void Cache::Space::Restore(const Label& label, Floor before) {
  base::MutexLock lock(mutex_);
  if (label.kind == LabelKind::kIdentity) {
    partitions_.Restore(PartitionNamed(label.name), before);
  } else {
    labels_.Restore(label, before);
  }
}

Cache::Space::Reclaimed Cache::Space::Reclaim(std::size_t slots_max) {
  base::MutexLock lock(mutex_);
  Reclaimed reclaimed;
  for (std::size_t i = 0;
       i < slots_max && reclaim_left_ > 0 && reclaimed.entries.size() < kReclaimedAtOnce; ++i) {
    --reclaim_left_;
    if (index_.slots() == 0) {
      reclaim_left_ = 0;
      break;
    }
    reclaim_cursor_ = reclaim_cursor_ + 1 < index_.slots() ? reclaim_cursor_ + 1 : 0;
    const Slot& entry = index_.at(reclaim_cursor_);
    if (entry.used && IsVoid(entry)) {
      reclaimed.entries.push_back(entry.exact);
      RemoveSlot(reclaim_cursor_);
    }
  }
  if (reclaim_left_ == 0 && !keep_floors_) {
    reclaimed.floors = labels_.DropFloors();
    for (const Partition partition : partitions_.DropFloors()) {
      reclaimed.floors.emplace_back(LabelKind::kIdentity, NameOf(partition));
    }
  }
  return reclaimed;
}

bool Cache::Space::Holds(const KeyHash& exact, std::uint64_t id) const {
  base::MutexLock lock(mutex_);
  const SlotNumber slot = index_.FindExact(exact);
  return slot != kNoSlot && index_.at(slot).id == id && !IsVoid(index_.at(slot));
}

bool Cache::Space::NeedsReclaim() const {
  base::MutexLock lock(mutex_);
  return reclaim_left_ > 0;
}

void Cache::Space::KeepFloors() {
  base::MutexLock lock(mutex_);
  keep_floors_ = true;
}

}  // namespace reprise::cache
