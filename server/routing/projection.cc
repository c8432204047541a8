#include "server/routing/projection.h"

#include <cmath>

#include "server/routing/arithmetic.h"
#include "server/routing/packed_table.h"
#include "server/routing/words.h"

namespace reprise::routing {
namespace {

#include "server/routing/projection.inc"

static_assert(sizeof(kComponents) == kPlaceWidth * kInputWidth + 1);

// Signs from a hash: the same on every machine, and nothing to keep.
Place AtRandom(std::span<const float> vector) {
  constexpr std::uint64_t kSeed = 0x726f7574696e6731U;
  Place place{};
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const std::uint64_t signs = Mix(kSeed + i);
    for (std::size_t j = 0; j < kPlaceWidth; ++j) {
      place[j] += ((signs >> j) & 1U) != 0 ? vector[i] : -vector[i];
    }
  }
  const float scale = 1.0F / std::sqrt(static_cast<float>(kPlaceWidth));
  for (float& value : place) {
    value *= scale;
  }
  return place;
}

}  // namespace

Projection::Projection() : components_(kInputWidth * kPlaceWidth) {
  for (std::size_t i = 0; i < kInputWidth; ++i) {
    for (std::size_t j = 0; j < kPlaceWidth; ++j) {
      components_[i * kPlaceWidth + j] =
          kComponentScales[j] *
          static_cast<float>(UnpackedNumber(kComponents[j * kInputWidth + i]));
    }
  }
  std::copy(std::begin(kProjectedMean), std::end(kProjectedMean), mean_.begin());
}

Place Projection::Apply(std::span<const float> vector, bool is_use_lite) const {
  if (!is_use_lite || vector.size() != kInputWidth) {
    return AtRandom(vector);
  }
  Place place{};
  MultiplyRows(vector.data(), components_.data(), {kInputWidth, kPlaceWidth}, place.data());
  for (std::size_t i = 0; i < kPlaceWidth; ++i) {
    place[i] -= mean_[i];
  }
  return place;
}

Place UnitOf(const Place& place) {
  const float square = Dot(place.data(), place.data(), kPlaceWidth);
  const float scale = square > 0 ? 1.0F / std::sqrt(square) : 0.0F;
  Place unit = place;
  for (float& value : unit) {
    value *= scale;
  }
  return unit;
}

}  // namespace reprise::routing
