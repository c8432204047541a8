// CheckNotPoisoned: nobody is served an answer that is none.
//
// Refused as empty: nil; text, bytes, arrays and maps without anything in them; text of nothing but
// white space; `choices`, an Anthropic message's `content` or a response's `output` that is empty,
// or whose items all say nothing. Refused as an error of the upstream: a map with an `error` that
// is neither nil nor false, with the type "error", or a response that failed. Refused as not
// finished: a response that is queued, in progress or cancelled.
//
// Pure. `response` is one MessagePack value. Threads: any. Errors: kBadRequest, with a sentence.
// Complexity: O(bytes). Memory: that of `choices` or `content` as a tree. Limits: none.
#pragma once

#include <string_view>

#include "protocol/base/result.h"

namespace reprise::cache {

base::Status CheckNotPoisoned(std::string_view response);

}  // namespace reprise::cache
