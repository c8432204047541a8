// Graph: the entries of one large partition as an HNSW graph that lives through years of churn.
//
// Owns nodes, their links and the ids of its entries. Entries with identical items share a node
// ("twins"). A removed node is dead: walked through, never found; when many are dead a sweep leads
// all links around them, slice by slice, and their slots are free again, with nothing of the vector
// left. Readers are held up only while finished lists of links are copied into place.
// Does not own: which partition this is, snapshots' files, encoding.
//
// Threads: "reader" functions on any thread; all others on the one writer. The writer reads without
// a lock, since nobody else writes. Errors: Load says kCorrupt. Limits: 2^31 nodes.
// Complexity: Search, Add O(log n) in practice; Remove O(1).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "protocol/base/shared_mutex.h"
#include "storage/vector/hnsw_core.h"
#include "storage/vector/match.h"
#include "storage/vector/slot_table.h"

namespace reprise::vector {

class SnapshotReader;
class SnapshotWriter;

struct GraphOptions {
  std::uint32_t m = 16;
  std::uint32_t ef_construction = 128;
  std::uint32_t ef_search = 48;
  // From outside and not to be foreseen: levels of nodes and places in hash tables follow from it.
  std::uint64_t seed = 1;
};

struct AuditReport {
  std::uint64_t probed = 0;
  std::uint64_t unreachable = 0;  // Could not be found with their own vector.
  std::uint64_t repaired = 0;     // Can be found now.
  AuditReport& operator+=(const AuditReport& other);
  std::uint64_t UnreachablePerMillion() const;
};

class Graph {
 public:
  Graph(const Codec& codec, const GraphOptions& options);

  // Readers.
  void Search(const Query& query, Matches& matches) const;
  bool Contains(EntryId id) const;
  // Copies the item of the entry; false when there is none.
  bool ItemOf(EntryId id, char* item) const;
  std::uint64_t entries() const { return entries_.load(std::memory_order_relaxed); }
  std::uint64_t nodes() const { return nodes_.load(std::memory_order_relaxed); }
  std::uint64_t dead() const { return dead_count_.load(std::memory_order_relaxed); }
  std::uint64_t bytes() const;

  // The writer. `id` is not in the graph yet.
  void Add(EntryId id, const char* item);
  bool Remove(EntryId id);
  // Whether dead nodes are so many that Sweep has work, or has begun it.
  bool WantsSweep() const;
  // Leads links around dead nodes in the next `slots` slots, and frees what nothing leads to.
  void Sweep(std::uint32_t slots);
  // All of it at once: afterwards nothing of a removed vector is in memory.
  void Purge();
  // Lets the next `count` nodes, round robin, search for themselves; links those anew that fail.
  AuditReport Audit(std::uint32_t count);

  // The entries of one slot, for copying the graph elsewhere: calls visit(id, item).
  std::uint32_t slots() const { return static_cast<std::uint32_t>(slots_.size()); }
  template <typename Visit>
  void VisitSlot(std::uint32_t slot, const Visit& visit) const {
    if (slots_[slot].state != State::kLive) {
      return;
    }
    visit(core_.Id(slot), core_.Item(slot));
    for (std::uint32_t twin = slots_[slot].twin; twin != kNone; twin = twins_[twin].next) {
      visit(twins_[twin].id, core_.Item(slot));
    }
  }

  void Save(SnapshotWriter& out) const;
  static base::Result<std::shared_ptr<Graph>> Load(const Codec& codec, const GraphOptions& options,
                                                   SnapshotReader& in);

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  static constexpr std::uint32_t kTwinMark = 0x80000000;  // Of numbers in ids_.

