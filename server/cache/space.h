// Space: one namespace's part of the cache: its index, its bound, its accounts. Private to this
// folder.
//
// Threads: every method takes the mutex for a moment and calls nothing outside while it holds it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/mutex.h"
#include "server/cache/cache.h"
#include "server/cache/partitions.h"

namespace reprise::cache {

// What an entry can be invalidated by.
struct EntryLabels {
  std::string_view type;
  std::string_view model;
  std::string_view tags;  // MessagePack array of str, or empty
};

// kAll is in every entry's.
bool HasLabel(const EntryLabels& entry, const Label& label);

// A copy of what the index knows of an entry, taken under the mutex.
struct Cache::Candidate {
  Tier tier = Tier::kExact;
  std::uint64_t id = 0;
  KeyHash exact;
  base::UnixMillis created_at{0};
  base::UnixMillis fresh_until{0};
  Worth worth;
  std::uint16_t type = 0;
  std::string type_name;
  bool stale = false;
};

class Cache::Space {
 public:
  // `totals` and `log` live longer than the space.
  Space(Totals& totals, LogShare& log, storage::NamespaceId id)
      : totals_(totals), accounts_(log, static_cast<std::uint64_t>(id)) {}

  // What a reader may see: entries that are committed, alive and young enough.
  struct Visible {
    std::uint64_t committed = 0;
    base::UnixMillis now{0};
    std::optional<std::int64_t> max_age_ms;
    std::optional<std::int64_t> stale_ok_ms;  // absent: as long as it is kept
    bool peek = false;                        // the entry does not count as used
  };

  struct Rules {
    Room bound;
    config::EvictionPolicy policy = config::EvictionPolicy::kLru;
  };

  // Marks the entry as used. A fresh one goes before a stale one.
  std::optional<Candidate> FindExact(const KeyHash& hash, const Visible& visible, Absent& why);
  std::optional<Candidate> FindNormalized(const KeyHash& hash, const Visible& visible, Absent& why);
  // By its id; counts as used only with Use.
  std::optional<Candidate> FindId(std::uint64_t id, const Visible& visible);
  void Use(std::uint64_t id);

  // The entry as it is, when it is visible; not used by this.
  struct Known {
    std::uint64_t id = 0;
    std::string type;
    base::UnixMillis created_at{0};
    base::UnixMillis fresh_until{0};
    Worth worth;
  };
  std::optional<Known> Look(const KeyHash& exact, const Visible& visible) const;

  // `model` made the answer; empty where there is none.
  void Count(std::string_view type, std::string_view model, const Decision& decision);
  void CountStore(const EntryLabels& labels, std::string_view bot);
  void TakeBackStore(const EntryLabels& labels, std::string_view bot);

  // Takes out the entry with this exact hash, which is about to be replaced, and what else keeps
  // `bytes` more from fitting into the bound, but no more than kEvictionsPerStore: the exact hashes
  // of the latter.
  std::vector<KeyHash> MakeRoom(const KeyHash& exact, std::uint32_t bytes, const Rules& rules,
                                base::UnixMillis now);
  // Takes out what is over the bound, at most so many.
  std::vector<KeyHash> Trim(const Rules& rules, std::size_t entries_max, base::UnixMillis now);
  // Takes out one entry for the sake of the whole server.
  std::optional<KeyHash> EvictOne(Short what, config::EvictionPolicy policy, base::UnixMillis now);
  Room held() const;

  // Replaces the entry with the same exact hash, if there is one.
  void Insert(Slot entry, const EntryLabels& labels);
  // Takes back an insert whose commit failed.
  void Forget(const KeyHash& exact, std::uint64_t id);
  // The entry's id, when there was one.
  std::optional<std::uint64_t> TakeOut(const KeyHash& exact);
  std::uint64_t Clear(bool forget_counters);

  // The life of an entry that has changed, to be written.
  struct Life {
    KeyHash exact;
    base::UnixMillis fresh_until{0};
    base::UnixMillis expires_at{0};
  };
  // Gives the entry so much time from now; its stale window stays as long as it was.
  std::optional<Life> SetFresh(const KeyHash& exact, base::UnixMillis now, std::int64_t ttl_ms);
  // The entries that slid since the last call, at most so many.
  std::vector<Life> TakeSlides(base::UnixMillis now, std::size_t entries_max);
  bool HasSlides() const;

