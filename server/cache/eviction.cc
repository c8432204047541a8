#include "server/cache/eviction.h"

#include <algorithm>
#include <cmath>

namespace reprise::cache {
namespace {

constexpr std::size_t kWindowShare = 100;  // one entry in so many is in the window
constexpr int kSampled = 16;
// Slots looked at for these; after a bound was lowered most slots may be empty.
constexpr int kLooks = 64;
// A use counts half after this many uses of any entry for each entry that there is.
constexpr std::uint32_t kHalfLife = 5;
// Being stored is worth this part of a use: it comes before the first one.
constexpr float kStoredUses = 0.25F;
constexpr std::uint32_t kTypicalOf = 1024;  // entries that the typical cost is the mean of

}  // namespace

std::string_view NameOf(config::EvictionPolicy policy) {
  switch (policy) {
    case config::EvictionPolicy::kLru:
      return "lru";
    case config::EvictionPolicy::kLfu:
      return "lfu";
    case config::EvictionPolicy::kCost:
      return "cost";
  }
  return "";
}

void EvictionOrder::Insert(SlotNumber slot, const Entry& entry) {
  if (slot >= nodes_.size()) {
    nodes_.resize(slot + std::size_t{1});
  }
  Tick();
  Node& node = nodes_[slot];
  node = Node();
  node.used_at = now_;
  node.uses = kStoredUses + static_cast<float>(gone_.CountOf(entry.hash));
  node.bytes = std::max(entry.bytes, 1U);
  if (entry.cost_nano > 0) {
    const double worth = std::sqrt(std::sqrt(static_cast<double>(entry.cost_nano)));
    node.worth = static_cast<float>(worth);
    known_worths_ = std::min(known_worths_ + 1, kTypicalOf);
    typical_worth_ += (worth - typical_worth_) / known_worths_;
  }
  Link(slot, Part::kWindow);
  while (window_.count > WindowMax()) {
    const SlotNumber leaving = window_.oldest;
    Unlink(leaving);
    Link(leaving, Part::kMain);
  }
}

void EvictionOrder::Touch(SlotNumber slot) {
  Tick();
  Node& node = nodes_[slot];
  node.uses = static_cast<float>(UsesNow(node)) + 1;
  node.used_at = now_;
  const Part part = node.part;
  if (ListOf(part).newest != slot) {
    Unlink(slot);
    Link(slot, part);
  }
}

void EvictionOrder::Remove(SlotNumber slot, std::uint64_t hash) {
  if (policy_ != config::EvictionPolicy::kLru) {
    gone_.Reserve(count());
    // One that was never used is remembered too: its return is its second use.
    const double uses = std::round(UsesNow(nodes_[slot]) + 1 - kStoredUses);
    gone_.Raise(hash, static_cast<std::uint32_t>(
                          std::clamp(uses, 1.0, double{FrequencySketch::kCountMax})));
  }
  Unlink(slot);
}

EvictionOrder::Sample EvictionOrder::Candidates() {
  Sample sample;
  if (main_.count == 0) {
    if (window_.count > 0) {
      sample.Add(window_.oldest);
    }
    return sample;
  }
  sample.Add(main_.oldest);
  if (policy_ == config::EvictionPolicy::kLru) {
    return sample;
  }
  if (window_.count > 0 && window_.count >= WindowMax()) {
    sample.Add(window_.oldest);
  }
  int found = 0;
  for (int look = 0; look < kLooks && found < kSampled; ++look) {
    // The upper half of a product: a number below the size without a division.
    const auto slot = static_cast<SlotNumber>((Random() >> 32) * nodes_.size() >> 32);
    if (nodes_[slot].part == Part::kMain) {
      sample.Add(slot);
      ++found;
    }
  }
  return sample;
}

double EvictionOrder::Score(SlotNumber slot, Short what) const {
  const Node& node = nodes_[slot];
  const double uses = UsesNow(node);
  if (policy_ != config::EvictionPolicy::kCost) {
    return uses;
  }
  double worth = node.worth;
  if (worth == 0) {
    worth = known_worths_ == 0 ? 1 : typical_worth_;
  }
  if (what == Short::kEntries) {
    return uses * worth;
  }
  // Room for several small answers is worth more hits, so that more can be given for money.
  return uses * worth * std::sqrt(worth) / node.bytes;
}

std::size_t EvictionOrder::MemoryBytes() const {
  return nodes_.capacity() * sizeof(Node) + gone_.MemoryBytes();
}

std::size_t EvictionOrder::WindowMax() const {
  if (policy_ == config::EvictionPolicy::kLru) {
    return 0;
  }
  return std::max<std::size_t>(count() / kWindowShare, 1);
}

double EvictionOrder::UsesNow(const Node& node) const {
  const auto since = static_cast<double>(now_ - node.used_at);
  return node.uses * std::exp2(-since / (kHalfLife * static_cast<double>(count())));
}

void EvictionOrder::Link(SlotNumber slot, Part part) {
  List& list = ListOf(part);
  Node& node = nodes_[slot];
  node.part = part;
  node.newer = kNoSlot;
  node.older = list.newest;
  (list.newest == kNoSlot ? list.oldest : nodes_[list.newest].newer) = slot;
  list.newest = slot;
  ++list.count;
}

void EvictionOrder::Unlink(SlotNumber slot) {
  Node& node = nodes_[slot];
  List& list = ListOf(node.part);
  (node.newer == kNoSlot ? list.newest : nodes_[node.newer].older) = node.older;
  (node.older == kNoSlot ? list.oldest : nodes_[node.older].newer) = node.newer;
  --list.count;
  node.part = Part::kNone;
}

// One more use of any entry.
void EvictionOrder::Tick() {
  ++now_;
  // What is remembered of entries that have gone halves at the same pace.
  if (now_ - aged_at_ >= std::uint64_t{kHalfLife} * std::max<std::uint64_t>(count(), 1)) {
    gone_.Age();
    aged_at_ = now_;
  }
}

// SplitMix64.
std::uint64_t EvictionOrder::Random() {
  random_ += 0x9e3779b97f4a7c15U;
  std::uint64_t mixed = random_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
  return mixed ^ (mixed >> 31);
}

}  // namespace reprise::cache
