// Stem: what an English word is without its endings, so that "cancelled" and "cancelling" agree.
//
// Rules, in order: plural s, es, ies; ed and ing when a vowel is left in front, with the e or the
// single consonant that they took ("hoping" is "hope", "hopping" is "hop"); ation, ness, ment, ate,
// ly and ion of long words; a final e where no other word is made of it ("plane" is not "plan").
// The idea of measure is Porter's (An algorithm for suffix stripping, 1980); the rules are fewer.
// The result need not be a word, it only has to be the same for the forms of one. Comparatives
// (-er, -est) stay, because they change the question. Irregular forms stand in the lexicon.
//
// Units: bytes of folded text; a word with a byte outside a to z comes back as it is. Errors: none.
// Complexity: O(bytes). Threads: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace reprise::match {

// Longer words are names of something and stay; it bounds the rules, which look back.
inline constexpr std::size_t kStemBytesMax = 40;

std::string Stem(std::string_view folded);

}  // namespace reprise::match
