// Owns the normal form of a prompt. Does not decide what a cache does with it.
#include "server/text/normalize.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utf8proc.h>

#include "server/text/code_points.h"
#include "server/text/utf8.h"

namespace reprise::text {
namespace {

constexpr std::uint8_t kNotAscii = 0xFF;

// What the fast path writes for a byte: white space as ' ', capitals as small letters.
constexpr std::array<std::uint8_t, 256> kAsciiFold = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t byte = 0; byte < table.size(); ++byte) {
    if (byte >= 0x80) {
      table[byte] = kNotAscii;
    } else if (byte >= '\t' && byte <= '\r') {
      table[byte] = ' ';
    } else if (byte >= 'A' && byte <= 'Z') {
      table[byte] = static_cast<std::uint8_t>(byte + ('a' - 'A'));
    } else {
      table[byte] = static_cast<std::uint8_t>(byte);
    }
  }
  return table;
}();

// The property White_Space. Most have become U+0020 before this is asked (NFKC).
bool IsWhiteSpace(char32_t code_point) {
  switch (code_point) {
    case 0x20:
    case 0x85:
    case 0xA0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202F:
    case 0x205F:
    case 0x3000:
      return true;
    default:
      return (code_point >= 0x09 && code_point <= 0x0D) ||
             (code_point >= 0x2000 && code_point <= 0x200A);
  }
}

// Marks that end a sentence. Full-width, small, vertical and repeated forms and ellipses have
// become these under NFKC.
bool IsTerminal(char32_t code_point) {
  switch (code_point) {
    case '.':
    case '!':
    case '?':
    case 0xA1:    // inverted exclamation mark
    case 0xBF:    // inverted question mark
    case 0x589:   // Armenian full stop
    case 0x61E:   // Arabic triple dot
    case 0x61F:   // Arabic question mark
    case 0x6D4:   // Arabic full stop
    case 0x964:   // danda
    case 0x965:   // double danda
    case 0x104B:  // Myanmar section
    case 0x1362:  // Ethiopic full stop
    case 0x1367:  // Ethiopic question mark
    case 0x17D4:  // Khmer khan
    case 0x203D:  // interrobang
    case 0x2E18:  // inverted interrobang
    case 0x2E2E:  // reversed question mark
    case 0x3002:  // ideographic full stop
      return true;
    default:
      return false;
  }
}

// Spanish opens a sentence with these.
bool IsOpening(char32_t code_point) {
  return code_point == 0xA1 || code_point == 0xBF || code_point == 0x2E18;
}

bool IsDigit(char32_t code_point) {
  return code_point >= '0' && code_point <= '9';
}

// The end of `text` (folded, white space collapsed to ' ', not at the ends) without terminal
// punctuation and the white space before it; 0 when there is nothing else.
template <typename Unit>
std::size_t EndWithoutTerminals(const Unit* text, std::size_t size) {
  const auto at = [text](std::size_t index) {
    if constexpr (sizeof(Unit) == 1) {
      return static_cast<char32_t>(static_cast<std::uint8_t>(text[index]));
    } else {
      return static_cast<char32_t>(text[index]);
    }
  };
  std::size_t end = size;
  while (end > 0) {
    const char32_t last = at(end - 1);
    if (last == '!') {
      std::size_t start = end;
      while (start > 0 && at(start - 1) == '!') {
        --start;
      }
      if (start > 0 && IsDigit(at(start - 1))) {
        return end;  // A factorial: "5!" does not ask what "5" asks.
      }
      end = start;
    } else if (last == ' ' || IsTerminal(last)) {
      --end;
    } else {
      return end;
    }
  }
  return 0;
}

