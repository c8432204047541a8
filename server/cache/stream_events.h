// The text of a stream of server-sent events, as models send it, taken apart.
//
// As the specification reads it: lines end with LF, CR or CRLF, `:` begins a comment, several data
// lines of one event are joined by LF, one blank behind the colon is dropped, `id`, `retry` and
// unknown fields are skipped, an event without data is none. Unlike there, what stands behind the
// last blank line is handed over too, marked as such: a stream may end without one.
//
// Pure. Units: bytes. Threads: any. Lifetime: views borrow from `text` for the time of the call.
// Errors: those of `take`, which ends the reading. Complexity: O(bytes).
#pragma once

#include <functional>
#include <string_view>

#include "protocol/base/result.h"

namespace reprise::cache {

struct TextEvent {
  std::string_view name;  // of the `event` field; empty: none
  std::string_view data;
  bool is_last_without_end = false;  // no blank line follows: it may be cut
};

// Whether a text is one of such streams, perhaps cut short, and not just a text: its first data is
// an object or [DONE], or its first event has a name that models' streams have, or it is nothing
// but comments.
bool IsEventText(std::string_view text);

base::Status ReadEventText(std::string_view text,
                           const std::function<base::Status(const TextEvent&)>& take);

}  // namespace reprise::cache
