#include "server/spend/text_check.h"

#include <string>

#include "server/text/utf8.h"

namespace reprise::spend {

base::Status CheckText(std::string_view what, std::string_view text, std::size_t bytes_max) {
  const std::string name = "'" + std::string(what) + "'";
  if (text.size() > bytes_max) {
    return base::Error{base::Code::kTooLarge, name + " has " + std::to_string(text.size()) +
                                                  " bytes, the limit is " +
                                                  std::to_string(bytes_max)};
  }
  if (text.empty()) {
    return base::Error{base::Code::kBadRequest, name + " must have at least 1 byte"};
  }
  constexpr char32_t kSpace = 0x20;
  constexpr char32_t kDelete = 0x7f;
  while (!text.empty()) {
    const text::CodePoint first = text::FirstCodePoint(text);
    if (first.bytes == 0 || first.value < kSpace || first.value == kDelete) {
      return base::Error{base::Code::kBadRequest,
                         name + " must be UTF-8 without control characters"};
    }
    text.remove_prefix(first.bytes);
  }
  return base::Ok{};
}

}  // namespace reprise::spend
