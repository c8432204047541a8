// Decode: MessagePack bytes to a Value tree, with every limit of protocol/base/limits.h enforced
// before memory is taken. The parser is msgpack-cxx with a visitor of ours.
//
// Errors: kBadRequest (cut short, bytes left over, 0xc1), kTooLarge (depth, counts). Threads: any.
// Complexity: O(bytes) time; memory at most about 26 times the bytes.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::wire {

// The value that `bytes` hold; all of them must belong to it.
base::Result<base::Value> Decode(std::string_view bytes);

std::string Encode(const base::Value& value);

}  // namespace reprise::wire
