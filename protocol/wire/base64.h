// Base64 (RFC 4648, the standard alphabet, with padding) for bytes inside JSON.
//
// Threads: any. Errors: kBadRequest for a letter that is not of the alphabet. Complexity: O(bytes).
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.h"

namespace reprise::wire {

std::string ToBase64(std::string_view bytes);
// Padding may be missing.
base::Result<std::string> FromBase64(std::string_view text);

}  // namespace reprise::wire
