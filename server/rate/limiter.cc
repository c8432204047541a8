#include "server/rate/limiter.h"

#include <algorithm>
#include <utility>

#include "server/rate/space.h"

namespace reprise::rate {
namespace {

std::shared_ptr<const RuleMap> RulesOf(const config::RateOptions& options) {
  auto rules = std::make_shared<RuleMap>();
  for (const std::string& text : options.limits) {
    if (auto named = config::ParseRate(text); named.ok()) {  // The table of settings checked it.
      rules->insert_or_assign(named.value().name, named.value().rule);
    }
  }
  return rules;
}

base::Result<LeaseId> IdOf(std::string_view lease) {
  const auto id = LeaseIdFrom(lease);
  if (!id.has_value()) {
    return base::Error{base::Code::kNotFound,
                       "this is no lease: one is the 16 hexadecimal digits that LIMIT.TAKE or "
                       "LIMIT.ACQUIRE gave"};
  }
  return *id;
}

void AddTo(LimiterStats& sum, const LimiterStats& each) {
  sum.keys += each.keys;
  sum.leases += each.leases;
  sum.allowed += each.allowed;
  sum.denied += each.denied;
  sum.unsaved += each.unsaved;
  sum.segments += each.segments;
}

}  // namespace

Limiter::Limiter(const TimeBase& time, std::uint64_t seed)
    : time_(time), shared_(std::make_unique<Shared>()) {
  shared_->seed = seed;
}

Limiter::~Limiter() = default;

base::Result<std::unique_ptr<Limiter>> Limiter::Load(
    const storage::Store& store, const std::vector<storage::NamespaceId>& namespaces,
    const config::RateOptions& options, const base::Clock& clock, std::uint64_t seed) {
  ASSIGN_OR_RETURN(const TimeBase time, TimeBase::Load(store, clock));
  std::unique_ptr<Limiter> limiter(new Limiter(time, seed));
  limiter->Configure(options);
  for (const storage::NamespaceId id : namespaces) {
    RETURN_IF_ERROR(limiter->FindOrMake(id).Load(store, time.Now()));
  }
  return limiter;
}

void Limiter::Configure(const config::RateOptions& options) {
  shared_->keys_max.store(options.keys_max, std::memory_order_relaxed);
  shared_->total_keys_max.store(options.total_keys_max, std::memory_order_relaxed);
  shared_->leases_max.store(options.leases_max, std::memory_order_relaxed);
  shared_->total_leases_max.store(options.total_leases_max, std::memory_order_relaxed);
  const auto rules = RulesOf(options);
  {
    base::MutexLock lock(mutex_);
    configured_ = rules;
  }
  for (const auto& [id, space] : spaces_.All()) {
    space->Configure(rules);
  }
}

Limiter::Space* Limiter::Find(storage::NamespaceId id) const {
  return spaces_.Find(id);
}

std::shared_ptr<const RuleMap> Limiter::Configured() const {
  base::MutexLock lock(mutex_);
  return configured_;
}

Limiter::Space& Limiter::FindOrMake(storage::NamespaceId id) {
  std::shared_ptr<const RuleMap> configured;
  const auto [space, is_new] = spaces_.FindOrMake(id, [&] {
    configured = Configured();
    return std::make_unique<Space>(*shared_, id, configured);
  });
  if (is_new) {
    shared_->spaces.fetch_add(1, std::memory_order_relaxed);
    // Configure, which came between, did not see the space.
    if (auto latest = Configured(); latest != configured) {
      space->Configure(std::move(latest));
    }
  }
  return *space;
}

base::Status Limiter::MayGrant() const {
  if (!refuses_.load(std::memory_order_relaxed)) [[likely]] {
    return base::Ok{};
  }
  base::MutexLock lock(mutex_);
  if (!reason_.has_value()) {
    return base::Ok{};
  }
  refused_.fetch_add(1, std::memory_order_relaxed);
  return *reason_;
}

base::Result<Taken> Limiter::Take(storage::NamespaceId id, std::span<const Want> wants,
                                  const TakeOptions& options, std::span<Verdict> verdicts) {
  RETURN_IF_ERROR(MayGrant());
  return FindOrMake(id).Take(wants, options, time_.Now(), verdicts);
}

base::Result<Taken> Limiter::Peek(storage::NamespaceId id, std::span<const Want> wants,
                                  std::span<Verdict> verdicts) {
  return FindOrMake(id).Peek(wants, time_.Now(), verdicts);
}

base::Result<Verdict> Limiter::Adjust(storage::NamespaceId id, const Want& want) {
  return FindOrMake(id).Adjust(want, time_.Now());
}

base::Result<std::int64_t> Limiter::Renew(storage::NamespaceId id, std::string_view lease,
                                          std::int64_t lease_ms) {
  ASSIGN_OR_RETURN(const LeaseId lease_id, IdOf(lease));
  return FindOrMake(id).Renew(lease_id, lease_ms, time_.Now());
}

base::Result<Corrected> Limiter::Release(storage::NamespaceId id, std::string_view lease,
                                         const std::optional<std::int64_t>& used) {
  ASSIGN_OR_RETURN(const LeaseId lease_id, IdOf(lease));
  return FindOrMake(id).Release(lease_id, used, time_.Now());
}

base::Status Limiter::SetRule(storage::NamespaceId id, std::string_view name, const Rule& rule,
                              storage::Transaction& transaction) {
  return FindOrMake(id).SetRule(name, rule, transaction);
}

base::Result<bool> Limiter::DeleteRule(storage::NamespaceId id, std::string_view name,
                                       storage::Transaction& transaction) {
  return FindOrMake(id).DeleteRule(name, transaction);
}

std::vector<NamedRule> Limiter::Rules(storage::NamespaceId id) {
  return FindOrMake(id).Rules();
}

std::size_t Limiter::BatchesToWrite() const {
  std::size_t most = 0;
  for (const auto& [id, space] : spaces_.All()) {
    most = std::max(most, space->BatchesToWrite());
  }
  return most;
}

void Limiter::WriteChanges(storage::Transaction& transaction) {
  time_.Write(transaction);
  for (const auto& [id, space] : spaces_.All()) {
    space->WriteChanges(transaction, time_.Now());
  }
}

void Limiter::BeginExact() {
  for (const auto& [id, space] : spaces_.All()) {
    space->BeginExact();
  }
}

void Limiter::Reclaim() {
  for (const auto& [id, space] : spaces_.All()) {
    space->Reclaim(time_.Now());
  }
}

void Limiter::Refuse(base::Error reason) {
  base::MutexLock lock(mutex_);
  reason_ = std::move(reason);
  refuses_.store(true, std::memory_order_relaxed);
}

void Limiter::Resume() {
  base::MutexLock lock(mutex_);
  refuses_.store(false, std::memory_order_relaxed);
  reason_.reset();
}

void Limiter::Drop(storage::NamespaceId id, storage::Transaction& transaction) {
  FindOrMake(id).Drop(transaction);
}

LimiterStats Limiter::Stats(storage::NamespaceId id) const {
  LimiterStats stats;
  if (const Space* space = Find(id); space != nullptr) {
    stats = space->Stats();
  }
  stats.refused = refused_.load(std::memory_order_relaxed);
  return stats;
}

LimiterStats Limiter::Total() const {
  LimiterStats sum;
  for (const auto& [id, space] : spaces_.All()) {
    AddTo(sum, space->Stats());
  }
  sum.refused = refused_.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace reprise::rate
