// Owns the logistic model. The weights are generated.
#include "server/match/model.h"

#include <cmath>
#include <iterator>

namespace reprise::match {
namespace {

// A feature counts for something else when vectors are there to say it better.
struct Weight {
  std::string_view feature;
  double by_words;
  double by_vectors;
};

#include "server/match/weights.inc"

}  // namespace

double Probability(const Features& features) {
  const bool has_vectors = features[static_cast<std::size_t>(Feature::kHasVectors)] > 0;
  double sum = has_vectors ? kBias.by_vectors : kBias.by_words;
  for (std::size_t i = 0; i < std::size(kWeights); ++i) {
    const double weight = has_vectors ? kWeights[i].by_vectors : kWeights[i].by_words;
    sum += weight * static_cast<double>(features[i]);
  }
  return std::isfinite(sum) ? 1.0 / (1.0 + std::exp(-sum)) : 0.0;
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
