// Graphs in snapshots (FORMAT.md). Nothing that a file says is used before it has been checked.
#include <algorithm>
#include <cstring>
#include <string>

#include "storage/vector/graph.h"
#include "storage/vector/snapshot_file.h"

namespace reprise::vector {

void Graph::Save(SnapshotWriter& out) const {
  const auto free_twins = static_cast<std::uint32_t>(free_twins_.size());
  out.AppendNumber(slots());
  out.AppendNumber(static_cast<std::uint32_t>(twins_.size()) - free_twins);
  out.AppendNumber(entry_);
  out.AppendNumber(static_cast<std::uint32_t>(top_));
  for (std::uint32_t i = 0; i < slots(); ++i) {
    const Slot& slot = slots_[i];
    const State state = slot.state == State::kSweeping ? State::kDead : slot.state;
    out.AppendNumber(static_cast<std::uint16_t>(state));
    out.AppendNumber(static_cast<std::uint16_t>(slot.level));
    out.Append(core_.Node(i), core_.node_bytes());
    if (slot.level > 0) {
      out.Append(core_.Upper(i), core_.UpperBytes(slot.level));
    }
  }
  for (std::uint32_t i = 0; i < slots(); ++i) {
    for (std::uint32_t twin = slots_[i].twin; twin != kNone; twin = twins_[twin].next) {
      out.AppendNumber(twins_[twin].id);
      out.AppendNumber(i);
    }
  }
}

base::Result<std::shared_ptr<Graph>> Graph::Load(const Codec& codec, const GraphOptions& options,
                                                 SnapshotReader& in) {
  auto graph = std::make_shared<Graph>(codec, options);
  std::uint32_t slots = 0;
  std::uint32_t twins = 0;
  std::uint32_t top = 0;
  RETURN_IF_ERROR(in.ReadNumber(slots));
  RETURN_IF_ERROR(in.ReadNumber(twins));
  RETURN_IF_ERROR(in.ReadNumber(graph->entry_));
  RETURN_IF_ERROR(in.ReadNumber(top));
  if (slots >= kTwinMark || twins >= kTwinMark || top > static_cast<std::uint32_t>(kLevelMax)) {
    return in.Corrupt("a graph of impossible size");
  }
  graph->top_ = static_cast<int>(top);
  RETURN_IF_ERROR(in.ExpectRoomFor(slots, graph->core_.node_bytes()));
  RETURN_IF_ERROR(graph->LoadNodes(in, slots));
  RETURN_IF_ERROR(in.ExpectRoomFor(twins, sizeof(EntryId) + sizeof(std::uint32_t)));
  RETURN_IF_ERROR(graph->LoadTwins(in, twins));
  const std::string problem = graph->ProblemWithLinks();
  if (!problem.empty()) {
    return in.Corrupt(problem);
  }
  return graph;
}

base::Status Graph::LoadNodes(SnapshotReader& in, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    if (i >= core_.capacity()) {  // As nodes come, so that memory follows what was read.
      core_.Grow(std::min(count, 2 * core_.capacity()));
    }
    std::uint16_t state = 0;
    std::uint16_t level = 0;
    RETURN_IF_ERROR(in.ReadNumber(state));
    RETURN_IF_ERROR(in.ReadNumber(level));
    if (state > static_cast<std::uint16_t>(State::kDead) || level > kLevelMax) {
      return in.Corrupt("a node of no known kind");
    }
    slots_.push_back({kNone, 0, static_cast<std::uint8_t>(level), static_cast<State>(state)});
    RETURN_IF_ERROR(in.Read(core_.Node(i), core_.node_bytes()));
    if (level > 0) {
      RETURN_IF_ERROR(in.ExpectRoomFor(1, core_.UpperBytes(level)));
      RETURN_IF_ERROR(in.Read(core_.AllocateUpper(i, level), core_.UpperBytes(level)));
      upper_bytes_ += core_.UpperBytes(level);
    }
    if (!AdoptNode(i)) {
      return in.Corrupt("node " + std::to_string(i) + " of a graph");
    }
  }
  return base::Ok{};
}

// Enters a node that was read, if it is one that Save could have written.
bool Graph::AdoptNode(std::uint32_t slot) {
  const State state = slots_[slot].state;
  if (state == State::kFree) {
    free_slots_.push_back(slot);
    return slots_[slot].level == 0;
  }
  if (core_.IsDead(slot) != (state == State::kDead) || !codec_.IsItem(core_.Item(slot))) {
    return false;
  }
  if (state == State::kDead) {
    dead_.push_back(slot);
    ++dead_count_;
    return true;
  }
  const EntryId id = core_.Id(slot);
  if (NumberOf(id).has_value()) {
    return false;
  }
  MakeRoom();
  ids_.Insert(HashOf(id), slot);
  ++nodes_;
  ++entries_;
  return true;
}

base::Status Graph::LoadTwins(SnapshotReader& in, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    EntryId id = 0;
    std::uint32_t node = 0;
    RETURN_IF_ERROR(in.ReadNumber(id));
    RETURN_IF_ERROR(in.ReadNumber(node));
    if (node >= slots() || slots_[node].state != State::kLive || NumberOf(id).has_value()) {
      return in.Corrupt("an entry that shares a vector");
    }
    MakeRoom();
    AddTwin(id, node);
  }
  return base::Ok{};
}

// Whether the links of one list lead to nodes that stand on its level.
bool Graph::AreSound(std::uint32_t slot, int level) const {
  const auto links = core_.Links(slot, level);
  return links.size() <= core_.LinksMax(level) &&
         std::all_of(links.begin(), links.end(), [&](std::uint32_t link) {
           return link < slots() && link != slot && slots_[link].state != State::kFree &&
                  slots_[link].level >= level;
         });
}

// Empty when every link, every level and the entry are sound. Also counts the links.
std::string Graph::ProblemWithLinks() {
  for (std::uint32_t i = 0; i < slots(); ++i) {
    if (slots_[i].state == State::kFree) {
      continue;
    }
    for (int level = 0; level <= slots_[i].level; ++level) {
      if (!AreSound(i, level)) {
        return "a link that leads nowhere";
      }
    }
    if (slots_[i].state == State::kLive) {
      for (const std::uint32_t link : core_.Links(i, 0)) {
        ++slots_[link].links_in;
      }
    }
  }
  const bool has_entry =
      entry_ < slots() && slots_[entry_].state != State::kFree && slots_[entry_].level == top_;
  const bool may_lack_it = entry_ == kNone && top_ == 0 && nodes() == 0;
  return has_entry || may_lack_it ? "" : "a graph without its entry";
}

}  // namespace reprise::vector
