// Normalize: the form of a prompt under which trivially rephrased questions are the same.
//
// Unicode NFKC with case folding (superscripts stay: 10 to the power of 6 is not 106); runs of
// white space become one space; leading and trailing white space and terminal punctuation (. ! ?
// and their full-width, Spanish, Arabic, Devanagari and CJK kin, also ellipses) go. Words are
// neither dropped nor sorted, signs inside the text stay: "2+2" and "2+3" stay different, and so do
// "c" and "c++", "3.5" and "3.". An exclamation mark behind a digit stays (a factorial: "5!" is not
// "5"). The opening marks of Spanish go in front. A prompt of only punctuation stays. Idempotent:
// Normalize(Normalize(x)) == Normalize(x).
//
// Units: bytes of UTF-8. Errors: kBadRequest for invalid UTF-8, with the offset. Complexity:
// O(bytes), but O(n log n) for n combining marks in a row; ASCII takes a fast path. Threads: any.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.h"

namespace reprise::text {

// Replaces `out`, whose memory is reused.
base::Status Normalize(std::string_view prompt, std::string& out);

// kBadRequest with the offset of the first byte that is not UTF-8.
base::Status CheckUtf8(std::string_view text);

}  // namespace reprise::text
