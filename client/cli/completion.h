// Completion: what may follow the words typed so far.
//
// The first word completes to command names, later ones to the option names that the command has
// and the line does not hold yet. Threads: any. Errors: none. Complexity: O(rows).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/cli/rows.h"

namespace reprise::client {

struct Completion {
  std::size_t start = 0;                // where the word to be completed begins
  std::vector<std::string> candidates;  // whole words, sorted
  std::string usage;                    // the argument line of the command, when one is typed
};

// `line` up to the cursor.
Completion Complete(std::string_view line, const Rows& rows);

// The longest beginning that all candidates share; empty when there are none.
std::string CommonPrefix(const std::vector<std::string>& candidates);

}  // namespace reprise::client
