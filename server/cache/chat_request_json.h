// Canonical JSON text (RFC 8785) of a string that holds JSON, such as the arguments of a tool call.
//
// Keys sorted by their UTF-16 units, no white space, shortest escapes, numbers in one form. Two
// departures: an integer that a double cannot hold keeps its digits, so that two ids which differ
// stay different; text, also that of escapes, is in Unicode's form C, as all of an identity is.
// Units: bytes of UTF-8. Limits: nesting of kJsonDepth. Complexity: O(bytes log keys). Threads:
// any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.h"

namespace reprise::cache {

inline constexpr int kJsonDepth = 64;

// Absent when `text` is no JSON object, or a deeper one: models do write broken JSON, and what is
// no JSON is compared as it stands. kBadRequest when it is an object that has no one meaning: a key
// twice, a lone surrogate, a number beyond a double. `text` is valid UTF-8.
base::Result<std::optional<std::string>> CanonicalJsonObject(std::string_view text);

}  // namespace reprise::cache
