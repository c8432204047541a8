// Budgets: all budgets of the server with what is spent and held of them.
//
// Everything that changes money runs inside transactions, which the store runs one after another:
// so a call takes all of its scopes or none, and two calls never take the same money. Memory is
// changed ahead of the commit and put back when it fails. A reservation whose lease is over frees
// its money by the clock alone: nothing has to be written for it, and a restart decides the same.
//
// For each hard budget: spent + reserved <= limit at the moment of every grant. What was spent may
// still end above the limit when a call costs more than was reserved, comes after its lease, or was
// recorded without a reservation; such money is charged as it is, and told.
//
// Units: nano-dollars, milliseconds. Threads: members that take a Transaction inside one; the
// others any (a mutex that is a leaf). Errors: kNotFound, kBadRequest, kTooLarge, kCorrupt.
// Complexity: O(scopes + budgets of these scopes) a call. Limits: kBudgets, kBudgetsTotal,
// kReservations, kReservationsTotal, kBudgetsOfScopeMax. Lifetime: the Store outlives it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/calendar/zones.h"
#include "server/spend/budget.h"
#include "server/spend/numbers.h"
#include "server/spend/reservation.h"
#include "storage/engine/store.h"

namespace reprise::spend {

inline constexpr std::size_t kBudgetsOfScopeMax = 16;

// A budget that says no.
struct Blocked {
  Budget budget;
  // How long until enough is free if nothing else happens; absent: never.
  std::optional<std::int64_t> retry_after_ms;
};

struct ReserveAsk {
  NamespaceId id{};
  CallScopes scopes{};
  std::int64_t amount_nano = 0;
  std::int64_t lease_ms = 0;
  std::string provider{};
  std::string tier{};
};
struct Reserved {
  std::uint64_t reservation = 0;  // 0: not granted
  base::UnixMillis expires_at{0};
  std::vector<Blocked> blocked{};       // those that refuse
  std::vector<std::string> exceeded{};  // soft ones that would be above their limit

  bool granted() const { return reservation != 0; }
};

// A reservation as COMMIT finds it.
struct Held {
  Reservation reservation;
  bool is_late = false;  // its lease is over, and its money was free for others
};

// A budget reached a part of its limit that it had not reached in this period.
struct BudgetEvent {
  NamespaceId owner{};
  std::string budget{};
  std::string scope{};
  std::int64_t threshold_percent = 0;
  std::int64_t spent_nano = 0;
  std::int64_t reserved_nano = 0;
  std::int64_t limit_nano = 0;
  base::UnixMillis ends_at{0};  // 0: never
};
struct ChargeAsk {
  NamespaceId id{};
  CallScopes scopes{};
  std::int64_t nano = 0;
  std::uint64_t reservation = 0;  // to settle; 0: none
};
struct Charged {
  std::vector<BudgetEvent> events{};
  std::vector<std::string> exceeded{};  // budgets whose spent money is above their limit now
};

struct SetReport {
  Budget budget;
  bool is_new = false;
};

// How tight money is for a call; the tightest of its budgets decides.
struct Pressure {
  std::int64_t used_ppm = 0;     // spent and reserved, of the limit; 0 without budgets
  std::int64_t elapsed_ppm = 0;  // of that budget's period; 0 where none ends
  std::int64_t left_nano = -1;   // the least of what hard budgets have left; -1: no hard budget
  base::UnixMillis ends_at{0};   // of the tightest budget's period; 0: never
  std::string budget{};          // its name; empty without budgets
};

struct BudgetStats {
  std::uint64_t budgets = 0;
  std::uint64_t reservations = 0;
  std::uint64_t reserved_nano = 0;
  std::uint64_t granted = 0;  // since the start, as the others below
  std::uint64_t refused = 0;
  std::uint64_t settled = 0;
  std::uint64_t released = 0;
  std::uint64_t expired = 0;
  std::uint64_t late = 0;
};

class Budgets {
 public:
  explicit Budgets(Numbers& numbers) : numbers_(numbers) {}
  base::Status Load(const storage::Store& store, const std::vector<NamespaceId>& namespaces,
                    base::UnixMillis now);

  // Makes a budget, or changes the limit, the kind and the zone of the one of this name; what is
  // spent and reserved stays. `owner` is not looked at for the scope `global`.
  base::Result<SetReport> Set(NamespaceId owner, const BudgetTerms& terms,
                              storage::Transaction& transaction);
  base::Status Delete(NamespaceId owner, std::string_view name, storage::Transaction& transaction);

