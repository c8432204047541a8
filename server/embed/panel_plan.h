// PanelPlan: in which order a kernel whose byte product saturates goes through int8 panels.
//
// Each half panel (kHalfPanel outputs) has its groups of four inputs in an order of its own: first
// the narrow ones, where two neighbouring weights times the largest bytes fit 16 bits for every
// output, then the wide ones, which such a kernel multiplies with values of -128 to 127 and sizes
// of weights. `offsets` is what the wide ones then lack, for each output.
//
// Internal to server/embed. Units: groups, outputs. Errors: none. Threads: const after PlanOf, any.
// Lifetime: nothing of the matrix is kept. Complexity: one pass over the weights, 2 ms for
// use-lite.
#pragma once

#include <cstdint>
#include <vector>

#include "server/embed/kernel.h"

namespace reprise::embed {

struct PanelPlan {
  std::vector<std::uint16_t> order;          // of each half panel: inputs / 4 groups
  std::vector<std::uint32_t> narrow_groups;  // of each half panel: so many come first
  std::vector<std::int32_t> offsets;         // of each output
};

// `matrix.panels` are int8; inputs at most 4 * 65536.
PanelPlan PlanOf(const PanelMatrix& matrix);

// `matrix` borrows `plan`.
void Attach(const PanelPlan& plan, PanelMatrix& matrix);

}  // namespace reprise::embed
