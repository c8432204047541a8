#include "server/embed/panel_plan.h"

#include <algorithm>
#include <cstddef>

namespace reprise::embed {
namespace {

// Two weights of one sign may come to this: times kSteps it is 32640.
constexpr std::int32_t kNarrowSum = 128;
constexpr std::int32_t kValueShift = 128;
constexpr std::size_t kGroupWeights = kHalfPanel * kGroupBytes;

// `weights`: kGroupWeights, by outputs.
bool IsNarrow(const std::int8_t* weights) {
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < kGroupWeights; i += 2) {
    const std::int32_t first = weights[i];
    const std::int32_t second = weights[i + 1];
    const std::int32_t above = std::max(first, 0) + std::max(second, 0);
    const std::int32_t below = std::max(-first, 0) + std::max(-second, 0);
    largest = std::max({largest, above, below});
  }
  return largest <= kNarrowSum;
}

// For w below 0, |w| times the other way round of a byte v is w * v - |w|: all bits of v are
// turned.
void AddOffsets(const std::int8_t* weights, std::int32_t* offsets) {
  for (std::size_t i = 0; i < kGroupWeights; ++i) {
    const std::int32_t weight = weights[i];
    offsets[i / kGroupBytes] += kValueShift * weight + std::max(-weight, 0);
  }
}

}  // namespace

PanelPlan PlanOf(const PanelMatrix& matrix) {
  const std::size_t groups = matrix.inputs / kGroupBytes;
  PanelPlan plan;
  plan.offsets.resize(matrix.outputs);
  plan.order.reserve(matrix.outputs / kHalfPanel * groups);
  std::vector<std::uint16_t> wide;
  for (std::size_t output = 0; output < matrix.outputs; output += kHalfPanel) {
    const std::size_t panel = output / kLanes * kLanes;
    const auto* weights = static_cast<const std::int8_t*>(matrix.panels) + panel * matrix.inputs +
                          (output - panel) * kGroupBytes;
    wide.clear();
    for (std::size_t group = 0; group < groups; ++group) {
      const std::int8_t* at = weights + group * kLanes * kGroupBytes;
      if (IsNarrow(at)) {
        plan.order.push_back(static_cast<std::uint16_t>(group));
      } else {
        wide.push_back(static_cast<std::uint16_t>(group));
        AddOffsets(at, &plan.offsets[output]);
      }
    }
    plan.narrow_groups.push_back(static_cast<std::uint32_t>(groups - wide.size()));
    plan.order.insert(plan.order.end(), wide.begin(), wide.end());
  }
  return plan;
}

void Attach(const PanelPlan& plan, PanelMatrix& matrix) {
  matrix.order = plan.order.data();
  matrix.narrow_groups = plan.narrow_groups.data();
  matrix.offsets = plan.offsets.data();
}

}  // namespace reprise::embed
