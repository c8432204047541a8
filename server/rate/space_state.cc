// What of a namespace is saved, and how it is read again.
#include <algorithm>
#include <iterator>
#include <utility>

#include "server/rate/rule_row.h"
#include "server/rate/space.h"

namespace reprise::rate {
namespace {

using base::Error;

// One batch takes no more than this, so that no write waits long behind it.
constexpr std::size_t kRecordsPerBatch = 16'384;
// Under a mutex at a time.
constexpr std::size_t kChunk = 128;
// Of each shard, at a time.
constexpr std::size_t kReclaimPlaces = 1'024;
constexpr std::size_t kReclaimLeases = 4'096;

// The first of a list, up to so many.
template <typename Item>
std::vector<Item> TakeFront(std::vector<Item>& list, std::size_t items_max) {
  if (list.size() <= items_max) {
    return std::exchange(list, {});
  }
  const auto end = list.begin() + static_cast<std::ptrdiff_t>(items_max);
  std::vector<Item> front(list.begin(), end);
  list.erase(list.begin(), end);
  return front;
}

}  // namespace

base::Status Limiter::Space::Load(const storage::Store& store, Instant now) {
  RETURN_IF_ERROR(LoadRules(store));
  RETURN_IF_ERROR(LoadState(store));
  {
    base::MutexLock lock(book_.shard.mutex);
    SettleLeases(now);
  }
  for (std::size_t i = 0; i <= kLeaseShard; ++i) {
    Shard& shard = ShardAt(i);
    base::MutexLock lock(shard.mutex);
    while (ForgetIdle(shard, kChunk, now)) {
    }
  }
  return base::Ok{};
}

base::Status Limiter::Space::LoadRules(const storage::Store& store) {
  const std::string prefix = RulesPrefix(id_);
  std::optional<Error> bad;
  RuleMap rules;
  const storage::ScanRequest all{
      .family = storage::Family::kMeta, .prefix = prefix, .after = "", .include_expired = true};
  RETURN_IF_ERROR(store.Scan(all, storage::kNever, [&](const storage::ScanRow& row) {
    auto rule = ParseRule(row.value);
    if (!rule.ok()) {
      bad = rule.error();
      return false;
    }
    rules.emplace(row.key.substr(prefix.size()), rule.value());
    return true;
  }));
  if (bad.has_value()) {
    return *std::move(bad);
  }
  {
    base::MutexLock lock(rules_mutex_);
    rules_ = std::move(rules);
  }
  Publish();
  return base::Ok{};
}

// Puts what the segments say into the tables.
class Limiter::Space::Reader final : public SegmentVisitor {
 public:
  explicit Reader(Space& space) : space_(space) {}

  void Key(std::string_view key, const Gcra& state) override {
    const std::uint64_t hash = space_.HashOf(key);
    Shard& shard = space_.ShardAt(ShardOf(hash, Algorithm::kGcra));
    base::MutexLock lock(shard.mutex);
    Entry* known = shard.keys.Find(hash, key);
    Entry& entry = known != nullptr ? *known : space_.Insert(shard, hash, key);
    entry.gcra = state;
    entry.saved_as = state.arrival() + 1;  // With its fraction.
  }
  void Key(std::string_view key, const Window& state) override {
    const std::uint64_t hash = space_.HashOf(key);
    Shard& shard = space_.ShardAt(ShardOf(hash, Algorithm::kWindow));
    base::MutexLock lock(shard.mutex);
    Entry* known = shard.keys.Find(hash, key);
    *(known != nullptr ? *known : space_.Insert(shard, hash, key)).window = state;
  }
  void Held(LeaseId id, Lease lease) override {
    base::MutexLock lock(space_.book_.shard.mutex);
    space_.book_.leases[id] = std::move(lease);
  }
  void Ended(LeaseId id) override {
    base::MutexLock lock(space_.book_.shard.mutex);
    space_.book_.leases.erase(id);
  }

