#include "server/routing/learner.h"

#include <algorithm>
#include <cmath>

#include "server/routing/arithmetic.h"
#include "server/routing/prior.h"
#include "server/routing/reader.h"

namespace reprise::routing {
namespace {

constexpr std::uint8_t kNoQuality = 255;
constexpr float kQualityUnits = 250;

// How fast similarity loses its weight, and how much the dense view weighs beside it.
constexpr float kReach = 0.1F;
constexpr double kTowards = 3;
// An outcome weighs half when so many have come since.
constexpr double kHalfLife = 50'000;
constexpr double kBeforeDrift = 0.1;

constexpr double kMeanStart = 20;  // outcomes that the first guess stands for
constexpr double kMeanMax = 5'000;
constexpr double kTypeStart = 25;
constexpr double kTypeMax = 2'000;

constexpr double kWeightRate = 0.02;
constexpr double kWeightMin = 0.05;

// Variances of the dense weights, in units of the noise.
constexpr float kBiasVariance = 1.0F;
constexpr float kCurveVariance = 1.0F / 130;
constexpr float kTraitVariance = 1.0F / 100;

std::vector<float> FirstWeights(double strength) {
  const FirstGuess guess = FirstGuessOf(static_cast<float>(strength));
  std::vector<float> weights(kDenseWidth, 0);
  weights[0] = guess.quality;
  std::copy(guess.weights.begin(), guess.weights.end(),
            weights.begin() + static_cast<std::ptrdiff_t>(kDenseWidth - kTraits));
  return weights;
}

std::vector<float> Variances() {
  std::vector<float> variances(kDenseWidth, kCurveVariance);
  variances[0] = kBiasVariance;
  std::fill_n(variances.begin() + static_cast<std::ptrdiff_t>(kDenseWidth - kTraits), kTraits,
              kTraitVariance);
  return variances;
}

}  // namespace

Learner::Column::Column(double strength)
    : dense({FirstWeights(strength), Variances()}),
      mean(static_cast<double>(FirstGuessOf(static_cast<float>(strength)).quality)) {}

Learner::Learner(const Settings& settings) : settings_(settings) {}

Nearby Learner::Look(const Input& input) const {
  Nearby nearby;
  if (!input.features.has_place() || input.features.embedder != embedder_) {
    return nearby;
  }
  neighbours_.Search(input.features.place, kNearMax, nearby.found);
  nearby.weights.reserve(nearby.found.size());
  for (const Neighbour& neighbour : nearby.found) {
    const double age = static_cast<double>(event_ - std::min(event_, placed_at_[neighbour.slot]));
    const double fading = std::exp2(-age / kHalfLife);
    nearby.weights.push_back(
        static_cast<float>(fading * std::exp((neighbour.similarity - 1) / kReach)));
  }
  return nearby;
}

Learner::Near Learner::NearOf(const Nearby& nearby, std::size_t column, double towards) const {
  const std::vector<std::uint8_t>& qualities = qualities_[column];
  double sum = kTowards * towards;
  double weight = kTowards;
  for (std::size_t i = 0; i < nearby.found.size(); ++i) {
    const std::uint32_t slot = nearby.found[i].slot;
    if (slot >= qualities.size() || qualities[slot] == kNoQuality) {
      continue;
    }
    const bool is_old = placed_at_[slot] < columns_[column].loosened_at;
    const double counts = static_cast<double>(nearby.weights[i]) * (is_old ? kBeforeDrift : 1);
    sum += counts * static_cast<double>(static_cast<float>(qualities[slot]) / kQualityUnits);
    weight += counts;
  }
  return {sum / weight, weight - kTowards};
}

std::vector<Estimate> Learner::Predict(const Input& input, const Nearby& nearby,
                                       std::uint8_t type) const {
  std::array<float, kColumnsMax> hashed{};
  hashed_.Predict(input.sparse, {hashed.data(), columns_.size()});
  std::vector<Estimate> estimates(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const Column& column = columns_[i];
    Estimate& estimate = estimates[i];
    const double dense = static_cast<double>(column.dense.Predict(input.dense));
    const Near near = NearOf(nearby, i, dense);
    estimate.views = {dense, column.mean + static_cast<double>(hashed[i]), near.quality};
    estimate.near_evidence = near.weight;
    estimate = Finish(column, type, estimate);
  }
  return estimates;
}

Estimate Learner::Finish(const Column& column, std::uint8_t type, Estimate estimate) {
  estimate.outcomes = column.outcomes;
  for (std::size_t view = 0; view < kViews; ++view) {
    estimate.raw += column.weights[view] * estimate.views[view];
  }
  if (type < kTypesMax) {
    estimate.type_shift = static_cast<double>(column.type_errors[type]) /
                          (static_cast<double>(column.type_outcomes[type]) + kTypeStart);
    estimate.raw += estimate.type_shift;
  }
  estimate.raw = std::clamp(estimate.raw, 0.0, 1.0);
  estimate.quality = column.quality.Apply(estimate.raw);
  estimate.good_enough = column.good_enough.Apply(estimate.raw);
  return estimate;
}

Estimate Learner::Before(const Input& input, double strength) {
  const std::vector<float> weights = FirstWeights(strength);
  Estimate estimate;
  const auto dense = static_cast<double>(Dot(weights.data(), input.dense.data(), kDenseWidth));
  estimate.raw = std::clamp(dense, 0.0, 1.0);
  estimate.quality = estimate.raw;
  estimate.good_enough = estimate.raw;
  estimate.views.fill(dense);
  return estimate;
}

std::size_t Learner::AddColumn(double strength) {
  columns_.emplace_back(strength);
  qualities_.emplace_back();
  hashed_.SetColumns(columns_.size());
  return columns_.size() - 1;
}

void Learner::ResetColumn(std::size_t column, double strength) {
  columns_[column] = Column(strength);
  hashed_.ClearColumn(column);
  qualities_[column].clear();
}

// Exponentiated gradient: towards the mix of views that would have been right.
void Learner::Weigh(Column& column, const Estimate& estimate, double quality) {
  double mix = 0;
  for (std::size_t view = 0; view < kViews; ++view) {
    mix += column.weights[view] * estimate.views[view];
  }
  double sum = 0;
  for (std::size_t view = 0; view < kViews; ++view) {
    const double step = kWeightRate * 2 * (quality - mix) * estimate.views[view];
    column.weights[view] *= std::exp(std::clamp(step, -0.1, 0.1));
    sum += column.weights[view];
  }
  double kept = 0;
  for (double& weight : column.weights) {
    weight = std::max(weight / sum, kWeightMin);
    kept += weight;
  }
  for (double& weight : column.weights) {
    weight /= kept;
  }
}

void Learner::ShiftType(Column& column, const Estimate& estimate, const Outcome& outcome) {
  if (outcome.type >= kTypesMax) {
    return;
  }
  float& seen = column.type_outcomes[outcome.type];
  float& errors = column.type_errors[outcome.type];
  const bool is_full = static_cast<double>(seen) >= kTypeMax;
  const float kept = is_full ? static_cast<float>(1 - 1 / kTypeMax) : 1.0F;
  const double error = static_cast<double>(outcome.quality) - estimate.raw + estimate.type_shift;
  seen = seen * kept + 1;
  errors = errors * kept + static_cast<float>(error);
}

bool Learner::Learn(const Input& input, const Outcome& outcome) {
  const auto quality = static_cast<double>(outcome.quality);
  const Estimate estimate = Predict(input, Look(input), outcome.type)[outcome.column];
  Column& column = columns_[outcome.column];
  event_ = outcome.event;
  ++column.outcomes;
  hashed_.GrowFor(event_);
  Weigh(column, estimate, quality);
  column.quality.Learn(estimate.raw, quality);
  column.good_enough.Learn(estimate.raw, quality >= settings_.good_enough ? 1 : 0);
  ShiftType(column, estimate, outcome);
  const double hashed = estimate.views[static_cast<std::size_t>(View::kHashed)];
  hashed_.Learn(input.sparse, outcome.column, static_cast<float>(quality - hashed));
  column.dense.Learn(input.dense, outcome.quality, settings_.forget);
  const double seen = std::min(static_cast<double>(column.outcomes) + kMeanStart, kMeanMax);
  column.mean += (quality - column.mean) / seen;
  const bool has_changed = column.drift.Observe(estimate.quality, quality);
  if (has_changed) {
    BeginAnew(outcome.column);
  }
  return has_changed;
}

// What was learned stays as the beginning, and gives way as fast as at the first outcomes.
void Learner::BeginAnew(std::size_t number) {
  Column& column = columns_[number];
  ++drifts_;
  column.loosened_at = event_;
  column.outcomes = 0;
  column.quality = Platt();
  column.good_enough = Platt();
  column.type_errors.fill(0);
  column.type_outcomes.fill(0);
  column.dense.Loosen();
  hashed_.Loosen(number);
}

void Learner::Place(std::uint32_t slot, const Features& features, std::uint64_t event) {
  if (features.embedder != embedder_) {
    neighbours_ = Neighbours();
    embedder_ = features.embedder;
  }
  if (slot >= placed_at_.size()) {
    placed_at_.resize(slot + 1);
  }
  placed_at_[slot] = event;
  neighbours_.Add(slot, features.place);
}

void Learner::Note(std::uint32_t slot, std::size_t column, float quality) {
  std::vector<std::uint8_t>& qualities = qualities_[column];
  if (slot >= qualities.size()) {
    qualities.resize(slot + 1, kNoQuality);
  }
  qualities[slot] = static_cast<std::uint8_t>(std::lround(quality * kQualityUnits));
}

void Learner::Forget(std::uint32_t slot) {
  neighbours_.Remove(slot);
  for (std::vector<std::uint8_t>& qualities : qualities_) {
    if (slot < qualities.size()) {
      qualities[slot] = kNoQuality;
    }
  }
}

}  // namespace reprise::routing
