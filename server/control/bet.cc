#include "server/control/bet.h"

#include <algorithm>
#include <numeric>

namespace reprise::control {
namespace {

// Below 1, or the best observation would take all that a bettor has.
constexpr std::array<double, Bet::kBettors> kStakes{0.95, 0.5, 0.25, 0.12};
// Evidence may pile up where something else keeps a trip from happening.
constexpr double kWealthMax = 1e30;

}  // namespace

bool Bet::Take(double score) {
  score = std::clamp(score, -1.0, kScoreMax);
  for (std::size_t i = 0; i < kBettors; ++i) {
    wealth_[i] = std::min(wealth_[i] * (1 + kStakes[i] * score), kWealthMax);
  }
  if (wealth() > 1) {
    return true;
  }
  wealth_.fill(1);
  return false;
}

double Bet::wealth() const {
  return std::accumulate(wealth_.begin(), wealth_.end(), 0.0) / kBettors;
}

}  // namespace reprise::control
