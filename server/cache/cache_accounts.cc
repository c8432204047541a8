// What Cache and Space count, and how it is written. The rest of them: cache.cc, space.cc.
#include <algorithm>
#include <memory>
#include <utility>

#include "server/cache/cache.h"
#include "server/cache/space.h"

namespace reprise::cache {
namespace {

using storage::Family;

}  // namespace

void Cache::Space::Count(std::string_view type, std::string_view model, const Decision& decision) {
  base::MutexLock lock(mutex_);
  accounts_.Count(accounts_.types().NumberOf(type), accounts_.models().NumberOf(model), decision);
}

void Cache::Space::CountStore(const EntryLabels& labels, std::string_view bot) {
  base::MutexLock lock(mutex_);
  accounts_.CountStore(accounts_.types().NumberOf(labels.type),
                       accounts_.models().NumberOf(labels.model), bot);
}

void Cache::Space::CountEviction(const Slot& entry) {
  const std::string_view model = labels_.NameIn(entry.labels, LabelKind::kModel);
  accounts_.CountEviction(entry.type, accounts_.models().NumberOf(model));
}

void Cache::Space::TakeBackStore(const EntryLabels& labels, std::string_view bot) {
  base::MutexLock lock(mutex_);
  accounts_.TakeBackStore(accounts_.types().NumberOf(labels.type),
                          accounts_.models().NumberOf(labels.model), bot);
}

NamespaceStats Cache::Space::Stats() const {
  base::MutexLock lock(mutex_);
  return {index_.size(),
          index_.held().bytes,
          index_.MemoryBytes(),
          foreign_bodies_,
          accounts_.in(Dimension::kType).All(),
          accounts_.Log()};
}

AccountsStats Cache::Space::StatsBy(Dimension dimension) const {
  base::MutexLock lock(mutex_);
  const AccountTable& table = accounts_.in(dimension);
  return {table.All(), table.Sum(), accounts_.Log()};
}

bool Cache::Space::dirty() const {
  base::MutexLock lock(mutex_);
  return accounts_.dirty();
}

Accounts::Unwritten Cache::Space::TakeUnwritten() {
  base::MutexLock lock(mutex_);
  return accounts_.Take();
}

void Cache::Space::Written(const Accounts::Unwritten& unwritten) {
  base::MutexLock lock(mutex_);
  accounts_.Written(unwritten);
}

void Cache::Space::PutBack(Accounts::Unwritten unwritten) {
  base::MutexLock lock(mutex_);
  accounts_.PutBack(std::move(unwritten));
}

bool Cache::Space::HasSavings(bool all, base::UnixMillis now) const {
  base::MutexLock lock(mutex_);
  return all ? accounts_.HasSavings() : accounts_.HasDueSavings(now);
}

Accounts::TakenSavings Cache::Space::TakeSavings() {
  base::MutexLock lock(mutex_);
  return accounts_.TakeSavings();
}

void Cache::Space::PutBackSavings(const Accounts::TakenSavings& taken, base::UnixMillis now) {
  base::MutexLock lock(mutex_);
  accounts_.PutBackSavings(taken, now);
}

void Cache::Space::LoadSavings(const std::vector<SavingSum>& sums, base::UnixMillis now) {
  base::MutexLock lock(mutex_);
  accounts_.LoadSavings(sums, now);
}

void Cache::Space::LoadCounters(Dimension dimension, std::string_view name,
                                const Counters& counters) {
  base::MutexLock lock(mutex_);
  accounts_.Load(dimension, name, counters);
}

void Cache::Space::LoadLog(const LogTotals& totals) {
  base::MutexLock lock(mutex_);
  accounts_.LoadLog(totals);
}

void Cache::Space::BalanceAccounts() {
  base::MutexLock lock(mutex_);
  accounts_.Balance();
}

base::Status Cache::LoadAccounts(storage::NamespaceId id, Space& space, storage::Store& store) {
  std::optional<base::Error> bad;
  for (const Dimension dimension : kDimensions) {
    const std::string prefix = AccountsPrefix(id, dimension);
    const storage::ScanRequest rows{.family = Family::kMeta, .prefix = prefix, .after = ""};
    RETURN_IF_ERROR(store.Scan(rows, storage::kNever, [&](const storage::ScanRow& row) {
      auto counters = ParseCounters(row.value);
      if (!counters.ok()) {
        bad = counters.error();
        return false;
      }
      space.LoadCounters(dimension, row.key.substr(prefix.size()), counters.value());
      return true;
    }));
  }
  if (bad.has_value()) {
    return *std::move(bad);
  }
  ASSIGN_OR_RETURN(const auto totals, store.Get(Family::kMeta, LogTotalsKey(id), storage::kNever,
                                                storage::ReadMode::kDisk));
  if (totals.has_value()) {
    ASSIGN_OR_RETURN(const LogTotals parsed, ParseLogTotals(totals->value()));
    space.LoadLog(parsed);
  }
  ASSIGN_OR_RETURN(const auto savings, store.Get(Family::kMeta, SavingsKey(id), storage::kNever,
                                                 storage::ReadMode::kDisk));
  if (savings.has_value()) {
    ASSIGN_OR_RETURN(const auto sums, ParseSavings(savings->value()));
    space.LoadSavings(sums, clock_.Now());
  }
  space.BalanceAccounts();
  return base::Ok{};
}

void Cache::DeleteAccounts(storage::NamespaceId id, storage::Transaction& transaction) {
  for (const Dimension dimension : kDimensions) {
    transaction.DeletePrefix(Family::kMeta, AccountsPrefix(id, dimension));
  }
  transaction.Delete(Family::kMeta, LogTotalsKey(id));
  transaction.Delete(Family::kMeta, SavingsKey(id));
  transaction.DeletePrefix(Family::kLedger, LogRowPrefix(id));
}

Decision Cache::DecisionOf(const Moment& moment, DecisionKind kind, Reason reason) {
  Decision decision;
  decision.kind = kind;
  decision.reason = reason;
  decision.bot = moment.asker.bot;
  decision.now = moment.now;
  return decision;
}

std::optional<std::int64_t> Cache::MicrosSince(base::Nanos arrived) const {
  if (arrived == base::Nanos{0}) {
    return std::nullopt;
  }
  return (clock_.Elapsed() - arrived) / base::kNanosPerMicro;
}

void Cache::CountServed(Space& space, const Found& found, DecisionKind kind, const Moment& moment) {
  Decision decision = DecisionOf(moment, kind, Reason::kStored);
  decision.tier = found.tier;
  decision.entry = found.body.id;
  decision.worth = found.worth;
  decision.age_ms = moment.now - found.created_at;
  decision.micros = MicrosSince(moment.asker.arrived);
  space.Count(found.type, found.body.model, decision);
  NudgeWhenMany();
}

void Cache::CountMiss(Space& space, const Missed& missed, const Moment& moment) {
  Decision decision = DecisionOf(moment, DecisionKind::kMiss, missed.reason);
  decision.shadow = missed.shadow;
  decision.micros = MicrosSince(moment.asker.arrived);
  space.Count(missed.type, kUnknownModel, decision);
  NudgeWhenMany();
}

void Cache::CountStale(storage::NamespaceId id, const Found& found, const Asker& asker) {
  CountServed(FindOrMake(id), found, DecisionKind::kStale, {asker, clock_.Now()});
}

void Cache::CountRenewal(storage::NamespaceId id, const Found& found, const Asker& asker) {
  CountMiss(FindOrMake(id), {found.type, Reason::kExpired, std::nullopt}, {asker, clock_.Now()});
}

void Cache::CountStore(const Question& question, const EntryLabels& labels,
                       storage::Transaction& transaction) {
  Space& space = FindOrMake(question.namespace_id);
  space.CountStore(labels, question.asker.bot);
  transaction.OnAbort([&space, type = std::string(labels.type), model = std::string(labels.model),
                       bot = std::string(question.asker.bot)] {
    space.TakeBackStore({type, model, {}}, bot);
  });
}

void Cache::CountFollower(storage::NamespaceId id, const Filled& filled, Tier tier,
                          const Asker& asker) {
  const Moment moment{asker, clock_.Now()};
  Decision decision = DecisionOf(moment, DecisionKind::kHit, Reason::kWaited);
  decision.tier = tier;
  decision.entry = filled.id;
  decision.worth = filled.worth;
  decision.age_ms = moment.now - filled.created_at;
  if (const auto micros = MicrosSince(asker.arrived); micros.has_value()) {
    constexpr std::int64_t kMicrosPerMilli = 1'000;
    decision.waited_ms = *micros / kMicrosPerMilli;
  }
  FindOrMake(id).Count(filled.type, filled.model, decision);
  NudgeWhenMany();
}

void Cache::CountBypass(const Question& question, const config::CacheOptions& options) {
  const auto ruling = Judge(question, options);
  FindOrMake(question.namespace_id)
      .Count(ruling.ok() ? std::string_view(ruling.value().type) : kNoType, kUnknownModel,
             DecisionOf({question.asker, clock_.Now()}, DecisionKind::kBypass, Reason::kAskedFor));
  NudgeWhenMany();
}

void Cache::CountRefusedFill(storage::NamespaceId id, std::string_view type, Reason reason,
                             const Asker& asker) {
  FindOrMake(id).Count(type.empty() ? kNoType : type, kUnknownModel,
                       DecisionOf({asker, clock_.Now()}, DecisionKind::kRefused, reason));
  NudgeWhenMany();
}

void Cache::SetLog(const config::CacheOptions& options) {
  log_share_.Set(options.log_sample_ppm, options.log_keep_ms);
}

void Cache::NudgeWhenMany() {
  if (log_share_.TakeFlushWanted() && nudge_) {
    nudge_();
  }
}

NamespaceStats Cache::Stats(storage::NamespaceId id) const {
  const Space* space = Find(id);
  return space == nullptr ? NamespaceStats() : space->Stats();
}

AccountsStats Cache::StatsBy(storage::NamespaceId id, Dimension dimension) const {
  const Space* space = Find(id);
  return space == nullptr ? AccountsStats() : space->StatsBy(dimension);
}

NamespaceStats Cache::Total() const {
  NamespaceStats total;
  for (const auto& [id, space] : spaces_.All()) {
    const NamespaceStats stats = space->Stats();
    total.entries += stats.entries;
    total.bytes += stats.bytes;
    total.memory_bytes += stats.memory_bytes;
    total.foreign_bodies += stats.foreign_bodies;
    total.log.pending += stats.log.pending;
    total.log.totals.recorded += stats.log.totals.recorded;
    total.log.totals.dropped += stats.log.totals.dropped;
    for (const AccountStats& type : stats.types) {
      const auto same = std::find_if(total.types.begin(), total.types.end(),
                                     [&](const AccountStats& t) { return t.name == type.name; });
      if (same == total.types.end()) {
        total.types.push_back(type);
      } else {
        same->counters.Add(type.counters);
      }
    }
  }
  return total;
}

// Counters and records in one batch: a crash finds both or neither.
bool Cache::WriteCounters(storage::Transaction& transaction) {
  bool wrote = false;
  for (const auto& [id, space] : spaces_.All()) {
    if (!space->dirty()) {
      continue;
    }
    wrote = true;
    const auto unwritten = std::make_shared<Accounts::Unwritten>(space->TakeUnwritten());
    for (const Dimension dimension : kDimensions) {
      const std::string prefix = AccountsPrefix(id, dimension);
      for (const AccountStats& account : unwritten->changed[static_cast<std::size_t>(dimension)]) {
        transaction.Put(Family::kMeta, prefix + account.name, FormatCounters(account.counters),
                        storage::kNever);
      }
    }
    if (unwritten->log.totals != LogTotals()) {
      transaction.Put(Family::kMeta, LogTotalsKey(id), FormatLogTotals(unwritten->log.totals),
                      storage::kNever);
    }
    if (unwritten->savings.has_value()) {
      transaction.Put(Family::kMeta, SavingsKey(id), FormatSavings(*unwritten->savings),
                      storage::kNever);
    }
    const base::UnixMillis gone_at = transaction.now() + log_share_.keep_ms();
    for (const LogRow& row : FormatLogRows(id, unwritten->log, unwritten->names)) {
      transaction.Put(Family::kLedger, row.key, row.value, gone_at);
    }
    transaction.OnCommit([space = space, unwritten] { space->Written(*unwritten); });
    transaction.OnAbort([space = space, unwritten] { space->PutBack(std::move(*unwritten)); });
  }
  return wrote;
}

base::Status Cache::PostSavings(bool all, const PostSaving& post,
                                storage::Transaction& transaction) {
  const base::UnixMillis now = clock_.Now();
  for (const auto& [id, space] : spaces_.All()) {
    if (!space->HasSavings(all, now)) {
      continue;
    }
    const auto taken = std::make_shared<const Accounts::TakenSavings>(space->TakeSavings());
    transaction.OnAbort([space = space, taken, now] { space->PutBackSavings(*taken, now); });
    for (const SavingSum& sum : taken->sums) {
      RETURN_IF_ERROR(post(id, sum));
    }
    transaction.Delete(Family::kMeta, SavingsKey(id));
  }
  return base::Ok{};
}

bool Cache::HasSavings(bool all) const {
  const base::UnixMillis now = clock_.Now();
  const auto spaces = spaces_.All();
  return std::any_of(spaces.begin(), spaces.end(),
                     [&](const auto& item) { return item.second->HasSavings(all, now); });
}

bool Cache::HasUnwrittenCounters() const {
  const auto spaces = spaces_.All();
  return std::any_of(spaces.begin(), spaces.end(),
                     [](const auto& item) { return item.second->dirty(); });
}

}  // namespace reprise::cache
