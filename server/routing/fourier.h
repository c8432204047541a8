// Fourier: random features whose inner product is about a Gaussian kernel of the surface, so that a
// linear model of them follows curves and corners of it.
//
// cos(w x + b) with w from a normal distribution, b uniform, after Rahimi and Recht, "Random
// Features for Large-Scale Kernel Machines" (2007). The same on every machine, from a fixed seed.
// Threads: const. Errors: none. Complexity: O(figures * features). Lifetime: none.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "server/routing/surface.h"

namespace reprise::routing {

inline constexpr std::size_t kFourierFeatures = 256;

class Fourier {
 public:
  Fourier();
  // Writes kFourierFeatures numbers; their squares sum up to about kFourierNorm^2.
  void Apply(const Surface& surface, float* out) const;

 private:
  std::vector<float> weights_;  // a row for each figure
  std::array<float, kFourierFeatures> offsets_{};
};

}  // namespace reprise::routing
