// Guardrail: "quality: quality < 0.92: compression context", a rule that turns strategies off.
//
// The text is a name, what is measured with its limit, and what the rule watches and turns off:
// strategies with spaces between them, or all. `<` and `>` are fixed by the metric. How evidence is
// weighed stands in server/control. Units: limits in millionths. Errors: a problem is a sentence
// for people, empty when there is none. Complexity: O(bytes). Threads: any. Limits:
// kGuardrailBytesMax, base::limits::kGuardrails, kNameBytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/strategy.h"

namespace reprise::config {

inline constexpr std::size_t kGuardrailBytesMax = 256;

enum class Metric : std::uint8_t { kQuality, kErrorRate, kResponseTime, kCostReduction };

struct MetricRow {
  Metric metric;
  std::string_view name;
  bool is_floor;  // less is bad
  // Allowed limits, in millionths.
  std::int64_t min_ppm;
  std::int64_t max_ppm;
  std::string_view allowed;  // for people
};
inline constexpr std::array kMetrics{
    MetricRow{Metric::kQuality, "quality", true, 1'000, 999'000,
              "a limit of quality is from 0.001 to 0.999, as in quality < 0.92"},
    MetricRow{Metric::kErrorRate, "error_rate", false, 1'000, 999'000,
              "a limit of error_rate is from 0.001 to 0.999, as in error_rate > 0.03"},
    MetricRow{Metric::kResponseTime, "response_time", false, 1'010'000, 100'000'000,
              "a limit of response_time is from 1.01 to 100 times that of the control group, as in "
              "response_time > 1.5 (more than 50 % slower)"},
    MetricRow{Metric::kCostReduction, "cost_reduction", true, 1'000, 999'000,
              "a limit of cost_reduction is from 0.001 to 0.999, as in cost_reduction < 0.1"}};
constexpr const MetricRow& RowOf(Metric metric) {
  return kMetrics[static_cast<std::size_t>(metric)];
}
constexpr std::string_view NameOf(Metric metric) {
  return RowOf(metric).name;
}
std::optional<Metric> MetricNamed(std::string_view name);

struct Guardrail {
  std::string name;
  Metric metric = Metric::kQuality;
  std::int64_t limit_ppm = 0;
  StrategySet strategies;
  bool operator==(const Guardrail&) const = default;
};

// A letter, then letters, digits, '_', '-' and '.'; at most kNameBytes.
std::string_view GuardrailNameProblem(std::string_view name);
std::string_view LimitProblem(Metric metric, std::int64_t limit_ppm);
std::string_view GuardrailProblem(std::string_view text);
// Nothing when the text has a problem.
std::optional<Guardrail> ParseGuardrail(std::string_view text);
// As ParseGuardrail reads it.
std::string TextOf(const Guardrail& rule);
// "compression context", or "all".
std::string TextOf(const StrategySet& strategies);

// What contradicts in rules that hold together: a name that stands twice, or two limits for the
// same metric of the same strategy. Empty when nothing does.
std::string ContradictionIn(const std::vector<Guardrail>& rules);

}  // namespace reprise::config
