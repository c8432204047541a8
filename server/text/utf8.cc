#include "server/text/utf8.h"

namespace reprise::text {
namespace {

std::uint8_t ByteAt(std::string_view text, std::size_t index) {
  return static_cast<std::uint8_t>(text[index]);
}

bool IsContinuation(std::uint8_t byte) {
  return (byte & 0xC0U) == 0x80U;
}

struct Lead {
  std::size_t bytes;  // 0: no sequence begins with this byte
  std::uint8_t bits;  // of the code point that the lead byte carries
  char32_t least;     // smaller code points have a shorter form
};

Lead LeadOf(std::uint8_t byte) {
  if (byte < 0x80U) {
    return {1, byte, 0};
  }
  if (byte >= 0xC2U && byte < 0xE0U) {
    return {2, static_cast<std::uint8_t>(byte & 0x1FU), 0x80};
  }
  if (byte >= 0xE0U && byte < 0xF0U) {
    return {3, static_cast<std::uint8_t>(byte & 0x0FU), 0x800};
  }
  if (byte >= 0xF0U && byte < 0xF5U) {
    return {4, static_cast<std::uint8_t>(byte & 0x07U), 0x10000};
  }
  return {0, 0, 0};
}

}  // namespace

CodePoint FirstCodePoint(std::string_view text) {
  if (text.empty()) {
    return {};
  }
  const Lead lead = LeadOf(ByteAt(text, 0));
  if (lead.bytes == 0 || lead.bytes > text.size()) {
    return {};
  }
  char32_t value = lead.bits;
  for (std::size_t i = 1; i < lead.bytes; ++i) {
    const std::uint8_t byte = ByteAt(text, i);
    if (!IsContinuation(byte)) {
      return {};
    }
    value = (value << 6U) | (byte & 0x3FU);
  }
  const bool is_surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < lead.least || is_surrogate || value > 0x10FFFF) {
    return {};
  }
  return {value, lead.bytes};
}

void AppendUtf8(char32_t code_point, std::string& out) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0U | (code_point >> 6U));
    put(0x80U | (code_point & 0x3FU));
  } else if (code_point < 0x10000) {
    put(0xE0U | (code_point >> 12U));
    put(0x80U | ((code_point >> 6U) & 0x3FU));
    put(0x80U | (code_point & 0x3FU));
  } else {
    put(0xF0U | (code_point >> 18U));
    put(0x80U | ((code_point >> 12U) & 0x3FU));
    put(0x80U | ((code_point >> 6U) & 0x3FU));
    put(0x80U | (code_point & 0x3FU));
  }
}

}  // namespace reprise::text
