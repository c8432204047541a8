// Which node links to which: planned beside the graph, copied in under the lock.
#include <algorithm>

#include "storage/vector/graph.h"

namespace reprise::vector {
namespace {

bool IsAmong(const Candidates& candidates, std::uint32_t slot) {
  return std::any_of(candidates.begin(), candidates.end(),
                     [slot](const Candidate& candidate) { return candidate.slot == slot; });
}

std::vector<std::uint32_t> SlotsOf(const Candidates& candidates) {
  std::vector<std::uint32_t> slots;
  slots.reserve(candidates.size());
  for (const Candidate& candidate : candidates) {
    slots.push_back(candidate.slot);
  }
  return slots;
}

}  // namespace

bool Graph::HasLink(std::uint32_t of, int level, std::uint32_t to) const {
  const auto links = core_.Links(of, level);
  return std::find(links.begin(), links.end(), to) != links.end();
}

// One list for each level from the ground to `level` or the top.
std::vector<Candidates> Graph::FindNeighbours(const char* item, int level) const {
  if (entry_ == kNone) {
    return {};
  }
  const int highest = std::min(level, top_);
  std::vector<Candidates> found(static_cast<std::size_t>(highest) + 1);
  std::uint32_t nearest = core_.Descend(entry_, item, top_, highest);
  for (int i = highest; i >= 0; --i) {
    Candidates& here = found[static_cast<std::size_t>(i)];
    here = core_.Search(nearest, item, i, options_.ef_construction);
    if (!here.empty()) {
      nearest = here.front().slot;
    }
  }
  return found;
}

void Graph::PlanNode(std::uint32_t slot, const std::vector<Candidates>& found, Edits& edits) const {
  for (std::size_t level = 0; level < found.size(); ++level) {
    PlanLevel(slot, static_cast<int>(level), found[level], edits);
  }
}

// The node's own links (those it has already stay candidates), then those of its neighbours.
void Graph::PlanLevel(std::uint32_t slot, int level, const Candidates& found, Edits& edits) const {
  Candidates all;
  std::copy_if(found.begin(), found.end(), std::back_inserter(all),
               [slot](const Candidate& candidate) { return candidate.slot != slot; });
  const Candidates owned = Measured(slot, core_.Links(slot, level));
  std::copy_if(owned.begin(), owned.end(), std::back_inserter(all), [&](const Candidate& link) {
    return !core_.IsDead(link.slot) && !IsAmong(found, link.slot);
  });
  Candidates chosen = core_.Choose(all, core_.m());
  if (level == 0) {
    KeepLastLinks(owned, kNone, core_.LinksMax(0), chosen);
  }
  edits.push_back({slot, level, SlotsOf(chosen)});
  bool is_linked = chosen.empty();
  for (const Candidate& neighbour : chosen) {
    if (HasLink(neighbour.slot, level, slot)) {
      is_linked = true;
    } else if (auto edit = PlanNeighbour(neighbour.slot, level, {neighbour.distance, slot})) {
      edits.push_back(std::move(*edit));
      is_linked = true;
    }
  }
  if (level == 0 && !is_linked) {
    edits.push_back(ForcedLink(chosen.front().slot, slot));
  }
}

// Absent when others of its links serve it better: then its list stays as it is.
std::optional<Graph::Edit> Graph::PlanNeighbour(std::uint32_t of, int level,
                                                Candidate added) const {
  const auto links = core_.Links(of, level);
  const std::size_t count = core_.LinksMax(level);
  if (links.size() < count) {
    std::vector<std::uint32_t> longer(links.begin(), links.end());
    longer.push_back(added.slot);
    return Edit{of, level, std::move(longer)};
  }
  Candidates all = Measured(of, links);
  all.push_back(added);
  Candidates chosen = core_.Choose(all, count);
  if (!IsAmong(chosen, added.slot)) {
    return std::nullopt;
  }
  if (level == 0) {
    KeepLastLinks(all, added.slot, count, chosen);
  }
  return Edit{of, level, SlotsOf(chosen)};
}

// Where the list is full, in place of the link whose target is easiest to find without it.
Graph::Edit Graph::ForcedLink(std::uint32_t of, std::uint32_t added) const {
  const auto links = core_.Links(of, 0);
  std::vector<std::uint32_t> changed(links.begin(), links.end());
  if (changed.size() < core_.LinksMax(0)) {
    changed.push_back(added);
    return {of, 0, std::move(changed)};
  }
  const auto easiest = std::max_element(
      changed.begin(), changed.end(),
      [this](std::uint32_t a, std::uint32_t b) { return slots_[a].links_in < slots_[b].links_in; });
  *easiest = added;
  return {of, 0, std::move(changed)};
}

Candidates Graph::Measured(std::uint32_t of, std::span<const std::uint32_t> links) const {
  Candidates measured;
  measured.reserve(links.size());
  for (const std::uint32_t link : links) {
    measured.push_back({core_.Distance(core_.Item(of), link), link});
  }
  return measured;
}

// A node whose only link would go keeps it; the farthest link to a node that has others gives way.
void Graph::KeepLastLinks(const Candidates& all, std::uint32_t added, std::size_t count,
                          Candidates& chosen) const {
  for (const Candidate& candidate : all) {
    const Slot& slot = slots_[candidate.slot];
    if (slot.state != State::kLive || slot.links_in != 1 || IsAmong(chosen, candidate.slot)) {
      continue;
    }
    if (chosen.size() < count) {
      chosen.push_back(candidate);
      continue;
    }
    const auto spare = std::find_if(chosen.rbegin(), chosen.rend(), [&](const Candidate& other) {
      return other.slot != added && slots_[other.slot].links_in > 1;
    });
    if (spare != chosen.rend()) {
      *spare = candidate;
    }
  }
}

void Graph::DropLinkTo(std::uint32_t slot) {
  Slot& target = slots_[slot];
  if (target.links_in > 0 && --target.links_in == 0 && target.state == State::kLive) {
    orphans_.push_back(slot);
  }
}

// New links first, so that a link which stays never counts as the last one lost.
void Graph::CountLinks(const Edits& edits) {
  const auto counts = [this](const Edit& edit) {
    return edit.level == 0 && slots_[edit.slot].state == State::kLive;
  };
  for (const Edit& edit : edits) {
    if (counts(edit)) {
      for (const std::uint32_t link : edit.links) {
        ++slots_[link].links_in;
      }
    }
  }
  for (const Edit& edit : edits) {
    if (counts(edit)) {
      for (const std::uint32_t link : core_.Links(edit.slot, 0)) {
        DropLinkTo(link);
      }
      if (edit.links.empty() && nodes() > 1) {
        orphans_.push_back(edit.slot);
      }
    }
  }
}

// `raised` becomes the entry when it is the only living node or stands above all others.
void Graph::Apply(const Edits& edits, std::uint32_t raised) {
  CountLinks(edits);
  const base::WriteLock lock(mutex_);
  for (const Edit& edit : edits) {
    core_.SetLinks(edit.slot, edit.level, edit.links);
  }
  if (raised != kNone && (entry_ == kNone || nodes() == 0 || slots_[raised].level > top_)) {
    entry_ = raised;
    top_ = slots_[raised].level;
  }
}

void Graph::Relink(std::uint32_t slot) {
  Edits edits;
  PlanNode(slot, FindNeighbours(core_.Item(slot), slots_[slot].level), edits);
  Apply(edits, kNone);
}

// A search for its item walks through all that it finds: a link from the nearest of those suffices.
void Graph::MakeReachable(std::uint32_t slot) {
  const char* item = core_.Item(slot);
  const std::uint32_t start = core_.Descend(entry_, item, top_, 0);
  const Candidates found = core_.Search(start, item, 0, options_.ef_search);
  if (!found.empty() && !HasLink(found.front().slot, 0, slot)) {
    Apply({ForcedLink(found.front().slot, slot)}, kNone);
  }
}

void Graph::RelinkOrphans(std::size_t count) {
  for (; count > 0 && !orphans_.empty(); --count) {
    const std::uint32_t slot = orphans_.back();
    orphans_.pop_back();
    const bool is_lost = slots_[slot].links_in == 0 || core_.Links(slot, 0).empty();
    if (slots_[slot].state == State::kLive && is_lost) {
      Relink(slot);
    }
  }
}

bool Graph::IsReachable(std::uint32_t slot) const {
  const char* item = core_.Item(slot);
  const std::uint32_t start = core_.Descend(entry_, item, top_, 0);
  return IsAmong(core_.Search(start, item, 0, options_.ef_search), slot);
}

}  // namespace reprise::vector
