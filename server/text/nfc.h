// Nfc: Unicode normal form C, under which canonically equivalent spellings are the same bytes: "e"
// with a combining acute accent becomes the one code point U+00E9. Nothing else changes: case,
// width, white space and compatibility forms stay (normalize.h folds those).
//
// Units: bytes of UTF-8. Errors: kBadRequest for invalid UTF-8, with the offset. Complexity:
// O(bytes), but O(n log n) for n combining marks in a row; text that is composed already, as nearly
// all is, is only read. Threads: any. Nfc(Nfc(x)) == Nfc(x); the result is never longer than
// three times the text (UAX #15).
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.h"

namespace reprise::text {

// `text` itself when it is in normal form, else `scratch`, which then holds the form.
base::Result<std::string_view> Nfc(std::string_view text, std::string& scratch);

}  // namespace reprise::text
