#include "server/semantic/budget.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace reprise::semantic {
namespace {

constexpr double kLogitMin = -6;
constexpr double kBinsPerLogit = 10;  // so the bins end at a logit of 10: 0.99995

// The continued fraction of the incomplete beta function, by Lentz's method (Press et al.,
// "Numerical Recipes", 6.4).
double BetaFraction(double a, double b, double x) {
  constexpr int kSteps = 300;
  constexpr double kTiny = 1e-300;
  constexpr double kPrecision = 1e-14;
  const auto away_from_zero = [](double value) { return std::abs(value) < kTiny ? kTiny : value; };
  double c = 1;
  double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
  double fraction = d;
  for (int i = 1; i <= kSteps; ++i) {
    const double m = i;
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    fraction *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    fraction *= d * c;
    if (std::abs(d * c - 1) < kPrecision) {
      break;
    }
  }
  return fraction;
}

// The regularised incomplete beta function: how much of Beta(a, b) lies below x.
double BetaBelow(double a, double b, double x) {
  if (x <= 0 || x >= 1) {
    return x <= 0 ? 0 : 1;
  }
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) {
    return front * BetaFraction(a, b, x) / a;
  }
  return 1 - front * BetaFraction(b, a, 1 - x) / b;
}

std::uint32_t Saturated(std::uint64_t count) {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

// Whether the upper bound of the wrong share is inside the budget, without looking for the bound.
bool IsInside(double wrong, double pairs, const BudgetOptions& options) {
  return wrong < pairs &&
         BetaBelow(wrong + 1, pairs - wrong, options.max_error) >= options.confidence;
}

// The tests from the strictest threshold down. The first ones have too few pairs to pass whatever
// their labels are, and are left out; from then on each must pass.
template <typename RightOf, typename WrongOf>
Ruling Descend(const RightOf& right_of, const WrongOf& wrong_of, const BudgetOptions& options) {
  double all = 0;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    all += right_of(bin) + wrong_of(bin);
  }
  Ruling ruling;
  double pairs = 0;
  double wrong = 0;
  for (std::size_t bin = kBins; bin-- > 0;) {
    const double here = right_of(bin) + wrong_of(bin);
    if (here == 0) {
      continue;
    }
    pairs += here;
    wrong += wrong_of(bin);
    if (IsInside(wrong, pairs, options)) {
      ruling = {true, FloorOf(bin), 1, wrong / pairs, pairs / all, pairs};
    } else if (ruling.serves || IsInside(0, pairs, options)) {
      break;
    }
  }
  if (ruling.serves) {
    ruling.bound = UpperBound(ruling.observed * ruling.pairs, ruling.pairs, options.confidence);
  }
  return ruling;
}

}  // namespace

std::size_t BinOf(double probability) {
  constexpr double kEdge = 1e-9;
  const double p = std::clamp(probability, kEdge, 1 - kEdge);
  const double place = (std::log(p / (1 - p)) - kLogitMin) * kBinsPerLogit;
  return static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(kBins - 1)));
}

double FloorOf(std::size_t bin) {
  if (bin == 0) {
    return 0;
  }
  return 1 / (1 + std::exp(-(kLogitMin + static_cast<double>(bin) / kBinsPerLogit)));
}

void Tally::Add(double probability, bool is_right, std::uint32_t count) {
  std::uint32_t& cell = (is_right ? right : wrong)[BinOf(probability)];
  cell = Saturated(std::uint64_t{cell} + count);
}

void Tally::Add(const Tally& other) {
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    right[bin] = Saturated(std::uint64_t{right[bin]} + other.right[bin]);
    wrong[bin] = Saturated(std::uint64_t{wrong[bin]} + other.wrong[bin]);
  }
}

std::uint64_t Tally::size() const {
  std::uint64_t total = 0;
  for (std::size_t bin = 0; bin < kBins; ++bin) {
    total += std::uint64_t{right[bin]} + wrong[bin];
  }
  return total;
}

double UpperBound(double wrong, double total, double confidence) {
  if (total <= 0 || wrong >= total) {
    return 1;
  }
  // The quantile of Beta(wrong + 1, total - wrong), by halving.
  constexpr int kHalvings = 40;
  double low = wrong / total;
  double high = 1;
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (BetaBelow(wrong + 1, total - wrong, middle) < confidence ? low : high) = middle;
  }
  return high;
}

Ruling ThresholdOf(const Tally& tally, const BudgetOptions& options) {
  return Descend([&](std::size_t bin) { return static_cast<double>(tally.right[bin]); },
                 [&](std::size_t bin) { return static_cast<double>(tally.wrong[bin]); }, options);
}

Ruling ThresholdOf(const Tally& prior, const Tally& evidence, const BudgetOptions& options) {
  const double known = static_cast<double>(evidence.size());
  const double weight = std::max(0.0, 1 - known / kPriorPairs);
  return Descend([&](std::size_t bin) { return weight * prior.right[bin] + evidence.right[bin]; },
                 [&](std::size_t bin) { return weight * prior.wrong[bin] + evidence.wrong[bin]; },
                 options);
}

}  // namespace reprise::semantic
