// Prior: what the shipped model is worth before a namespace has evidence of its own.
//
// Judged pairs of the project's own corpus that the weights were not fitted on, by probability:
// bench/quality/fit.py writes prior.inc. Threads: any; constant data. Errors: none.
#pragma once

#include <string_view>

#include "server/semantic/budget.h"

namespace reprise::semantic {

// Empty for an embedder that nothing is known of: then only evidence counts.
const Tally& PriorOf(std::string_view fingerprint);

}  // namespace reprise::semantic
