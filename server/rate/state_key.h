// StateKey: under which bytes a key of a limit is remembered, in memory and on disk.
//
// Algorithm (u8), length of the rule's name (u8), that name (empty: the limit was given with the
// call), the key. So two rules never share a count, and what one algorithm remembers is never read
// by another. Threads: any. Errors: none. Complexity: O(bytes). Limits: names of kNameBytes, keys
// of kRateKeyBytes; the caller checks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/rate/verdict.h"

namespace reprise::rate {

inline void MakeStateKey(Algorithm algorithm, std::string_view rule, std::string_view key,
                         std::string& out) {
  out.clear();
  out.push_back(static_cast<char>(algorithm));
  out.push_back(static_cast<char>(rule.size()));
  out.append(rule).append(key);
}

// Absent when the bytes are none.
inline std::optional<Algorithm> AlgorithmOf(std::string_view state_key) {
  if (state_key.size() < 2) {
    return std::nullopt;
  }
  const auto number = static_cast<std::uint8_t>(state_key[0]);
  return number <= static_cast<std::uint8_t>(Algorithm::kConcurrency)
             ? std::optional(static_cast<Algorithm>(number))
             : std::nullopt;
}

}  // namespace reprise::rate
