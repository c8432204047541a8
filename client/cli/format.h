// Format: replies and errors as text.
//
// Readable: a str as it is, nil as (nil), maps aligned, lists numbered, lists of like maps as
// tables. On a terminal, control bytes of stored text are shown as \x1b and the like, so that a
// value cannot steer the terminal. Threads: any. Errors: none. Complexity: O(bytes).
#pragma once

#include <string>

#include "protocol/base/error.h"
#include "protocol/base/value.h"

namespace reprise::client {

enum class Style : unsigned char { kReadable, kJson, kPretty };

// Without the last newline.
std::string FormatReply(const base::Value& reply, Style style, bool for_terminal);

// "error: busy: the queue is full" and, on a second line, what to do about it.
std::string FormatError(const base::Error& error);

}  // namespace reprise::client
