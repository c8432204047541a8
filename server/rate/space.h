// Space: the limits of one namespace: its named limits, its keys, its leases, and what of them has
// to be saved. Private to this folder.
//
// Keys of gcra and window stand in kShards shards by their hash; the leases, and what is held of
// limits of concurrency, in one more. Each shard has a mutex. A call that takes of several limits
// holds the mutexes of their shards at the same time, always locked in the order of the shards, and
// calls nothing outside meanwhile: so it takes of all or of none, and nobody waits for another in a
// circle (notes/0003-shards.md). Everything else holds one mutex at a time, for a moment.
//
// Threads: any; WriteChanges and what takes a Transaction run on the writer thread. Errors:
// kBadRequest, kNotFound, kExists, kBusy (no room), kTooLarge; they name the limit. Complexity:
// O(limits of the call), expected.
#pragma once

#include <array>
#include <atomic>
#include <bitset>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/rate/key_table.h"
#include "server/rate/lease.h"
#include "server/rate/limiter.h"
#include "server/rate/state_key.h"
#include "server/rate/state_log.h"
#include "storage/engine/store.h"

namespace reprise::rate {

// What all namespaces share.
struct Limiter::Shared {
  std::uint64_t seed = 0;
  std::atomic<std::int64_t> keys_max{0};
  std::atomic<std::int64_t> total_keys_max{0};
  std::atomic<std::int64_t> leases_max{0};
  std::atomic<std::int64_t> total_leases_max{0};
  std::atomic<std::int64_t> keys{0};
  std::atomic<std::int64_t> leases{0};
  std::atomic<std::int64_t> spaces{0};
};

class Limiter::Space {
 public:
  Space(Shared& shared, storage::NamespaceId id, std::shared_ptr<const RuleMap> configured);

  // Reads what was saved. Before other threads know of the space.
  base::Status Load(const storage::Store& store, Instant now);
  void Configure(std::shared_ptr<const RuleMap> configured);

  // `verdicts` has a place for each of the wants.
  base::Result<Taken> Take(std::span<const Want> wants, const TakeOptions& options, Instant now,
                           std::span<Verdict> verdicts);
  base::Result<Taken> Peek(std::span<const Want> wants, Instant now, std::span<Verdict> verdicts);
  base::Result<Verdict> Adjust(const Want& want, Instant now);
  base::Result<std::int64_t> Renew(LeaseId id, std::int64_t lease_ms, Instant now);
  base::Result<Corrected> Release(LeaseId id, const std::optional<std::int64_t>& used, Instant now);

  base::Status SetRule(std::string_view name, const Rule& rule, storage::Transaction& transaction);
  base::Result<bool> DeleteRule(std::string_view name, storage::Transaction& transaction);
  std::vector<NamedRule> Rules() const;

  std::size_t BatchesToWrite() const;
  void WriteChanges(storage::Transaction& transaction, Instant now);
  void BeginExact();
  // Looks at the next keys and leases, and forgets what is idle or over.
  void Reclaim(Instant now);
  void Drop(storage::Transaction& transaction);
  LimiterStats Stats() const;

 private:
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kLeaseShard = kShards;
  using LeaseMap = std::map<LeaseId, Lease>;
  using ShardSet = std::bitset<kShards + 1>;

  // The named limits that hold; of two, those of the later version.
  struct RuleSet {
    RuleMap rules;
    std::uint64_t version = 0;
  };

  struct alignas(64) Shard {
    mutable base::Mutex mutex;
    KeyTable keys GUARDED_BY(mutex);
    std::vector<Place> dirty GUARDED_BY(mutex);  // what is not saved yet
    KeyTable::Cursor idle_hand GUARDED_BY(mutex);
    std::shared_ptr<const RuleSet> rules GUARDED_BY(mutex);
    std::uint32_t born GUARDED_BY(mutex) = 0;
    std::uint64_t allowed GUARDED_BY(mutex) = 0;
    std::uint64_t denied GUARDED_BY(mutex) = 0;

    // For the compiler, which cannot follow Locks.
    void AssertHeld() const THREAD_MARK(assert_capability(mutex)) {}
  };

  // Leases, and what is held of limits of concurrency: the last of the shards.
  struct LeaseBook {
    Shard shard;
    LeaseMap leases GUARDED_BY(shard.mutex);
    std::set<std::pair<Instant, LeaseId>> by_end GUARDED_BY(shard.mutex);
    std::vector<LeaseId> dirty GUARDED_BY(shard.mutex);
    std::uint64_t seed GUARDED_BY(shard.mutex) = 0;
  };

  // Holds the mutexes of some shards, locked in their order.
  class Locks {
   public:
    Locks(Space& space, const ShardSet& wanted);
    ~Locks();
    Locks(const Locks&) = delete;
    Locks& operator=(const Locks&) = delete;
    Locks(Locks&&) = delete;
    Locks& operator=(Locks&&) = delete;

   private:
    Space& space_;
    const ShardSet wanted_;
  };

  // One limit of the call that is being answered.
  struct Part {
    Part(const Rule& its_rule, const Want& want)
        : rule(its_rule), key(its_rule.algorithm, want.rule, want.key) {}
    Rule rule;
    StateKey key;
    std::uint64_t hash = 0;
    std::size_t shard = 0;
    Entry* entry = nullptr;  // null: nothing is remembered of it
  };

  Shard& ShardAt(std::size_t index) { return index == kLeaseShard ? book_.shard : shards_[index]; }
  std::uint64_t HashOf(std::string_view state_key) const;
  static std::size_t ShardOf(std::uint64_t hash, Algorithm algorithm);
  base::Result<Rule> RuleOf(const Want& want);
  Part PartOf(const Rule& rule, const Want& want) const;
  // An error when two are the same, or one has no rule.
  base::Result<std::vector<Part>> PartsOf(std::span<const Want> wants);
  static ShardSet ShardsOf(std::span<const Part> parts);

