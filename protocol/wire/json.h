// JSON spelling of a Value: the command line, examples in the command rows, bulk load, exports.
//
// JSON has fewer kinds of values. An object with one of these members alone stands for what it
// lacks; FromJson reads them all:
//
//   {"$bin": "base64"}           a bin
//   {"$ext": [type, "base64"]}   an extension
//   {"$str": "base64"}           a str that is not UTF-8
//   {"$float": "16 hex digits"}  a float by its bits: NaN, infinities
//   {"$map": [[key, value] ...]} a map with keys that are no UTF-8 str, with a key twice, or one
//                                that would read as a member of this list
//
// Refused: integers beyond 64 bits (they would be rounded), a key twice in an object. Threads: any.
// Errors: kBadRequest (no JSON, with the place in the text), kTooLarge (what no request can carry:
// an integer beyond 64 bits, the limits depth and frame_items). Complexity:
// O(bytes log keys); memory at most about 60 bytes a value besides the texts.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::wire {

base::Result<base::Value> FromJson(std::string_view text);

// For people: on one line, or indented by two spaces. A str that is not UTF-8 is written as $bin, a
// key that is no str as its JSON, NaN as null.
std::string ToJson(const base::Value& value, bool indented = false);

// For programs: on one line; FromJson gives the same value back, bit by bit.
std::string ToExactJson(const base::Value& value);

}  // namespace reprise::wire
