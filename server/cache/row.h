// The stored form of a cache entry: two rows of the `entries` family (FORMAT.md in this folder).
//
// The small row is what the index needs after a restart; the large one is what a hit needs. Keeping
// them apart lets a million entries be indexed by reading 100 MB instead of all answers. Threads:
// any. Lifetime: a parsed Body points into the row's bytes. Errors: kCorrupt.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/cache/identity.h"
#include "server/cache/labels.h"
#include "storage/engine/namespace_id.h"

namespace reprise::cache {

// What an entry's use saves, given by the caller when it stored the answer.
struct Worth {
  std::uint32_t tokens_in = 0;
  std::uint32_t tokens_out = 0;
  std::uint64_t cost_nano = 0;  // nano-dollars
};

// The small row.
struct Summary {
  KeyHash exact;
  KeyHash normalized;
  std::uint64_t id = 0;
  base::UnixMillis created_at{0};
  base::UnixMillis expires_at{0};  // kept by the store beside the value, not inside it
  Worth worth;
  std::string_view type;
  std::string_view model;  // as in the large row
  std::string_view tags;
  base::UnixMillis fresh_until{0};  // from here to expires_at it is stale
  std::int64_t sliding_ms = 0;      // a hit makes it fresh for so much longer; 0: it does not
  std::uint64_t partition = 0;      // hash of the identity
  std::uint32_t body_bytes = 0;     // of the large row's value; 0: a row older than this field
};

// The large row.
struct Body {
  storage::NamespaceId namespace_id{0};
  std::uint64_t id = 0;
  std::string_view identity;  // canonical bytes
  std::string_view prompt;
  std::string_view response;  // MessagePack bytes
  std::string_view model;     // who answered; may be empty
  std::string_view tags;      // MessagePack array of str; empty when there are none
};

// Namespace, kind of row, exact hash.
using RowKey = std::array<char, 4 + 1 + 16>;
inline std::string_view ViewOf(const RowKey& key) {
  return {key.data(), key.size()};
}
RowKey SummaryKey(storage::NamespaceId id, const KeyHash& exact);
RowKey BodyKey(storage::NamespaceId id, const KeyHash& exact);
// In front of all SummaryKeys of a namespace.
std::string SummaryPrefix(storage::NamespaceId id);
std::string BodyPrefix(storage::NamespaceId id);

// What an entry takes of a bound, by the sizes of its rows' values.
std::uint32_t EntryBytes(std::size_t summary_bytes, std::size_t body_bytes);

std::string FormatSummary(const Summary& summary);
// `row_key` gives the exact hash.
base::Result<Summary> ParseSummary(std::string_view row_key, std::string_view value,
                                   base::UnixMillis expires_at);
// What was invalidated: rows of the `meta` family, a label and the id below which entries are void.
std::string FloorsPrefix(storage::NamespaceId id);
std::string FloorKey(storage::NamespaceId id, const Label& label);
std::string FormatFloor(Floor floor);
base::Result<Floor> ParseFloor(std::string_view value);

std::string FormatBody(const Body& body);
base::Result<Body> ParseBody(std::string_view value);

}  // namespace reprise::cache
