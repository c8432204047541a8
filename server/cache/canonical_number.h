// The one spelling of a number in canonical JSON (RFC 8785, which takes ECMAScript's).
//
// 1, 1.0, 1e0 and 100e-2 are all "1"; the digits are the fewest that read back as the same double.
// Errors: none; the number must be finite. Complexity: O(1). Threads: any.
#pragma once

#include <string>

namespace reprise::cache {

void AppendCanonicalNumber(double number, std::string& out);

}  // namespace reprise::cache
