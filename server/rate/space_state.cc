// What of a namespace is saved, how it is read again, and its named limits.
#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/base/limits.h"
#include "server/rate/rule_row.h"
#include "server/rate/space.h"
#include "server/rate/state_key.h"

namespace reprise::rate {
namespace {

using base::Code;
using base::Error;

// One batch takes no more than this, so that no write waits long behind it.
constexpr std::size_t kRecordsPerBatch = 16'384;
constexpr std::size_t kStepPerBatch = 16'384;
// Under the mutex at a time.
constexpr std::size_t kChunk = 128;
constexpr std::size_t kReclaimPlaces = 8'192;
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
  base::MutexLock lock(mutex_);
  Settle(now);
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
  base::MutexLock lock(mutex_);
  rules_ = std::move(rules);
  return base::Ok{};
}

// Puts what the segments say into the tables.
class Limiter::Space::Reader final : public SegmentVisitor {
 public:
  explicit Reader(Space& space) : space_(space) {}

  void Key(std::string_view key, const Gcra& state) override {
    base::MutexLock lock(space_.mutex_);
    Entry& entry = space_.EntryFor(key);
    entry.gcra = state;
    entry.saved_as = state.arrival() + 1;  // With its fraction.
  }
  void Key(std::string_view key, const Window& state) override {
    base::MutexLock lock(space_.mutex_);
    *space_.EntryFor(key).window = state;
  }
  void Held(LeaseId id, Lease lease) override {
    base::MutexLock lock(space_.mutex_);
    space_.leases_[id] = std::move(lease);
  }
  void Ended(LeaseId id) override {
    base::MutexLock lock(space_.mutex_);
    space_.leases_.erase(id);
  }

 private:
  Space& space_;
};

Entry& Limiter::Space::EntryFor(std::string_view key) {
  const std::uint64_t hash = HashOf(key);
  Entry* known = keys_.Find(hash, key);
  return known != nullptr ? *known : Insert(hash, key);
}

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
    base::MutexLock lock(mutex_);
    outcome = log_.NoteRow(row.key, records.value());
    return outcome.ok();
  }));
  return outcome;
}

void Limiter::Space::Settle(Instant now) {
  for (auto each = leases_.begin(); each != leases_.end();) {
    Lease& lease = each->second;
    if (lease.ends <= now) {
      each = leases_.erase(each);
      continue;
    }
    for (Hold& hold : lease.holds) {
      hold.hash = HashOf(hold.key);
      if (hold.rule.algorithm == Algorithm::kConcurrency) {
        EntryFor(hold.key).slots->Add(each->first, lease.ends, hold.units);
      }
    }
    by_end_.emplace(lease.ends, each->first);
    ++each;
  }
  shared_.leases.fetch_add(static_cast<std::int64_t>(leases_.size()), std::memory_order_relaxed);
  KeyTable::Cursor cursor;
  Entry* entry = nullptr;
  while (keys_.Next(cursor, entry)) {
    if (entry != nullptr && entry->IsIdle(now)) {
      Erase(*entry);
    }
  }
}

std::size_t Limiter::Space::BatchesToWrite() const {
  base::MutexLock lock(mutex_);
  if (is_dropped_) {
    return 0;
  }
  const std::size_t changes = std::max(dirty_.size(), dirty_leases_.size());
  const std::size_t batches = (changes + kRecordsPerBatch - 1) / kRecordsPerBatch;
  return std::max<std::size_t>(batches, is_checkpointing_ ? 1 : 0);
}

void Limiter::Space::BeginCheckpoint() {
  log_.BeginCheckpoint();
  is_checkpointing_ = true;
  checkpoint_hand_ = {};
  checkpoint_keys_done_ = false;
  checkpoint_lease_.reset();
}

void Limiter::Space::BeginExact() {
  base::MutexLock lock(mutex_);
  if (keys_.size() + leases_.size() > 0) {
    is_exact_ = true;
    BeginCheckpoint();
  }
}

