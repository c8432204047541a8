#include "server/routing/dense_model.h"

#include <algorithm>

#include "server/routing/arithmetic.h"

namespace reprise::routing {

DenseModel::DenseModel(const Start& start)
    : variances_(start.variances.begin(), start.variances.end()),
      weights_(start.weights.begin(), start.weights.end()) {}

float DenseModel::Predict(std::span<const float> input) const {
  return Dot(weights_.data(), input.data(), weights_.size());
}

void DenseModel::MakeCovariance() {
  const std::size_t size = weights_.size();
  covariance_.assign(size * size, 0);
  for (std::size_t i = 0; i < size; ++i) {
    covariance_[i * size + i] = variances_[i];
  }
  scratch_.resize(size);
}

void DenseModel::Learn(std::span<const float> input, float outcome, float forget) {
  // Forgetting blows up what no outcome speaks of; beyond this it stops.
  constexpr float kTraceMax = 4.0F;
  const std::size_t size = weights_.size();
  if (covariance_.empty()) {
    MakeCovariance();
  }
  Multiply(covariance_.data(), input.data(), size, scratch_.data());
  const float spread = Dot(scratch_.data(), input.data(), size);
  const float gain = 1.0F / (forget + spread);
  const float error = outcome - Predict(input);
  AddScaled(gain * error, scratch_.data(), size, weights_.data());
  const bool may_grow = covariance_[0] < kTraceMax * variances_[0];
  Shrink(covariance_.data(), scratch_.data(), size, {gain, may_grow ? 1.0F / forget : 1.0F});
}

void DenseModel::Loosen() {
  if (!covariance_.empty()) {
    MakeCovariance();
  }
}

void DenseModel::Save(std::vector<float>& numbers) const {
  numbers.insert(numbers.end(), weights_.begin(), weights_.end());
  numbers.insert(numbers.end(), covariance_.begin(), covariance_.end());
}

void DenseModel::Load(std::span<const float> numbers) {
  const std::size_t size = weights_.size();
  std::copy_n(numbers.begin(), size, weights_.begin());
  covariance_.assign(numbers.begin() + static_cast<std::ptrdiff_t>(size), numbers.end());
  scratch_.resize(size);
}

}  // namespace reprise::routing
