// Projection: the vector of a prompt in 64 dimensions, in which outcomes are kept and compared.
//
// For the embedder that ships with the server (use-lite) the directions in which ordinary questions
// differ most (principal components of public questions, projection.inc); they keep 86 % of the
// variance. For any other embedder random directions, which keep similarities less exactly.
//
// Threads: const. Errors: none. Complexity: O(width * 64). Units: none. Lifetime: none.
#pragma once

#include <span>
#include <vector>

#include "server/routing/neighbours.h"

namespace reprise::routing {

class Projection {
 public:
  Projection();
  // `is_use_lite`: the vector is that model's, and has its width.
  Place Apply(std::span<const float> vector, bool is_use_lite) const;

 private:
  std::vector<float> components_;  // by input dimension, 64 each
  Place mean_{};                   // of the projected public questions
};

// One unit long; a vector of zeros stays as it is.
Place UnitOf(const Place& place);

}  // namespace reprise::routing
