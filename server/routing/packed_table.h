// PackedTable: shipped tables of small integers as printable text, one character a number.
//
// A number from -45 to 45 is the character 35 + 45 + number, or one further from the backslash on.
// Threads: constants. Errors: none: the tables are made by bench/quality/routing/fit.py and checked
// by a test. Complexity: O(1).
#pragma once

#include <cstdint>

namespace reprise::routing {

inline constexpr int kPackedMax = 45;

constexpr int UnpackedNumber(char character) {
  constexpr int kFirst = 35;
  const int code = static_cast<unsigned char>(character);
  return code - kFirst - kPackedMax - (code > '\\' ? 1 : 0);
}

}  // namespace reprise::routing