  enum class State : std::uint8_t { kFree = 0, kLive = 1, kDead = 2, kSweeping = 3 };
  struct Slot {
    std::uint32_t twin = kNone;  // First of the other entries of this node.
    std::uint32_t links_in = 0;  // On the ground, from living nodes. Without one, nothing finds it.
    std::uint8_t level = 0;
    State state = State::kFree;
  };
  struct Twin {
    EntryId id = 0;
    std::uint32_t next = kNone;
    std::uint32_t previous = kNone;
    std::uint32_t node = 0;
  };
  // New lists of links, worked out beside the graph and copied in under the lock.
  struct Edit {
    std::uint32_t slot = 0;
    int level = 0;
    std::vector<std::uint32_t> links;
  };
  using Edits = std::vector<Edit>;

  std::uint64_t HashOf(EntryId id) const { return Mix(id ^ options_.seed); }
  EntryId IdOfNumber(std::uint32_t number) const;
  std::optional<std::uint32_t> NumberOf(EntryId id) const;
  std::uint32_t NodeOfNumber(std::uint32_t number) const;
  void MakeRoom();
  void AddTwin(EntryId id, std::uint32_t node);
  std::uint32_t UnlinkTwin(std::uint32_t twin);
  std::uint32_t TakeSlot();
  int RandomLevel();

  // graph_links.cc
  std::vector<Candidates> FindNeighbours(const char* item, int level) const;
  void PlanNode(std::uint32_t slot, const std::vector<Candidates>& found, Edits& edits) const;
  void PlanLevel(std::uint32_t slot, int level, const Candidates& found, Edits& edits) const;
  std::optional<Edit> PlanNeighbour(std::uint32_t of, int level, Candidate added) const;
  Candidates Measured(std::uint32_t of, std::span<const std::uint32_t> links) const;
  void KeepLastLinks(const Candidates& all, std::uint32_t added, std::size_t count,
                     Candidates& chosen) const;
  void Apply(const Edits& edits, std::uint32_t raised);
  void CountLinks(const Edits& edits);
  void DropLinkTo(std::uint32_t slot);
  bool HasLink(std::uint32_t of, int level, std::uint32_t to) const;
  Edit ForcedLink(std::uint32_t of, std::uint32_t added) const;
  void Relink(std::uint32_t slot);
  void MakeReachable(std::uint32_t slot);
  void RelinkOrphans(std::size_t count);
  bool IsReachable(std::uint32_t slot) const;

  // graph_sweep.cc
  void BeginSweep();
  void SweepSlot(std::uint32_t slot, Edits& edits) const;
  Candidates AroundDead(std::uint32_t slot, int level) const;
  void ReplaceEntry();
  void FreeSwept(std::size_t count);

  // graph_snapshot.cc
  base::Status LoadNodes(SnapshotReader& in, std::uint32_t count);
  base::Status LoadTwins(SnapshotReader& in, std::uint32_t count);
  bool AdoptNode(std::uint32_t slot);
  bool AreSound(std::uint32_t slot, int level) const;
  std::string ProblemWithLinks();

  const Codec& codec_;
  const GraphOptions options_;
  mutable base::SharedMutex mutex_;

  // Written under the lock.
  HnswCore core_;
  std::deque<Slot> slots_;
  std::deque<Twin> twins_;
  SlotTable ids_;  // Entry -> slot, or twin with kTwinMark.
  std::uint32_t entry_ = kNone;
  int top_ = 0;

  // The writer's alone.
  std::vector<std::uint32_t> free_slots_;
  std::vector<std::uint32_t> free_twins_;
  std::vector<std::uint32_t> dead_;
  std::vector<std::uint32_t> sweeping_;
  std::vector<std::uint32_t> orphans_;  // Lost their last link; linked anew by and by.
  bool is_sweeping_ = false;
  std::uint32_t sweep_cursor_ = 0;
  std::uint32_t sweep_end_ = 0;
  std::uint32_t audit_cursor_ = 0;
  std::mt19937_64 random_;

  // For statistics, read without the lock.
  std::atomic<std::uint64_t> entries_{0};
  std::atomic<std::uint64_t> nodes_{0};
  std::atomic<std::uint64_t> dead_count_{0};
  std::atomic<std::uint64_t> upper_bytes_{0};
};

}  // namespace reprise::vector
