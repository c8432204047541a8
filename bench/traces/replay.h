// Replay: a trace through the cache's own index and policies, and the best that could be had.
//
// Units: nano-dollars, bytes, requests. Threads: any. Errors: none. Lifetime: arguments are used
// during the call only. Complexity: O(requests), the optima O(requests log requests).
#pragma once

#include <cstdint>
#include <vector>

#include "bench/traces/answers.h"
#include "server/cache/bounds.h"
#include "server/config/options.h"

namespace reprise::bench {

struct Saved {
  double hits = 0;  // of the relaxed optimum not a whole number
  double nano = 0;
};

// The same questions in the same order; `answers` by question.
struct Load {
  const std::vector<std::uint32_t>& trace;
  const std::vector<Answer>& answers;
};

// What a cache without bound would save: each question is computed once.
Saved Unbounded(const Load& load);
Saved Replay(const Load& load, config::EvictionPolicy policy, const cache::Room& bound);
// Hits of Belady's rule, which knows the future: the entry that is asked for again last goes, be it
// the new one. The optimum when it is entries that are bounded.
double BeladyHits(const Load& load, std::uint64_t entries_max);
// No cache within the bound saves more. Keeping an answer from one request to the next one for it
// takes its room for so many requests; all that is kept takes no more than the bound times the
// requests. The best choice under that one condition alone is by what is saved for the room taken;
// a cache has to keep the bound at every moment besides.
Saved UpperBound(const Load& load, const cache::Room& bound);

}  // namespace reprise::bench
