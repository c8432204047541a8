// Sweeping: links are led around dead nodes, so that their slots can be used again.
#include <algorithm>
#include <limits>

#include "storage/vector/graph.h"

namespace reprise::vector {
namespace {

// Where whole neighbourhoods have died: how many dead nodes are looked through for living ones.
constexpr std::size_t kDeadLookedThrough = 48;

}  // namespace

// Nodes that die from now on are for the next sweep: they are walked through like living ones.
void Graph::BeginSweep() {
  sweeping_.swap(dead_);
  for (const std::uint32_t slot : sweeping_) {
    slots_[slot].state = State::kSweeping;
  }
  is_sweeping_ = true;
  sweep_cursor_ = 0;
  sweep_end_ = slots();
}

void Graph::Sweep(std::uint32_t slots) {
  if (!is_sweeping_) {
    BeginSweep();
  }
  Edits edits;
  const std::uint32_t end = sweep_cursor_ + std::min(slots, sweep_end_ - sweep_cursor_);
  for (; sweep_cursor_ < end; ++sweep_cursor_) {
    SweepSlot(sweep_cursor_, edits);
  }
  if (!edits.empty()) {
    Apply(edits, kNone);
  }
  RelinkOrphans(slots);
  if (sweep_cursor_ == sweep_end_) {
    if (entry_ != kNone && slots_[entry_].state == State::kSweeping) {
      ReplaceEntry();
    }
    FreeSwept(slots);
    is_sweeping_ = !sweeping_.empty();
  }
}

void Graph::Purge() {
  while (is_sweeping_ || !dead_.empty()) {
    Sweep(std::numeric_limits<std::uint16_t>::max());
  }
}

void Graph::SweepSlot(std::uint32_t slot, Edits& edits) const {
  const State state = slots_[slot].state;
  if (state != State::kLive && state != State::kDead) {
    return;
  }
  for (int level = 0; level <= slots_[slot].level; ++level) {
    const auto links = core_.Links(slot, level);
    const bool is_touched = std::any_of(links.begin(), links.end(), [this](std::uint32_t link) {
      return slots_[link].state == State::kSweeping;
    });
    if (!is_touched) {
      continue;
    }
    const Candidates around = AroundDead(slot, level);
    Candidates chosen = core_.Choose(around, core_.LinksMax(level));
    if (level == 0 && state == State::kLive) {
      KeepLastLinks(around, kNone, core_.LinksMax(level), chosen);
    }
    Edit edit{slot, level, {}};
    for (const Candidate& candidate : chosen) {
      edit.links.push_back(candidate.slot);
    }
    edits.push_back(std::move(edit));
  }
}

// What the node links to, and in place of each dead one the living nodes behind it.
Candidates Graph::AroundDead(std::uint32_t slot, int level) const {
  std::vector<std::uint32_t> around;
  std::vector<std::uint32_t> dead;
  const auto meet = [&](std::uint32_t link, bool is_own) {
    std::vector<std::uint32_t>& list = slots_[link].state == State::kSweeping ? dead : around;
    const bool is_wanted = is_own || &list == &dead || slots_[link].state == State::kLive;
    if (link != slot && is_wanted && std::find(list.begin(), list.end(), link) == list.end()) {
      list.push_back(link);
    }
  };
  for (const std::uint32_t link : core_.Links(slot, level)) {
    meet(link, true);
  }
  const std::size_t enough = std::size_t{4} * core_.LinksMax(level);
  for (std::size_t i = 0; i < dead.size() && i < kDeadLookedThrough && around.size() < enough;
       ++i) {
    for (const std::uint32_t link : core_.Links(dead[i], level)) {
      meet(link, false);
    }
  }
  return Measured(slot, around);
}

void Graph::ReplaceEntry() {
  std::uint32_t highest = kNone;
  for (std::uint32_t slot = 0; slot < slots(); ++slot) {
    if (slots_[slot].state == State::kLive &&
        (highest == kNone || slots_[slot].level > slots_[highest].level)) {
      highest = slot;
    }
  }
  const base::WriteLock lock(mutex_);
  entry_ = highest;
  top_ = highest == kNone ? 0 : slots_[highest].level;
}

// Nothing leads to these any more, and no search that began before is still under way: the last
// lists were copied in under the lock.
void Graph::FreeSwept(std::size_t count) {
  for (; count > 0 && !sweeping_.empty(); --count) {
    const std::uint32_t slot = sweeping_.back();
    sweeping_.pop_back();
    const int level = slots_[slot].level;
    core_.Erase(slot, level);
    slots_[slot] = {};
    free_slots_.push_back(slot);
    dead_count_.fetch_sub(1, std::memory_order_relaxed);
    upper_bytes_.fetch_sub(core_.UpperBytes(level), std::memory_order_relaxed);
  }
}

}  // namespace reprise::vector
