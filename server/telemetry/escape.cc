#include "server/telemetry/escape.h"

#include <array>
#include <cstdint>
#include <cstdio>

#include "server/text/utf8.h"

namespace reprise::telemetry {
namespace {

// Code points that act on the reader instead of being read: controls, line separators, marks that
// turn the direction of text, invisible ones.
bool IsUnsafe(char32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7F && code_point <= 0x9F) || code_point == 0xAD ||
         code_point == 0x61C || (code_point >= 0x200B && code_point <= 0x200F) ||
         (code_point >= 0x2028 && code_point <= 0x202E) ||
         (code_point >= 0x2060 && code_point <= 0x206F) || code_point == 0xFEFF ||
         (code_point >= 0xFFF9 && code_point <= 0xFFFB);
}

void AppendFormatted(const char* format, std::uint32_t number, std::string& out) {
  std::array<char, 16> bytes{};
  const int size = std::snprintf(bytes.data(), bytes.size(), format, number);
  out.append(bytes.data(), static_cast<std::size_t>(size));
}

bool IsPlainWord(std::string_view value) {
  if (value.empty()) {
    return false;
  }
  for (const char byte : value) {
    const bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    const bool is_digit = byte >= '0' && byte <= '9';
    if (!is_letter && !is_digit &&
        std::string_view("_-.:/+@%,[]").find(byte) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

// The two-character escapes that both forms share; 0: there is none.
char ShortEscape(char32_t code_point) {
  switch (code_point) {
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '"':
      return '"';
    case '\\':
      return '\\';
    default:
      return 0;
  }
}

}  // namespace

void AppendTextValue(std::string_view value, std::string& out) {
  if (IsPlainWord(value)) {
    out += value;
    return;
  }
  out += '"';
  while (!value.empty()) {
    const text::CodePoint next = text::FirstCodePoint(value);
    if (next.bytes == 0) {
      AppendFormatted("\\x%02x", static_cast<std::uint8_t>(value[0]), out);
      value.remove_prefix(1);
      continue;
    }
    if (const char letter = ShortEscape(next.value); letter != 0) {
      out += '\\';
      out += letter;
    } else if (next.value < 0x80 && IsUnsafe(next.value)) {
      AppendFormatted("\\x%02x", static_cast<std::uint32_t>(next.value), out);
    } else if (IsUnsafe(next.value)) {
      AppendFormatted("\\u{%x}", static_cast<std::uint32_t>(next.value), out);
    } else {
      out += value.substr(0, next.bytes);
    }
    value.remove_prefix(next.bytes);
  }
  out += '"';
}

bool IsReadable(std::string_view value) {
  while (!value.empty()) {
    const text::CodePoint next = text::FirstCodePoint(value);
    if (next.bytes == 0 || IsUnsafe(next.value)) {
      return false;
    }
    value.remove_prefix(next.bytes);
  }
  return true;
}

void AppendJsonString(std::string_view value, std::string& out) {
  out += '"';
  while (!value.empty()) {
    const text::CodePoint next = text::FirstCodePoint(value);
    if (next.bytes == 0) {
      out += "\\ufffd";
      value.remove_prefix(1);
      continue;
    }
    if (const char letter = ShortEscape(next.value); letter != 0) {
      out += '\\';
      out += letter;
    } else if (IsUnsafe(next.value)) {  // All of them lie in the basic plane: four digits do.
      AppendFormatted("\\u%04x", static_cast<std::uint32_t>(next.value), out);
    } else {
      out += value.substr(0, next.bytes);
    }
    value.remove_prefix(next.bytes);
  }
  out += '"';
}

std::string_view CutAt(std::string_view value, std::size_t bytes) {
  if (value.size() <= bytes) {
    return value;
  }
  std::size_t end = bytes;
  // At most three steps back to the byte that begins the code point; more means it is not UTF-8.
  for (std::size_t back = 0; back < 4 && back <= bytes; ++back) {
    if ((static_cast<std::uint8_t>(value[bytes - back]) & 0xC0U) != 0x80U) {
      end = bytes - back;
      break;
    }
  }
  return value.substr(0, end);
}

}  // namespace reprise::telemetry
