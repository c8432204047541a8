// Owns the logistic model. The weights are generated.
#include "server/match/model.h"

#include <cmath>
#include <iterator>

namespace reprise::match {
namespace {

struct Weight {
  std::string_view feature;
  double weight;
};

// The product of two features.
struct Product {
  std::size_t one;
  std::size_t other;
  double weight;
};

#include "server/match/weights.inc"

}  // namespace

double Probability(const Features& features) {
  double sum = kBias;
  for (std::size_t i = 0; i < std::size(kWeights); ++i) {
    sum += kWeights[i].weight * static_cast<double>(features[i]);
  }
  for (const Product& product : kProducts) {
    sum += product.weight * static_cast<double>(features[product.one]) *
           static_cast<double>(features[product.other]);
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
