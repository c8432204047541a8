// What Budgets knows of its budgets: loading, setting, listing, dropping. The money that moves:
// budgets.cc.
#include <algorithm>
#include <tuple>

#include "protocol/base/limits.h"
#include "server/spend/budgets.h"

namespace reprise::spend {
namespace {

using base::Code;
using base::Error;
using storage::Family;

Error NoSuchBudget(std::string_view name) {
  return {Code::kNotFound,
          "there is no budget '" + std::string(name) + "'; BUDGET.STATUS shows all"};
}

}  // namespace

base::Status Budgets::LoadBudgets(const storage::Store& store, NamespaceId owner,
                                  base::UnixMillis now) {
  std::vector<BudgetPtr> found;
  std::optional<Error> bad;
  const std::string prefix = RowPrefix(owner, RowKind::kBudget);
  RETURN_IF_ERROR(store.Scan({.family = Family::kLedger, .prefix = prefix, .after = ""},
                             storage::kNever, [&](const storage::ScanRow& row) {
                               auto budget = ParseBudget(owner, NumberOf(row.key), row.value);
                               if (!budget.ok()) {
                                 bad = budget.error();
                                 return false;
                               }
                               found.push_back(std::make_shared<Budget>(std::move(budget).value()));
                               return true;
                             }));
  if (bad.has_value()) {
    return *std::move(bad);
  }
  for (const BudgetPtr& budget : found) {
    ASSIGN_OR_RETURN(const auto row,
                     store.Get(Family::kLedger, NumberKey(owner, RowKind::kBalance, budget->id),
                               storage::kNever, storage::ReadMode::kDisk));
    if (!row.has_value()) {
      return Error{Code::kCorrupt, "the balance of a budget is missing"};
    }
    ASSIGN_OR_RETURN(budget->balance, ParseBalance(row->value()));
    // The system's zone files may have changed: the period that has begun stays as it was, and a
    // zone that has gone is counted in UTC until it is back.
    const auto zone = zones_.Find(budget->terms.period.timezone);
    budget->zone_is_missing = !zone.ok();
    budget->zone = zone.ok() ? zone.value() : calendar::Zones::Utc();
    budget->Advance(now);
    base::MutexLock lock(mutex_);
    Insert(budget);
  }
  return base::Ok{};
}

base::Status Budgets::LoadReservations(const storage::Store& store, NamespaceId owner,
                                       base::UnixMillis now) {
  std::optional<Error> bad;
  const std::string prefix = RowPrefix(owner, RowKind::kReservation);
  RETURN_IF_ERROR(store.Scan({.family = Family::kLedger, .prefix = prefix, .after = ""}, now,
                             [&](const storage::ScanRow& row) {
                               auto reservation =
                                   ParseReservation(owner, NumberOf(row.key), row.value);
                               if (!reservation.ok()) {
                                 bad = reservation.error();
                                 return false;
                               }
                               if (reservation.value().expires_at > now) {
                                 base::MutexLock lock(mutex_);
                                 Hold(std::move(reservation).value());
                               }
                               return true;
                             }));
  if (bad.has_value()) {
    return *std::move(bad);
  }
  return base::Ok{};
}

base::Status Budgets::Load(const storage::Store& store, const std::vector<NamespaceId>& namespaces,
                           base::UnixMillis now) {
  RETURN_IF_ERROR(LoadBudgets(store, kServerWide, now));
  for (const NamespaceId id : namespaces) {
    RETURN_IF_ERROR(LoadBudgets(store, id, now));
  }
  for (const NamespaceId id : namespaces) {
    RETURN_IF_ERROR(LoadReservations(store, id, now));
  }
  return base::Ok{};
}

base::Status Budgets::CheckNew(NamespaceId owner, const BudgetTerms& terms) const {
  const auto same = by_scope_.find({static_cast<std::uint32_t>(owner), ScopeText(terms.scope)});
  if (same != by_scope_.end() && same->second.size() >= kBudgetsOfScopeMax) {
    return Error{Code::kTooLarge, "a scope has at most 16 budgets"};
  }
  if (CountOf(owner) >= static_cast<std::size_t>(base::limits::kBudgets.value) ||
      by_id_.size() >= static_cast<std::size_t>(base::limits::kBudgetsTotal.value)) {
    return Error{Code::kTooLarge,
                 "budgets: the limits are 1024 of a namespace and 65536 of the server"};
  }
  return base::Ok{};
}

base::Result<SetReport> Budgets::Set(NamespaceId owner, const BudgetTerms& terms,
                                     storage::Transaction& transaction) {
  RETURN_IF_ERROR(CheckTerms(terms));
  if (terms.scope.kind == ScopeKind::kGlobal) {
    owner = kServerWide;
  }
  ASSIGN_OR_RETURN(const calendar::ZonePtr zone, zones_.Find(terms.period.timezone));
  const base::UnixMillis now = numbers_.TimeOf(transaction);
  BudgetPtr budget;
  {
    base::MutexLock lock(mutex_);
    budget = Named(owner, NameOf(terms));
    if (budget == nullptr) {
      RETURN_IF_ERROR(CheckNew(owner, terms));
    }
  }
  SetReport report;
  report.is_new = budget == nullptr;
  const std::uint64_t number = numbers_.Next(transaction);
  transaction.RequireSync();
  {
    base::MutexLock lock(mutex_);
    if (report.is_new) {
      budget = std::make_shared<Budget>();
      budget->id = number;
      budget->owner = owner;
      budget->terms = terms;
      budget->zone = zone;
      budget->Advance(now);
      Insert(budget);
      transaction.OnAbort([this, number] {
        base::MutexLock again(mutex_);
        Erase(number);
      });
    } else {
      transaction.OnAbort([this, saved = Save(*budget)] {
        base::MutexLock again(mutex_);
        Restore({saved});
      });
      budget->Advance(now);
      const bool other_zone = budget->terms.period.timezone != terms.period.timezone;
      budget->terms = terms;
      budget->zone = zone;
      budget->zone_is_missing = false;
      if (other_zone) {
        budget->balance.MoveTo(terms.period, *zone, now);
      }
    }
    budget->counted_from = number;
    budget->counted_before = budget->balance;
    report.budget = *budget;
  }
  transaction.Put(Family::kLedger, NumberKey(owner, RowKind::kBudget, report.budget.id),
                  FormatBudget(report.budget), storage::kNever);
  transaction.Put(Family::kLedger, NumberKey(owner, RowKind::kBalance, report.budget.id),
                  FormatBalance(report.budget.balance), storage::kNever);
  return report;
}

base::Status Budgets::Delete(NamespaceId owner, std::string_view name,
                             storage::Transaction& transaction) {
  if (name.starts_with("global/")) {
    owner = kServerWide;
  }
  BudgetPtr budget;
  {
    base::MutexLock lock(mutex_);
    budget = Named(owner, name);
    if (budget == nullptr) {
      return NoSuchBudget(name);
    }
    Erase(budget->id);
  }
  transaction.RequireSync();
  transaction.Delete(Family::kLedger, NumberKey(owner, RowKind::kBudget, budget->id));
  transaction.Delete(Family::kLedger, NumberKey(owner, RowKind::kBalance, budget->id));
  transaction.OnAbort([this, budget] {
    base::MutexLock lock(mutex_);
    Insert(budget);
    // Leases may have ended meanwhile.
    std::tie(budget->reserved_nano, budget->reservations) = HeldOf(budget->id);
  });
  return base::Ok{};
}

std::vector<Budget> Budgets::List(NamespaceId id, const CallScopes* scopes, bool with_global,
                                  base::UnixMillis now) const {
  std::vector<Budget> budgets;
  base::MutexLock lock(mutex_);
  if (scopes != nullptr) {
    for (const BudgetPtr& budget : Match(id, *scopes)) {
      budgets.push_back(*budget);
    }
  } else {
    for (const NamespaceId owner : {id, kServerWide}) {
      const ScopeKey first{static_cast<std::uint32_t>(owner), ""};
      for (auto place = by_scope_.lower_bound(first);
           place != by_scope_.end() && place->first.first == first.first; ++place) {
        for (const BudgetPtr& budget : place->second) {
          budgets.push_back(*budget);
        }
      }
    }
  }
  std::erase_if(budgets,
                [&](const Budget& each) { return each.owner == kServerWide && !with_global; });
  for (Budget& budget : budgets) {
    budget.Advance(now);
  }
  return budgets;
}

Pressure Budgets::PressureOf(NamespaceId id, const CallScopes& scopes, base::UnixMillis now) const {
  Pressure pressure;
  base::MutexLock lock(mutex_);
  for (const BudgetPtr& budget : Match(id, scopes)) {
    const BudgetTerms& terms = budget->terms;
    Balance balance = budget->balance;
    balance.Advance(terms.period, *budget->zone, now);
    const std::int64_t held = balance.spent_nano + budget->reserved_nano;
    const std::int64_t used = ShareOf(held, terms.limit_nano);
    if (pressure.budget.empty() || used > pressure.used_ppm) {
      pressure.used_ppm = used;
      pressure.elapsed_ppm = ElapsedPpm(terms.period, balance, now);
      pressure.ends_at = balance.end;
      pressure.budget = NameOf(terms);
    }
    if (terms.is_hard) {
      const std::int64_t left = std::max<std::int64_t>(terms.limit_nano - held, 0);
      pressure.left_nano = pressure.left_nano < 0 ? left : std::min(pressure.left_nano, left);
    }
  }
  return pressure;
}

std::pair<std::int64_t, std::int64_t> Budgets::HeldOf(std::uint64_t id) const {
  std::int64_t nano = 0;
  std::int64_t count = 0;
  for (const auto& [expires_at, reservation] : reservations_.by_expiry()) {
    const Reservation& each = *reservations_.Find(reservation);
    if (std::find(each.budgets.begin(), each.budgets.end(), id) != each.budgets.end()) {
      nano += each.amount_nano;
      ++count;
    }
  }
  return {nano, count};
}

Budgets::Snapshot Budgets::TakeSnapshot(storage::Transaction& transaction) const {
  const base::UnixMillis now = numbers_.TimeOf(transaction);
  Snapshot snapshot;
  base::MutexLock lock(mutex_);
  std::unordered_map<std::uint64_t, std::int64_t> held;
  for (const auto& [expires_at, id] : reservations_.by_expiry()) {
    const Reservation& each = *reservations_.Find(id);
    for (const std::uint64_t budget : each.budgets) {
      held[budget] += each.amount_nano;
    }
  }
  for (const auto& [id, budget] : by_id_) {
    snapshot.budgets.push_back(*budget);
    snapshot.budgets.back().Advance(now);
    if (held[id] != budget->reserved_nano) {
      snapshot.unbalanced.push_back(NameOf(budget->terms));
    }
  }
  return snapshot;
}

void Budgets::Drop(NamespaceId id, storage::Transaction& transaction) {
  const base::UnixMillis now = numbers_.TimeOf(transaction);
  const std::uint64_t number = numbers_.Next(transaction);
  std::vector<Reservation> freed;
  std::vector<BudgetPtr> erased;
  std::vector<Saved> saved;
  std::vector<Budget> changed;
  {
    base::MutexLock lock(mutex_);
    for (const std::uint64_t reservation : reservations_.IdsOf(id)) {
      freed.push_back(Free(reservation));
    }
    for (const auto& [key, budget] : by_id_) {
      if (budget->owner == id) {
        erased.push_back(budget);
      } else if (budget->owner == kServerWide) {
        // Its records go: from here on the ledger begins with what was spent until now.
        saved.push_back(Save(*budget));
        budget->Advance(now);
        budget->counted_from = number;
        budget->counted_before = budget->balance;
        changed.push_back(*budget);
      }
    }
    for (const BudgetPtr& budget : erased) {
      Erase(budget->id);
    }
  }
  for (const Budget& budget : changed) {
    transaction.Put(Family::kLedger, NumberKey(kServerWide, RowKind::kBudget, budget.id),
                    FormatBudget(budget), storage::kNever);
    transaction.Put(Family::kLedger, NumberKey(kServerWide, RowKind::kBalance, budget.id),
                    FormatBalance(budget.balance), storage::kNever);
  }
  transaction.OnAbort(
      [this, freed = std::move(freed), erased = std::move(erased), saved = std::move(saved)] {
        base::MutexLock lock(mutex_);
        for (const BudgetPtr& budget : erased) {
          Insert(budget);
        }
        Restore(saved);
        for (const Reservation& reservation : freed) {
          Hold(reservation);
        }
      });
}

}  // namespace reprise::spend
