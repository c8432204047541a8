#include "server/control/monitor.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "protocol/base/ensure.h"

namespace reprise::control {
namespace {

constexpr double kMillion = 1'000'000;
constexpr double kFade = 1.0 - 1.0 / 64;  // of the rolling sums, a slice
constexpr double kReductionScale = 0.3;   // so far beyond the limit, a slice counts no more

double MeanOf(const Sums& sums) {
  return sums.calls > 0 ? sums.value / sums.calls : 0;
}

// Half of an asymptotic confidence sequence, one-sided, of the mean of `count` observations with
// this variance: I. Waudby-Smith and others, "Time-uniform central limit theory and asymptotic
// confidence sequences" (Annals of Statistics 52, 2024). Tightest at about 30.
double HalfWidth(double count, double variance) {
  constexpr double kAlpha = 0.01;
  constexpr double kRhoSquared = 0.3;
  const double spread = count * kRhoSquared + 1;
  return std::sqrt(variance * 2 * spread / (count * count * kRhoSquared) *
                   std::log1p(std::sqrt(spread) / (2 * kAlpha)));
}

// Keeps one of `seen` calls with the same chance as any other (Vitter's algorithm R); the hash and
// the count stand in for dice.
void Sample(double value, std::uint64_t hash, double seen, std::vector<float>& sample) {
  if (sample.size() < kSampled) {
    sample.push_back(static_cast<float>(value));
    return;
  }
  std::uint64_t dice = (hash + static_cast<std::uint64_t>(seen)) * 0x9E3779B97F4A7C15;
  dice = (dice ^ (dice >> 32U)) * 0xD6E8FEB86659FD93;
  const auto place =
      static_cast<std::size_t>((dice >> 32U) * static_cast<std::uint64_t>(seen) >> 32U);
  if (place < kSampled) {
    sample[place] = static_cast<float>(value);
  }
}

double MedianOf(std::vector<float> sample) {
  const std::size_t middle = sample.size() / 2;
  std::nth_element(sample.begin(), sample.begin() + static_cast<std::ptrdiff_t>(middle),
                   sample.end());
  return sample[middle];
}

// From -1, all of the treated are quicker than `limit` times any of the others, to 1.
double RankScore(const Slice& slice, double limit) {
  double sum = 0;
  for (const float treated : slice.treated_ms) {
    for (const float control : slice.control_ms) {
      const double allowed = control * limit;
      sum += treated > allowed ? 1 : treated < allowed ? -1 : 0;
    }
  }
  return sum / static_cast<double>(slice.treated_ms.size() * slice.control_ms.size());
}

}  // namespace

void UnitSketch::Add(const UnitSketch& other) {
  for (std::size_t i = 0; i < kWords; ++i) {
    bits_[i] |= other.bits_[i];
  }
}

int UnitSketch::Count() const {
  int count = 0;
  for (const std::uint64_t word : bits_) {
    count += std::popcount(word);
  }
  return count;
}

void Sums::Add(const Sums& other) {
  calls += other.calls;
  value += other.value;
  paired += other.paired;
  paired_cost += other.paired_cost;
  baseline += other.baseline;
}

void Sums::Fade(double factor) {
  calls *= factor;
  value *= factor;
  paired *= factor;
  paired_cost *= factor;
  baseline *= factor;
}

Monitor::Monitor(Metric metric, std::int64_t limit_ppm)
    : metric_(metric), limit_(static_cast<double>(limit_ppm) / kMillion) {}

Monitor::Monitor(Metric metric, std::int64_t limit_ppm, const MonitorState& state)
    : metric_(metric), limit_(static_cast<double>(limit_ppm) / kMillion), state_(state) {}

bool Monitor::Add(const Observation& observation, std::int64_t slice_ms) {
  DENSURE(observation.group != Group::kNone);
  Slice& slice = state_.slice;
  const bool has_ended = slice.began != base::UnixMillis{0} &&
                         observation.now - slice.began >= slice_ms && HasEnough();
  if (has_ended) {
    EndSlice(observation.now);
  }
  if (slice.began == base::UnixMillis{0}) {
    slice.began = observation.now;
  }
  const bool is_treated = observation.group == Group::kTreated;
  Sums& sums = is_treated ? slice.treated : slice.control;
  sums.calls += 1;
  if (metric_ == Metric::kResponseTime) {
    Sample(std::max(observation.value, 1.0), observation.unit, sums.calls,
           is_treated ? slice.treated_ms : slice.control_ms);
  } else {
    sums.value += observation.value;
  }
  if (observation.baseline.has_value()) {
    sums.paired += 1;
    sums.paired_cost += observation.value;
    sums.baseline += *observation.baseline;
  }
  (is_treated ? slice.treated_units : slice.control_units).Add(observation.unit);
  (is_treated ? state_.treated_calls : state_.control_calls) += 1;
  return has_ended;
}

bool Monitor::IsPaired(const Sums& treated) const {
  return 2 * treated.paired >= treated.calls && treated.baseline > 0;
}

std::optional<Monitor::Level> Monitor::LevelOf(const Sums& treated, const Sums& control) const {
  if (treated.calls <= 0) {
    return std::nullopt;
  }
  switch (metric_) {
    case Metric::kQuality:
    case Metric::kErrorRate:
      return Level{MeanOf(treated), false};
    case Metric::kResponseTime:
      return control.calls > 0 ? std::optional(Level{MeanOf(treated) - MeanOf(control), true})
                               : std::nullopt;
    case Metric::kCostReduction:
      break;
  }
  if (IsPaired(treated)) {
    return Level{1 - treated.paired_cost / treated.baseline, false};
  }
  if (control.calls > 0 && control.value > 0) {
    return Level{1 - MeanOf(treated) / MeanOf(control), true};
  }
  return std::nullopt;
}

bool Monitor::HasEnough() const {
  const Slice& slice = state_.slice;
  if (slice.treated.calls < kTreatedCalls) {
    return false;
  }
  switch (metric_) {
    case Metric::kQuality:
    case Metric::kErrorRate:
      return true;
    case Metric::kResponseTime:
      return slice.control.calls >= kControlCalls && slice.control_units.Count() >= kControlUnits;
    case Metric::kCostReduction:
      break;
  }
  if (IsPaired(slice.treated)) {
    return slice.treated.paired >= kTreatedCalls;
  }
  return slice.control.calls >= kControlCostCalls && slice.control.value > 0 &&
         slice.control_units.Count() >= kControlUnits;
}

// From -1 to Bet::kScoreMax. Quality and error rate are divided by the most that a slice can be
// better than the limit, so that the score keeps a mean of at most 0 while their mean is within it.
double Monitor::ScoreOf(double level) const {
  switch (metric_) {
    case Metric::kQuality:
      return (limit_ - level) / (1 - limit_);
    case Metric::kErrorRate:
      return (level - limit_) / limit_;
    case Metric::kResponseTime:
      return RankScore(state_.slice, limit_);
    case Metric::kCostReduction:
      break;
  }
  return std::clamp((limit_ - level) / kReductionScale, -1.0, 1.0);
}

// The response times of a slice are told by their medians from here on.
void Monitor::Summarize(Slice& slice) const {
  if (metric_ == Metric::kResponseTime) {
    slice.treated.value = slice.treated.calls * std::log(MedianOf(slice.treated_ms));
    slice.control.value = slice.control.calls * std::log(MedianOf(slice.control_ms));
  }
}

void Monitor::EndSlice(base::UnixMillis now) {
  Slice& slice = state_.slice;
  Summarize(slice);
  const Level level = LevelOf(slice.treated, slice.control).value_or(Level());
  Evidence& evidence = state_.evidence;
  if (evidence.slices == 0) {
    evidence.since = slice.began;
  }
  evidence.slices += 1;
  evidence.treated += static_cast<std::uint64_t>(slice.treated.calls);
  evidence.control += static_cast<std::uint64_t>(slice.control.calls);
  evidence.treated_units.Add(slice.treated_units);
  evidence.control_units.Add(slice.control_units);
  evidence.has_compared = evidence.has_compared || level.compares;
  const double difference = level.value - evidence.mean;
  evidence.mean += difference / static_cast<double>(evidence.slices);
  evidence.squares += difference * (level.value - evidence.mean);
  if (!state_.bet.Take(ScoreOf(level.value))) {
    evidence = Evidence();
  }
  state_.treated.Fade(kFade);
  state_.control.Fade(kFade);
  state_.treated.Add(slice.treated);
  state_.control.Add(slice.control);
  state_.slices += 1;
  slice = Slice();
  slice.began = now;
}

bool Monitor::MayCompare() const {
  const Evidence& evidence = state_.evidence;
  return !evidence.has_compared ||
         (evidence.treated_units.Count() >= kUnits && evidence.control_units.Count() >= kUnits);
}

bool Monitor::IsTripped(double needed) const {
  return state_.bet.wealth() >= needed && MayCompare();
}

double Monitor::FigureOf(double level) const {
  return metric_ == Metric::kResponseTime ? std::exp(level) : level;
}

std::optional<double> Monitor::RollingFigure() const {
  const auto level = LevelOf(state_.treated, state_.control);
  return level.has_value() ? std::optional(FigureOf(level->value)) : std::nullopt;
}

std::optional<double> Monitor::EvidenceFigure() const {
  return state_.evidence.slices > 0 ? std::optional(FigureOf(state_.evidence.mean)) : std::nullopt;
}

std::optional<double> Monitor::Bound() const {
  const Evidence& evidence = state_.evidence;
  if (evidence.slices < 2) {
    return std::nullopt;
  }
  const auto count = static_cast<double>(evidence.slices);
  const double half = HalfWidth(count, evidence.squares / (count - 1));
  const bool is_floor = config::RowOf(metric_).is_floor;
  const double bound = FigureOf(evidence.mean + (is_floor ? half : -half));
  return metric_ == Metric::kResponseTime ? bound : std::clamp(bound, is_floor ? -1e9 : 0.0, 1.0);
}

std::optional<double> Monitor::GroupFigure(Group group) const {
  const bool is_treated = group == Group::kTreated;
  Sums sums = is_treated ? state_.treated : state_.control;
  if (metric_ != Metric::kResponseTime) {  // Its slices have no sums before they end.
    sums.Add(is_treated ? state_.slice.treated : state_.slice.control);
  }
  return sums.calls > 0 ? std::optional(FigureOf(MeanOf(sums))) : std::nullopt;
}

std::string_view Monitor::Lack() const {
  const Slice& slice = state_.slice;
  const Evidence& evidence = state_.evidence;
  const bool compares =
      metric_ == Metric::kResponseTime ||
      (metric_ == Metric::kCostReduction && slice.treated.calls > 0 && !IsPaired(slice.treated));
  if (state_.treated_calls == 0) {
    return "no call with the strategy in force was recorded yet";
  }
  if (compares && state_.control_calls == 0) {
    return "there is no control group: no call was recorded of a unit outside the rollout";
  }
  if (state_.slices == 0) {
    return "the first slice is not full yet";
  }
  if (evidence.slices > 0 && !MayCompare()) {
    return "the groups have too few different conversations or bots to be compared";
  }
  return "";
}

}  // namespace reprise::control
