#include "storage/vector/graph.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "protocol/base/ensure.h"

namespace reprise::vector {
namespace {

constexpr std::uint32_t kSlotsFirst = 1024;
// Work that each change does for the graph as a whole, so that it keeps up without idle time.
constexpr std::uint32_t kSlotsPerChange = 16;
constexpr std::size_t kOrphansPerChange = 4;
// Below this many dead nodes a sweep is not worth its pass.
constexpr std::uint64_t kDeadMin = 64;
constexpr std::uint64_t kDeadPercent = 8;
// Closer than this, two items may be the same bytes.
constexpr float kTwinDistance = 1e-4F;

}  // namespace

AuditReport& AuditReport::operator+=(const AuditReport& other) {
  probed += other.probed;
  unreachable += other.unreachable;
  repaired += other.repaired;
  return *this;
}

std::uint64_t AuditReport::UnreachablePerMillion() const {
  return probed == 0 ? 0 : unreachable * 1'000'000 / probed;
}

Graph::Graph(const Codec& codec, const GraphOptions& options)
    : codec_(codec), options_(options), core_(codec, options.m), random_(options.seed) {
  core_.Grow(kSlotsFirst);
}

void Graph::Search(const Query& query, Matches& matches) const {
  const base::ReadLock lock(mutex_);
  if (entry_ == kNone) {
    return;
  }
  const std::size_t wanted = 2 * matches.limit() + kMatchesMax;
  const std::size_t ef = std::max<std::size_t>(options_.ef_search, wanted);
  const std::uint32_t start = core_.Descend(entry_, query.item, top_, 0);
  Candidates found = core_.Search(start, query.item, 0, ef);
  found.resize(std::min(found.size(), wanted));
  for (const Candidate& candidate : found) {
    const float similarity = codec_.Similarity(query.vector, core_.Item(candidate.slot));
    matches.Offer({core_.Id(candidate.slot), similarity});
    std::uint32_t twin = slots_[candidate.slot].twin;
    for (std::size_t i = 1; i < matches.limit() && twin != kNone; ++i) {
      matches.Offer({twins_[twin].id, similarity});
      twin = twins_[twin].next;
    }
  }
}

bool Graph::Contains(EntryId id) const {
  const base::ReadLock lock(mutex_);
  return NumberOf(id).has_value();
}

bool Graph::ItemOf(EntryId id, char* item) const {
  const base::ReadLock lock(mutex_);
  const auto number = NumberOf(id);
  if (!number.has_value()) {
    return false;
  }
  std::memcpy(item, core_.Item(NodeOfNumber(*number)), codec_.item_bytes());
  return true;
}

std::uint64_t Graph::bytes() const {
  const base::ReadLock lock(mutex_);
  const std::size_t slot_bytes = core_.node_bytes() + sizeof(char*) + sizeof(Slot);
  return sizeof(*this) + slots_.size() * slot_bytes + twins_.size() * sizeof(Twin) + ids_.bytes() +
         upper_bytes_.load(std::memory_order_relaxed);
}

EntryId Graph::IdOfNumber(std::uint32_t number) const {
  return (number & kTwinMark) != 0 ? twins_[number & ~kTwinMark].id : core_.Id(number);
}

std::uint32_t Graph::NodeOfNumber(std::uint32_t number) const {
  return (number & kTwinMark) != 0 ? twins_[number & ~kTwinMark].node : number;
}

std::optional<std::uint32_t> Graph::NumberOf(EntryId id) const {
  return ids_.Find(HashOf(id), [&](std::uint32_t number) { return IdOfNumber(number) == id; });
}

// For one more entry. The larger table is filled while readers use the smaller one.
void Graph::MakeRoom() {
  if (ids_.full()) {
    SlotTable grown =
        ids_.Grown([this](std::uint32_t number) { return HashOf(IdOfNumber(number)); });
    const base::WriteLock lock(mutex_);
    std::swap(ids_, grown);
  }
  if (free_slots_.empty() && slots_.size() == core_.capacity()) {
    const base::WriteLock lock(mutex_);
    core_.Grow(core_.capacity() + core_.capacity() / 2);
  }
}

int Graph::RandomLevel() {
  const double uniform = (static_cast<double>(random_() >> 11U) + 1.0) * 0x1p-53;
  const double level = -std::log(uniform) / std::log(static_cast<double>(options_.m));
  return std::min(static_cast<int>(level), kLevelMax);
}

std::uint32_t Graph::TakeSlot() {
  if (!free_slots_.empty()) {
    const std::uint32_t slot = free_slots_.back();
    free_slots_.pop_back();
    return slot;
  }
  ENSURE(slots_.size() < kTwinMark);
  const base::WriteLock lock(mutex_);
  slots_.emplace_back();
  return static_cast<std::uint32_t>(slots_.size() - 1);
}

void Graph::Add(EntryId id, const char* item) {
  MakeRoom();
  const int level = RandomLevel();
  const std::vector<Candidates> found = FindNeighbours(item, level);
  if (!found.empty()) {
    for (const Candidate& near : found.front()) {
      if (near.distance > kTwinDistance) {
        break;
      }
      if (std::memcmp(core_.Item(near.slot), item, codec_.item_bytes()) == 0) {
        AddTwin(id, near.slot);
        return;
      }
    }
  }
  const std::uint32_t slot = TakeSlot();
  core_.Create(slot, level, id, item);  // Nothing leads there yet.
  Edits edits;
  PlanNode(slot, found, edits);
  {
    const base::WriteLock lock(mutex_);
    slots_[slot].level = static_cast<std::uint8_t>(level);
    slots_[slot].state = State::kLive;
    ids_.Insert(HashOf(id), slot);
  }
  Apply(edits, slot);
  entries_.fetch_add(1, std::memory_order_relaxed);
  nodes_.fetch_add(1, std::memory_order_relaxed);
  upper_bytes_.fetch_add(core_.UpperBytes(level), std::memory_order_relaxed);
  RelinkOrphans(kOrphansPerChange);
  if (WantsSweep()) {
    Sweep(kSlotsPerChange);
  }
}

void Graph::AddTwin(EntryId id, std::uint32_t node) {
  const base::WriteLock lock(mutex_);
  std::uint32_t twin = 0;
  if (free_twins_.empty()) {
    twin = static_cast<std::uint32_t>(twins_.size());
    twins_.emplace_back();
  } else {
    twin = free_twins_.back();
    free_twins_.pop_back();
  }
  const std::uint32_t next = slots_[node].twin;
  twins_[twin] = {id, next, kNone, node};
  if (next != kNone) {
    twins_[next].previous = twin;
  }
  slots_[node].twin = twin;
  ids_.Insert(HashOf(id), twin | kTwinMark);
  entries_.fetch_add(1, std::memory_order_relaxed);
}

// Under the lock.
std::uint32_t Graph::UnlinkTwin(std::uint32_t twin) {
  const Twin gone = twins_[twin];
  if (gone.previous != kNone) {
    twins_[gone.previous].next = gone.next;
  } else {
    slots_[gone.node].twin = gone.next;
  }
  if (gone.next != kNone) {
    twins_[gone.next].previous = gone.previous;
  }
  twins_[twin] = {};
  free_twins_.push_back(twin);
  return gone.node;
}

bool Graph::Remove(EntryId id) {
  const auto number = NumberOf(id);
  if (!number.has_value()) {
    return false;
  }
  entries_.fetch_sub(1, std::memory_order_relaxed);
  const auto hash_of = [this](std::uint32_t other) { return HashOf(IdOfNumber(other)); };
  {
    const base::WriteLock lock(mutex_);
    ids_.Erase(HashOf(id), *number, hash_of);
    if ((*number & kTwinMark) != 0) {
      UnlinkTwin(*number & ~kTwinMark);
      return true;
    }
    const std::uint32_t heir = slots_[*number].twin;
    if (heir != kNone) {
      const EntryId heir_id = twins_[heir].id;
      ids_.Replace(HashOf(heir_id), heir | kTwinMark, *number);
      core_.SetId(*number, heir_id);
      UnlinkTwin(heir);
      return true;
    }
    core_.MarkDead(*number);
    slots_[*number].state = State::kDead;
  }
  dead_.push_back(*number);
  nodes_.fetch_sub(1, std::memory_order_relaxed);
  dead_count_.fetch_add(1, std::memory_order_relaxed);
  for (const std::uint32_t link : core_.Links(*number, 0)) {
    DropLinkTo(link);
  }
  RelinkOrphans(kOrphansPerChange);
  if (WantsSweep()) {
    Sweep(kSlotsPerChange);
  }
  return true;
}

bool Graph::WantsSweep() const {
  const std::uint64_t waiting = dead_.size();
  return is_sweeping_ ||
         (waiting >= kDeadMin && waiting * 100 >= (nodes() + waiting) * kDeadPercent);
}

AuditReport Graph::Audit(std::uint32_t count) {
  AuditReport report;
  for (std::uint32_t seen = 0; seen < slots() && report.probed < count; ++seen) {
    audit_cursor_ = audit_cursor_ + 1 < slots() ? audit_cursor_ + 1 : 0;
    const std::uint32_t slot = audit_cursor_;
    if (slots_[slot].state != State::kLive) {
      continue;
    }
    ++report.probed;
    if (IsReachable(slot)) {
      continue;
    }
    ++report.unreachable;
    Relink(slot);
    if (!IsReachable(slot)) {
      MakeReachable(slot);
    }
    report.repaired += IsReachable(slot) ? 1 : 0;
  }
  return report;
}

}  // namespace reprise::vector
