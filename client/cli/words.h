// Words: a typed line, split as a person means it.
//
// White space separates words. 'single quotes' keep everything; "double quotes" know \" \\ \n \t.
// Brackets keep JSON together: {"a": [1, 2]} is one word, with the quotes inside it left as they
// are. Threads: any. Errors: kBadRequest (a quote or bracket that is not closed; see IsOpen).
// Complexity: O(bytes).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace reprise::client {

struct Word {
  std::string text;
  bool quoted = false;  // it was written in quotes, so it is text whatever it looks like
};

base::Result<std::vector<Word>> SplitWords(std::string_view line);

// Whether a quote or bracket is still open, so that the next line belongs to this one.
bool IsOpen(std::string_view line);

}  // namespace reprise::client
