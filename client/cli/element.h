// One element of a text that is imported: a line, or its JSON.
//
// Threads: one owner of the Chunks. Errors: kBadRequest and kTooLarge of the JSON, with the place
// in the element. Limits: kEntryBytesMax.
#pragma once

#include <string>
#include <string_view>

#include "client/cli/chunks.h"
#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::client {

struct Line {
  std::string text;       // without its end
  bool too_long = false;  // read past; then `text` is of no use
  bool is_end = false;    // there is no line any more
};
Line ReadLine(Chunks& chunks);

base::Result<base::Value> ReadElement(std::string_view text);

// `what` has more bytes than any entry may have.
base::Error TooLong(std::string_view what);
base::Error CannotRead(const Chunks& chunks);

}  // namespace reprise::client
