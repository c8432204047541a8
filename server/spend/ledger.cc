#include "server/spend/ledger.h"

#include <algorithm>
#include <utility>

#include "server/spend/decimal.h"

namespace reprise::spend {
namespace {

using base::Code;
using base::Error;
using storage::Family;

constexpr std::uint64_t kVersion = 1;

Error Unreadable(std::string_view what) {
  return {Code::kCorrupt, "a row of the ledger cannot be read (" + std::string(what) + ")"};
}

std::string FormatHead(const LedgerHead& head) {
  std::string out;
  AppendNumber(kVersion, out);
  AppendNumber(head.sequence, out);
  out.append(reinterpret_cast<const char*>(head.hash.data()), head.hash.size());
  return out;
}

base::Result<LedgerHead> ParseHead(std::string_view value) {
  LedgerHead head;
  Cursor cursor(value);
  const std::uint64_t version = cursor.Number();
  head.sequence = cursor.Number();
  const std::string_view hash = cursor.Bytes(head.hash.size());
  if (!cursor.Finished() || version != kVersion) {
    return Unreadable("head");
  }
  std::copy(hash.begin(), hash.end(), head.hash.begin());
  return head;
}

std::string FormatCharge(const EarlierCharge& charge) {
  std::string out;
  AppendNumber(kVersion, out);
  AppendNumber(charge.sequence, out);
  AppendSigned(charge.cost_nano, out);
  return out;
}

// The totals of the day with the record in them.
struct Counted {
  std::string key;
  DayTotals totals;
  std::optional<std::uint64_t> combinations{};  // of the day, when this is a new one
};

// Reads the totals of one combination; absent: there are none yet.
base::Result<std::optional<DayTotals>> TotalsAt(const std::string& key,
                                                storage::Transaction& transaction) {
  ASSIGN_OR_RETURN(const auto row, transaction.Get(Family::kLedger, key));
  if (!row.has_value()) {
    return std::optional<DayTotals>();
  }
  ASSIGN_OR_RETURN(const DayTotals totals, ParseTotals(row->value()));
  return std::optional(totals);
}

std::string CountKey(NamespaceId id, std::int64_t day) {
  return NumberKey(id, RowKind::kDayCount, static_cast<std::uint64_t>(day));
}

base::Result<std::uint64_t> CombinationsOf(const std::string& key,
                                           storage::Transaction& transaction) {
  ASSIGN_OR_RETURN(const auto row, transaction.Get(Family::kLedger, key));
  if (!row.has_value()) {
    return std::uint64_t{0};
  }
  Cursor cursor(row->value());
  const std::uint64_t count = cursor.Number();
  return cursor.Finished() ? base::Result<std::uint64_t>(count)
                           : base::Result<std::uint64_t>(Unreadable("count of a day"));
}

base::Result<Counted> Count(NamespaceId id, const LedgerRecord& record,
                            storage::Transaction& transaction) {
  DayKey key = DayKeyOf(record);
  Counted counted;
  counted.key = DayRowKey(id, key);
  ASSIGN_OR_RETURN(auto before, TotalsAt(counted.key, transaction));
  if (!before.has_value()) {
    ASSIGN_OR_RETURN(const std::uint64_t combinations,
                     CombinationsOf(CountKey(id, key.day), transaction));
    if (combinations >= kCombinationsMax) {
      key.bot = key.model = key.type = kOther;
      counted.key = DayRowKey(id, key);
      ASSIGN_OR_RETURN(before, TotalsAt(counted.key, transaction));
    } else {
      counted.combinations = combinations + 1;
    }
  }
  counted.totals = before.value_or(DayTotals());
  if (!counted.totals.Add(TotalsOf(record))) {
    return Error{Code::kTooLarge, "the sum of the day would be beyond 64 bits"};
  }
  return counted;
}

}  // namespace

base::Status Ledger::Load(const storage::Store& store, const std::vector<NamespaceId>& namespaces) {
  for (const NamespaceId id : namespaces) {
    ASSIGN_OR_RETURN(const auto row, store.Get(Family::kLedger, RowPrefix(id, RowKind::kHead),
                                               storage::kNever, storage::ReadMode::kDisk));
    if (row.has_value()) {
      ASSIGN_OR_RETURN(const LedgerHead head, ParseHead(row->value()));
      SetHead(id, head);
    }
  }
  return base::Ok{};
}

LedgerHead Ledger::HeadOf(NamespaceId id) const {
  base::MutexLock lock(mutex_);
  const auto found = heads_.find(static_cast<std::uint32_t>(id));
  return found == heads_.end() ? LedgerHead() : found->second;
}

std::map<std::uint32_t, LedgerHead> Ledger::Heads() const {
  base::MutexLock lock(mutex_);
  return heads_;
}

void Ledger::SetHead(NamespaceId id, const LedgerHead& head) {
  base::MutexLock lock(mutex_);
  if (head.sequence == 0) {
    heads_.erase(static_cast<std::uint32_t>(id));
  } else {
    heads_[static_cast<std::uint32_t>(id)] = head;
  }
}

base::Result<std::optional<EarlierCharge>> Ledger::Find(NamespaceId id, std::string_view charge_id,
                                                        storage::Transaction& transaction) {
  ASSIGN_OR_RETURN(const auto row,
                   transaction.Get(Family::kLedger, TextKey(id, RowKind::kChargeId, charge_id)));
  if (!row.has_value()) {
    return std::optional<EarlierCharge>();
  }
  Cursor cursor(row->value());
  const std::uint64_t version = cursor.Number();
  EarlierCharge earlier;
  earlier.sequence = cursor.Number();
  earlier.cost_nano = cursor.Signed();
  if (!cursor.Finished() || version != kVersion) {
    return Unreadable("charge id");
  }
  return std::optional(earlier);
}

base::Result<std::uint64_t> Ledger::Post(NamespaceId id, LedgerRecord record,
                                         storage::Transaction& transaction) {
  const LedgerHead before = HeadOf(id);
  record.sequence = before.sequence + 1;
  record.time = numbers_.TimeOf(transaction);
  ASSIGN_OR_RETURN(const Counted counted, Count(id, record, transaction));
  record.number = numbers_.Next(transaction);
  LedgerHead head{record.sequence, {}};
  const std::string value = FormatRecord(record, before.hash, head.hash);
  transaction.RequireSync();
  transaction.Put(Family::kLedger, NumberKey(id, RowKind::kRecord, record.sequence), value,
                  storage::kNever);
  transaction.Put(Family::kLedger, RowPrefix(id, RowKind::kHead), FormatHead(head),
                  storage::kNever);
  transaction.Put(Family::kLedger, counted.key, FormatTotals(counted.totals), storage::kNever);
  if (counted.combinations.has_value()) {
    std::string count;
    AppendNumber(*counted.combinations, count);
    transaction.Put(Family::kLedger, CountKey(id, DayKeyOf(record).day), count, storage::kNever);
  }
  if (!record.charge_id.empty()) {
    transaction.Put(Family::kLedger, TextKey(id, RowKind::kChargeId, record.charge_id),
                    FormatCharge({record.sequence, record.cost_nano}),
                    record.time + kChargeIdKeepMs);
  }
  SetHead(id, head);
  transaction.OnAbort([this, id, before] { SetHead(id, before); });
  return record.sequence;
}

void Ledger::Drop(NamespaceId id, storage::Transaction& transaction) {
  const LedgerHead before = HeadOf(id);
  SetHead(id, {});
  transaction.OnAbort([this, id, before] { SetHead(id, before); });
}

}  // namespace reprise::spend
