// Explain: what would happen to a question, and which entries are nearest to it.
//
// For people who ask why there was no hit. Nearest are entries of the same namespace with the same
// prompt (but for what tier `normalized` looks over) and another identity, told field by field;
// behind them those whose prompts share most words. The search reads rows one after the other, up
// to a bound, and says how many it read.
//
// Threads: a storage thread (it reads the disk). Errors: as Cache::Lookup. Complexity: O(rows read
// x bytes). Source of the measure: the Jaccard index of the two sets of words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"

namespace reprise::cache {

// One place where two identities differ, as JSON; empty where one has nothing.
struct Difference {
  std::string path;  // tools[0].function.name
  std::string asked;
  std::string stored;
};

struct Neighbour {
  std::uint64_t id = 0;
  std::string prompt;  // cut to kShownBytes
  std::string model;
  base::UnixMillis expires_at{0};
  bool same_prompt = false;
  double overlap = 0;  // of the words, 0 to 1
  std::vector<Difference> differences;
};

struct Neighbourhood {
  std::vector<Neighbour> nearest;  // at most kNeighbours
  std::uint64_t rows_read = 0;
  bool complete = true;  // false: there are more rows than the bound
};

inline constexpr std::size_t kNeighbours = 3;
inline constexpr std::size_t kDifferences = 16;
inline constexpr std::size_t kShownBytes = 120;
inline constexpr double kOverlapMin = 0.5;

// Of two identities in canonical form (either may be empty), in the order of the asked one. Errors:
// kBadRequest when one is no MessagePack.
base::Result<std::vector<Difference>> DifferencesOf(std::string_view asked,
                                                    std::string_view stored);

// Shared words of two normalized prompts, of all their words.
double WordOverlap(std::string_view one, std::string_view other);

}  // namespace reprise::cache
