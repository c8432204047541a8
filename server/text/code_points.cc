#include "server/text/code_points.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "protocol/base/ensure.h"

namespace reprise::text {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Most of what is written in Latin, Cyrillic, Japanese, Chinese and Korean.
constexpr std::array kSettled{
    Range{0x0000, 0x02FF},  // Latin, phonetic letters
    Range{0x0400, 0x0481},  // Cyrillic
    Range{0x2010, 0x2027},  // dashes, quotation marks, the ellipsis
    Range{0x3041, 0x3096},  // Hiragana
    Range{0x30A1, 0x30FA},  // Katakana
    Range{0x4E00, 0x9FFF},  // ideographs
    Range{0xAC00, 0xD7A3},  // Hangul syllables
    Range{0xFF01, 0xFF5E},  // full-width forms of ASCII
};

// Canonical order of combining marks. The library's own ordering is quadratic in the length of a
// run of marks, which a prompt may choose; see notes/0001-normal-form.md.
void OrderMarks(CodePoints& text) {
  const auto class_of = [](utf8proc_int32_t code_point) {
    return utf8proc_get_property(code_point)->combining_class;
  };
  const auto is_starter = [&class_of](utf8proc_int32_t code_point) {
    return class_of(code_point) == 0;
  };
  auto begin = text.begin();
  while (begin != text.end()) {
    begin = std::find_if_not(begin, text.end(), is_starter);
    const auto end = std::find_if(begin, text.end(), is_starter);
    std::stable_sort(begin, end, [&class_of](utf8proc_int32_t a, utf8proc_int32_t b) {
      return class_of(a) < class_of(b);
    });
    begin = end;
  }
}

}  // namespace

bool IsSettled(char32_t code_point) {
  for (const Range& range : kSettled) {
    if (code_point <= range.last) {
      return code_point >= range.first;
    }
  }
  return false;
}

void AppendDecomposed(char32_t code_point, utf8proc_option_t how, CodePoints& out) {
  const std::size_t size = out.size();
  out.resize(size + kExpansionMax);
  int boundary_state = 0;
  const utf8proc_ssize_t written =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code_point), out.data() + size,
                              kExpansionMax, how, &boundary_state);
  ENSURE(written >= 0 && static_cast<std::size_t>(written) <= kExpansionMax);
  out.resize(size + static_cast<std::size_t>(written));
}

void OrderAndCompose(CodePoints& text) {
  constexpr auto kCompose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
  OrderMarks(text);
  const utf8proc_ssize_t composed =
      utf8proc_normalize_utf32(text.data(), static_cast<utf8proc_ssize_t>(text.size()), kCompose);
  ENSURE(composed >= 0);
  text.resize(static_cast<std::size_t>(composed));
}

}  // namespace reprise::text
