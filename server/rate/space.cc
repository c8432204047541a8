#include "server/rate/space.h"

#include <algorithm>
#include <xxhash.h>

namespace reprise::rate {
namespace {

using base::Code;
using base::Error;

// Places of each shard that a call looks at for idle keys when there is no room.
constexpr std::size_t kLooksForRoom = 64;
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

// The compiler cannot follow these two; Shard::AssertHeld tells it.
Limiter::Space::Locks::Locks(Space& space, const ShardSet& wanted)
    THREAD_MARK(no_thread_safety_analysis)
    : space_(space), wanted_(wanted) {
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    if (wanted_.test(i)) {
      space_.ShardAt(i).mutex.lock();
    }
  }
}

Limiter::Space::Locks::~Locks() THREAD_MARK(no_thread_safety_analysis) {
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    if (wanted_.test(i)) {
      space_.ShardAt(i).mutex.unlock();
    }
  }
}

Limiter::Space::Space(Shared& shared, storage::NamespaceId id,
                      std::shared_ptr<const RuleMap> configured)
    : shared_(shared), id_(id), configured_(std::move(configured)), log_(id) {
  {
    base::MutexLock lock(book_.shard.mutex);
    book_.seed = shared.seed ^ static_cast<std::uint64_t>(id) << 32U;
  }
  Publish();
}

std::uint64_t Limiter::Space::HashOf(std::string_view state_key) const {
  return XXH3_64bits_withSeed(state_key.data(), state_key.size(), shared_.seed);
}

std::size_t Limiter::Space::ShardOf(std::uint64_t hash, Algorithm algorithm) {
  constexpr unsigned kShardShift = 60;
  static_assert(kShards == std::size_t{1} << (64 - kShardShift));
  return algorithm == Algorithm::kConcurrency ? kLeaseShard : hash >> kShardShift;
}

// Any shard has them all; calls for different keys ask different ones.
base::Result<Rule> Limiter::Space::RuleOf(const Want& want) {
  if (want.rule.empty()) {
    return want.given;
  }
  const std::size_t last = want.key.empty() ? 0 : static_cast<unsigned char>(want.key.back());
  Shard& shard = shards_[(last + want.key.size()) % kShards];
  base::MutexLock lock(shard.mutex);
  const auto found = shard.rules->rules.find(want.rule);
  if (found == shard.rules->rules.end()) {
    return Error{Code::kNotFound, "there is no limit " + NameOf(want) +
                                      ": LIMIT.SET makes one, or give 'limit' and 'period_ms'"};
  }
  return found->second;
}

Limiter::Space::Part Limiter::Space::PartOf(const Rule& rule, const Want& want) const {
  Part part(rule, want);
  part.hash = HashOf(part.key.view());
  part.shard = ShardOf(part.hash, rule.algorithm);
  return part;
}

base::Result<std::vector<Limiter::Space::Part>> Limiter::Space::PartsOf(
    std::span<const Want> wants) {
  std::vector<Part> parts;
  parts.reserve(wants.size());
  for (const Want& want : wants) {
    ASSIGN_OR_RETURN(const Rule rule, RuleOf(want));
    const Part part = PartOf(rule, want);
    if (std::any_of(parts.begin(), parts.end(),
                    [&part](const Part& other) { return other.key.view() == part.key.view(); })) {
      return Error{Code::kBadRequest,
                   "the same limit and key stand twice in one call: " + NameOf(want)};
    }
    parts.push_back(part);
  }
  return parts;
}

Limiter::Space::ShardSet Limiter::Space::ShardsOf(std::span<const Part> parts) {
  ShardSet shards;
  for (const Part& part : parts) {
    shards.set(part.shard);
  }
  return shards;
}

Taken Limiter::Space::Judge(std::span<const Want> wants, std::span<Part> parts, Instant now,
                            std::span<Verdict> verdicts) {
  Taken taken;
  taken.allowed = true;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Part& part = parts[i];
    Shard& shard = ShardAt(part.shard);
    shard.AssertHeld();
    part.entry = shard.keys.Find(part.hash, part.key.view());
    verdicts[i] = LookAt(part, wants[i].quantity, now);
    taken.allowed = taken.allowed && verdicts[i].allowed;
  }
  taken.decisive = DecisiveOf(verdicts.first(parts.size()), taken.allowed);
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
  ASSIGN_OR_RETURN(std::vector<Part> parts, PartsOf(wants));
  const Locks locks(*this, ShardsOf(parts));
  return Judge(wants, parts, now, verdicts);
}

