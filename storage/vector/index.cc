#include "storage/vector/index.h"

#include <algorithm>
#include <cstring>

#include "protocol/base/ensure.h"

namespace reprise::vector {
namespace {

// Entries that each change copies into a graph under construction.
constexpr std::uint32_t kCopiesPerChange = 4;
// Of the allocator, for each block: its own word, and rounding to 16.
constexpr std::size_t AllocatedBytes(std::size_t bytes) {
  return (bytes + 8 + 15) / 16 * 16;
}

}  // namespace

VectorIndex::VectorIndex(const IndexOptions& options)
    : options_(options), codec_(options.encoding, options.width) {
  ENSURE(options.exact_below <= kExactBelowMax);
}

std::optional<std::uint32_t> VectorIndex::Find(PartitionId partition) const {
  return partitions_.Find(HashOf(partition), [&](std::uint32_t number) {
    return blocks_[number]->partition() == partition;
  });
}

Graph* VectorIndex::GraphOf(std::uint32_t number) const {
  const auto found = graphs_.find(number);
  return found == graphs_.end() ? nullptr : found->second.get();
}

// So that it lives on when the lock has been given back.
std::shared_ptr<const Graph> VectorIndex::SharedGraph(std::uint32_t number) const {
  const auto found = graphs_.find(number);
  return found == graphs_.end() ? nullptr : found->second;
}

base::Result<Matches> VectorIndex::Search(PartitionId partition, std::span<const float> vector,
                                          std::size_t k) const {
  if (k < 1 || k > kMatchesMax) {
    return base::Error{base::Code::kBadRequest,
                       "k is 1 to " + std::to_string(kMatchesMax) + ", not " + std::to_string(k)};
  }
  Item item(codec_.item_bytes());
  RETURN_IF_ERROR(codec_.Encode(vector, item.data()));
  const Query query{vector, item.data()};
  Matches matches(k);
  std::shared_ptr<const Graph> graph;
  {
    const base::ReadLock lock(mutex_);
    const auto number = Find(partition);
    if (!number.has_value()) {
      return matches;
    }
    graph = SharedGraph(*number);
    if (graph == nullptr) {
      SearchBlock(*blocks_[*number], query, matches);
      return matches;
    }
  }
  graph->Search(query, matches);
  return matches;
}

// All of them on the rounded query, the best of them again on the query as it is.
void VectorIndex::SearchBlock(const FlatBlock& block, const Query& query, Matches& matches) const {
  const std::size_t item_bytes = codec_.item_bytes();
  Matches rough(kMatchesMax);
  for (std::uint32_t i = 0; i < block.count(); ++i) {
    rough.Offer({i, -codec_.Distance(query.item, block.Item(i, item_bytes))});
  }
  for (const Match& match : rough) {
    const auto position = static_cast<std::uint32_t>(match.id);
    const char* item = block.Item(position, item_bytes);
    matches.Offer({block.Id(position), codec_.Similarity(query.vector, item)});
  }
}

bool VectorIndex::HasEntries(PartitionId partition) const {
  const base::ReadLock lock(mutex_);
  return Find(partition).has_value();
}

bool VectorIndex::Contains(PartitionId partition, EntryId id) const {
  std::shared_ptr<const Graph> graph;
  {
    const base::ReadLock lock(mutex_);
    const auto number = Find(partition);
    if (!number.has_value()) {
      return false;
    }
    graph = SharedGraph(*number);
    if (graph == nullptr) {
      return blocks_[*number]->Find(id).has_value();
    }
  }
  return graph->Contains(id);
}

// For the writer, who needs no lock.
bool VectorIndex::HasEntry(std::uint32_t number, EntryId id) const {
  const Graph* graph = GraphOf(number);
  return graph != nullptr ? graph->Contains(id) : blocks_[number]->Find(id).has_value();
}

std::optional<std::vector<float>> VectorIndex::VectorOf(PartitionId partition, EntryId id) const {
  Item item(codec_.item_bytes());
  std::shared_ptr<const Graph> graph;
  {
    const base::ReadLock lock(mutex_);
    const auto number = Find(partition);
    if (!number.has_value()) {
      return std::nullopt;
    }
    graph = SharedGraph(*number);
    if (graph == nullptr) {
      const auto position = blocks_[*number]->Find(id);
      if (!position.has_value()) {
        return std::nullopt;
      }
      std::memcpy(item.data(), blocks_[*number]->Item(*position, item.size()), item.size());
    }
  }
  if (graph != nullptr && !graph->ItemOf(id, item.data())) {
    return std::nullopt;
  }
  std::vector<float> vector(codec_.width());
  codec_.Decode(item.data(), vector);
  return vector;
}

IndexStats VectorIndex::Stats() const {
  IndexStats stats;
  stats.entries = entries();
  stats.builds = builds_count_.load(std::memory_order_relaxed);
  stats.build_left = build_left_.load(std::memory_order_relaxed);
  std::vector<std::shared_ptr<const Graph>> graphs;
  {
    const base::ReadLock lock(mutex_);
    stats.partitions = partitions_.size();
    stats.bytes = block_bytes_.load(std::memory_order_relaxed) + partitions_.bytes() +
                  blocks_.size() * sizeof(BlockPtr);
    for (const auto& [number, graph] : graphs_) {
      graphs.push_back(graph);
    }
  }
  for (const auto& graph : graphs) {
    ++stats.graphs;
    stats.nodes += graph->nodes();
    stats.dead += graph->dead();
    stats.bytes += graph->bytes();
  }
  return stats;
}

void VectorIndex::Raise(std::uint64_t sequence) {
  if (!rebuilding() && sequence > AppliedSequence()) {
    applied_.store(sequence, std::memory_order_release);
  }
}

base::Status VectorIndex::Add(PartitionId partition, EntryId id, std::span<const float> vector,
                              std::uint64_t sequence) {
  if (Passed(sequence)) {
    return base::Ok{};
  }
  Item item(codec_.item_bytes());
  RETURN_IF_ERROR(codec_.Encode(vector, item.data()));
  RETURN_IF_ERROR(Put(partition, id, item));
  Raise(sequence);
  return base::Ok{};
}

base::Status VectorIndex::Put(PartitionId partition, EntryId id, const Item& item) {
  const auto known = Find(partition);
  if (known.has_value() && HasEntry(*known, id)) {
    if (IsSame(*known, id, item)) {
      return base::Ok{};
    }
    Take(partition, id);
  }
  if (entries() >= options_.entries_max) {
    return base::Error{
        base::Code::kTooLarge,
        "the index holds its most, " + std::to_string(options_.entries_max) + " entries"};
  }
  const std::uint32_t number = FindOrMake(partition);
  if (Graph* graph = GraphOf(number)) {
    graph->Add(id, item.data());
  } else {
    PutFlat(number, id, item);
    if (blocks_[number]->count() > options_.exact_below && !builds_.contains(number)) {
      StartBuild(number);
    }
  }
  entries_.fetch_add(1, std::memory_order_relaxed);
  AdvanceBuild(number, kCopiesPerChange);
  return base::Ok{};
}

bool VectorIndex::IsSame(std::uint32_t number, EntryId id, const Item& item) const {
  if (const Graph* graph = GraphOf(number)) {
    Item stored(item.size());
    return graph->ItemOf(id, stored.data()) && stored == item;
  }
  const FlatBlock& block = *blocks_[number];
  const auto position = block.Find(id);
  return position.has_value() &&
         std::memcmp(block.Item(*position, item.size()), item.data(), item.size()) == 0;
}

std::uint32_t VectorIndex::FindOrMake(PartitionId partition) {
  if (const auto found = Find(partition)) {
    return *found;
  }
  const auto hash_of = [this](std::uint32_t number) {
    return HashOf(blocks_[number]->partition());
  };
  SlotTable grown;
  const bool must_grow = partitions_.full();
  if (must_grow) {
    grown = partitions_.Grown(hash_of);
  }
  BlockPtr block = FlatBlock::Make(partition, 1, codec_.item_bytes());
  block_bytes_ += AllocatedBytes(block->bytes(codec_.item_bytes()));
  const base::WriteLock lock(mutex_);
  if (must_grow) {
    std::swap(partitions_, grown);
  }
  auto number = static_cast<std::uint32_t>(blocks_.size());
  if (free_numbers_.empty()) {
    blocks_.push_back(std::move(block));
  } else {
    number = free_numbers_.back();
    free_numbers_.pop_back();
    blocks_[number] = std::move(block);
  }
  partitions_.Insert(HashOf(partition), number);
  return number;
}

// The block that was there goes when nobody can see it any more.
void VectorIndex::SetBlock(std::uint32_t number, BlockPtr block) {
  const std::size_t item_bytes = codec_.item_bytes();
  block_bytes_ += AllocatedBytes(block->bytes(item_bytes));
  block_bytes_ -= AllocatedBytes(blocks_[number]->bytes(item_bytes));
  const base::WriteLock lock(mutex_);
  std::swap(blocks_[number], block);
}

void VectorIndex::PutFlat(std::uint32_t number, EntryId id, const Item& item) {
  FlatBlock& block = *blocks_[number];
  if (block.count() < block.capacity()) {
    const base::WriteLock lock(mutex_);
    block.Append(id, item.data(), item.size());
    return;
  }
  BlockPtr larger = block.CopyWith(block.NextCapacity(), item.size());
  larger->Append(id, item.data(), item.size());
  SetBlock(number, std::move(larger));
}

void VectorIndex::Remove(PartitionId partition, EntryId id, std::uint64_t sequence) {
  if (Passed(sequence)) {
    return;
  }
  if (rebuilding()) {
    removed_.emplace(partition, id);
  }
  Take(partition, id);
  Raise(sequence);
}

void VectorIndex::Take(PartitionId partition, EntryId id) {
  const auto number = Find(partition);
  if (!number.has_value() || !HasEntry(*number, id)) {
    return;
  }
  entries_.fetch_sub(1, std::memory_order_relaxed);
  if (const auto build = builds_.find(*number); build != builds_.end()) {
    build->second.graph->Remove(id);
  }
  Graph* graph = GraphOf(*number);
  if (graph == nullptr) {
    TakeFlat(*number, *blocks_[*number]->Find(id));
    if (blocks_[*number]->count() == 0) {
      DropEmpty(*number);
      return;
    }
  } else {
    graph->Remove(id);
    if (graph->entries() <= options_.exact_below / 2) {
      Flatten(*number);
    }
  }
  AdvanceBuild(*number, kCopiesPerChange);
}

void VectorIndex::TakeFlat(std::uint32_t number, std::uint32_t position) {
  FlatBlock& block = *blocks_[number];
  {
    const base::WriteLock lock(mutex_);
    block.Erase(position, codec_.item_bytes());
  }
  if (block.count() > 0 && block.count() < block.capacity() / 2) {
    SetBlock(number, block.CopyWith(block.count(), codec_.item_bytes()));
  }
}

void VectorIndex::RemovePartition(PartitionId partition, std::uint64_t sequence) {
  if (Passed(sequence)) {
    return;
  }
  if (rebuilding()) {
    dropped_.insert(partition);
  }
  if (const auto number = Find(partition)) {
    const Graph* graph = GraphOf(*number);
    entries_ -= graph != nullptr ? graph->entries() : blocks_[*number]->count();
    DropEmpty(*number);
  }
  Raise(sequence);
}

void VectorIndex::DropEmpty(std::uint32_t number) {
  const auto hash_of = [this](std::uint32_t other) { return HashOf(blocks_[other]->partition()); };
  if (const auto build = builds_.find(number); build != builds_.end()) {
    Retire(std::move(build->second.graph));
    builds_.erase(build);
    builds_count_ = builds_.size();
  }
  BlockPtr block;
  std::shared_ptr<Graph> graph;
  {
    const base::WriteLock lock(mutex_);
    partitions_.Erase(HashOf(blocks_[number]->partition()), number, hash_of);
    std::swap(block, blocks_[number]);
    if (const auto found = graphs_.find(number); found != graphs_.end()) {
      graph = std::move(found->second);
      graphs_.erase(found);
    }
  }
  free_numbers_.push_back(number);
  block_bytes_ -= AllocatedBytes(block->bytes(codec_.item_bytes()));
  if (graph != nullptr) {
    Retire(std::move(graph));
  }
}

}  // namespace reprise::vector
