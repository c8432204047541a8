#include "server/routing/platt.h"

#include <algorithm>
#include <cmath>

namespace reprise::routing {
namespace {

constexpr double kSlopeMin = 0.2;
constexpr double kSlopeMax = 3;
constexpr double kOffsetMax = 4;
constexpr double kFade = 0.9995;  // half of the weight is gone after some 1,400 outcomes

double Sigmoid(double value) {
  return 1 / (1 + std::exp(-value));
}

}  // namespace

double Platt::LogOdds(double estimate) {
  constexpr double kEdge = 0.002;
  const double inside = std::clamp(estimate, kEdge, 1 - kEdge);
  return std::log(inside / (1 - inside));
}

double Platt::Apply(double estimate) const {
  return Sigmoid(slope_ * LogOdds(estimate) + offset_);
}

void Platt::Learn(double estimate, double outcome) {
  const double odds = LogOdds(estimate);
  const double now = Sigmoid(slope_ * odds + offset_);
  const double curvature = std::max(now * (1 - now), 0.01);
  // The start fades too, but never below what keeps the matrix well.
  slope_slope_ = std::max(slope_slope_ * kFade, kFirst) + curvature * odds * odds;
  cross_ = cross_ * kFade + curvature * odds;
  ones_ = std::max(ones_ * kFade, kFirst) + curvature;
  const double determinant = slope_slope_ * ones_ - cross_ * cross_;
  if (determinant < 1) {
    return;
  }
  const double error = outcome - now;
  slope_ += error * (odds * ones_ - cross_) / determinant;
  offset_ += error * (slope_slope_ - cross_ * odds) / determinant;
  slope_ = std::clamp(slope_, kSlopeMin, kSlopeMax);
  offset_ = std::clamp(offset_, -kOffsetMax, kOffsetMax);
}

void Platt::Load(std::span<const double, kNumbers> numbers) {
  slope_ = numbers[0];
  offset_ = numbers[1];
  slope_slope_ = numbers[2];
  cross_ = numbers[3];
  ones_ = numbers[4];
}

}  // namespace reprise::routing
