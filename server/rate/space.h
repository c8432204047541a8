// Space: the limits of one namespace: its named limits, its keys, its leases, and what of them has
// to be saved. Private to this folder.
//
// All of a namespace stands behind one mutex, so that one call may take of several limits or of
// none of them. Threads: every method takes the mutex for a moment and calls nothing outside while
// it holds it; WriteChanges and what changes named limits run on the writer thread. Errors:
// kBadRequest, kNotFound, kExists, kBusy (no room), kTooLarge; they name the limit. Complexity:
// O(limits of the call), expected.
#pragma once

#include <atomic>
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
  // One limit of the call that is being answered.
  struct Part {
    Rule rule;
    std::string key;  // StateKey
    std::uint64_t hash = 0;
    Entry* entry = nullptr;  // null: nothing is remembered of it
  };

  // The parts of the call.
  base::Status Prepare(std::span<const Want> wants) REQUIRES(mutex_);
  base::Result<Rule> RuleNamed(std::string_view name) const REQUIRES(mutex_);
  Taken Judge(std::span<const Want> wants, Instant now, std::span<Verdict> verdicts) const
      REQUIRES(mutex_);
  static Verdict LookAt(const Part& part, std::int64_t quantity, Instant now);
  void JudgeSlots(std::span<const Want> wants, Instant now, std::span<Verdict> verdicts) const
      REQUIRES(mutex_);
  std::int64_t LeaseMsOf(std::span<const Want> wants, const TakeOptions& options) const
      REQUIRES(mutex_);

  // Room for what the call has to remember; kBusy where there is none.
  base::Status MakeRoom(std::span<const Want> wants, bool wants_lease, Instant now)
      REQUIRES(mutex_);
  base::Status MakeRoomForKeys(std::int64_t count, Instant now) REQUIRES(mutex_);
  base::Status MakeRoomForLease(Instant now) REQUIRES(mutex_);
  bool Fits(std::int64_t own, std::int64_t own_max, std::int64_t total,
            std::int64_t total_max) const;
  bool HasRoomForKeys(std::int64_t count) const REQUIRES(mutex_);

  bool IsAskedFor(const Entry& entry) const REQUIRES(mutex_);
  std::uint64_t HashOf(std::string_view state_key) const;

  Entry& EntryOf(Part& part) REQUIRES(mutex_);
  // The entry of a StateKey; made when there is none.
  Entry& EntryFor(std::string_view key) REQUIRES(mutex_);
  Entry& Insert(std::uint64_t hash, std::string_view key) REQUIRES(mutex_);
  void Erase(const Entry& entry) REQUIRES(mutex_);
  // What is left behind it.
  Verdict Charge(Entry& entry, const Rule& rule, std::int64_t quantity, Instant now)
      REQUIRES(mutex_);
  void MarkDirty(Entry& entry) REQUIRES(mutex_);

  using LeaseMap = std::map<LeaseId, Lease>;
  static Hold HoldOf(const Part& part, const Want& want, Instant now);
  LeaseId AddLease(Lease lease) REQUIRES(mutex_);
  // Frees what it holds of limits of concurrency.
  void EndLease(LeaseMap::iterator lease) REQUIRES(mutex_);
  void ExpireLeases(Instant now, std::size_t leases_max) REQUIRES(mutex_);
  base::Result<LeaseMap::iterator> FindLease(LeaseId id, Instant now) REQUIRES(mutex_);
  std::int64_t GiveBack(const Hold& hold, std::int64_t units, Instant now) REQUIRES(mutex_);
  void ChargeMore(const Hold& hold, std::int64_t units, Instant now) REQUIRES(mutex_);
  // Room for those keys of the lease that are forgotten and have to be charged.
  base::Status MakeRoomToCharge(const Lease& lease, std::int64_t used, Instant now)
      REQUIRES(mutex_);
  void MarkDirty(LeaseId id, Lease& lease) REQUIRES(mutex_);

  class Reader;
  base::Status LoadRules(const storage::Store& store);
  base::Status LoadState(const storage::Store& store);
  // Makes one whole of what was read: no idle keys, no leases that are over.
  void Settle(Instant now) REQUIRES(mutex_);
  void BeginCheckpoint() REQUIRES(mutex_);
  void CollectKeys(Instant now, SegmentWriter& writer);
  void CollectLeases(SegmentWriter& writer);
  bool StepCheckpoint(Instant now, SegmentWriter& writer);
  // Each takes the next part of all keys, or leases; false when it was the last.
  bool StepKeys(Instant now, SegmentWriter& writer) REQUIRES(mutex_);
  bool StepLeases(SegmentWriter& writer) REQUIRES(mutex_);
  bool ReclaimKeys(Instant now) REQUIRES(mutex_);
  void Restore(const std::string& name, const std::optional<Rule>& rule);
  void Clear();

  Shared& shared_;
  const storage::NamespaceId id_;
  mutable base::Mutex mutex_;
  bool is_dropped_ GUARDED_BY(mutex_) = false;
  std::shared_ptr<const RuleMap> configured_ GUARDED_BY(mutex_);
  RuleMap rules_ GUARDED_BY(mutex_);

  KeyTable keys_ GUARDED_BY(mutex_);
  std::vector<Part> parts_ GUARDED_BY(mutex_);  // of the call that is being answered
  KeyTable::Cursor idle_hand_ GUARDED_BY(mutex_);
  std::uint32_t born_ GUARDED_BY(mutex_) = 0;

  LeaseMap leases_ GUARDED_BY(mutex_);
  std::set<std::pair<Instant, LeaseId>> by_end_ GUARDED_BY(mutex_);
  std::uint64_t lease_seed_ GUARDED_BY(mutex_);

  // What is not saved yet.
  std::vector<Place> dirty_ GUARDED_BY(mutex_);
  std::vector<LeaseId> dirty_leases_ GUARDED_BY(mutex_);
  StateLog log_ GUARDED_BY(mutex_);
  bool is_checkpointing_ GUARDED_BY(mutex_) = false;
  bool is_exact_ GUARDED_BY(mutex_) = false;
  KeyTable::Cursor checkpoint_hand_ GUARDED_BY(mutex_);
  bool checkpoint_keys_done_ GUARDED_BY(mutex_) = false;
  std::optional<LeaseId> checkpoint_lease_ GUARDED_BY(mutex_);  // the last one written

  std::uint64_t allowed_ GUARDED_BY(mutex_) = 0;
  std::uint64_t denied_ GUARDED_BY(mutex_) = 0;
};

}  // namespace reprise::rate