 private:
  Space& space_;
};

base::Status Limiter::Space::LoadState(const storage::Store& store) {
  Reader reader(*this);
  const std::string prefix = SegmentPrefix(id_);
  base::Status outcome = base::Ok{};
  const storage::ScanRequest all{
      .family = storage::Family::kLedger, .prefix = prefix, .after = "", .include_expired = true};
  RETURN_IF_ERROR(store.Scan(all, storage::kNever, [&](const storage::ScanRow& row) {
    const auto records = ReadSegment(row.value, reader);
    if (!records.ok()) {
      outcome = records.error();
      return false;
    }
    base::MutexLock lock(saving_mutex_);
    outcome = log_.NoteRow(row.key, records.value());
    return outcome.ok();
  }));
  return outcome;
}

void Limiter::Space::SettleLeases(Instant now) {
  for (auto each = book_.leases.begin(); each != book_.leases.end();) {
    Lease& lease = each->second;
    if (lease.ends <= now) {
      each = book_.leases.erase(each);
      continue;
    }
    for (Hold& hold : lease.holds) {
      hold.hash = HashOf(hold.key);
      if (hold.rule.algorithm == Algorithm::kConcurrency) {
        Entry* known = book_.shard.keys.Find(hold.hash, hold.key);
        Entry& entry = known != nullptr ? *known : Insert(book_.shard, hold.hash, hold.key);
        entry.slots->Add(each->first, lease.ends, hold.units);
      }
    }
    book_.by_end.emplace(lease.ends, each->first);
    ++each;
  }
  shared_.leases.fetch_add(static_cast<std::int64_t>(book_.leases.size()),
                           std::memory_order_relaxed);
}

std::size_t Limiter::Space::BatchesToWrite() const {
  if (is_dropped_) {
    return 0;
  }
  std::size_t changes = 0;
  for (const Shard& shard : shards_) {
    base::MutexLock lock(shard.mutex);
    changes += shard.dirty.size();
  }
  {
    base::MutexLock lock(book_.shard.mutex);
    changes += book_.dirty.size();
  }
  const std::size_t batches = (changes + kRecordsPerBatch - 1) / kRecordsPerBatch;
  return std::max<std::size_t>(batches, CopyOfSaving().is_checkpointing ? 1 : 0);
}

Limiter::Space::Saving Limiter::Space::CopyOfSaving() const {
  base::MutexLock lock(saving_mutex_);
  return saving_;
}

void Limiter::Space::BeginCheckpoint() {
  log_.BeginCheckpoint();
  saving_.is_checkpointing = true;
  saving_.shard = 0;
  saving_.hand = {};
  saving_.lease.reset();
}

void Limiter::Space::BeginExact() {
  base::MutexLock lock(saving_mutex_);
  if (keys_.load(std::memory_order_relaxed) > 0 || log_.segments() > 0) {
    saving_.is_exact = true;
    BeginCheckpoint();
  }
}

void Limiter::Space::WriteChanges(storage::Transaction& transaction, Instant now) {
  if (BatchesToWrite() == 0) {
    return;
  }
  std::size_t living = 0;
  {
    base::MutexLock lock(book_.shard.mutex);
    living = book_.leases.size();
  }
  {
    base::MutexLock lock(saving_mutex_);
    living += static_cast<std::size_t>(keys_.load(std::memory_order_relaxed));
    if (!saving_.is_checkpointing && log_.IsLong(living)) {
      BeginCheckpoint();
    }
  }
  SegmentWriter writer;
  CollectChanges(kRecordsPerBatch, now, writer);
  const bool is_whole = StepCheckpoint(now, writer);
  std::vector<std::string> rows;
  std::vector<std::string> old;
  std::uint64_t checkpoint = 0;
  {
    base::MutexLock lock(saving_mutex_);
    rows = log_.Append(writer);
    if (is_whole) {
      checkpoint = log_.checkpoint();
      old = log_.KeysBefore(checkpoint);
    }
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    transaction.Put(storage::Family::kLedger, rows[i], writer.segments()[i], storage::kNever);
  }
  for (const std::string& row : old) {
    transaction.Delete(storage::Family::kLedger, row);
  }
  transaction.OnCommit([this, checkpoint] {
    base::MutexLock lock(saving_mutex_);
    log_.ForgetBefore(checkpoint);
  });
  // What this batch had is not known any more: all that lives is written once more.
  transaction.OnAbort([this] {
    base::MutexLock lock(saving_mutex_);
    BeginCheckpoint();
  });
}

// Goes on where the last batch ended, so that no shard waits for ever.
void Limiter::Space::CollectChanges(std::size_t records_max, Instant now, SegmentWriter& writer) {
  Saving saving = CopyOfSaving();
  std::size_t left = records_max;
  for (std::size_t i = 0; i <= kLeaseShard && left > 0; ++i) {
    if (saving.dirty_shard == kLeaseShard) {
      std::vector<LeaseId> ids;
      {
        base::MutexLock lock(book_.shard.mutex);
        ids = TakeFront(book_.dirty, left);
      }
      CollectLeases(ids, writer);
      left -= ids.size();
    } else {
      Shard& shard = shards_[saving.dirty_shard];
      std::vector<Place> places;
      {
        base::MutexLock lock(shard.mutex);
        places = TakeFront(shard.dirty, left);
      }
      CollectKeys(shard, places, saving.is_exact, now, writer);
      left -= places.size();
    }
    saving.dirty_shard = (saving.dirty_shard + (left > 0 ? 1 : 0)) % (kShards + 1);
  }
  base::MutexLock lock(saving_mutex_);
  saving_.dirty_shard = saving.dirty_shard;
}

void Limiter::Space::CollectKeys(Shard& shard, const std::vector<Place>& places, bool is_exact,
                                 Instant now, SegmentWriter& writer) {
  for (std::size_t begin = 0; begin < places.size(); begin += kChunk) {
    base::MutexLock lock(shard.mutex);
    for (std::size_t i = begin; i < std::min(begin + kChunk, places.size()); ++i) {
      Entry* entry = shard.keys.At(places[i]);
      if (entry == nullptr || !entry->dirty) {  // It was forgotten since; the place is another's.
        continue;
      }
      entry->dirty = false;
      if (!entry->IsIdle(now)) {
        writer.Key(*entry, is_exact);
      }
    }
  }
}

void Limiter::Space::CollectLeases(const std::vector<LeaseId>& ids, SegmentWriter& writer) {
  for (std::size_t begin = 0; begin < ids.size(); begin += kChunk) {
    base::MutexLock lock(book_.shard.mutex);
    for (std::size_t i = begin; i < std::min(begin + kChunk, ids.size()); ++i) {
      const auto found = book_.leases.find(ids[i]);
      if (found == book_.leases.end()) {
        writer.Ended(ids[i]);
      } else {
        found->second.is_dirty = false;
        writer.Held(ids[i], found->second);
      }
    }
  }
}

// Only the writer thread moves a checkpoint on, so a copy may be moved meanwhile.
bool Limiter::Space::StepCheckpoint(Instant now, SegmentWriter& writer) {
  Saving saving = CopyOfSaving();
  if (!saving.is_checkpointing) {
    return false;
  }
  bool is_whole = false;
  for (std::size_t i = 0; i < kRecordsPerBatch / kChunk && !is_whole; ++i) {
    if (saving.shard < kLeaseShard) {
      StepKeys(shards_[saving.shard], now, saving, writer);
    } else {
      is_whole = StepLeases(saving, writer);
    }
  }
  saving.is_checkpointing = !is_whole;
  base::MutexLock lock(saving_mutex_);
  saving_ = saving;
  return is_whole;
}

// What is dirty is written by itself.
void Limiter::Space::StepKeys(Shard& shard, Instant now, Saving& saving, SegmentWriter& writer) {
  base::MutexLock lock(shard.mutex);
  Entry* entry = nullptr;
  for (std::size_t i = 0; i < kChunk; ++i) {
    if (!shard.keys.Next(saving.hand, entry)) {
      ++saving.shard;
      return;
    }
    if (entry != nullptr && !entry->dirty && !entry->IsIdle(now)) {
      writer.Key(*entry, saving.is_exact);
    }
  }
}

bool Limiter::Space::StepLeases(Saving& saving, SegmentWriter& writer) {
  base::MutexLock lock(book_.shard.mutex);
  auto next =
      saving.lease.has_value() ? book_.leases.upper_bound(*saving.lease) : book_.leases.begin();
  for (std::size_t i = 0; i < kChunk && next != book_.leases.end(); ++i, ++next) {
    writer.Held(next->first, next->second);
    saving.lease = next->first;
  }
  return next == book_.leases.end();
}

void Limiter::Space::Reclaim(Instant now) {
  for (std::size_t i = 0; i <= kLeaseShard; ++i) {
    Shard& shard = ShardAt(i);
    bool is_more = true;
    for (std::size_t places = 0; places < kReclaimPlaces && is_more; places += kChunk) {
      base::MutexLock lock(shard.mutex);
      is_more = ForgetIdle(shard, kChunk, now);
    }
  }
  for (std::size_t i = 0; i < kReclaimLeases / kChunk; ++i) {
    base::MutexLock lock(book_.shard.mutex);
    if (book_.by_end.empty() || book_.by_end.begin()->first > now) {
      break;
    }
    ExpireLeases(now, kChunk);
  }
}

void Limiter::Space::Drop(storage::Transaction& transaction) {
  is_dropped_ = true;  // Nothing of it is written any more, also not in the same batch.
  transaction.DeletePrefix(storage::Family::kLedger, SegmentPrefix(id_));
  transaction.DeletePrefix(storage::Family::kMeta, RulesPrefix(id_));
  transaction.OnAbort([this] { is_dropped_ = false; });
  transaction.OnCommit([this] { Clear(); });
}

void Limiter::Space::Clear() {
  shared_.spaces.fetch_sub(1, std::memory_order_relaxed);
  for (std::size_t i = 0; i <= kLeaseShard; ++i) {
    Shard& shard = ShardAt(i);
    base::MutexLock lock(shard.mutex);
    const auto keys = static_cast<std::int64_t>(shard.keys.size());
    keys_.fetch_sub(keys, std::memory_order_relaxed);
    shared_.keys.fetch_sub(keys, std::memory_order_relaxed);
    shard.keys.Clear();
    shard.dirty.clear();
  }
  base::MutexLock lock(book_.shard.mutex);
  shared_.leases.fetch_sub(static_cast<std::int64_t>(book_.leases.size()),
                           std::memory_order_relaxed);
  book_.leases.clear();
  book_.by_end.clear();
  book_.dirty.clear();
}

LimiterStats Limiter::Space::Stats() const {
  LimiterStats stats;
  for (const Shard& shard : shards_) {
    base::MutexLock lock(shard.mutex);
    stats.allowed += shard.allowed;
    stats.denied += shard.denied;
    stats.unsaved += shard.dirty.size();
  }
  {
    base::MutexLock lock(book_.shard.mutex);
    stats.allowed += book_.shard.allowed;
    stats.denied += book_.shard.denied;
    stats.leases = book_.leases.size();
    stats.unsaved += book_.dirty.size();
  }
  stats.keys = static_cast<std::uint64_t>(keys_.load(std::memory_order_relaxed));
  base::MutexLock lock(saving_mutex_);
  stats.segments = log_.segments();
  return stats;
}

}  // namespace reprise::rate
