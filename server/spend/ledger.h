// Ledger: the append-only account of what was spent and saved, one chain of records a namespace.
//
// A record, the head of the chain, the id of the charge and the totals of the day are written in
// one batch that is synced before the reply. A charge with an id that is known already is not made
// again. Totals of days are read and written inside the transaction and never kept in memory: they
// cannot differ from the records after a crash.
//
// Units: nano-dollars, tokens. Threads: Post inside a transaction; heads any (a mutex that is a
// leaf). Errors: kExists (the id was used for another amount), kTooLarge (a sum beyond 64 bits),
// kCorrupt, kIo. Complexity: O(1) a record. Limits: kChargeIdBytesMax; ids are remembered for
// kChargeIdKeepMs. Lifetime: the Store outlives it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/spend/day_totals.h"
#include "server/spend/numbers.h"
#include "server/spend/record.h"
#include "storage/engine/store.h"

namespace reprise::spend {

inline constexpr std::size_t kChargeIdBytesMax = 128;
inline constexpr std::int64_t kChargeIdKeepMs = std::int64_t{30} * 86'400'000;

// The newest record of a namespace.
struct LedgerHead {
  std::uint64_t sequence = 0;
  Digest hash{};  // zero when there is none

  bool operator==(const LedgerHead&) const = default;
};

// What an earlier charge with the same id did.
struct EarlierCharge {
  std::uint64_t sequence = 0;
  std::int64_t cost_nano = 0;
};

class Ledger {
 public:
  explicit Ledger(Numbers& numbers) : numbers_(numbers) {}
  base::Status Load(const storage::Store& store, const std::vector<NamespaceId>& namespaces);

  // Absent: nothing was charged under this id.
  static base::Result<std::optional<EarlierCharge>> Find(NamespaceId id, std::string_view charge_id,
                                                         storage::Transaction& transaction);
  // Appends a record; sequence, number and time are given here. Returns its sequence. After an
  // error nothing has changed.
  base::Result<std::uint64_t> Post(NamespaceId id, LedgerRecord record,
                                   storage::Transaction& transaction);

  LedgerHead HeadOf(NamespaceId id) const;
  // Of all namespaces that have one.
  std::map<std::uint32_t, LedgerHead> Heads() const;
  // The namespace goes, and its rows with it.
  void Drop(NamespaceId id, storage::Transaction& transaction);

 private:
  void SetHead(NamespaceId id, const LedgerHead& head);

  Numbers& numbers_;
  mutable base::Mutex mutex_;
  std::map<std::uint32_t, LedgerHead> heads_ GUARDED_BY(mutex_);
};

}  // namespace reprise::spend
