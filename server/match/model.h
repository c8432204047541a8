// Model: the probability that the stored answer serves the asked question.
//
// A logistic model over the features, with three sets of weights: for words alone, for a pair with
// vectors, and for a pair with vectors of which is known what else is stored. Fitted by
// bench/quality/fit.py, which writes weights.inc. A veto of the guards is not its business: ask
// FindVeto first.
//
// Units: a probability. Errors: none; a feature that is not finite gives 0. Complexity:
// O(features). Threads: any.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/match/features.h"

namespace reprise::match {

// 0 also when the two texts share no word that says something, whatever their vectors say.
double Probability(const Features& features);

// Whether the vectors of words weigh anything there: what weighs nothing need not be computed, and
// these cost an embedding a text. The fit decides.
bool WeighsAlignment(bool in_crowd);

// What the weights were fitted for; tests compare these with the features.
std::uint32_t ModelFeaturesVersion();
std::size_t ModelFeatures();
std::string_view ModelFeatureName(std::size_t index);

// All of it in one call.
struct Assessment {
  Verdicts verdicts;
  Features features{};
  double probability = 0;  // 0 when a guard vetoes
};

// `outside` may be null.
Assessment Assess(const Words& stored, const Words& asked, const Outside* outside);

}  // namespace reprise::match
