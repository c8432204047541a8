// VectorIndex: the nearest entries of a partition, for all partitions of a server.
//
// A small partition is one block that is scanned; one above `exact_below` is a graph, built beside
// the block in slices while the scan goes on serving. Vectors of two partitions never meet. What is
// here is derived: the store has the truth, and whatever is odd is answered with a rebuild.
//
// Threads: functions marked "reader" on any thread; all others on one writer thread. The writer
// holds up readers while it copies finished lists into place (microseconds). Readers: k is at most
// kMatchesMax. Similarity is the cosine of the query, as given, and the vector as it is stored.
// Errors: kBadRequest (a vector of another width, with NaN or infinity, not one unit long; k),
// kTooLarge (entries_max), kIo and kCorrupt (snapshots), kUnavailable (Snapshot while rebuilding).
// Lifetime: arguments are copied. Units: bytes, entries.
//
//   VectorIndex index(options);
//   index.Add(partition, entry, vector, sequence);          // the writer
//   auto nearest = index.Search(partition, vector, 1);      // any thread
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/base/result.h"
#include "protocol/base/shared_mutex.h"
#include "storage/vector/codec.h"
#include "storage/vector/flat_block.h"
#include "storage/vector/graph.h"
#include "storage/vector/match.h"
#include "storage/vector/slot_table.h"

namespace reprise::vector {

inline constexpr std::uint32_t kExactBelowMax = 100'000;

struct IndexOptions {
  Encoding encoding = Encoding::kInt8;
  std::uint32_t width = 512;          // 1 to kWidthMax
  std::uint32_t exact_below = 2'000;  // Larger partitions get a graph; at most kExactBelowMax.
  std::uint64_t entries_max = 50'000'000;
  GraphOptions graph;
};

struct IndexStats {
  std::uint64_t entries = 0;
  std::uint64_t partitions = 0;
  std::uint64_t graphs = 0;
  std::uint64_t nodes = 0;       // Of graphs, without the dead.
  std::uint64_t dead = 0;        // Removed, and not swept yet.
  std::uint64_t builds = 0;      // Graphs being built beside what serves.
  std::uint64_t build_left = 0;  // Entries that those still lack.
  std::uint64_t bytes = 0;       // Memory, vectors included.
};

class VectorIndex {
 public:
  explicit VectorIndex(const IndexOptions& options);
  // What Snapshot has written, checked link by link. kCorrupt also when it was made with another
  // width, encoding or number of links. Takes at most twice the size of the file.
  static base::Result<std::unique_ptr<VectorIndex>> Load(const IndexOptions& options,
                                                         const std::string& path);

  // Readers.
  // The nearest entries, best first; empty for a partition that nobody has filled.
  base::Result<Matches> Search(PartitionId partition, std::span<const float> vector,
                               std::size_t k) const;
  // Whether a search of this partition could find anything.
  bool HasEntries(PartitionId partition) const;
  bool Contains(PartitionId partition, EntryId id) const;
  // As stored, one unit long.
  std::optional<std::vector<float>> VectorOf(PartitionId partition, EntryId id) const;
  // All changes up to here are in the index; replay starts with this one. 0 while rebuilding.
  std::uint64_t AppliedSequence() const { return applied_.load(std::memory_order_acquire); }
  std::uint64_t entries() const { return entries_.load(std::memory_order_relaxed); }
  IndexStats Stats() const;

  // Changes, in the order of their sequences. One below AppliedSequence() is in the index already
  // and is ignored; one that equals it may be repeated.
  // Replaces the vector of an entry that is there.
  base::Status Add(PartitionId partition, EntryId id, std::span<const float> vector,
                   std::uint64_t sequence);
  void Remove(PartitionId partition, EntryId id, std::uint64_t sequence);
  void RemovePartition(PartitionId partition, std::uint64_t sequence);
  // Removes every entry that is not kept, such as what a snapshot has and the store no longer.
  // Answers how many. O(entries).
  std::uint64_t Retain(const std::function<bool(PartitionId, EntryId)>& is_kept,
                       std::uint64_t sequence);

  // A rebuild: everything is dropped; then Backfill with what a scan of the store finds, beside Add
  // and Remove with what happens meanwhile, which wins. EndRebuild with the sequence of the scan.
  void BeginRebuild();
  base::Status Backfill(PartitionId partition, EntryId id, std::span<const float> vector);
  void EndRebuild(std::uint64_t sequence);
  bool rebuilding() const { return is_rebuilding_.load(std::memory_order_relaxed); }

