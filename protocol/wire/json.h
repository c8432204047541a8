// JSON spelling of a Value, for people: the command line, examples in the command rows, bulk load.
//
// JSON has no bin and no ext: {"$bin": "base64"} and {"$ext": [type, "base64"]} stand for them,
// both ways. A str that is not UTF-8 is written as $bin. Integers beyond 64 bits and duplicate keys
// are refused. Threads: any. Errors: kBadRequest with the place in the text. Complexity: O(bytes).
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::wire {

base::Result<base::Value> FromJson(std::string_view text);
// On one line, or indented by two spaces.
std::string ToJson(const base::Value& value, bool indented = false);

}  // namespace reprise::wire
