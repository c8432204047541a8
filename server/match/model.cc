// Owns the logistic model. The weights are generated.
#include "server/match/model.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace reprise::match {
namespace {

// A feature counts for something else when vectors, and then other stored questions, are there to
// say it better.
struct Weight {
  std::string_view feature;
  double by_words;
  double alone;
  double in_crowd;
};

#include "server/match/weights.inc"

// By one set of weights.
double By(double Weight::*column, const Features& features) {
  double sum = kBias.*column;
  for (std::size_t i = 0; i < std::size(kWeights); ++i) {
    sum += kWeights[i].*column * static_cast<double>(features[i]);
  }
  return std::isfinite(sum) ? 1.0 / (1.0 + std::exp(-sum)) : 0.0;
}

}  // namespace

double Probability(const Features& features) {
  const auto has = [&](Feature flag) { return features[static_cast<std::size_t>(flag)] > 0; };
  if (!has(Feature::kShared)) {
    return 0;
  }
  if (!has(Feature::kHasVectors)) {
    return By(&Weight::by_words, features);
  }
  const double alone = By(&Weight::alone, features);
  if (!has(Feature::kCrowd)) {
    return alone;
  }
  // What is stored besides says which question is meant, not that it is the same: a trap of a
  // question is nearer to it than all others, too. Only of statements does it say enough.
  const double in_crowd = By(&Weight::in_crowd, features);
  return has(Feature::kStatements) ? in_crowd : std::min(alone, in_crowd);
}

bool WeighsAlignment(bool in_crowd) {
  const auto column = in_crowd ? &Weight::in_crowd : &Weight::alone;
  return std::any_of(std::begin(kWeights) + static_cast<std::ptrdiff_t>(Feature::kAlignment),
                     std::end(kWeights),
                     [column](const Weight& weight) { return weight.*column != 0; });
}

std::uint32_t ModelFeaturesVersion() {
  return kVersion;
}

std::size_t ModelFeatures() {
  return std::size(kWeights);
}

std::string_view ModelFeatureName(std::size_t index) {
  return kWeights[index].feature;
}

Assessment Assess(const Words& stored, const Words& asked, const Outside* outside) {
  const Pairing pairing = Pair(stored, asked);
  Assessment assessment;
  assessment.verdicts = Judge(pairing);
  assessment.features = ComputeFeatures(pairing, assessment.verdicts, outside);
  const bool vetoed = FindVeto(assessment.verdicts) != nullptr;
  assessment.probability = vetoed ? 0.0 : Probability(assessment.features);
  return assessment;
}

}  // namespace reprise::match
