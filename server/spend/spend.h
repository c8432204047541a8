// Spend: the money of one data directory: prices, budgets, ledger.
//
// What a call cost is written to the ledger and counted in its budgets in one transaction. A charge
// has an id (the reservation's own when none is given); the same charge twice is made once, and the
// second answer says so. What strategies save is written by whoever knows it (RecordSaving), and
// counts in no budget.
//
// Units: nano-dollars, tokens. Threads: members that take a Transaction inside one; Report and
// Audit on a storage thread; the rest any. Errors: kNotFound (reservation, price), kExists (a
// charge id with another amount), kBadRequest, kTooLarge, kCorrupt, kIo. Complexity: O(scopes +
// budgets of these scopes). Lifetime: the Store outlives it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "server/spend/audit.h"
#include "server/spend/budgets.h"
#include "server/spend/ledger.h"
#include "server/spend/price_table.h"
#include "server/spend/report.h"
#include "storage/engine/store.h"

namespace reprise::spend {

// What is known of the cost of a call: the money itself, or what it took.
struct CostAsk {
  std::optional<std::int64_t> nano{};
  std::optional<Usage> usage{};
  std::string provider{};
  std::string tier{};
};

struct CommitAsk {
  NamespaceId id{};
  std::uint64_t reservation = 0;
  CostAsk cost{};
  std::string charge_id{};
  std::string model{};  // who really answered; empty: as reserved
};
struct RecordAsk {
  NamespaceId id{};
  CallScopes scopes{};
  CostAsk cost{};
  std::string charge_id{};
  std::string strategy{};  // empty: a call that was paid for; else what saved it
  std::uint64_t count = 1;
};

struct Settled {
  std::uint64_t sequence = 0;
  std::int64_t cost_nano = 0;
  std::int64_t reserved_nano = 0;
  bool is_duplicate = false;  // it had been charged before; nothing was done
  bool is_late = false;       // the lease was over: the money was free for others meanwhile
  std::vector<BudgetEvent> events{};
  std::vector<std::string> exceeded{};  // budgets that are above their limit now
};

// What a strategy saved on one occasion or several.
struct Saving {
  std::string strategy{};
  std::uint64_t count = 1;
  std::int64_t tokens_in = 0;
  std::int64_t tokens_out = 0;
  std::int64_t cost_nano = 0;
  CallScopes scopes{};
};

class Spend {
 public:
  static base::Result<std::unique_ptr<Spend>> Load(storage::Store& store,
                                                   const std::vector<NamespaceId>& namespaces,
                                                   base::UnixMillis now);

  PriceTable& prices() { return prices_; }
  const PriceTable& prices() const { return prices_; }
  Budgets& budgets() { return budgets_; }
  const Budgets& budgets() const { return budgets_; }
  const Ledger& ledger() const { return ledger_; }

  // The money of a call before it is made: as it stands, or by the price of `model`.
  base::Result<std::int64_t> CostOf(NamespaceId id, const CostAsk& ask, std::string_view model,
                                    base::UnixMillis at) const;

  base::Result<Settled> Commit(const CommitAsk& ask, storage::Transaction& transaction);
  base::Result<Settled> Record(const RecordAsk& ask, storage::Transaction& transaction);
  // Its sequence in the ledger.
  base::Result<std::uint64_t> RecordSaving(NamespaceId id, const Saving& saving,
                                           storage::Transaction& transaction);

  base::Result<AuditReport> Audit() const;

  // Periodic work: leases that are over. Any thread but loops and the writer.
  void Tick(base::UnixMillis now);
  // The namespace goes, and its rows in the family `ledger` with it.
  void Drop(NamespaceId id, storage::Transaction& transaction);

 private:
  explicit Spend(storage::Store& store) : store_(store) {}
  base::Result<std::optional<Settled>> FindEarlier(NamespaceId id, std::string_view charge_id,
                                                   const CostAsk& cost,
                                                   storage::Transaction& transaction) const;

  storage::Store& store_;
  Numbers numbers_;
  PriceTable prices_;
  Ledger ledger_{numbers_};
  Budgets budgets_{numbers_};
};

}  // namespace reprise::spend
