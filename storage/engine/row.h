// Row: the bytes of one stored value. FORMAT.md specifies them, testdata/ has golden files.
//
// Units: bytes. Threads: any. Errors: DecodeRow answers nothing for bytes that are no row of a
// known version. Lifetime: a decoded row borrows from the bytes. Complexity: O(1).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/base/clock.h"

namespace reprise::storage {

inline constexpr std::uint8_t kRowVersion = 1;
inline constexpr std::size_t kRowHeaderBytes = 9;

struct DecodedRow {
  base::UnixMillis expires_at;
  std::string_view value;
};

// The version byte and the expiry; the value follows as it is.
std::array<char, kRowHeaderBytes> RowHeader(base::UnixMillis expires_at);

std::optional<DecodedRow> DecodeRow(std::string_view bytes);

}  // namespace reprise::storage
