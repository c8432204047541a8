#include "server/spend/budgets.h"

#include <algorithm>

#include "protocol/base/ensure.h"
#include "protocol/base/limits.h"
#include "server/spend/decimal.h"

namespace reprise::spend {
namespace {

using base::Code;
using base::Error;
using storage::Family;

constexpr std::size_t kFreedPerCall = 1'024;
constexpr std::size_t kLooksAhead = 512;  // leases that are looked at to say when money is free

NamespaceId OwnerOf(NamespaceId id, const Scope& scope) {
  return scope.kind == ScopeKind::kGlobal ? kServerWide : id;
}

std::uint32_t NumberOfOwner(NamespaceId owner) {
  return static_cast<std::uint32_t>(owner);
}

}  // namespace

Budgets::Saved Budgets::Save(const Budget& budget) {
  return {budget.id,      budget.terms,        budget.zone,
          budget.balance, budget.counted_from, budget.counted_before};
}

// What is reserved is not put back: reservations do that themselves.
void Budgets::Restore(const std::vector<Saved>& saved) {
  for (const Saved& each : saved) {
    const auto found = by_id_.find(each.id);
    if (found != by_id_.end()) {
      Budget& budget = *found->second;
      budget.terms = each.terms;
      budget.zone = each.zone;
      budget.balance = each.balance;
      budget.counted_from = each.counted_from;
      budget.counted_before = each.counted_before;
    }
  }
}

std::vector<Budgets::BudgetPtr> Budgets::Match(NamespaceId id, const CallScopes& scopes) const {
  std::vector<BudgetPtr> matched;
  if (by_id_.empty()) {
    return matched;
  }
  for (const Scope& scope : scopes.All()) {
    const auto found = by_scope_.find({NumberOfOwner(OwnerOf(id, scope)), ScopeText(scope)});
    if (found != by_scope_.end()) {
      matched.insert(matched.end(), found->second.begin(), found->second.end());
    }
  }
  return matched;
}

Budgets::BudgetPtr Budgets::Named(NamespaceId owner, std::string_view name) const {
  const std::string scope(name.substr(0, name.rfind('/')));
  const auto found = by_scope_.find({NumberOfOwner(owner), scope});
  if (found != by_scope_.end()) {
    for (const BudgetPtr& budget : found->second) {
      if (NameOf(budget->terms) == name) {
        return budget;
      }
    }
  }
  return nullptr;
}

void Budgets::Insert(const BudgetPtr& budget) {
  by_scope_[{NumberOfOwner(budget->owner), ScopeText(budget->terms.scope)}].push_back(budget);
  by_id_.emplace(budget->id, budget);
  ++counts_[NumberOfOwner(budget->owner)];
}

void Budgets::Erase(std::uint64_t id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) {
    return;
  }
  const BudgetPtr budget = found->second;
  by_id_.erase(found);
  const auto place = by_scope_.find({NumberOfOwner(budget->owner), ScopeText(budget->terms.scope)});
  std::erase(place->second, budget);
  if (place->second.empty()) {
    by_scope_.erase(place);
  }
  const auto count = counts_.find(NumberOfOwner(budget->owner));
  if (--count->second == 0) {
    counts_.erase(count);
  }
}

std::size_t Budgets::CountOf(NamespaceId owner) const {
  const auto found = counts_.find(NumberOfOwner(owner));
  return found == counts_.end() ? 0 : found->second;
}

void Budgets::Hold(Reservation reservation) {
  for (const std::uint64_t id : reservation.budgets) {
    const auto found = by_id_.find(id);
    if (found != by_id_.end()) {
      found->second->reserved_nano += reservation.amount_nano;
      ++found->second->reservations;
    }
  }
  stats_.reserved_nano += static_cast<std::uint64_t>(reservation.amount_nano);
  reservations_.Add(std::move(reservation));
}

Reservation Budgets::Free(std::uint64_t id) {
  Reservation taken = reservations_.Take(id);
  for (const std::uint64_t budget : taken.budgets) {
    const auto found = by_id_.find(budget);
    if (found != by_id_.end()) {
      found->second->reserved_nano -= taken.amount_nano;
      --found->second->reservations;
    }
  }
  stats_.reserved_nano -= static_cast<std::uint64_t>(taken.amount_nano);
  return taken;
}

void Budgets::FreeDue(base::UnixMillis now, std::size_t max) {
  for (std::size_t i = 0; i < max && !reservations_.by_expiry().empty(); ++i) {
    const auto [expires_at, id] = *reservations_.by_expiry().begin();
    if (expires_at > now) {
      return;
    }
    (void)Free(id);
    ++stats_.expired;
  }
}

