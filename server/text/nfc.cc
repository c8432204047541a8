#include "server/text/nfc.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utf8proc.h>

#include "server/text/code_points.h"
#include "server/text/normalize.h"
#include "server/text/utf8.h"

namespace reprise::text {
namespace {

std::size_t AsciiPrefix(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  std::size_t size = 0;
  for (std::uint64_t word = 0; size + sizeof(word) <= text.size(); size += sizeof(word)) {
    std::memcpy(&word, text.data() + size, sizeof(word));
    if ((word & kHighBits) != 0) {
      break;
    }
  }
  while (size < text.size() && static_cast<std::uint8_t>(text[size]) < 0x80) {
    ++size;
  }
  return size;
}

// How many bytes at the beginning of `text` hold settled code points only; npos: it is not UTF-8.
std::size_t SettledPrefix(std::string_view text) {
  std::size_t size = AsciiPrefix(text);
  while (size < text.size()) {
    const CodePoint next = FirstCodePoint(text.substr(size));
    if (next.bytes == 0) {
      return std::string_view::npos;
    }
    if (!IsSettled(next.value)) {
      return size;
    }
    size += next.bytes;
  }
  return size;
}

}  // namespace

base::Result<std::string_view> Nfc(std::string_view text, std::string& scratch) {
  const std::size_t settled = SettledPrefix(text);
  if (settled == text.size()) {
    return text;
  }
  RETURN_IF_ERROR(CheckUtf8(text));
  constexpr auto kDecompose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  CodePoints code_points;
  code_points.reserve(text.size() + kExpansionMax);
  for (std::size_t offset = 0; offset < text.size();) {
    const CodePoint next = FirstCodePoint(text.substr(offset));
    AppendDecomposed(next.value, kDecompose, code_points);
    offset += next.bytes;
  }
  OrderAndCompose(code_points);
  scratch.clear();
  for (const utf8proc_int32_t code_point : code_points) {
    AppendUtf8(static_cast<char32_t>(code_point), scratch);
  }
  return scratch == text ? text : std::string_view(scratch);
}

}  // namespace reprise::text
