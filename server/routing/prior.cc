#include "server/routing/prior.h"

#include <algorithm>

#include "server/routing/arithmetic.h"
#include "server/routing/packed_table.h"
#include "server/routing/reader.h"

namespace reprise::routing {
namespace {

#include "server/routing/prior.inc"

static_assert(sizeof(kTraitWeights) == kTraits * kTraitInputs + 1);
static_assert(kTraitInputs == kDenseWidth - kTraits);

}  // namespace

std::uint32_t PriorVersion() {
  return kPriorVersion;
}

Prior::Prior() : weights_(kTraits * kTraitInputs) {
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    weights_[i] =
        kTraitScales[i / kTraitInputs] * static_cast<float>(UnpackedNumber(kTraitWeights[i]));
  }
}

void Prior::TraitsOf(std::span<const float> input, float* traits) const {
  for (std::size_t i = 0; i < kTraits; ++i) {
    traits[i] =
        kTraitOffsets[i] + Dot(weights_.data() + i * kTraitInputs, input.data(), kTraitInputs);
  }
}

FirstGuess FirstGuessOf(float rank) {
  const float share = std::clamp(rank, 0.0F, 1.0F);
  FirstGuess guess;
  guess.quality = kCheapQuality + share * (kStrongQuality - kCheapQuality);
  guess.weights[0] = kTraitSpreads[0] * (1 - share);
  guess.weights[1] = kTraitSpreads[1] * share;
  return guess;
}

}  // namespace reprise::routing
