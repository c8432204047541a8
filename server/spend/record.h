// LedgerRecord: one line of the ledger: what a call cost, or what a strategy saved.
//
// Records of a namespace are a chain: each carries the SHA-256 of the record before it together
// with its own position and bytes, so that a record cannot be changed, left out or put in without
// all later hashes changing. Bytes: FORMAT.md. Units: nano-dollars, tokens, milliseconds. Threads:
// values. Errors: kCorrupt. Complexity: O(bytes).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/spend/rows.h"
#include "server/spend/scope.h"

namespace reprise::spend {

using Digest = std::array<std::uint8_t, 32>;

// Names of the optimisations that save; a saving has one of them.
inline constexpr std::array<std::string_view, 9> kStrategies{
    "cache.exact", "cache.normalized", "cache.semantic", "routing", "batching",
    "deferral",    "context",          "compression",    "tools"};
bool IsStrategy(std::string_view name);

struct LedgerRecord {
  std::uint64_t sequence = 0;      // in its namespace, from 1 without gaps
  std::uint64_t number = 0;        // in the server, growing
  base::UnixMillis time{0};        // never before that of the record before it
  std::uint64_t reservation = 0;   // that it settled; 0: none
  std::int64_t reserved_nano = 0;  // what was held for it
  std::uint64_t count = 1;         // calls, or occasions of saving
  std::int64_t tokens_in = 0;
  std::int64_t tokens_out = 0;
  std::int64_t tokens_cached = 0;  // of tokens_in
  std::int64_t cost_nano = 0;      // spent, or saved
  std::string provider{};
  std::string strategy{};  // empty: a call
  std::string charge_id{};
  CallScopes scopes{};

  bool is_call() const { return strategy.empty(); }
  bool operator==(const LedgerRecord&) const = default;
};

// The stored value: the record's bytes, then the hash of the chain up to it.
std::string FormatRecord(const LedgerRecord& record, const Digest& previous, Digest& hash);
struct ParsedRecord {
  LedgerRecord record;
  Digest hash{};
};
// `sequence` is that of the key. Whether the hash fits is asked of HashOf.
base::Result<ParsedRecord> ParseRecord(std::uint64_t sequence, std::string_view value);
// The hash that the stored value must end with.
Digest HashOf(std::uint64_t sequence, std::string_view value, const Digest& previous);

std::string HexOf(const Digest& digest);

}  // namespace reprise::spend
