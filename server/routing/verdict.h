// Verdict: what one call of Select came to, between its steps.
//
// Internal to server/routing. Threads: values. Errors: none.
#pragma once

#include <cstddef>
#include <vector>

#include "server/routing/choice.h"
#include "server/routing/routing.h"

namespace reprise::routing {

struct Routing::Verdict {
  Ranked ranked;
  std::vector<double> propensities;  // of each candidate
  std::size_t chosen = 0;            // by rank and chance
  std::size_t answers = 0;           // the same, but in shadow the strongest
  std::size_t cheapest = 0;          // of those that can take the call
  std::size_t strongest = 0;
  bool explored = false;
  bool degraded = false;   // without pressure it would be another one
  bool continues = false;  // a conversation that has a model
};

}  // namespace reprise::routing
