// Nfkc: Unicode normal form KC, one code point at a time, each with the bytes that it came from.
//
// Compatibility forms become what they stand for ("ﬁ" is "fi", full-width letters are ASCII); case,
// white space and punctuation stay (normalize.h folds those). Models that cut text into pieces want
// this form, and whoever looks at a piece wants to find it in the text as it was given.
//
// Units: bytes of UTF-8. Errors: kBadRequest for invalid UTF-8, with the offset. Complexity:
// O(bytes), but O(n log n) for n combining marks in a row. Threads: any.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace reprise::text {

// Code points that were composed of each other, or made of one, share their range of bytes.
struct NfkcCodePoint {
  char32_t value = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// Replaces `out`, whose memory is reused. `text` is shorter than 4 GiB.
base::Status Nfkc(std::string_view text, std::vector<NfkcCodePoint>& out);

}  // namespace reprise::text
