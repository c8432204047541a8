// Quantity: numbers with units, as configuration files and command lines write them.
//
// "256MiB", "30s", "2h", "7d", "-1", "1000". Whole numbers only; a number without a unit is in the
// unit of its kind. Errors: absence, also when the number does not fit 64 bits. Threads: any.
// Complexity: O(length).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reprise::config {

enum class Kind : std::uint8_t {
  kInteger,
  kBytes,
  kMilliseconds,
  kMicroseconds,
  kBoolean,
  kText,
  kList,
  kChoice,
};

// "integer", "bytes", "milliseconds", ...
std::string_view NameOf(Kind kind);
bool IsNumber(Kind kind);
// "B, KiB, MiB, GiB, TiB"; empty when the kind has none.
std::string UnitsOf(Kind kind);

std::optional<std::int64_t> ParseQuantity(Kind kind, std::string_view text);
// The shortest form without loss: "256MiB", "1h", "1000", and "1500ms".
std::string RenderQuantity(Kind kind, std::int64_t value);

}  // namespace reprise::config
