// Bounds: how much the cache may hold, by entries and by bytes, of one namespace and of the server.
//
// Units: an entry's bytes are those of its two rows with their keys, and kEntryMemoryBytes for its
// place in memory. Errors: none. Threads: any. Complexity: O(1).
#pragma once

#include <cstdint>
#include <optional>

#include "server/config/options.h"

namespace reprise::cache {

// An amount, or a bound; in a bound 0 is none.
struct Room {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;

  Room operator+(const Room& other) const { return {entries + other.entries, bytes + other.bytes}; }
};

// What there is too much of.
enum class Short : std::uint8_t { kEntries, kBytes };

inline std::optional<Short> Excess(const Room& held, const Room& bound) {
  if (bound.entries != 0 && held.entries > bound.entries) {
    return Short::kEntries;
  }
  if (bound.bytes != 0 && held.bytes > bound.bytes) {
    return Short::kBytes;
  }
  return std::nullopt;
}

// How many entries one store may evict, so that lowering a bound does not make one caller wait;
// Cache::Trim does the rest.
inline constexpr std::size_t kEvictionsPerStore = 64;
inline constexpr std::uint32_t kEntryMemoryBytes = 200;  // the slot, its hash cells and its counts

inline Room NamespaceBound(const config::CacheOptions& options) {
  return {static_cast<std::uint64_t>(options.entries_max),
          static_cast<std::uint64_t>(options.bytes_max)};
}

inline Room ServerBound(const config::CacheOptions& options) {
  return {static_cast<std::uint64_t>(options.total_entries_max),
          static_cast<std::uint64_t>(options.total_bytes_max)};
}

}  // namespace reprise::cache