void Limiter::Space::WriteChanges(storage::Transaction& transaction, Instant now) {
  {
    base::MutexLock lock(mutex_);
    const bool nothing = dirty_.empty() && dirty_leases_.empty() && !is_checkpointing_;
    if (is_dropped_ || nothing) {
      return;
    }
    if (!is_checkpointing_ && log_.IsLong(keys_.size() + leases_.size())) {
      BeginCheckpoint();
    }
  }
  SegmentWriter writer;
  CollectKeys(now, writer);
  CollectLeases(writer);
  const bool is_whole = StepCheckpoint(now, writer);
  std::vector<std::string> rows;
  std::vector<std::string> old;
  std::uint64_t checkpoint = 0;
  {
    base::MutexLock lock(mutex_);
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
    base::MutexLock lock(mutex_);
    log_.ForgetBefore(checkpoint);
  });
  // What this batch had is not known any more: all that lives is written once more.
  transaction.OnAbort([this] {
    base::MutexLock lock(mutex_);
    BeginCheckpoint();
  });
}

void Limiter::Space::CollectKeys(Instant now, SegmentWriter& writer) {
  std::vector<Place> places;
  {
    base::MutexLock lock(mutex_);
    places = TakeFront(dirty_, kRecordsPerBatch);
  }
  for (std::size_t begin = 0; begin < places.size(); begin += kChunk) {
    base::MutexLock lock(mutex_);
    for (std::size_t i = begin; i < std::min(begin + kChunk, places.size()); ++i) {
      Entry* entry = keys_.At(places[i]);
      if (entry == nullptr || !entry->dirty) {  // It was forgotten since; the place is another's.
        continue;
      }
      entry->dirty = false;
      if (!entry->IsIdle(now)) {
        writer.Key(*entry, is_exact_);
      }
    }
  }
}

void Limiter::Space::CollectLeases(SegmentWriter& writer) {
  std::vector<LeaseId> ids;
  {
    base::MutexLock lock(mutex_);
    ids = TakeFront(dirty_leases_, kRecordsPerBatch);
  }
  for (std::size_t begin = 0; begin < ids.size(); begin += kChunk) {
    base::MutexLock lock(mutex_);
    for (std::size_t i = begin; i < std::min(begin + kChunk, ids.size()); ++i) {
      const auto found = leases_.find(ids[i]);
      if (found == leases_.end()) {
        writer.Ended(ids[i]);
      } else {
        found->second.is_dirty = false;
        writer.Held(ids[i], found->second);
      }
    }
  }
}

// The next part of all that lives; true when that was the last.
bool Limiter::Space::StepCheckpoint(Instant now, SegmentWriter& writer) {
  for (std::size_t i = 0; i < kStepPerBatch / kChunk; ++i) {
    base::MutexLock lock(mutex_);
    if (!is_checkpointing_) {
      return false;
    }
    if (!checkpoint_keys_done_) {
      checkpoint_keys_done_ = !StepKeys(now, writer);
    } else if (!StepLeases(writer)) {
      is_checkpointing_ = false;
      return true;
    }
  }
  return false;
}

// What is dirty is written by itself, and what is held stands with the leases.
bool Limiter::Space::StepKeys(Instant now, SegmentWriter& writer) {
  Entry* entry = nullptr;
  for (std::size_t i = 0; i < kChunk; ++i) {
    if (!keys_.Next(checkpoint_hand_, entry)) {
      return false;
    }
    if (entry != nullptr && entry->algorithm() != Algorithm::kConcurrency && !entry->dirty &&
        !entry->IsIdle(now)) {
      writer.Key(*entry, is_exact_);
    }
  }
  return true;
}

bool Limiter::Space::StepLeases(SegmentWriter& writer) {
  auto next =
      checkpoint_lease_.has_value() ? leases_.upper_bound(*checkpoint_lease_) : leases_.begin();
  for (std::size_t i = 0; i < kChunk && next != leases_.end(); ++i, ++next) {
    writer.Held(next->first, next->second);
    checkpoint_lease_ = next->first;
  }
  return next != leases_.end();
}

void Limiter::Space::Reclaim(Instant now) {
  for (std::size_t i = 0; i < kReclaimPlaces / kChunk; ++i) {
    base::MutexLock lock(mutex_);
    if (!ReclaimKeys(now)) {
      break;
    }
  }
  for (std::size_t i = 0; i < kReclaimLeases / kChunk; ++i) {
    base::MutexLock lock(mutex_);
    if (by_end_.empty() || by_end_.begin()->first > now) {
      break;
    }
    ExpireLeases(now, kChunk);
  }
}

