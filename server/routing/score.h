// Score: what an estimate is called: 0 to 100, a level, how sure.
//
// Threads: any, pure. Errors: none. Units: points of a hundred; shares 0 to 1.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/config/options.h"
#include "server/routing/learner.h"

namespace reprise::routing {

enum class Level : std::uint8_t { kSimple, kStraightforward, kComplex, kVeryComplex };
std::string_view NameOf(Level level);

// The chance, in percent, that the model's answer is not good enough.
double ScoreOf(const Estimate& estimate);
Level LevelOf(double score, const config::RoutingOptions& options);
// How much of the estimate was learned from outcomes, of the model and near the prompt: 0 none.
double ConfidenceOf(const Estimate& estimate);

}  // namespace reprise::routing
