// CheckText: names that come from outside and go into reports: UTF-8 without control bytes.
//
// Threads: any. Errors: kBadRequest, kTooLarge, naming `what`. Complexity: O(bytes).
#pragma once

#include <string_view>

#include "protocol/base/result.h"

namespace reprise::spend {

// 1 to `bytes_max` bytes.
base::Status CheckText(std::string_view what, std::string_view text, std::size_t bytes_max);

}  // namespace reprise::spend
