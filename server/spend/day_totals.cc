#include "server/spend/day_totals.h"

#include <utility>

#include "server/calendar/civil.h"
#include "server/spend/decimal.h"

namespace reprise::spend {
namespace {

constexpr std::uint64_t kVersion = 1;
constexpr std::size_t kPrefixBytes = 6;  // namespace, '$', letter
constexpr std::size_t kDayBytes = 4;

base::Error Unreadable() {
  return {base::Code::kCorrupt, "a row of daily totals cannot be read"};
}

}  // namespace

DayKey DayKeyOf(const LedgerRecord& record) {
  return {calendar::FloorDiv(base::ToInt(record.time), calendar::kMillisPerDay), record.scopes.bot,
          record.scopes.model, record.scopes.type, record.strategy};
}

bool DayTotals::Add(const DayTotals& other) {
  DayTotals sum = *this;
  sum.last_sequence = std::max(last_sequence, other.last_sequence);
  for (const auto field : {&DayTotals::count, &DayTotals::tokens_in, &DayTotals::tokens_out,
                           &DayTotals::tokens_cached, &DayTotals::cost_nano}) {
    const auto added = CheckedAdd(this->*field, other.*field);
    if (!added.has_value()) {
      return false;
    }
    sum.*field = *added;
  }
  *this = sum;
  return true;
}

DayTotals TotalsOf(const LedgerRecord& record) {
  return {record.sequence,      static_cast<std::int64_t>(record.count),
          record.tokens_in,     record.tokens_out,
          record.tokens_cached, record.cost_nano};
}

std::string DayRowPrefix(NamespaceId id, std::int64_t day) {
  std::string key = RowPrefix(id, RowKind::kDay);
  const auto number = static_cast<std::uint32_t>(day);
  for (std::size_t i = kDayBytes; i-- > 0;) {
    key.push_back(static_cast<char>(number >> (8U * i)));
  }
  return key;
}

std::string DayRowKey(NamespaceId id, const DayKey& key) {
  std::string row = DayRowPrefix(id, key.day);
  for (const std::string* text : {&key.bot, &key.model, &key.type, &key.strategy}) {
    AppendText(*text, row);
  }
  return row;
}

base::Result<DayKey> ParseDayKey(std::string_view row_key) {
  if (row_key.size() < kPrefixBytes + kDayBytes) {
    return Unreadable();
  }
  DayKey key;
  for (const char byte : row_key.substr(kPrefixBytes, kDayBytes)) {
    key.day = key.day * 256 + static_cast<unsigned char>(byte);
  }
  Cursor cursor(row_key.substr(kPrefixBytes + kDayBytes));
  for (std::string* text : {&key.bot, &key.model, &key.type, &key.strategy}) {
    *text = cursor.Text();
  }
  return cursor.Finished() ? base::Result<DayKey>(std::move(key))
                           : base::Result<DayKey>(Unreadable());
}

std::string FormatTotals(const DayTotals& totals) {
  std::string out;
  AppendNumber(kVersion, out);
  AppendNumber(totals.last_sequence, out);
  AppendSigned(totals.count, out);
  AppendSigned(totals.tokens_in, out);
  AppendSigned(totals.tokens_out, out);
  AppendSigned(totals.tokens_cached, out);
  AppendSigned(totals.cost_nano, out);
  return out;
}

base::Result<DayTotals> ParseTotals(std::string_view value) {
  Cursor cursor(value);
  const std::uint64_t version = cursor.Number();
  DayTotals totals;
  totals.last_sequence = cursor.Number();
  totals.count = cursor.Signed();
  totals.tokens_in = cursor.Signed();
  totals.tokens_out = cursor.Signed();
  totals.tokens_cached = cursor.Signed();
  totals.cost_nano = cursor.Signed();
  if (!cursor.Finished() || version != kVersion) {
    return Unreadable();
  }
  return totals;
}

}  // namespace reprise::spend
