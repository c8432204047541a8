// Spelling: whether two words are one word written differently: a slip of the keyboard, or the
// first letters of a name's words.
//
// Units: bytes of folded text. Errors: none. Complexity: O(bytes of one x bytes of the other), at
// most kSpellingBytesMax each; longer words only equal themselves. Threads: any.
#pragma once

#include <cstddef>
#include <string_view>

namespace reprise::match {

inline constexpr std::size_t kSpellingBytesMax = 32;

// Letters put in, left out, changed or swapped with their neighbour (optimal string alignment), or
// most + 1 when it is more than `most`.
std::size_t EditDistance(std::string_view one, std::string_view other, std::size_t most);

// One slip in words of four letters, two in words of eight. Words with a digit never are.
bool IsSlip(std::string_view one, std::string_view other);

}  // namespace reprise::match
