// Beginning: at most so many bytes of a text, without cutting a code point.
//
// Internal to server/embed. Threads: any. Errors: none. Complexity: O(1). Lifetime: the view is of
// the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reprise::embed {

inline std::string_view Beginning(std::string_view text, std::size_t bytes_max) {
  constexpr std::size_t kContinuationsMax = 3;
  if (text.size() <= bytes_max) {
    return text;
  }
  std::size_t size = bytes_max;
  for (std::size_t i = 0; i < kContinuationsMax && size > 0; ++i) {
    if ((static_cast<std::uint8_t>(text[size]) & 0xC0U) != 0x80U) {
      break;
    }
    --size;
  }
  return text.substr(0, size);
}

}  // namespace reprise::embed
