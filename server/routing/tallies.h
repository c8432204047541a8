// Tallies: what routing did in a namespace, and how good its estimates were.
//
// Threads: one owner at a time. Errors: kCorrupt. Units: counts, nano-dollars, tokens,
// milliseconds, sums of qualities. Format: FORMAT.md. Limits: kModelsMax models; what comes later
// is "(other)". Lifetime: values.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "protocol/base/result.h"

namespace reprise::routing {

inline constexpr std::size_t kScoreBins = 10;
inline constexpr std::size_t kLevels = 4;
inline constexpr std::string_view kOtherModel = "(other)";

// Of one model.
struct ModelTally {
  std::uint64_t chosen = 0;
  std::uint64_t judged = 0;  // feedback with a quality
  double quality = 0;        // summed
  std::uint64_t errors = 0;
  std::uint64_t cost_nano = 0;  // of calls chosen: as told by feedback, until then as expected
  std::uint64_t tokens_in = 0;
  std::uint64_t tokens_out = 0;
  std::uint64_t timed = 0;  // feedback with a latency
  std::uint64_t latency_ms = 0;
  // What would have been, had it answered every judged call (doubly robust, from propensities).
  double always_quality = 0;
};

// Of judged answers with a score in one tenth.
struct ScoreBin {
  std::uint64_t count = 0;
  double score = 0;          // summed, 0 to 1
  std::uint64_t failed = 0;  // that were not good enough
};

struct Tallies {
  std::uint64_t decisions = 0;
  std::uint64_t cheap = 0;  // of those where there was a cheap and a dear model
  std::uint64_t mixed = 0;  // where there was both
  std::uint64_t critical = 0;
  std::uint64_t explored = 0;
  std::uint64_t stayed = 0;    // kept the conversation's model
  std::uint64_t shadow = 0;    // decided, but the strongest model answered
  std::uint64_t degraded = 0;  // by budget pressure
  std::array<std::uint64_t, kLevels> levels{};
  std::uint64_t strongest_cost_nano = 0;  // had the strongest model answered all
  std::uint64_t judged = 0;               // calls whose chosen model was judged
  double judged_quality = 0;              // of those, summed
  std::array<ScoreBin, kScoreBins> scores{};
  std::map<std::string, ModelTally, std::less<>> models;

  ModelTally& Of(std::string_view model);
  // Expected calibration error of the scores; 0 without any.
  double CalibrationError() const;

  std::string Format() const;
  static base::Result<Tallies> Parse(std::string_view row);
};

}  // namespace reprise::routing
