#include "server/spend/numbers.h"

#include <algorithm>
#include <string>

#include "server/spend/rows.h"

namespace reprise::spend {
namespace {

using storage::Family;

constexpr std::uint64_t kVersion = 1;

}  // namespace

base::Status Numbers::Load(const storage::Store& store) {
  ASSIGN_OR_RETURN(const auto row,
                   store.Get(Family::kLedger, RowPrefix(kServerWide, RowKind::kCounter),
                             storage::kNever, storage::ReadMode::kDisk));
  if (!row.has_value()) {
    return base::Ok{};
  }
  Cursor cursor(row->value());
  const std::uint64_t version = cursor.Number();
  last_ = cursor.Number();
  time_ = base::UnixMillis{cursor.Signed()};
  if (!cursor.Finished() || version != kVersion) {
    return base::Error{base::Code::kCorrupt, "the counter of the ledger cannot be read"};
  }
  return base::Ok{};
}

base::UnixMillis Numbers::TimeOf(const storage::Transaction& transaction) const {
  return std::max(transaction.now(), time_.load(std::memory_order_relaxed));
}

std::uint64_t Numbers::Next(storage::Transaction& transaction) {
  const base::UnixMillis time = TimeOf(transaction);
  const std::uint64_t number = last_.load(std::memory_order_relaxed) + 1;
  time_.store(time, std::memory_order_relaxed);
  last_.store(number, std::memory_order_release);
  std::string row;
  AppendNumber(kVersion, row);
  AppendNumber(number, row);
  AppendSigned(base::ToInt(time), row);
  transaction.Put(Family::kLedger, RowPrefix(kServerWide, RowKind::kCounter), row, storage::kNever);
  return number;
}

}  // namespace reprise::spend
