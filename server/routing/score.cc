#include "server/routing/score.h"

namespace reprise::routing {

std::string_view NameOf(Level level) {
  switch (level) {
    case Level::kSimple:
      return "simple";
    case Level::kStraightforward:
      return "straightforward";
    case Level::kComplex:
      return "complex";
    case Level::kVeryComplex:
      break;
  }
  return "very complex";
}

double ScoreOf(const Estimate& estimate) {
  constexpr double kPercent = 100;
  return kPercent * (1 - estimate.good_enough);
}

Level LevelOf(double score, const config::RoutingOptions& options) {
  if (score >= static_cast<double>(options.level_very_complex)) {
    return Level::kVeryComplex;
  }
  if (score >= static_cast<double>(options.level_complex)) {
    return Level::kComplex;
  }
  return score >= static_cast<double>(options.level_straightforward) ? Level::kStraightforward
                                                                     : Level::kSimple;
}

double ConfidenceOf(const Estimate& estimate) {
  constexpr double kOutcomesWorth = 20;  // so many anywhere say as much as...
  constexpr double kNearWorth = 0.2;     // ...this weight near the prompt
  constexpr double kHalf = 10;
  const double evidence =
      static_cast<double>(estimate.outcomes) / kOutcomesWorth + estimate.near_evidence / kNearWorth;
  return evidence / (evidence + kHalf);
}

}  // namespace reprise::routing
