// Context: what words mean beside each other: "twenty five" and "3.5 million" are one number, "5
// kg" a quantity, "Dec 5" a date, "python 3.11" a version, "not safe" a negated word.
//
// Internal to server/match. Changes `words` in place; words are merged, never added. Errors: none.
// Complexity: O(words). Threads: any.
#pragma once

#include "server/match/words.h"

namespace reprise::match {

void ReadContext(Words& words);

}  // namespace reprise::match
