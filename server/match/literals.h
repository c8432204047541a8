// Literals: runs of text that are compared as they stand: web addresses, paths, file names, code.
//
// Internal to server/match. Units: bytes. Errors: none. Complexity: O(bytes). Threads: any.
#pragma once

#include <cstdint>
#include <string_view>

namespace reprise::match {

enum class Literal : std::uint8_t { kNone, kUrl, kCode };

// What `run`, a text without white space and without the punctuation around it, is as a whole.
Literal LiteralOf(std::string_view run);

}  // namespace reprise::match
