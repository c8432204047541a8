// FromPlainJson: JSON that others wrote, such as the events of a model's stream, as a Value.
//
// It differs from json.h, which is a spelling for people: {"$bin": ...} is a map like any other,
// and an error never repeats the text, which may be somebody's. Whole numbers beyond 64 bits become
// doubles.
//
// Units: bytes of UTF-8. Threads: any. Lifetime: the result owns its bytes. Errors: kBadRequest
// (no JSON, with line and column; invalid UTF-8; a lone surrogate; a number beyond a double; a key
// that stands twice), kTooLarge (nesting). Complexity: O(bytes log keys), without recursion.
// Limits: `depth_max`; the numbers of items are bounded by the bytes alone.
#pragma once

#include <cstddef>
#include <string_view>

#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::wire {

// `depth_max`: of arrays and maps within each other.
base::Result<base::Value> FromPlainJson(std::string_view text, std::size_t depth_max);

}  // namespace reprise::wire
