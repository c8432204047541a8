// Accounts: the counters of one namespace, in each of three ways to tell decisions apart: by query
// type, by model (who made the answer), by bot (who asked).
//
// What is counted is counted once in each dimension, so that the sums over types, over models and
// over bots are equal. A dimension has at most so many accounts as the constants below say; what
// comes later goes to the account "(other)". The decision log hangs here because its records and
// the counters must be written together.
//
// Threads: one owner at a time (Space's mutex). Errors: none. Complexity: O(1) a decision, O(log
// accounts) for a name that was not seen of late. Lifetime: names stay as long as the object.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "server/cache/counters.h"
#include "server/cache/decision_log.h"
#include "server/cache/savings.h"
#include "server/cache/tier.h"

namespace reprise::cache {

enum class Dimension : std::uint8_t { kType, kModel, kBot };
inline constexpr std::array kDimensions{Dimension::kType, Dimension::kModel, Dimension::kBot};

// Accounts of one namespace, "(other)" included.
inline constexpr std::size_t kTypeAccounts = 1'024;  // 64 are configured at a time
inline constexpr std::size_t kModelAccounts = 256;
inline constexpr std::size_t kBotAccounts = 1'024;

inline constexpr std::string_view kOtherAccount = "(other)";
inline constexpr std::string_view kNoType = "(none)";       // a fill without a lease
inline constexpr std::string_view kUnknownModel;            // misses have none
inline constexpr std::string_view kUnnamedBot = "unnamed";  // neither access key's label nor HELLO
inline constexpr std::string_view kServerBot = "(server)";  // evictions: nobody asked for them

// Who asks, for the accounts.
struct Asker {
  std::string_view bot = kUnnamedBot;
  base::Nanos arrived{0};  // when the request came; 0: not known, its time is not counted
};

// One decision about a question, or about a fill.
struct Decision {
  DecisionKind kind = DecisionKind::kMiss;
  Reason reason = Reason::kUnknown;
  std::optional<Tier> tier;
  std::uint64_t entry = 0;
  Worth worth;                  // what it saved
  std::optional<Worth> shadow;  // of a miss: what a tier in shadow mode would have saved
  std::string_view bot = kUnnamedBot;
  base::UnixMillis now{0};
  std::int64_t age_ms = 0;                // of the answer
  std::optional<std::int64_t> micros;     // from arrival to decision
  std::optional<std::int64_t> waited_ms;  // a follower
};

struct AccountStats {
  std::string name;
  Counters counters;
};

using AccountNumber = std::uint16_t;

// The accounts of one dimension.
class AccountTable {
 public:
  explicit AccountTable(std::size_t accounts_max) : accounts_max_(accounts_max) {}

  AccountNumber NumberOf(std::string_view name);
  std::string_view NameOf(AccountNumber number) const { return accounts_[number]->name; }
  // To be changed: it will be written.
  Counters& Change(AccountNumber number);

  Counters Sum() const;
  std::vector<AccountStats> All() const;
  std::vector<std::string_view> Names() const;
  std::vector<AccountNumber> TakeChanged();
  void Load(std::string_view name, const Counters& counters);
  const Counters& at(AccountNumber number) const { return accounts_[number]->counters; }
  // All back to 0; numbers stay, because others hold them.
  void Forget();

 private:
  struct Account {
    std::string name;
    Counters counters;
    bool changed = false;
  };
  static constexpr std::size_t kMemoSlots = 64;

  std::size_t accounts_max_;
  std::vector<std::unique_ptr<Account>> accounts_;  // behind pointers: names stay where they are
  std::map<std::string_view, AccountNumber> numbers_;
  std::array<AccountNumber, kMemoSlots> memo_{};  // by a cheap hash: names seen of late
};

class Accounts {
 public:
  Accounts(LogShare& share, std::uint64_t seed);

  AccountTable& types() { return types_; }
  const AccountTable& types() const { return types_; }
  AccountTable& models() { return models_; }
  const AccountTable& in(Dimension dimension) const;

  void Count(AccountNumber type, AccountNumber model, const Decision& decision);
  void CountStore(AccountNumber type, AccountNumber model, std::string_view bot);
  // Its commit failed.
  void TakeBackStore(AccountNumber type, AccountNumber model, std::string_view bot);
  void CountEviction(AccountNumber type, AccountNumber model);

  // What changed since it was last taken. Ends with Written or PutBack; several that were taken at
  // a time are put back newest first.
  struct Unwritten {
    std::array<std::vector<AccountStats>, kDimensions.size()> changed;
    AccountNames names;
    DecisionLog::Taken log;
    std::optional<std::vector<SavingSum>> savings;  // all of them, when they changed
    std::uint64_t life = 0;                         // Forget begins a new one
  };
  bool dirty() const { return dirty_; }
  Unwritten Take();
  void Written(const Unwritten& unwritten);
  void PutBack(Unwritten unwritten);

  // The sums that the ledger gets; what is taken is the caller's, or is put back.
  struct TakenSavings {
    std::vector<SavingSum> sums;
    std::uint64_t life = 0;
  };
  bool HasSavings() const { return !savings_.IsEmpty(); }
  bool HasDueSavings(base::UnixMillis now) const { return savings_.IsDue(now); }
  TakenSavings TakeSavings();
  void PutBackSavings(const TakenSavings& taken, base::UnixMillis now);
  void LoadSavings(const std::vector<SavingSum>& sums, base::UnixMillis now);

  void Load(Dimension dimension, std::string_view name, const Counters& counters);
  void LoadLog(const LogTotals& totals) { log_.Load(totals); }
  // Behind the last Load: where a dimension has less than another (rows of an older version), the
  // rest goes to its account for what is not known.
  void Balance();
  void Forget();

  LogStats Log() const { return log_.Stats(); }

 private:
  template <typename Self>
  static auto& TableIn(Self& self, Dimension dimension);
  template <typename Change>
  void InEach(AccountNumber type, AccountNumber model, AccountNumber bot, const Change& change);
  void CountSaving(const Savings::Key& key, const Worth& worth, base::UnixMillis now);
  std::vector<SavingSum> NamedSavings() const;

  AccountTable types_{kTypeAccounts};
  AccountTable models_{kModelAccounts};
  AccountTable bots_{kBotAccounts};
  DecisionLog log_;
  Savings savings_;
  bool savings_changed_ = false;  // since they were written
  bool dirty_ = false;
  std::uint64_t life_ = 0;
};

// Rows of the `meta` family; those of types are older than the others and stand elsewhere.
std::string AccountsPrefix(storage::NamespaceId id, Dimension dimension);

}  // namespace reprise::cache
