#include "server/semantic/space_rows.h"

#include <tuple>

#include "server/semantic/vector_row.h"

namespace reprise::semantic {
namespace {

using base::Code;
using base::Error;
using storage::Family;

constexpr char kVersion = 1;
constexpr std::string_view kRows = "semantic_space/";
constexpr std::size_t kHeadBytes = 1 + 1 + sizeof(std::uint64_t);
constexpr unsigned kByteBits = 8;

std::string KeyOf(std::string_view fingerprint) {
  return std::string(kRows) + std::string(fingerprint);
}

base::Result<SpaceRow> Parse(std::string_view fingerprint, std::string_view value) {
  if (value.size() < kHeadBytes || value[0] != kVersion) {
    return Error{Code::kCorrupt, "a row of an embedder's vectors cannot be read"};
  }
  SpaceRow row;
  row.fingerprint = fingerprint;
  row.is_filled = value[1] != 0;
  for (const char byte : value.substr(2, sizeof(row.turn))) {
    row.turn = (row.turn << kByteBits) | static_cast<unsigned char>(byte);
  }
  row.embedder = value.substr(kHeadBytes);
  return row;
}

}  // namespace

base::Result<std::vector<SpaceRow>> ReadSpaceRows(const storage::Store& store) {
  std::vector<SpaceRow> rows;
  base::Status status = base::Ok{};
  const auto load = [&rows](const storage::ScanRow& row) -> base::Status {
    ASSIGN_OR_RETURN(SpaceRow parsed, Parse(row.key.substr(kRows.size()), row.value));
    rows.push_back(std::move(parsed));
    return base::Ok{};
  };
  const storage::ScanRequest all{.family = Family::kMeta, .prefix = kRows, .after = ""};
  RETURN_IF_ERROR(store.Scan(all, storage::kNever, [&](const storage::ScanRow& row) {
    status = load(row);
    return status.ok();
  }));
  RETURN_IF_ERROR(status);
  return rows;
}

void PutSpaceRow(const SpaceRow& row, storage::Transaction& transaction) {
  std::string value{kVersion, static_cast<char>(row.is_filled ? 1 : 0)};
  for (std::size_t i = sizeof(row.turn); i-- > 0;) {
    value.push_back(static_cast<char>((row.turn >> (kByteBits * i)) & 0xFFU));
  }
  transaction.Put(Family::kMeta, KeyOf(row.fingerprint), value + row.embedder, storage::kNever);
}

void DeleteSpaceRow(std::string_view fingerprint, storage::Transaction& transaction) {
  transaction.Delete(Family::kMeta, KeyOf(fingerprint));
}

// One row of each is read.
base::Result<std::vector<std::string>> RowPrefixes(const storage::Store& store) {
  constexpr std::size_t kBehindNames = 32;  // a name is shorter
  std::vector<std::string> prefixes;
  std::string after;
  for (;;) {
    std::string found;
    const storage::ScanRequest rest{
        .family = Family::kVectors, .prefix = "v", .after = after, .include_expired = true};
    RETURN_IF_ERROR(store.Scan(rest, storage::kNever, [&found](const storage::ScanRow& row) {
      found = row.key.substr(0, kVectorPrefixBytes);
      return false;
    }));
    if (found.size() < kVectorPrefixBytes) {
      return prefixes;
    }
    after = found + std::string(kBehindNames, '\xFF');
    prefixes.push_back(std::move(found));
  }
}

const SpaceRow* ChooseRetiring(const std::vector<SpaceRow>& rows, std::string_view current) {
  const SpaceRow* best = nullptr;
  for (const SpaceRow& row : rows) {
    if (row.fingerprint != current && (best == nullptr || std::tie(best->is_filled, best->turn) <
                                                              std::tie(row.is_filled, row.turn))) {
      best = &row;
    }
  }
  return best;
}

}  // namespace reprise::semantic