  // Background work in about `steps` insertions: graphs under construction, sweeps. False when
  // there is none left. Changes do some of it too, so that it never falls behind.
  bool Maintain(std::uint32_t steps);
  // `count` entries of graphs, round robin, search for themselves; those that fail are linked anew.
  // A graph in which more than a hundredth fails is built anew.
  AuditReport Audit(std::uint32_t count);
  // Nothing of a removed vector is left in memory, nor in a snapshot made after it.
  void Purge();
  // Writes a file beside `path` and renames it: the old one stays until the new one is whole.
  base::Status Snapshot(const std::string& path) const;

 private:
  // A graph that will take the place of a block, or of another graph.
  struct Build {
    std::shared_ptr<Graph> graph;
    std::uint32_t cursor = 0;
  };
  using Item = std::vector<char>;

  // Salted: who may choose partitions must not choose where they collide.
  std::uint64_t HashOf(PartitionId partition) const {
    return Mix(partition.high ^ Mix(partition.low ^ Mix(options_.graph.seed)));
  }
  std::optional<std::uint32_t> Find(PartitionId partition) const;
  std::uint32_t FindOrMake(PartitionId partition);
  Graph* GraphOf(std::uint32_t number) const;
  std::shared_ptr<const Graph> SharedGraph(std::uint32_t number) const;
  std::shared_ptr<Graph> MakeGraph();
  void SearchBlock(const FlatBlock& block, const Query& query, Matches& matches) const;
  bool HasEntry(std::uint32_t number, EntryId id) const;

  bool Passed(std::uint64_t sequence) const { return sequence < AppliedSequence(); }
  void Raise(std::uint64_t sequence);
  base::Status Put(PartitionId partition, EntryId id, const Item& item);
  bool IsSame(std::uint32_t number, EntryId id, const Item& item) const;
  void PutFlat(std::uint32_t number, EntryId id, const Item& item);
  void Take(PartitionId partition, EntryId id);
  void TakeFlat(std::uint32_t number, std::uint32_t position);
  void Drop(PartitionId partition);
  void DropEmpty(std::uint32_t number);
  void SetBlock(std::uint32_t number, BlockPtr block);

  // index_upkeep.cc
  void StartBuild(std::uint32_t number);
  void AdvanceBuild(std::uint32_t number, std::uint32_t steps);
  std::uint64_t CopyNext(std::uint32_t number, Build& build) const;
  std::uint32_t SourceEnd(std::uint32_t number) const;
  std::uint64_t SourceEntries(std::uint32_t number) const;
  void Publish(std::uint32_t number);
  void Flatten(std::uint32_t number);
  void Retire(std::shared_ptr<Graph> graph);
  void FreeRetired();

  // index_snapshot.cc
  base::Status LoadPartition(class SnapshotReader& in);
  base::Status LoadBlock(class SnapshotReader& in, PartitionId partition, std::uint32_t count);

  const IndexOptions options_;
  const Codec codec_;

  // Changed under the lock. A block is the home of a partition's id even when a graph serves.
  mutable base::SharedMutex mutex_;
  SlotTable partitions_;  // PartitionId -> number of the partition
  std::deque<BlockPtr> blocks_;
  std::unordered_map<std::uint32_t, std::shared_ptr<Graph>> graphs_;

  // The writer's alone.
  std::vector<std::uint32_t> free_numbers_;
  std::map<std::uint32_t, Build> builds_;
  std::vector<std::shared_ptr<Graph>> retired_;        // Until the last reader has left.
  std::set<std::pair<PartitionId, EntryId>> removed_;  // While rebuilding.
  std::set<PartitionId> dropped_;                      // While rebuilding.
  std::uint64_t seeds_ = 0;
  PartitionId audited_;

  std::atomic<std::uint64_t> applied_{0};
  std::atomic<std::uint64_t> entries_{0};
  std::atomic<std::uint64_t> block_bytes_{0};
  std::atomic<std::uint64_t> builds_count_{0};
  std::atomic<std::uint64_t> build_left_{0};
  std::atomic<bool> is_rebuilding_{false};
};

}  // namespace reprise::vector
