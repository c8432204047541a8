#include "server/routing/fourier.h"

#include <cmath>
#include <numbers>

#include "server/routing/arithmetic.h"
#include "server/routing/words.h"

namespace reprise::routing {
namespace {

constexpr std::uint64_t kSeed = 0x5265707269736521U;
constexpr double kGamma = 0.01;  // of the kernel exp(-gamma |x - y|^2)
constexpr double kNorm = 5;

// Uniform in (0, 1), from a counter.
class Uniform {
 public:
  double Next() {
    constexpr double kUnit = 1.0 / 9007199254740992.0;  // 2^-53
    state_ += 0x9e3779b97f4a7c15U;
    return (static_cast<double>(Mix(state_) >> 11U) + 0.5) * kUnit;
  }

 private:
  std::uint64_t state_ = kSeed;
};

// Box and Muller.
double Normal(Uniform& uniform) {
  const double radius = std::sqrt(-2 * std::log(uniform.Next()));
  return radius * std::cos(2 * std::numbers::pi * uniform.Next());
}

}  // namespace

Fourier::Fourier() : weights_(kTextFigures * kFourierFeatures) {
  Uniform uniform;
  const double spread = std::sqrt(2 * kGamma);
  for (float& weight : weights_) {
    weight = static_cast<float>(spread * Normal(uniform));
  }
  for (float& offset : offsets_) {
    offset = static_cast<float>(2 * std::numbers::pi * uniform.Next());
  }
}

void Fourier::Apply(const Surface& surface, float* out) const {
  const auto scale =
      static_cast<float>(kNorm * std::sqrt(2.0 / static_cast<double>(kFourierFeatures)));
  MultiplyRows(surface.data(), weights_.data(), {kTextFigures, kFourierFeatures}, out);
  for (std::size_t i = 0; i < kFourierFeatures; ++i) {
    out[i] = scale * std::cos(out[i] + offsets_[i]);
  }
}

}  // namespace reprise::routing
