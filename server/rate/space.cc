#include "server/rate/space.h"

#include <algorithm>
#include <xxhash.h>

#include "server/rate/state_key.h"

namespace reprise::rate {
namespace {

using base::Code;
using base::Error;

// Places that a call looks at for an idle key when there is no room.
constexpr std::size_t kLooksForRoom = 128;
constexpr std::size_t kExpiredPerCall = 16;
// A bucket is saved with this part of its burst taken beforehand, so that a busy one need not be
// saved each time.
constexpr std::int64_t kSavedAheadShare = 64;

std::string NameOf(const Want& want) {
  return want.rule.empty() ? "the limit of this call" : "'" + std::string(want.rule) + "'";
}

// How much of it is left: the smaller, the nearer to its end.
double ShareLeft(const Verdict& verdict) {
  return static_cast<double>(verdict.remaining) / static_cast<double>(verdict.limit);
}

// Never is longer than anything else.
std::uint64_t WaitOf(const Verdict& verdict) {
  return static_cast<std::uint64_t>(verdict.retry_after_ms);
}

std::size_t DecisiveOf(std::span<const Verdict> verdicts, bool allowed) {
  std::size_t decisive = 0;
  for (std::size_t i = 1; i < verdicts.size(); ++i) {
    const bool is_more = allowed ? ShareLeft(verdicts[i]) < ShareLeft(verdicts[decisive])
                                 : WaitOf(verdicts[i]) > WaitOf(verdicts[decisive]);
    decisive = is_more ? i : decisive;
  }
  return decisive;
}

}  // namespace

Limiter::Space::Space(Shared& shared, storage::NamespaceId id,
                      std::shared_ptr<const RuleMap> configured)
    : shared_(shared),
      id_(id),
      configured_(std::move(configured)),
      lease_seed_(shared.seed ^ static_cast<std::uint64_t>(id) << 32U),
      log_(id) {
  shared_.spaces.fetch_add(1, std::memory_order_relaxed);
}

void Limiter::Space::Configure(std::shared_ptr<const RuleMap> configured) {
  base::MutexLock lock(mutex_);
  configured_ = std::move(configured);
}

std::uint64_t Limiter::Space::HashOf(std::string_view state_key) const {
  return XXH3_64bits_withSeed(state_key.data(), state_key.size(), shared_.seed);
}

base::Result<Rule> Limiter::Space::RuleNamed(std::string_view name) const {
  if (const auto found = configured_->find(name); found != configured_->end()) {
    return found->second;
  }
  if (const auto found = rules_.find(name); found != rules_.end()) {
    return found->second;
  }
  return Error{Code::kNotFound, "there is no limit '" + std::string(name) +
                                    "': LIMIT.SET makes one, or give 'limit' and 'period_ms'"};
}

base::Status Limiter::Space::Prepare(std::span<const Want> wants) {
  if (is_dropped_) {
    return Error{Code::kNotFound, "the namespace was removed"};
  }
  if (parts_.size() < wants.size()) {
    parts_.resize(wants.size());
  }
  for (std::size_t i = 0; i < wants.size(); ++i) {
    Part& part = parts_[i];
    if (wants[i].rule.empty()) {
      part.rule = wants[i].given;
    } else {
      ASSIGN_OR_RETURN(part.rule, RuleNamed(wants[i].rule));
    }
    MakeStateKey(part.rule.algorithm, wants[i].rule, wants[i].key, part.key);
    part.hash = HashOf(part.key);
    for (std::size_t j = 0; j < i; ++j) {
      if (parts_[j].key == part.key) {
        return Error{Code::kBadRequest,
                     "the same limit and key stand twice in one call: " + NameOf(wants[i])};
      }
    }
    part.entry = keys_.Find(part.hash, part.key);
  }
  return base::Ok{};
}

Taken Limiter::Space::Judge(std::span<const Want> wants, Instant now,
                            std::span<Verdict> verdicts) const {
  Taken taken;
  taken.allowed = true;
  for (std::size_t i = 0; i < wants.size(); ++i) {
    verdicts[i] = LookAt(parts_[i], wants[i].quantity, now);
    taken.allowed = taken.allowed && verdicts[i].allowed;
  }
  taken.decisive = DecisiveOf(verdicts.first(wants.size()), taken.allowed);
  return taken;
}

Verdict Limiter::Space::LookAt(const Part& part, std::int64_t quantity, Instant now) {
  const Entry* entry = part.entry;
  Verdict verdict;
  switch (part.rule.algorithm) {
    case Algorithm::kGcra:
      verdict = (entry == nullptr ? Gcra() : entry->gcra).Look(part.rule, quantity, now);
      break;
    case Algorithm::kWindow:
      verdict = entry == nullptr ? Window().Look(part.rule, quantity, now)
                                 : entry->window->Look(part.rule, quantity, now);
      break;
    case Algorithm::kConcurrency:
      verdict = entry == nullptr ? Slots().Look(part.rule, quantity, now)
                                 : entry->slots->Look(part.rule, quantity, now);
      break;
  }
  if (quantity > MostAtOnce(part.rule)) {
    verdict.retry_after_ms = kNever;
  }
  return verdict;
}

base::Result<Taken> Limiter::Space::Peek(std::span<const Want> wants, Instant now,
                                         std::span<Verdict> verdicts) {
  base::MutexLock lock(mutex_);
  RETURN_IF_ERROR(Prepare(wants));
  return Judge(wants, now, verdicts);
}

base::Result<Taken> Limiter::Space::Take(std::span<const Want> wants, const TakeOptions& options,
                                         Instant now, std::span<Verdict> verdicts) {
  base::MutexLock lock(mutex_);
  RETURN_IF_ERROR(Prepare(wants));
  if (options.must_hold && parts_.front().rule.algorithm != Algorithm::kConcurrency) {
    return Error{Code::kBadRequest,
                 NameOf(wants.front()) + " is not one of concurrency; LIMIT.TAKE takes of it"};
  }
  Taken taken = Judge(wants, now, verdicts);
  if (!taken.allowed) {
    ++denied_;
    return taken;
  }
  taken.lease_ms = LeaseMsOf(wants, options);
  RETURN_IF_ERROR(MakeRoom(wants, taken.lease_ms > 0, now));
  Lease lease;
  lease.lease_ms = taken.lease_ms;
  lease.ends = now + taken.lease_ms * base::kNanosPerMilli;
  for (std::size_t i = 0; i < wants.size(); ++i) {
    if (wants[i].quantity == 0) {
      continue;
    }
    Entry& entry = EntryOf(parts_[i]);
    if (parts_[i].rule.algorithm != Algorithm::kConcurrency) {
      verdicts[i] = Charge(entry, parts_[i].rule, wants[i].quantity, now);
    }
    if (taken.lease_ms > 0) {
      lease.holds.push_back(HoldOf(parts_[i], wants[i], now));
    }
  }
  if (taken.lease_ms > 0) {
    taken.lease = AddLease(std::move(lease));
    JudgeSlots(wants, now, verdicts);
  }
  taken.decisive = DecisiveOf(verdicts.first(wants.size()), true);
  ++allowed_;
  return taken;
}

// 0: the call needs none.
std::int64_t Limiter::Space::LeaseMsOf(std::span<const Want> wants,
                                       const TakeOptions& options) const {
  std::int64_t lease_ms = 0;
  for (std::size_t i = 0; i < wants.size(); ++i) {
    const Rule& rule = parts_[i].rule;
    if (rule.algorithm == Algorithm::kConcurrency && wants[i].quantity > 0) {
      lease_ms = lease_ms == 0 ? rule.lease_ms : std::min(lease_ms, rule.lease_ms);
    }
  }
  return options.lease_ms > 0 ? options.lease_ms : lease_ms;
}

// What is left of the limits of concurrency, now that the lease holds them.
void Limiter::Space::JudgeSlots(std::span<const Want> wants, Instant now,
                                std::span<Verdict> verdicts) const {
  for (std::size_t i = 0; i < wants.size(); ++i) {
    if (parts_[i].rule.algorithm == Algorithm::kConcurrency) {
      verdicts[i] = LookAt(parts_[i], 0, now);
      verdicts[i].allowed = true;
    }
  }
}

base::Result<Verdict> Limiter::Space::Adjust(const Want& want, Instant now) {
  base::MutexLock lock(mutex_);
  RETURN_IF_ERROR(Prepare({&want, 1}));
  Part& part = parts_.front();
  if (part.rule.algorithm == Algorithm::kConcurrency) {
    return Error{Code::kBadRequest, NameOf(want) +
                                        " counts what is held at a time; there is nothing to "
                                        "put right behind a call"};
  }
  if (part.entry == nullptr) {
    RETURN_IF_ERROR(MakeRoomForKeys(1, now));
  }
  Charge(EntryOf(part), part.rule, want.quantity, now);
  return LookAt(part, 1, now);
}

base::Status Limiter::Space::MakeRoom(std::span<const Want> wants, bool wants_lease, Instant now) {
  if (wants_lease) {
    RETURN_IF_ERROR(MakeRoomForLease(now));
  }
  std::int64_t missing = 0;
  for (std::size_t i = 0; i < wants.size(); ++i) {
    missing += parts_[i].entry == nullptr && wants[i].quantity > 0 ? 1 : 0;
  }
  return missing == 0 ? base::Status(base::Ok{}) : MakeRoomForKeys(missing, now);
}

// One that has less than an equal share may always have more, whatever others took.
bool Limiter::Space::Fits(std::int64_t own, std::int64_t own_max, std::int64_t total,
                          std::int64_t total_max) const {
  return own <= own_max &&
         (total <= total_max || own <= total_max / shared_.spaces.load(std::memory_order_relaxed));
}

bool Limiter::Space::HasRoomForKeys(std::int64_t count) const {
  return Fits(static_cast<std::int64_t>(keys_.size()) + count,
              shared_.keys_max.load(std::memory_order_relaxed),
              shared_.keys.load(std::memory_order_relaxed) + count,
              shared_.total_keys_max.load(std::memory_order_relaxed));
}

bool Limiter::Space::IsAskedFor(const Entry& entry) const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [&entry](const Part& part) { return part.entry == &entry; });
}