// False when `prompt` is not ASCII; `out` is then garbage.
bool NormalizeAscii(std::string_view prompt, std::string& out) {
  out.resize(prompt.size());
  char* write = out.data();
  bool after_space = true;  // drops leading white space
  for (const char byte : prompt) {
    const std::uint8_t folded = kAsciiFold[static_cast<std::uint8_t>(byte)];
    if (folded == kNotAscii) [[unlikely]] {
      return false;
    }
    *write = static_cast<char>(folded);
    const bool is_space = folded == ' ';
    write += (is_space && after_space) ? 0 : 1;
    after_space = is_space;
  }
  auto size = static_cast<std::size_t>(write - out.data());
  if (size > 0 && out[size - 1] == ' ') {
    --size;
  }
  const std::size_t end = EndWithoutTerminals(out.data(), size);
  out.resize(end == 0 ? size : end);  // A prompt of only punctuation stays.
  return true;
}

constexpr auto kFolding = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPAT |
                                                         UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);

// Superscript digits, signs and n: compatibility forms that change what is asked. 10 to the power
// of 6 is not 106.
bool IsPower(char32_t code_point) {
  return code_point == 0xB2 || code_point == 0xB3 || code_point == 0xB9 ||
         (code_point >= 0x2070 && code_point <= 0x207F);
}

void AppendFolded(char32_t code_point, CodePoints& out) {
  if (IsPower(code_point)) {
    out.push_back(static_cast<utf8proc_int32_t>(code_point));
  } else {
    AppendDecomposed(code_point, kFolding, out);
  }
}

// Runs of white space become one space, those at the ends go.
void CollapseWhiteSpace(CodePoints& text) {
  auto write = text.begin();
  bool after_space = true;
  for (const utf8proc_int32_t code_point : text) {
    const bool is_space = IsWhiteSpace(static_cast<char32_t>(code_point));
    if (!(is_space && after_space)) {
      *write++ = is_space ? ' ' : code_point;
    }
    after_space = is_space;
  }
  if (write != text.begin() && *(write - 1) == ' ') {
    --write;
  }
  text.erase(write, text.end());
}

void EncodeTrimmed(const CodePoints& text, std::string& out) {
  std::size_t begin = 0;
  std::size_t end = EndWithoutTerminals(text.data(), text.size());
  if (end == 0) {
    end = text.size();  // A prompt of only punctuation stays.
  } else {
    while (text[begin] == ' ' || IsOpening(static_cast<char32_t>(text[begin]))) {
      ++begin;
    }
  }
  out.clear();
  for (std::size_t i = begin; i < end; ++i) {
    AppendUtf8(static_cast<char32_t>(text[i]), out);
  }
}

base::Error NotUtf8(std::size_t offset) {
  return {base::Code::kBadRequest,
          "the text is not valid UTF-8 at byte offset " + std::to_string(offset)};
}

base::Status NormalizeUnicode(std::string_view prompt, std::string& out) {
  CodePoints text;
  text.reserve(prompt.size() + kExpansionMax);
  std::size_t offset = 0;
  while (offset < prompt.size()) {
    const CodePoint next = FirstCodePoint(prompt.substr(offset));
    if (next.bytes == 0) {
      return NotUtf8(offset);
    }
    AppendFolded(next.value, text);
    offset += next.bytes;
  }
  OrderAndCompose(text);
  CollapseWhiteSpace(text);
  EncodeTrimmed(text, out);
  return base::Ok{};
}

}  // namespace

base::Status Normalize(std::string_view prompt, std::string& out) {
  if (NormalizeAscii(prompt, out)) {
    return base::Ok{};
  }
  return NormalizeUnicode(prompt, out);
}

base::Status CheckUtf8(std::string_view text) {
  std::size_t offset = 0;
  while (offset < text.size()) {
    if (static_cast<std::uint8_t>(text[offset]) < 0x80) {
      ++offset;
      continue;
    }
    const CodePoint next = FirstCodePoint(text.substr(offset));
    if (next.bytes == 0) {
      return NotUtf8(offset);
    }
    offset += next.bytes;
  }
  return base::Ok{};
}

}  // namespace reprise::text
