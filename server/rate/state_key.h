// StateKey: under which bytes a key of a limit is remembered, in memory and on disk.
//
// Algorithm (u8), length of the rule's name (u8), that name (empty: the limit was given with the
// call), the key. So two rules never share a count, and what one algorithm remembers is never read
// by another. Threads: values. Errors: none. Complexity: O(bytes), no memory. Limits: names of
// kNameBytes, keys of kRateKeyBytes; the caller checks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#include "protocol/base/ensure.h"
#include "protocol/base/limits.h"
#include "server/rate/verdict.h"

namespace reprise::rate {

class StateKey {
 public:
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): the bytes up to the size are written.
  StateKey(Algorithm algorithm, std::string_view rule, std::string_view key)
      : size_(2 + rule.size() + key.size()) {
    ENSURE(size_ <= bytes_.size());
    bytes_[0] = static_cast<char>(algorithm);
    bytes_[1] = static_cast<char>(rule.size());
    Copy(rule, 2);
    Copy(key, 2 + rule.size());
  }

  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  static constexpr std::size_t kBytesMax =
      2 + base::limits::kNameBytes.value + base::limits::kRateKeyBytes.value;

  void Copy(std::string_view text, std::size_t place) {
    if (!text.empty()) {
      std::memcpy(bytes_.data() + place, text.data(), text.size());
    }
  }

  std::array<char, kBytesMax> bytes_;
  std::size_t size_;
};

// Absent when the bytes are no StateKey.
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