base::Status Limiter::Space::MakeRoomForKeys(std::int64_t count, Instant now) {
  if (HasRoomForKeys(count)) {
    return base::Ok{};
  }
  Entry* entry = nullptr;
  for (std::size_t i = 0; i < kLooksForRoom && !HasRoomForKeys(count); ++i) {
    if (keys_.Next(idle_hand_, entry) && entry != nullptr && entry->IsIdle(now) &&
        !IsAskedFor(*entry)) {
      Erase(*entry);
    }
  }
  if (HasRoomForKeys(count)) {
    return base::Ok{};
  }
  return Error{Code::kBusy, "limits remember " + std::to_string(keys_.size()) +
                                " keys of this namespace, and there is no room for more until "
                                "some are free again (rate.keys_max, rate.total_keys_max)"};
}

base::Status Limiter::Space::MakeRoomForLease(Instant now) {
  ExpireLeases(now, kExpiredPerCall);
  if (Fits(static_cast<std::int64_t>(leases_.size()) + 1,
           shared_.leases_max.load(std::memory_order_relaxed),
           shared_.leases.load(std::memory_order_relaxed) + 1,
           shared_.total_leases_max.load(std::memory_order_relaxed))) {
    return base::Ok{};
  }
  return Error{Code::kBusy, "rate_leases: this namespace holds " + std::to_string(leases_.size()) +
                                " leases of limits, and there is no room for more"};
}