// False when all keys have been looked at.
bool Limiter::Space::ReclaimKeys(Instant now) {
  Entry* entry = nullptr;
  for (std::size_t i = 0; i < kChunk; ++i) {
    if (!keys_.Next(idle_hand_, entry)) {
      return false;
    }
    if (entry != nullptr && entry->IsIdle(now)) {
      Erase(*entry);
    }
  }
  return true;
}

base::Status Limiter::Space::SetRule(std::string_view name, const Rule& rule,
                                     storage::Transaction& transaction) {
  std::optional<Rule> before;
  {
    base::MutexLock lock(mutex_);
    if (configured_->contains(name)) {
      return Error{Code::kExists, "the limit '" + std::string(name) +
                                      "' is one of the configuration (rate.limits)"};
    }
    const auto found = rules_.find(name);
    if (found != rules_.end()) {
      before = found->second;
    } else if (rules_.size() >= static_cast<std::size_t>(base::limits::kRateNames.value)) {
      return Error{Code::kTooLarge, "rate_names: this namespace has " +
                                        std::to_string(rules_.size()) +
                                        " named limits, which is the limit"};
    }
    rules_.insert_or_assign(std::string(name), rule);
  }
  transaction.Put(storage::Family::kMeta, RuleKey(id_, name), FormatRule(rule), storage::kNever);
  transaction.OnAbort([this, name = std::string(name), before] { Restore(name, before); });
  return base::Ok{};
}

base::Result<bool> Limiter::Space::DeleteRule(std::string_view name,
                                              storage::Transaction& transaction) {
  std::optional<Rule> before;
  {
    base::MutexLock lock(mutex_);
    const auto found = rules_.find(name);
    if (found == rules_.end()) {
      if (configured_->contains(name)) {
        return Error{Code::kExists, "the limit '" + std::string(name) +
                                        "' is one of the configuration (rate.limits)"};
      }
      return false;
    }
    before = found->second;
    rules_.erase(found);
  }
  transaction.Delete(storage::Family::kMeta, RuleKey(id_, name));
  transaction.OnAbort([this, name = std::string(name), before] { Restore(name, before); });
  return true;
}

void Limiter::Space::Restore(const std::string& name, const std::optional<Rule>& rule) {
  base::MutexLock lock(mutex_);
  if (rule.has_value()) {
    rules_.insert_or_assign(name, *rule);
  } else {
    rules_.erase(name);
  }
}

std::vector<NamedRule> Limiter::Space::Rules() const {
  base::MutexLock lock(mutex_);
  std::vector<NamedRule> all;
  for (const auto& [name, rule] : *configured_) {
    all.push_back({name, rule, true});
  }
  for (const auto& [name, rule] : rules_) {
    if (!configured_->contains(name)) {
      all.push_back({name, rule, false});
    }
  }
  std::sort(all.begin(), all.end(),
            [](const NamedRule& a, const NamedRule& b) { return a.name < b.name; });
  return all;
}

void Limiter::Space::Drop(storage::Transaction& transaction) {
  {
    base::MutexLock lock(mutex_);
    is_dropped_ = true;  // Nothing of it is written any more, also not in the same batch.
  }
  transaction.DeletePrefix(storage::Family::kLedger, SegmentPrefix(id_));
  transaction.DeletePrefix(storage::Family::kMeta, RulesPrefix(id_));
  transaction.OnAbort([this] {
    base::MutexLock lock(mutex_);
    is_dropped_ = false;
  });
  transaction.OnCommit([this] { Clear(); });
}

void Limiter::Space::Clear() {
  base::MutexLock lock(mutex_);
  shared_.keys.fetch_sub(static_cast<std::int64_t>(keys_.size()), std::memory_order_relaxed);
  shared_.leases.fetch_sub(static_cast<std::int64_t>(leases_.size()), std::memory_order_relaxed);
  shared_.spaces.fetch_sub(1, std::memory_order_relaxed);
  keys_.Clear();
  leases_.clear();
  by_end_.clear();
  rules_.clear();
  dirty_.clear();
  dirty_leases_.clear();
  is_checkpointing_ = false;
}

}  // namespace reprise::rate
