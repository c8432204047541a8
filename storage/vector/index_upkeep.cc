// What the index does beside serving: graphs under construction, sweeps, audits, rebuilds.
#include <algorithm>

#include "protocol/base/ensure.h"
#include "storage/vector/index.h"

namespace reprise::vector {
namespace {

// Slots that cost as much as one insertion: entries that are there already, swept slots.
constexpr std::uint32_t kSlotsPerStep = 16;
constexpr std::uint64_t kUnreachablePerMillionMax = 10'000;
// Fewer probes than this say nothing about a graph.
constexpr std::uint64_t kProbesMin = 200;

}  // namespace

std::shared_ptr<Graph> VectorIndex::MakeGraph() {
  GraphOptions options = options_.graph;
  options.seed = Mix(options.seed + seeds_);
  ++seeds_;
  return std::make_shared<Graph>(codec_, options);
}

void VectorIndex::StartBuild(std::uint32_t number) {
  builds_[number] = Build{MakeGraph(), 0};
  builds_count_ = builds_.size();
}

std::uint32_t VectorIndex::SourceEnd(std::uint32_t number) const {
  const Graph* graph = GraphOf(number);
  return graph != nullptr ? graph->slots() : blocks_[number]->count();
}

std::uint64_t VectorIndex::SourceEntries(std::uint32_t number) const {
  const Graph* graph = GraphOf(number);
  return graph != nullptr ? graph->entries() : blocks_[number]->count();
}

// The entries of the next place; says how many were not in the new graph yet.
std::uint64_t VectorIndex::CopyNext(std::uint32_t number, Build& build) const {
  std::uint64_t copied = 0;
  const auto copy = [&](EntryId id, const char* item) {
    if (!build.graph->Contains(id)) {
      build.graph->Add(id, item);
      ++copied;
    }
  };
  if (const Graph* source = GraphOf(number)) {
    source->VisitSlot(build.cursor, copy);
  } else {
    const FlatBlock& block = *blocks_[number];
    copy(block.Id(build.cursor), block.Item(build.cursor, codec_.item_bytes()));
  }
  ++build.cursor;
  return copied;
}

// Entries may come, go and move to other places meanwhile: the source is gone through again until
// nothing is missing. What goes, goes from both.
void VectorIndex::AdvanceBuild(std::uint32_t number, std::uint32_t steps) {
  const auto found = builds_.find(number);
  if (found == builds_.end()) {
    return;
  }
  Build& build = found->second;
  std::uint64_t copied = 0;
  std::uint32_t seen = 0;
  while (copied < steps && seen < steps * kSlotsPerStep) {
    if (build.graph->entries() == SourceEntries(number)) {
      Publish(number);
      return;
    }
    if (build.cursor >= SourceEnd(number)) {
      build.cursor = 0;
    }
    copied += CopyNext(number, build);
    ++seen;
  }
  build_left_ = SourceEntries(number) - build.graph->entries();
}

void VectorIndex::Publish(std::uint32_t number) {
  const auto build = builds_.find(number);
  std::shared_ptr<Graph> graph = std::move(build->second.graph);
  builds_.erase(build);
  builds_count_ = builds_.size();
  build_left_ = 0;
  {
    const base::WriteLock lock(mutex_);
    std::swap(graphs_[number], graph);
  }
  if (graph != nullptr) {
    Retire(std::move(graph));
  }
  SetBlock(number, FlatBlock::Make(blocks_[number]->partition(), 0, codec_.item_bytes()));
}

// A graph that has become small is a block again.
void VectorIndex::Flatten(std::uint32_t number) {
  if (const auto build = builds_.find(number); build != builds_.end()) {
    Retire(std::move(build->second.graph));
    builds_.erase(build);
    builds_count_ = builds_.size();
  }
  std::shared_ptr<Graph> graph = graphs_.at(number);
  const auto count = static_cast<std::uint32_t>(graph->entries());
  if (count == 0) {
    DropEmpty(number);
    return;
  }
  const std::size_t item_bytes = codec_.item_bytes();
  BlockPtr block = FlatBlock::Make(blocks_[number]->partition(), count, item_bytes);
  for (std::uint32_t slot = 0; slot < graph->slots(); ++slot) {
    graph->VisitSlot(slot,
                     [&](EntryId id, const char* item) { block->Append(id, item, item_bytes); });
  }
  SetBlock(number, std::move(block));
  {
    const base::WriteLock lock(mutex_);
    graphs_.erase(number);
  }
  Retire(std::move(graph));
}

// The memory of a large graph takes a while to give back: not on a reader's thread.
void VectorIndex::Retire(std::shared_ptr<Graph> graph) {
  retired_.push_back(std::move(graph));
  FreeRetired();
}

void VectorIndex::FreeRetired() {
  std::erase_if(retired_, [](const auto& graph) { return graph.use_count() == 1; });
}

bool VectorIndex::Maintain(std::uint32_t steps) {
  FreeRetired();
  if (!builds_.empty()) {
    AdvanceBuild(builds_.begin()->first, steps);
    return true;
  }
  for (const auto& [number, graph] : graphs_) {
    if (graph->WantsSweep()) {
      graph->Sweep(steps * kSlotsPerStep);
      return true;
    }
  }
  return !retired_.empty();
}

// Graphs in the order of their partitions' ids, one a call, so that each has its turn.
AuditReport VectorIndex::Audit(std::uint32_t count) {
  std::map<PartitionId, std::uint32_t> graphs;
  for (const auto& [number, graph] : graphs_) {
    graphs.emplace(blocks_[number]->partition(), number);
  }
  if (graphs.empty()) {
    return {};
  }
  auto next = graphs.upper_bound(audited_);
  if (next == graphs.end()) {
    next = graphs.begin();
  }
  audited_ = next->first;
  const AuditReport report = graphs_.at(next->second)->Audit(count);
  if (report.probed >= kProbesMin && report.UnreachablePerMillion() > kUnreachablePerMillionMax &&
      !builds_.contains(next->second)) {
    StartBuild(next->second);
  }
  return report;
}

void VectorIndex::Purge() {
  for (const auto& [number, graph] : graphs_) {
    graph->Purge();
  }
}

std::uint64_t VectorIndex::Retain(const std::function<bool(PartitionId, EntryId)>& is_kept,
                                  std::uint64_t sequence) {
  std::vector<std::pair<PartitionId, EntryId>> gone;
  for (std::uint32_t number = 0; number < blocks_.size(); ++number) {
    const FlatBlock* block = blocks_[number].get();
    if (block == nullptr) {
      continue;
    }
    const auto visit = [&](EntryId id) {
      if (!is_kept(block->partition(), id)) {
        gone.emplace_back(block->partition(), id);
      }
    };
    if (const Graph* graph = GraphOf(number)) {
      for (std::uint32_t slot = 0; slot < graph->slots(); ++slot) {
        graph->VisitSlot(slot, [&](EntryId id, const char* /*item*/) { visit(id); });
      }
      continue;
    }
    for (std::uint32_t i = 0; i < block->count(); ++i) {
      visit(block->Id(i));
    }
  }
  for (const auto& [partition, id] : gone) {
    Remove(partition, id, sequence);
  }
  Raise(sequence);
  return gone.size();
}

void VectorIndex::BeginRebuild() {
  is_rebuilding_ = true;
  applied_ = 0;
  removed_.clear();
  dropped_.clear();
  for (std::uint32_t number = 0; number < blocks_.size(); ++number) {
    if (blocks_[number] != nullptr) {
      DropEmpty(number);
    }
  }
  entries_ = 0;
}

base::Status VectorIndex::Backfill(PartitionId partition, EntryId id,
                                   std::span<const float> vector) {
  ENSURE(rebuilding());
  const auto number = Find(partition);
  const bool has_newer = number.has_value() && HasEntry(*number, id);
  if (has_newer || removed_.contains({partition, id}) || dropped_.contains(partition)) {
    return base::Ok{};
  }
  Item item(codec_.item_bytes());
  RETURN_IF_ERROR(codec_.Encode(vector, item.data()));
  return Put(partition, id, item);
}

void VectorIndex::EndRebuild(std::uint64_t sequence) {
  ENSURE(rebuilding());
  is_rebuilding_ = false;
  removed_.clear();
  dropped_.clear();
  Raise(sequence);
}

}  // namespace reprise::vector