base::Status Budgets::CheckRoom(NamespaceId id) const {
  if (reservations_.CountOf(id) >= static_cast<std::size_t>(base::limits::kReservations.value)) {
    return Error{Code::kTooLarge,
                 "reservations: this namespace has 65536 unsettled ones, which is the limit; "
                 "commit or release them, or take shorter leases"};
  }
  if (reservations_.size() >= static_cast<std::size_t>(base::limits::kReservationsTotal.value)) {
    return Error{Code::kBusy,
                 "reservations_total: the server holds as many as it may; retry with back-off"};
  }
  return base::Ok{};
}

// Leases that end and periods that end, in order of time, until enough is free.
std::optional<std::int64_t> Budgets::RetryAfter(const Budget& budget, std::int64_t amount_nano,
                                                base::UnixMillis now) const {
  const std::int64_t limit = budget.terms.limit_nano;
  if (amount_nano > limit) {
    return std::nullopt;
  }
  auto frees = budget.balance.Frees(budget.terms.period);
  std::size_t looks = 0;
  for (const auto& [expires_at, id] : reservations_.by_expiry()) {
    if (++looks > kLooksAhead) {
      break;
    }
    const Reservation& reservation = *reservations_.Find(id);
    const auto& held = reservation.budgets;
    if (std::find(held.begin(), held.end(), budget.id) != held.end()) {
      frees.emplace_back(expires_at, reservation.amount_nano);
    }
  }
  std::sort(frees.begin(), frees.end());
  std::int64_t needed = budget.held_nano() - (limit - amount_nano);
  for (const auto& [at, nano] : frees) {
    needed -= nano;
    if (needed <= 0) {
      return std::max<std::int64_t>(at - now, 1);
    }
  }
  // More leases than were looked at: some of it is free by then.
  return frees.empty() ? std::nullopt
                       : std::optional(std::max<std::int64_t>(frees.back().first - now, 1));
}

base::Status Budgets::Ask(const ReserveAsk& ask, base::UnixMillis now, Reserved& reserved,
                          std::vector<std::uint64_t>& budgets) {
  for (const BudgetPtr& budget : Match(ask.id, ask.scopes)) {
    budget->Advance(now);
    const auto held = CheckedAdd(budget->held_nano(), ask.amount_nano);
    if (!held.has_value()) {
      return Error{Code::kTooLarge, NameOf(budget->terms) + ": the sum would be beyond 64 bits"};
    }
    budgets.push_back(budget->id);
    if (*held <= budget->terms.limit_nano) {
      continue;
    }
    if (budget->terms.is_hard) {
      reserved.blocked.push_back({*budget, RetryAfter(*budget, ask.amount_nano, now)});
    } else {
      reserved.exceeded.push_back(NameOf(budget->terms));
    }
  }
  return base::Ok{};
}

base::Result<Reserved> Budgets::Reserve(const ReserveAsk& ask, storage::Transaction& transaction) {
  const base::UnixMillis now = numbers_.TimeOf(transaction);
  Reserved reserved;
  Reservation reservation{0,          ask.id,       ask.amount_nano, now + ask.lease_ms,
                          ask.scopes, ask.provider, ask.tier,        {}};
  {
    base::MutexLock lock(mutex_);
    FreeDue(now, kFreedPerCall);
    RETURN_IF_ERROR(CheckRoom(ask.id));
    RETURN_IF_ERROR(Ask(ask, now, reserved, reservation.budgets));
    if (!reserved.blocked.empty()) {
      ++stats_.refused;
      return reserved;
    }
  }
  reservation.id = numbers_.Next(transaction);
  reserved.reservation = reservation.id;
  reserved.expires_at = reservation.expires_at;
  transaction.RequireSync();
  transaction.Put(Family::kLedger, NumberKey(ask.id, RowKind::kReservation, reservation.id),
                  FormatReservation(reservation), reservation.expires_at + kLateKeepMs);
  transaction.OnAbort([this, id = reservation.id] {
    base::MutexLock lock(mutex_);
    (void)Free(id);
  });
  base::MutexLock lock(mutex_);
  Hold(std::move(reservation));
  ++stats_.granted;
  return reserved;
}

base::Result<std::optional<Held>> Budgets::Find(NamespaceId id, std::uint64_t reservation,
                                                storage::Transaction& transaction) {
  const base::UnixMillis now = numbers_.TimeOf(transaction);
  {
    base::MutexLock lock(mutex_);
    FreeDue(now, kFreedPerCall);
    const Reservation* found = reservations_.Find(reservation);
    if (found != nullptr && found->owner == id && found->expires_at > now) {
      return std::optional(Held{*found, false});
    }
  }
  ASSIGN_OR_RETURN(
      const auto row,
      transaction.Get(Family::kLedger, NumberKey(id, RowKind::kReservation, reservation)));
  if (!row.has_value()) {
    return std::optional<Held>();
  }
  ASSIGN_OR_RETURN(Reservation late, ParseReservation(id, reservation, row->value()));
  return std::optional(Held{std::move(late), true});
}