base::Result<Taken> Limiter::Space::Take(std::span<const Want> wants, const TakeOptions& options,
                                         Instant now, std::span<Verdict> verdicts) {
  if (is_dropped_) {
    return Error{Code::kNotFound, "the namespace was removed"};
  }
  if (wants.size() == 1) {  // Nearly always; it takes no memory.
    ASSIGN_OR_RETURN(const Rule rule, RuleOf(wants.front()));
    if (options.must_hold && rule.algorithm != Algorithm::kConcurrency) {
      return Error{Code::kBadRequest,
                   NameOf(wants.front()) + " is not one of concurrency; LIMIT.TAKE takes of it"};
    }
    Part part = PartOf(rule, wants.front());
    return TakeParts(wants, {&part, 1}, options, now, verdicts);
  }
  ASSIGN_OR_RETURN(std::vector<Part> parts, PartsOf(wants));
  return TakeParts(wants, parts, options, now, verdicts);
}

base::Result<Taken> Limiter::Space::TakeParts(std::span<const Want> wants, std::span<Part> parts,
                                              const TakeOptions& options, Instant now,
                                              std::span<Verdict> verdicts) {
  const std::int64_t lease_ms = LeaseMsOf(wants, parts, options);
  ASSIGN_OR_RETURN(std::optional<Taken> taken, TryTake(wants, parts, lease_ms, now, verdicts));
  if (!taken.has_value()) {
    MakeRoomForKeys(now);
    ASSIGN_OR_RETURN(taken, TryTake(wants, parts, lease_ms, now, verdicts));
  }
  return taken.has_value() ? base::Result<Taken>(*taken) : NoRoomForKeys();
}

// Absent when there is no room for the keys; nothing is taken then.
base::Result<std::optional<Taken>> Limiter::Space::TryTake(std::span<const Want> wants,
                                                           std::span<Part> parts,
                                                           std::int64_t lease_ms, Instant now,
                                                           std::span<Verdict> verdicts) {
  ShardSet shards = ShardsOf(parts);
  shards.set(kLeaseShard, shards.test(kLeaseShard) || lease_ms > 0);
  const Locks locks(*this, shards);
  Shard& counting = ShardAt(parts.front().shard);
  counting.AssertHeld();
  Taken taken = Judge(wants, parts, now, verdicts);
  if (!taken.allowed) {
    ++counting.denied;
    return std::optional(taken);
  }
  if (!HasRoomForKeys(MissingOf(wants, parts))) {
    return std::optional<Taken>();
  }
  if (lease_ms > 0) {
    book_.shard.AssertHeld();
    RETURN_IF_ERROR(MakeRoomForLease(now));
  }
  Commit(wants, parts, now, verdicts);
  if (lease_ms > 0) {
    book_.shard.AssertHeld();
    taken.lease = AddLease(wants, parts, lease_ms, now);
    taken.lease_ms = lease_ms;
    JudgeSlots(parts, now, verdicts);
  }
  taken.decisive = DecisiveOf(verdicts.first(parts.size()), true);
  ++counting.allowed;
  return std::optional(taken);
}

// 0: the call needs none.
std::int64_t Limiter::Space::LeaseMsOf(std::span<const Want> wants, std::span<const Part> parts,
                                       const TakeOptions& options) {
  std::int64_t lease_ms = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Rule& rule = parts[i].rule;
    if (rule.algorithm == Algorithm::kConcurrency && wants[i].quantity > 0) {
      lease_ms = lease_ms == 0 ? rule.lease_ms : std::min(lease_ms, rule.lease_ms);
    }
  }
  return options.lease_ms > 0 ? options.lease_ms : lease_ms;
}

// What is held of limits of concurrency comes with the lease.
void Limiter::Space::Commit(std::span<const Want> wants, std::span<Part> parts, Instant now,
                            std::span<Verdict> verdicts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Part& part = parts[i];
    if (wants[i].quantity == 0) {
      continue;
    }
    Entry& entry = EntryOf(part);
    if (part.rule.algorithm != Algorithm::kConcurrency) {
      Shard& shard = ShardAt(part.shard);
      shard.AssertHeld();
      verdicts[i] = Charge(shard, entry, part.rule, wants[i].quantity, now);
    }
  }
}

// What is left of the limits of concurrency, now that the lease holds them.
void Limiter::Space::JudgeSlots(std::span<const Part> parts, Instant now,
                                std::span<Verdict> verdicts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].rule.algorithm == Algorithm::kConcurrency) {
      verdicts[i] = LookAt(parts[i], 0, now);
      verdicts[i].allowed = true;
    }
  }
}

