// Idf: how much a word says: the rarer in questions, the heavier.
//
// Weights are of canonical forms (words.h), learnt from the project's own pairs of questions by
// bench/quality/make_idf.py, which writes idf.inc. Units: natural logarithm of one over the share
// of questions. A word that is not in the table weighs kIdfUnseen. Errors: none. Complexity: O(log
// table). Threads: any.
#pragma once

#include <string_view>

namespace reprise::match {

inline constexpr float kIdfUnseen = 8.0F;

float IdfOf(std::string_view canon);

// Whether the table has it: a known word is not a misspelling of another known word.
bool IsKnownWord(std::string_view canon);

}  // namespace reprise::match
