// Rate limits as people write them: "chat: 60 per 1m", and what makes one valid.
//
//   name: 60 per 1m              at most 60 at once, one more each second
//   name: 90000 per 1m burst 120000
//   name: window 5 per 1h        at most 5 in any hour
//   name: 10 at a time           concurrency; a holder that says nothing loses its place in 1m
//   name: 10 at a time for 5m
//
// What a limit counts is decided in server/rate. Units: milliseconds, whole units of what is
// limited. Errors: a problem is a sentence for people, empty when there is none; ParseRate answers
// kBadRequest. Threads: values. Complexity: O(bytes). Limits: limits::kRate*.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/result.h"

namespace reprise::config {

// Numbers are stored on disk (server/rate/FORMAT.md): append only.
enum class RateAlgorithm : std::uint8_t {
  kGcra,         // a bucket of `burst` that fills at limit / period
  kWindow,       // at most `limit` in any `period_ms`
  kConcurrency,  // at most `limit` held at a time
};
// "gcra", "window", "concurrency"
std::string_view NameOf(RateAlgorithm algorithm);
std::optional<RateAlgorithm> RateAlgorithmNamed(std::string_view name);

struct RateRule {
  RateAlgorithm algorithm = RateAlgorithm::kGcra;
  std::int64_t limit = 0;
  std::int64_t period_ms = 0;  // not of kConcurrency
  std::int64_t burst = 0;      // of kGcra
  std::int64_t lease_ms = 0;   // of kConcurrency

  friend bool operator==(const RateRule&, const RateRule&) = default;
};

struct NamedRate {
  std::string name;
  RateRule rule;
};

// As given: 0 where nothing was said. Answers the rule with its defaults, or what contradicts what.
base::Result<RateRule> CompleteRate(const RateRule& given);

base::Result<NamedRate> ParseRate(std::string_view text);
// For the table of settings; the sentence does not say which part is wrong, ParseRate does.
std::string_view RateProblem(std::string_view text);
// Letters, digits, '.', '_' and '-'; the first one a letter or digit.
std::string_view RateNameProblem(std::string_view name);

}  // namespace reprise::config
