// Evidence: what a namespace has learned about hits of one query type.
//
// Three sources, kept apart because they mean different things: labelled pairs given to
// CACHE.CALIBRATE, verified hits (chosen at random, so their wrong share is an unbiased estimate),
// and feedback on hits that were served (biased: people complain more than they praise). The
// threshold goes by all three.
//
// Threads: one owner at a time. Errors: kCorrupt. Format: FORMAT.md. Limits: counts saturate.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "server/semantic/budget.h"

namespace reprise::semantic {

enum class Source : std::uint8_t { kCalibration, kVerified, kFeedback };

struct Evidence {
  Tally calibration;
  Tally verified;
  Tally feedback;

  Tally& of(Source source);
  Tally All() const;
  bool operator==(const Evidence&) const = default;

  std::string Format() const;
  static base::Result<Evidence> Parse(std::string_view row);
};

// The wrong share of verified hits above the threshold, with its two-sided interval.
struct Estimate {
  std::uint64_t pairs = 0;
  std::uint64_t wrong = 0;
  double share = 0;
  double low = 0;  // Wilson, 95 %
  double high = 1;
};
Estimate EstimateOf(const Tally& tally, double threshold);

}  // namespace reprise::semantic