Entry& Limiter::Space::Insert(std::uint64_t hash, std::string_view key) {
  Entry& entry = keys_.Insert(hash, key);
  entry.born = ++born_;
  switch (AlgorithmOf(key).value_or(Algorithm::kGcra)) {
    case Algorithm::kGcra:
      break;
    case Algorithm::kWindow:
      entry.window = std::make_unique<Window>();
      break;
    case Algorithm::kConcurrency:
      entry.slots = std::make_unique<Slots>();
      break;
  }
  shared_.keys.fetch_add(1, std::memory_order_relaxed);
  return entry;
}

Entry& Limiter::Space::EntryOf(Part& part) {
  if (part.entry == nullptr) {
    part.entry = &Insert(part.hash, part.key);
  }
  return *part.entry;
}

// What was saved of it says the same as nothing: that it is idle.
void Limiter::Space::Erase(const Entry& entry) {
  keys_.Erase(entry);
  shared_.keys.fetch_sub(1, std::memory_order_relaxed);
}

Verdict Limiter::Space::Charge(Entry& entry, const Rule& rule, std::int64_t quantity, Instant now) {
  if (rule.algorithm == Algorithm::kWindow) {
    MarkDirty(entry);
    return entry.window->Charge(rule, quantity, now);
  }
  const Verdict verdict = entry.gcra.Charge(rule, quantity, now);
  if (entry.gcra.arrival() >= entry.saved_as) {
    entry.saved_as = entry.gcra.Ahead(rule, kSavedAheadShare);
    MarkDirty(entry);
  }
  return verdict;
}

void Limiter::Space::MarkDirty(Entry& entry) {
  if (!entry.dirty) {
    entry.dirty = true;
    dirty_.push_back(entry.place);
  }
}

LimiterStats Limiter::Space::Stats() const {
  base::MutexLock lock(mutex_);
  LimiterStats stats;
  stats.keys = keys_.size();
  stats.leases = leases_.size();
  stats.allowed = allowed_;
  stats.denied = denied_;
  stats.unsaved = dirty_.size() + dirty_leases_.size();
  stats.segments = log_.segments();
  return stats;
}

}  // namespace reprise::rate
