// Trainer: a linear support vector machine for many classes, one against the rest, from examples.
//
// Dual coordinate descent with the squared hinge (Hsieh et al., ICML 2008) and shrinking. Weights
// are kept for one class at a time; what is learned goes out as small integers. Units: none.
// Threads: one call. Errors: kBadRequest (too few examples or categories), kTooLarge. Complexity:
// about O(categories x examples x features of one, some ten times): seconds for 10,000 examples of
// 100 categories. Limits: limits::kCategories, kExampleBytes. Randomness: from `seed`; the same
// examples give the same model.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "server/jobs/classifier.h"

namespace reprise::jobs {

struct TrainOptions {
  double cost = 1.0;  // of an example on the wrong side
  int rounds = 40;    // at most
  double tolerance = 0.1;
  std::uint64_t seed = 1;
  std::uint32_t bucket_bits = 0;  // 0: as many as fit into kModelBytesMax
};

base::Result<Classifier> Train(const std::vector<Example>& examples, const TrainOptions& options);

}  // namespace reprise::jobs
