#include "server/spend/spend.h"

#include <utility>

#include "server/spend/decimal.h"
#include "server/spend/text_check.h"

namespace reprise::spend {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kSweptPerTick = 20'000;
constexpr std::uint64_t kCountMaxOfSaving = 1'000'000'000'000;

// The id of a charge that settles a reservation and was given none. No id from outside begins like
// it, for those have no control bytes.
std::string DefaultChargeId(std::uint64_t reservation) {
  return '\0' + std::to_string(reservation);
}

base::Status CheckChargeId(std::string_view charge_id) {
  return charge_id.empty() ? base::Status(base::Ok{})
                           : CheckText("charge_id", charge_id, kChargeIdBytesMax);
}

void SetTokens(const std::optional<Usage>& usage, LedgerRecord& record) {
  if (usage.has_value()) {
    record.tokens_in = usage->input_tokens;
    record.tokens_out = usage->output_tokens;
    record.tokens_cached = usage->cache_read_tokens;
  }
}

}  // namespace

base::Result<std::unique_ptr<Spend>> Spend::Load(storage::Store& store,
                                                 const std::vector<NamespaceId>& namespaces,
                                                 base::UnixMillis now) {
  std::unique_ptr<Spend> spend(new Spend(store));
  RETURN_IF_ERROR(spend->numbers_.Load(store));
  RETURN_IF_ERROR(spend->prices_.Load(store, namespaces));
  RETURN_IF_ERROR(spend->ledger_.Load(store, namespaces));
  RETURN_IF_ERROR(spend->budgets_.Load(store, namespaces, now));
  return spend;
}

base::Result<std::int64_t> Spend::CostOf(NamespaceId id, const CostAsk& ask, std::string_view model,
                                         base::UnixMillis at) const {
  if (ask.nano.has_value()) {
    if (*ask.nano < 0 || *ask.nano > kAmountNanoMax) {
      return Error{Code::kBadRequest, "an amount is from 0 to " + std::to_string(kAmountNanoMax) +
                                          " nano-dollars, found " + std::to_string(*ask.nano)};
    }
    return *ask.nano;
  }
  if (!ask.usage.has_value()) {
    return Error{Code::kBadRequest,
                 "give the amount in nano-dollars, or 'usage' and a model to price it by"};
  }
  if (model.empty()) {
    return Error{Code::kBadRequest,
                 "'usage' is priced by a model: give 'model', or a scope model:NAME"};
  }
  ASSIGN_OR_RETURN(const Quote quote,
                   prices_.QuoteFor(id, {ask.provider, model, ask.tier}, *ask.usage, at));
  return quote.cost.nano;
}

base::Result<std::optional<Settled>> Spend::FindEarlier(NamespaceId id, std::string_view charge_id,
                                                        const CostAsk& cost,
                                                        storage::Transaction& transaction) const {
  ASSIGN_OR_RETURN(const auto earlier, Ledger::Find(id, charge_id, transaction));
  if (!earlier.has_value()) {
    return std::optional<Settled>();
  }
  if (cost.nano.has_value() && *cost.nano != earlier->cost_nano) {
    return Error{Code::kExists, "this charge was made before with another amount (" +
                                    std::to_string(earlier->cost_nano) + ", record " +
                                    std::to_string(earlier->sequence) +
                                    "); a charge id is for one charge"};
  }
  // What was read may still be on its way to the medium.
  transaction.RequireSync();
  Settled settled;
  settled.sequence = earlier->sequence;
  settled.cost_nano = earlier->cost_nano;
  settled.is_duplicate = true;
  return std::optional(std::move(settled));
}

