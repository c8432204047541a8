// Prior: what the shipped model is worth before a namespace has evidence of its own.
//
// Judged pairs of the project's own corpus that the weights were not fitted on, by probability:
// bench/quality/fit.py writes prior.inc. Threads: any; constant data. Errors: none.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/semantic/budget.h"

namespace reprise::semantic {

// What was known when a pair was judged: nothing but the two questions, or also what else is
// stored. A probability means the same in both; how many pairs of which kind come by does not.
enum class Setting : std::uint8_t { kAlone, kInCrowd };

// Empty for an embedder that nothing is known of: then only evidence counts.
const Tally& PriorOf(std::string_view fingerprint, Setting setting);

}  // namespace reprise::semantic