base::Result<std::int64_t> Budgets::Release(NamespaceId id, std::uint64_t reservation,
                                            storage::Transaction& transaction) {
  ASSIGN_OR_RETURN(const auto held, Find(id, reservation, transaction));
  if (!held.has_value()) {
    return Error{Code::kNotFound,
                 "there is no reservation " + std::to_string(reservation) +
                     " here: it was settled or released, or never granted in this namespace"};
  }
  transaction.RequireSync();
  transaction.Delete(Family::kLedger, NumberKey(id, RowKind::kReservation, reservation));
  base::MutexLock lock(mutex_);
  if (Reservation freed = Free(reservation); freed.id != 0) {
    transaction.OnAbort([this, freed] {
      base::MutexLock again(mutex_);
      Hold(freed);
    });
  }
  ++stats_.released;
  return held->is_late ? std::int64_t{0} : held->reservation.amount_nano;
}

base::Status Budgets::CanCharge(const ChargeAsk& ask) const {
  base::MutexLock lock(mutex_);
  for (const BudgetPtr& budget : Match(ask.id, ask.scopes)) {
    if (!CheckedAdd(budget->held_nano(), ask.nano).has_value()) {
      return Error{Code::kTooLarge, NameOf(budget->terms) + ": the sum would be beyond 64 bits"};
    }
  }
  return base::Ok{};
}

Charged Budgets::Charge(const ChargeAsk& ask, storage::Transaction& transaction) {
  const base::UnixMillis now = numbers_.TimeOf(transaction);
  Charged charged;
  std::vector<Saved> saved;
  std::vector<std::pair<std::string, std::string>> rows;
  Reservation freed;
  {
    base::MutexLock lock(mutex_);
    if (ask.reservation != 0) {
      freed = Free(ask.reservation);
      ++stats_.settled;
      stats_.late += freed.id == 0 ? 1 : 0;
    }
    for (const BudgetPtr& budget : Match(ask.id, ask.scopes)) {
      saved.push_back(Save(*budget));
      budget->Advance(now);
      Balance& balance = budget->balance;
      const std::int64_t limit = budget->terms.limit_nano;
      balance.told &= Reached(balance.spent_nano, limit);
      balance.Charge(ask.nano);
      const std::uint8_t reached = Reached(balance.spent_nano, limit);
      for (std::size_t i = 0; i < kThresholdsPercent.size(); ++i) {
        if ((reached & ~balance.told & (1U << i)) != 0) {
          charged.events.push_back({budget->owner, NameOf(budget->terms),
                                    ScopeText(budget->terms.scope), kThresholdsPercent[i],
                                    balance.spent_nano, budget->reserved_nano, limit, balance.end});
        }
      }
      balance.told |= reached;
      if (balance.spent_nano > limit) {
        charged.exceeded.push_back(NameOf(budget->terms));
      }
      rows.emplace_back(NumberKey(budget->owner, RowKind::kBalance, budget->id),
                        FormatBalance(balance));
    }
  }
  for (const auto& [key, value] : rows) {
    transaction.Put(Family::kLedger, key, value, storage::kNever);
  }
  if (ask.reservation != 0) {
    transaction.Delete(Family::kLedger, NumberKey(ask.id, RowKind::kReservation, ask.reservation));
  }
  transaction.OnAbort([this, saved = std::move(saved), freed = std::move(freed)] {
    base::MutexLock lock(mutex_);
    Restore(saved);
    if (freed.id != 0) {
      Hold(freed);
    }
  });
  return charged;
}

bool Budgets::HasDue(base::UnixMillis now) const {
  base::MutexLock lock(mutex_);
  return !reservations_.by_expiry().empty() && reservations_.by_expiry().begin()->first <= now;
}

void Budgets::Sweep(std::size_t max, storage::Transaction& transaction) {
  const base::UnixMillis now = numbers_.TimeOf(transaction);
  base::MutexLock lock(mutex_);
  FreeDue(now, max);
}

BudgetStats Budgets::Stats() const {
  base::MutexLock lock(mutex_);
  BudgetStats stats = stats_;
  stats.budgets = by_id_.size();
  stats.reservations = reservations_.size();
  return stats;
}

}  // namespace reprise::spend
