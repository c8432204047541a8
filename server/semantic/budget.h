// Budget: from which probability on a stored answer may be served, so that the share of wrong ones
// stays inside what the operator allows.
//
// A tally counts judged pairs by the probability that they had been given. The wrong share of all
// pairs above a threshold is known only as well as there are pairs; what counts is its one-sided
// upper confidence bound (Clopper and Pearson, Biometrika 26, 1934), so few pairs mean no hit. The
// threshold is found by going from the strictest one down until the bound leaves the budget: tests
// in a fixed order need no correction for their number (Angelopoulos et al., "Learn then test",
// arXiv 2110.01052).
//
// Evidence of a namespace adds to the prior that is shipped, which counts the less the more there
// is. Units: shares and probabilities from 0 to 1. Threads: any; plain values. Errors: none.
// Complexity: O(kBins). Limits: counts saturate at 2^32 - 1.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace reprise::semantic {

// Bins of equal width in the logit of the probability, so that they are narrow near 1.
inline constexpr std::size_t kBins = 160;
std::size_t BinOf(double probability);
// The lowest probability of the bin.
double FloorOf(std::size_t bin);

struct Tally {
  std::array<std::uint32_t, kBins> right{};
  std::array<std::uint32_t, kBins> wrong{};

  void Add(double probability, bool is_right, std::uint32_t count = 1);
  void Add(const Tally& other);
  std::uint64_t size() const;
  bool operator==(const Tally&) const = default;
};

// The share that the true one is below with this confidence, after `wrong` of `total`. Counts may
// be fractions (weighted pairs). 1 when there is nothing to go by.
double UpperBound(double wrong, double total, double confidence);

struct Ruling {
  bool serves = false;   // there is a threshold that keeps the budget
  double threshold = 1;  // serve from this probability on
  double bound = 1;      // of the wrong share, at the threshold
  double observed = 0;   // wrong share of the pairs above it
  double hit_share = 0;  // of all pairs, those above it
  double pairs = 0;      // above it; weighted
};

struct BudgetOptions {
  double max_error = 0.02;
  double confidence = 0.99;
};

// The lowest threshold that keeps the budget by `tally` alone.
Ruling ThresholdOf(const Tally& tally, const BudgetOptions& options);
// By the prior and the evidence together: each pair of evidence takes the weight of the prior down,
// to nothing at kPriorPairs.
inline constexpr double kPriorPairs = 400;
Ruling ThresholdOf(const Tally& prior, const Tally& evidence, const BudgetOptions& options);

}  // namespace reprise::semantic