base::Result<Settled> Spend::Commit(const CommitAsk& ask, storage::Transaction& transaction) {
  RETURN_IF_ERROR(CheckChargeId(ask.charge_id));
  const std::string charge_id =
      ask.charge_id.empty() ? DefaultChargeId(ask.reservation) : ask.charge_id;
  ASSIGN_OR_RETURN(auto earlier, FindEarlier(ask.id, charge_id, ask.cost, transaction));
  if (earlier.has_value()) {
    return *std::move(earlier);
  }
  ASSIGN_OR_RETURN(auto held, budgets_.Find(ask.id, ask.reservation, transaction));
  if (!held.has_value()) {
    return Error{
        Code::kNotFound,
        "there is no reservation " + std::to_string(ask.reservation) +
            " here: it was committed (with another charge id), released, never granted in "
            "this namespace, or its lease ended more than 7 days ago; SPEND.RECORD records "
            "a call without one"};
  }
  Reservation& reservation = held->reservation;
  CostAsk cost = ask.cost;
  cost.provider = cost.provider.empty() ? reservation.provider : cost.provider;
  cost.tier = cost.tier.empty() ? reservation.tier : cost.tier;
  CallScopes scopes = reservation.scopes;
  if (!ask.model.empty()) {
    RETURN_IF_ERROR(CheckText("model", ask.model, kScopeNameBytesMax));
    scopes.model = ask.model;
  }
  ASSIGN_OR_RETURN(const std::int64_t nano,
                   CostOf(ask.id, cost, scopes.model, numbers_.TimeOf(transaction)));
  const ChargeAsk charge{ask.id, scopes, nano, ask.reservation};
  RETURN_IF_ERROR(budgets_.CanCharge(charge));
  LedgerRecord record;
  record.reservation = ask.reservation;
  record.reserved_nano = reservation.amount_nano;
  record.cost_nano = nano;
  record.provider = cost.provider;
  record.charge_id = charge_id;
  record.scopes = scopes;
  SetTokens(ask.cost.usage, record);
  Settled settled;
  ASSIGN_OR_RETURN(settled.sequence, ledger_.Post(ask.id, std::move(record), transaction));
  Charged charged = budgets_.Charge(charge, transaction);
  settled.cost_nano = nano;
  settled.reserved_nano = reservation.amount_nano;
  settled.is_late = held->is_late;
  settled.events = std::move(charged.events);
  settled.exceeded = std::move(charged.exceeded);
  return settled;
}

base::Result<Settled> Spend::Record(const RecordAsk& ask, storage::Transaction& transaction) {
  RETURN_IF_ERROR(CheckChargeId(ask.charge_id));
  if (!ask.strategy.empty() && !IsStrategy(ask.strategy)) {
    std::string known;
    for (const std::string_view name : kStrategies) {
      known.append(known.empty() ? "" : ", ").append(name);
    }
    return Error{Code::kBadRequest, "'strategy' must be one of " + known};
  }
  if (!ask.charge_id.empty()) {
    ASSIGN_OR_RETURN(auto earlier, FindEarlier(ask.id, ask.charge_id, ask.cost, transaction));
    if (earlier.has_value()) {
      return *std::move(earlier);
    }
  }
  ASSIGN_OR_RETURN(const std::int64_t nano,
                   CostOf(ask.id, ask.cost, ask.scopes.model, numbers_.TimeOf(transaction)));
  const ChargeAsk charge{ask.id, ask.scopes, nano, 0};
  if (ask.strategy.empty()) {
    RETURN_IF_ERROR(budgets_.CanCharge(charge));
  }
  LedgerRecord record;
  record.count = ask.count;
  record.cost_nano = nano;
  record.provider = ask.cost.provider;
  record.strategy = ask.strategy;
  record.charge_id = ask.charge_id;
  record.scopes = ask.scopes;
  SetTokens(ask.cost.usage, record);
  Settled settled;
  ASSIGN_OR_RETURN(settled.sequence, ledger_.Post(ask.id, std::move(record), transaction));
  settled.cost_nano = nano;
  if (ask.strategy.empty()) {
    Charged charged = budgets_.Charge(charge, transaction);
    settled.events = std::move(charged.events);
    settled.exceeded = std::move(charged.exceeded);
  }
  return settled;
}

base::Result<std::uint64_t> Spend::RecordSaving(NamespaceId id, const Saving& saving,
                                                storage::Transaction& transaction) {
  if (!IsStrategy(saving.strategy)) {
    return Error{Code::kBadRequest, "'" + saving.strategy + "' is not the name of a strategy"};
  }
  if (saving.tokens_in < 0 || saving.tokens_out < 0 || saving.cost_nano < 0 ||
      saving.count > kCountMaxOfSaving) {
    return Error{Code::kBadRequest, "a saving is of tokens and money that are not negative"};
  }
  LedgerRecord record;
  record.count = saving.count;
  record.tokens_in = saving.tokens_in;
  record.tokens_out = saving.tokens_out;
  record.cost_nano = saving.cost_nano;
  record.strategy = saving.strategy;
  record.scopes = saving.scopes;
  return ledger_.Post(id, std::move(record), transaction);
}

base::Result<AuditReport> Spend::Audit() const {
  return spend::Audit(store_, ledger_, budgets_);
}

void Spend::Tick(base::UnixMillis now) {
  if (!budgets_.HasDue(now)) {
    return;
  }
  const auto sweep = [this](storage::Transaction& transaction) -> base::Status {
    budgets_.Sweep(kSweptPerTick, transaction);
    return base::Ok{};
  };
  (void)store_.Run(sweep).ok();  // Refused or not: a call that needs the money frees it as well.
}

void Spend::Drop(NamespaceId id, storage::Transaction& transaction) {
  prices_.Drop(id, transaction);
  ledger_.Drop(id, transaction);
  budgets_.Drop(id, transaction);
}

}  // namespace reprise::spend
