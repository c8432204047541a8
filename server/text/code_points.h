// CodePoints: text as numbers, and the steps that the normal forms share.
//
// Internal to server/text. Units: Unicode code points. Errors: none. Complexity: O(code points),
// but O(n log n) for n combining marks in a row. Threads: any.
#pragma once

#include <utf8proc.h>
#include <vector>

namespace reprise::text {

using CodePoints = std::vector<utf8proc_int32_t>;

// Room for what one code point becomes; Unicode's longest decomposition has 18.
inline constexpr std::size_t kExpansionMax = 32;

// NFC never changes it, whatever stands before or behind it. Some code points of which that is true
// are missing here; nfc_test.cc checks those that are not.
bool IsSettled(char32_t code_point);

void AppendDecomposed(char32_t code_point, utf8proc_option_t how, CodePoints& out);

// Puts combining marks in their canonical order and composes, as NFC and NFKC end.
void OrderAndCompose(CodePoints& text);

}  // namespace reprise::text