  base::Result<Reserved> Reserve(const ReserveAsk& ask, storage::Transaction& transaction);
  // Absent: never granted in this namespace, settled, released, or long ago.
  base::Result<std::optional<Held>> Find(NamespaceId id, std::uint64_t reservation,
                                         storage::Transaction& transaction);
  // What it freed: 0 when the lease was over.
  base::Result<std::int64_t> Release(NamespaceId id, std::uint64_t reservation,
                                     storage::Transaction& transaction);
  // Whether Charge can be done: no sum would be beyond 64 bits.
  base::Status CanCharge(const ChargeAsk& ask) const;
  Charged Charge(const ChargeAsk& ask, storage::Transaction& transaction);

  // Frees at most `max` reservations whose lease is over.
  bool HasDue(base::UnixMillis now) const;
  void Sweep(std::size_t max, storage::Transaction& transaction);

  // Copies, at `now`: all of a namespace, or those that a call with these scopes counts in;
  // `global` ones too when asked for.
  std::vector<Budget> List(NamespaceId id, const CallScopes* scopes, bool with_global,
                           base::UnixMillis now) const;
  Pressure PressureOf(NamespaceId id, const CallScopes& scopes, base::UnixMillis now) const;
  // All budgets of the server, at the time of the transaction; and whether what each has reserved
  // is the sum of the reservations that hold it.
  struct Snapshot {
    std::vector<Budget> budgets;
    std::vector<std::string> unbalanced;  // names
  };
  Snapshot TakeSnapshot(storage::Transaction& transaction) const;
  BudgetStats Stats() const;

  // The namespace goes, and its rows with it. What it spent stays in the budgets of scope `global`.
  void Drop(NamespaceId id, storage::Transaction& transaction);

 private:
  using BudgetPtr = std::shared_ptr<Budget>;
  using ScopeKey = std::pair<std::uint32_t, std::string>;  // owner, text of the scope

  // Stored terms and balance of one budget, to put back.
  struct Saved {
    std::uint64_t id;
    BudgetTerms terms;
    calendar::ZonePtr zone;
    Balance balance;
    std::uint64_t counted_from;
    Balance counted_before;
  };
  static Saved Save(const Budget& budget);
  void Restore(const std::vector<Saved>& saved) REQUIRES(mutex_);

  base::Status LoadBudgets(const storage::Store& store, NamespaceId owner, base::UnixMillis now);
  base::Status LoadReservations(const storage::Store& store, NamespaceId owner,
                                base::UnixMillis now);

  std::vector<BudgetPtr> Match(NamespaceId id, const CallScopes& scopes) const REQUIRES(mutex_);
  BudgetPtr Named(NamespaceId owner, std::string_view name) const REQUIRES(mutex_);
  void Insert(const BudgetPtr& budget) REQUIRES(mutex_);
  void Erase(std::uint64_t id) REQUIRES(mutex_);
  // What the unsettled reservations hold of it.
  std::pair<std::int64_t, std::int64_t> HeldOf(std::uint64_t id) const REQUIRES(mutex_);
  std::size_t CountOf(NamespaceId owner) const REQUIRES(mutex_);
  // Money of the reservation is held, or free again.
  void Hold(Reservation reservation) REQUIRES(mutex_);
  Reservation Free(std::uint64_t id) REQUIRES(mutex_);
  void FreeDue(base::UnixMillis now, std::size_t max) REQUIRES(mutex_);
  base::Status CheckRoom(NamespaceId id) const REQUIRES(mutex_);
  std::optional<std::int64_t> RetryAfter(const Budget& budget, std::int64_t amount_nano,
                                         base::UnixMillis now) const REQUIRES(mutex_);
  // Asks all budgets; fills in what they say.
  base::Status Ask(const ReserveAsk& ask, base::UnixMillis now, Reserved& reserved,
                   std::vector<std::uint64_t>& budgets) REQUIRES(mutex_);
  base::Status CheckNew(NamespaceId owner, const BudgetTerms& terms) const REQUIRES(mutex_);

  Numbers& numbers_;
  calendar::Zones zones_;
  mutable base::Mutex mutex_;
  std::map<ScopeKey, std::vector<BudgetPtr>> by_scope_ GUARDED_BY(mutex_);
  std::unordered_map<std::uint64_t, BudgetPtr> by_id_ GUARDED_BY(mutex_);
  std::map<std::uint32_t, std::size_t> counts_ GUARDED_BY(mutex_);
  Reservations reservations_ GUARDED_BY(mutex_);
  BudgetStats stats_ GUARDED_BY(mutex_);
};

}  // namespace reprise::spend