base::Result<Verdict> Limiter::Space::Adjust(const Want& want, Instant now) {
  ASSIGN_OR_RETURN(const Rule rule, RuleOf(want));
  if (rule.algorithm == Algorithm::kConcurrency) {
    return Error{Code::kBadRequest, NameOf(want) +
                                        " counts what is held at a time; there is nothing to "
                                        "put right behind a call"};
  }
  Part part = PartOf(rule, want);
  if (!HasRoomForKeys(1)) {
    MakeRoomForKeys(now);
  }
  Shard& shard = ShardAt(part.shard);
  base::MutexLock lock(shard.mutex);
  part.entry = shard.keys.Find(part.hash, part.key.view());
  if (!HasRoomForKeys(MissingOf({&want, 1}, {&part, 1}))) {
    return NoRoomForKeys();
  }
  Charge(shard, EntryOf(part), rule, want.quantity, now);
  return LookAt(part, 1, now);
}

// How many keys have to be remembered that are not yet.
std::int64_t Limiter::Space::MissingOf(std::span<const Want> wants, std::span<const Part> parts) {
  std::int64_t missing = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    missing += parts[i].entry == nullptr && wants[i].quantity > 0 ? 1 : 0;
  }
  return missing;
}

Error Limiter::Space::NoRoomForKeys() const {
  return {Code::kBusy, "limits remember " + std::to_string(keys_.load(std::memory_order_relaxed)) +
                           " keys of this namespace, and there is no room for more until some are "
                           "free again (rate.keys_max, rate.total_keys_max)"};
}

// One that has less than an equal share may always have more, whatever others took.
bool Limiter::Space::Fits(std::int64_t own, std::int64_t own_max, std::int64_t total,
                          std::int64_t total_max) const {
  const std::int64_t spaces =
      std::max<std::int64_t>(shared_.spaces.load(std::memory_order_relaxed), 1);
  return own <= own_max && (total <= total_max || own <= total_max / spaces);
}

bool Limiter::Space::HasRoomForKeys(std::int64_t count) const {
  return count == 0 || Fits(keys_.load(std::memory_order_relaxed) + count,
                            shared_.keys_max.load(std::memory_order_relaxed),
                            shared_.keys.load(std::memory_order_relaxed) + count,
                            shared_.total_keys_max.load(std::memory_order_relaxed));
}

void Limiter::Space::MakeRoomForKeys(Instant now) {
  for (std::size_t i = 0; i <= kLeaseShard; ++i) {
    Shard& shard = ShardAt(i);
    base::MutexLock lock(shard.mutex);
    (void)ForgetIdle(shard, kLooksForRoom, now);
  }
}

bool Limiter::Space::ForgetIdle(Shard& shard, std::size_t places, Instant now) {
  Entry* entry = nullptr;
  for (std::size_t i = 0; i < places; ++i) {
    if (!shard.keys.Next(shard.idle_hand, entry)) {
      return false;
    }
    if (entry != nullptr && entry->IsIdle(now)) {
      Erase(shard, *entry);
    }
  }
  return true;
}

Entry& Limiter::Space::Insert(Shard& shard, std::uint64_t hash, std::string_view key) {
  Entry& entry = shard.keys.Insert(hash, key);
  entry.born = ++shard.born;
  switch (entry.algorithm()) {
    case Algorithm::kGcra:
      break;
    case Algorithm::kWindow:
      entry.window = std::make_unique<Window>();
      break;
    case Algorithm::kConcurrency:
      entry.slots = std::make_unique<Slots>();
      break;
  }
  keys_.fetch_add(1, std::memory_order_relaxed);
  shared_.keys.fetch_add(1, std::memory_order_relaxed);
  return entry;
}

Entry& Limiter::Space::EntryOf(Part& part) {
  if (part.entry == nullptr) {
    Shard& shard = ShardAt(part.shard);
    shard.AssertHeld();
    part.entry = &Insert(shard, part.hash, part.key.view());
  }
  return *part.entry;
}

// What was saved of it says the same as nothing: that it is idle.
void Limiter::Space::Erase(Shard& shard, const Entry& entry) {
  shard.keys.Erase(entry);
  keys_.fetch_sub(1, std::memory_order_relaxed);
  shared_.keys.fetch_sub(1, std::memory_order_relaxed);
}

Verdict Limiter::Space::Charge(Shard& shard, Entry& entry, const Rule& rule, std::int64_t quantity,
                               Instant now) {
  if (rule.algorithm == Algorithm::kWindow) {
    MarkDirty(shard, entry);
    return entry.window->Charge(rule, quantity, now);
  }
  const Verdict verdict = entry.gcra.Charge(rule, quantity, now);
  if (entry.gcra.arrival() >= entry.saved_as) {
    entry.saved_as = entry.gcra.Ahead(rule, kSavedAheadShare);
    MarkDirty(shard, entry);
  }
  return verdict;
}

void Limiter::Space::MarkDirty(Shard& shard, Entry& entry) {
  if (!entry.dirty) {
    entry.dirty = true;
    shard.dirty.push_back(entry.place);
  }
}

}  // namespace reprise::rate