  NamespaceStats Stats() const;
  AccountsStats StatsBy(Dimension dimension) const;
  bool dirty() const;
  Accounts::Unwritten TakeUnwritten();
  void Written(const Accounts::Unwritten& unwritten);
  void PutBack(Accounts::Unwritten unwritten);
  bool HasSavings(bool all, base::UnixMillis now) const;
  Accounts::TakenSavings TakeSavings();
  void PutBackSavings(const Accounts::TakenSavings& taken, base::UnixMillis now);
  void LoadSavings(const std::vector<SavingSum>& sums, base::UnixMillis now);
  void LoadCounters(Dimension dimension, std::string_view name, const Counters& counters);
  void LoadLog(const LogTotals& totals);
  void BalanceAccounts();
  void CountForeignBody();

  // How many entries a label would void, or the floor that it had and how many it voids now.
  std::uint64_t CountLabel(const Label& label) const;
  struct Invalidated {
    Floor before = 0;
    std::uint64_t entries = 0;
  };
  Invalidated Invalidate(const Label& label, Floor floor);
  void Restore(const Label& label, Floor before);
  // Takes void entries out of the index, looking at no more than `slots_max` slots.
  struct Reclaimed {
    std::vector<KeyHash> entries;
    // After a whole pass: these floors have nothing left to void.
    std::vector<std::pair<LabelKind, std::string>> floors;
  };
  Reclaimed Reclaim(std::size_t slots_max);
  bool NeedsReclaim() const;
  // Whether the entry is there and was not invalidated.
  bool Holds(const KeyHash& exact, std::uint64_t id) const;

  // For an index beside this one: what has gone since the last call. Kept only once it was asked.
  using Gone = std::vector<std::pair<std::uint64_t, std::uint64_t>>;  // partition, id
  Gone TakeGone();
  // Entries of the slots from `first` on, at most so many slots.
  struct Listed {
    std::uint64_t id = 0;
    std::uint64_t partition = 0;
    KeyHash exact;
    base::UnixMillis expires_at{0};
  };
  std::vector<Listed> List(SlotNumber first, std::size_t slots_max) const;
  SlotNumber slots() const;
  // Rows that Reclaim took out could not be deleted: the floors stay until the next start.
  void KeepFloors();

  void SweepExpired(base::UnixMillis now, std::size_t slots_max);

 private:
  void CountEviction(const Slot& entry) REQUIRES(mutex_);
  void RemoveSlot(SlotNumber slot) REQUIRES(mutex_);
  bool IsVoid(const Slot& slot) const REQUIRES(mutex_);
  std::uint64_t Count(const Label& label) const REQUIRES(mutex_);
  std::optional<KeyHash> Evict(Short what, base::UnixMillis now) REQUIRES(mutex_);
  bool Shows(const Slot& slot, const Visible& visible, Absent& why) const REQUIRES(mutex_);
  Candidate Take(SlotNumber slot, Tier tier, const Visible& visible) REQUIRES(mutex_);
  Life Refresh(SlotNumber slot, base::UnixMillis fresh_until) REQUIRES(mutex_);

  Totals& totals_;
  mutable base::Mutex mutex_;
  Index index_ GUARDED_BY(mutex_);
  Accounts accounts_ GUARDED_BY(mutex_);
  std::vector<KeyHash> slides_ GUARDED_BY(mutex_);
  Labels labels_ GUARDED_BY(mutex_);
  Partitions partitions_ GUARDED_BY(mutex_);
  Gone gone_ GUARDED_BY(mutex_);
  bool keeps_gone_ GUARDED_BY(mutex_) = false;
  SlotNumber sweep_cursor_ GUARDED_BY(mutex_) = 0;
  SlotNumber reclaim_cursor_ GUARDED_BY(mutex_) = 0;
  std::size_t reclaim_left_ GUARDED_BY(mutex_) = 0;  // slots of this pass not yet looked at
  bool keep_floors_ GUARDED_BY(mutex_) = false;
  std::uint64_t foreign_bodies_ GUARDED_BY(mutex_) = 0;
};

}  // namespace reprise::cache