  base::Result<Taken> TakeParts(std::span<const Want> wants, std::span<Part> parts,
                                const TakeOptions& options, Instant now,
                                std::span<Verdict> verdicts);
  base::Result<std::optional<Taken>> TryTake(std::span<const Want> wants, std::span<Part> parts,
                                             std::int64_t lease_ms, Instant now,
                                             std::span<Verdict> verdicts);
  static std::int64_t LeaseMsOf(std::span<const Want> wants, std::span<const Part> parts,
                                const TakeOptions& options);

  // With the mutexes of all parts held.
  Taken Judge(std::span<const Want> wants, std::span<Part> parts, Instant now,
              std::span<Verdict> verdicts);
  static Verdict LookAt(const Part& part, std::int64_t quantity, Instant now);
  static std::int64_t MissingOf(std::span<const Want> wants, std::span<const Part> parts);
  void Commit(std::span<const Want> wants, std::span<Part> parts, Instant now,
              std::span<Verdict> verdicts);
  static void JudgeSlots(std::span<const Part> parts, Instant now, std::span<Verdict> verdicts);
  Entry& EntryOf(Part& part);

  // With the mutex of the one shard held.
  Entry& Insert(Shard& shard, std::uint64_t hash, std::string_view key) REQUIRES(shard.mutex);
  void Erase(Shard& shard, const Entry& entry) REQUIRES(shard.mutex);
  // What is left behind it.
  static Verdict Charge(Shard& shard, Entry& entry, const Rule& rule, std::int64_t quantity,
                        Instant now) REQUIRES(shard.mutex);
  static void MarkDirty(Shard& shard, Entry& entry) REQUIRES(shard.mutex);
  // Looks at so many places; false when it came to the end.
  bool ForgetIdle(Shard& shard, std::size_t places, Instant now) REQUIRES(shard.mutex);

  bool Fits(std::int64_t own, std::int64_t own_max, std::int64_t total,
            std::int64_t total_max) const;
  bool HasRoomForKeys(std::int64_t count) const;
  base::Error NoRoomForKeys() const;
  // Forgets idle keys wherever they are, some at a time.
  void MakeRoomForKeys(Instant now);

  base::Status MakeRoomForLease(Instant now) REQUIRES(book_.shard.mutex);
  static Hold HoldOf(const Part& part, const Want& want, Instant now);
  LeaseId AddLease(std::span<const Want> wants, std::span<const Part> parts, std::int64_t lease_ms,
                   Instant now) REQUIRES(book_.shard.mutex);
  // Frees what it holds of limits of concurrency.
  void EndLease(LeaseMap::iterator lease) REQUIRES(book_.shard.mutex);
  void ExpireLeases(Instant now, std::size_t leases_max) REQUIRES(book_.shard.mutex);
  base::Result<LeaseMap::iterator> FindLease(LeaseId id, Instant now) REQUIRES(book_.shard.mutex);
  void MarkDirty(LeaseId id, Lease& lease) REQUIRES(book_.shard.mutex);
  Corrected PutRight(const Hold& hold, std::int64_t used, Instant now);
  static std::int64_t GiveBack(Entry& entry, const Hold& hold, std::int64_t units, Instant now);

  class Reader;
  base::Status LoadRules(const storage::Store& store);
  base::Status LoadState(const storage::Store& store);
  // Of what was read: no leases that are over, and what the others hold.
  void SettleLeases(Instant now) REQUIRES(book_.shard.mutex);
  // Gives the named limits to the shards.
  void Publish();
  void Restore(const std::string& name, const std::optional<Rule>& rule);
  void Clear();

  void BeginCheckpoint() REQUIRES(saving_mutex_);
  // Takes up to so many of what has changed.
  void CollectChanges(std::size_t records_max, Instant now, SegmentWriter& writer);
  static void CollectKeys(Shard& shard, const std::vector<Place>& places, bool is_exact,
                          Instant now, SegmentWriter& writer);
  void CollectLeases(const std::vector<LeaseId>& ids, SegmentWriter& writer);
  // The next part of all that lives; true when that was the last.
  bool StepCheckpoint(Instant now, SegmentWriter& writer);

  // How far saving has come.
  struct Saving {
    bool is_exact = false;
    std::size_t dirty_shard = 0;  // where the next batch begins
    bool is_checkpointing = false;
    std::size_t shard = 0;  // of the checkpoint; kLeaseShard: the leases are next
    KeyTable::Cursor hand;
    std::optional<LeaseId> lease;  // the last one written
  };
  // Each takes the next places and moves `saving`; the latter is true when they were the last.
  static void StepKeys(Shard& shard, Instant now, Saving& saving, SegmentWriter& writer);
  bool StepLeases(Saving& saving, SegmentWriter& writer);
  Saving CopyOfSaving() const;

  Shared& shared_;
  const storage::NamespaceId id_;
  std::atomic<bool> is_dropped_{false};
  std::atomic<std::int64_t> keys_{0};
  std::array<Shard, kShards> shards_;
  LeaseBook book_;

  mutable base::Mutex rules_mutex_;
  std::shared_ptr<const RuleMap> configured_ GUARDED_BY(rules_mutex_);
  RuleMap rules_ GUARDED_BY(rules_mutex_);
  std::uint64_t version_ GUARDED_BY(rules_mutex_) = 0;

  mutable base::Mutex saving_mutex_;
  Saving saving_ GUARDED_BY(saving_mutex_);
  StateLog log_ GUARDED_BY(saving_mutex_);
};

}  // namespace reprise::rate
