// ReadFill: what of a holder's fill is the answer, and whether it may be kept.
//
// The answer is the response of the fill, or when that is nil, the array of the pieces that were
// appended. Refused, each with a sentence:
//   - answers that are none (poison.h), also when they come in pieces
//   - a stream of a known shape (stream_join.h) that was cut, ends with an error or cannot be read
//   - a response beside pieces that is not the same answer: neither their array, nor that array
//     with more behind it (pieces that could not be appended), nor what they are when they are
//     joined. Followers have seen the pieces. When a piece was refused, any response may follow.
//
// Pure. Units: bytes. Threads: any. Errors: kBadRequest, kTooLarge. Complexity: O(bytes log
// fields). Lifetime: `response` borrows from what came in, `joined` is its own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/base/result.h"

namespace reprise::cache {

struct FillParts {
  std::string_view given;   // the response of the fill, one MessagePack value; nil: the pieces
  std::string_view pieces;  // a MessagePack array; empty: there were none
  bool cut = false;         // a piece was refused
};

struct FillAnswer {
  std::string_view response;  // to be stored
  // The same as one answer, when it is a stream and can be joined (PackAnswer); else empty.
  std::string joined{};
};

base::Result<FillAnswer> ReadFill(const FillParts& parts, std::size_t bytes_max);

}  // namespace reprise::cache
