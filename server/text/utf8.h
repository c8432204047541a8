// Utf8: reading UTF-8 one code point at a time, strictly.
//
// Overlong forms, surrogates and code points above U+10FFFF are refused, as RFC 3629 asks. Units:
// bytes. Errors: none; an invalid sequence is a value. Complexity: O(1). Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace reprise::text {

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;  // 0: `text` does not begin with valid UTF-8
};

// The first code point of `text`; empty text is invalid.
CodePoint FirstCodePoint(std::string_view text);

// `code_point` must be a Unicode scalar value.
void AppendUtf8(char32_t code_point, std::string& out);

}  // namespace reprise::text
