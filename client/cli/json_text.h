// JSON text as it was typed or stands in a file: no number changes on its way to the server.
//
// Threads: any. Errors: kBadRequest (not JSON), kTooLarge (JSON that a Value cannot hold: an
// integer beyond 64 bits, too much nesting). Complexity: O(bytes). Limits: those of
// protocol/wire/json.h.
#pragma once

#include <string_view>

#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::client {

base::Result<base::Value> ReadJson(std::string_view text);

}  // namespace reprise::client
