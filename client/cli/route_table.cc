#include "client/cli/route_table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include "client/cli/format.h"
#include "client/cli/money.h"
#include "client/cli/numbers.h"

namespace reprise::client {
namespace {

using base::Value;

const Value& At(const Value& map, std::string_view name) {
  static const Value none;
  const Value* found = map.Find(name);
  return found == nullptr ? none : *found;
}

std::int64_t IntAt(const Value& map, std::string_view name) {
  return At(map, name).AsInt().value_or(0);
}

std::string Count(const Value& map, std::string_view name) {
  return WithCommas(static_cast<std::uint64_t>(std::max<std::int64_t>(IntAt(map, name), 0)));
}

// A figure times `factor`; "-" of nothing.
std::string Figure(const Value& map, std::string_view name, const char* format, double factor = 1) {
  const auto number = At(map, name).AsDouble();
  if (!number.has_value()) {
    return "-";
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), format, *number * factor);
  return text.data();
}

std::string Signed(std::int64_t nano) {
  return nano < 0 ? "-" + Dollars(-nano) : Dollars(nano);
}

std::string Totals(const Value& stats) {
  std::string text = Count(stats, "decisions") + " decisions, " +
                     Figure(stats, "cheap_share", "%.1f %%", 100) + " cheap; $ " +
                     Dollars(IntAt(stats, "cost_nano")) + " instead of " +
                     Dollars(IntAt(stats, "strongest_cost_nano")) + " by the strongest: saved " +
                     Signed(IntAt(stats, "saved_nano")) + "\n";
  text += Count(stats, "judged") + " judged, quality " + Figure(stats, "quality", "%.3f") +
          ", regret " + Figure(stats, "regret", "%.3f") + ", calibration error " +
          Figure(At(stats, "calibration"), "error", "%.3f") + "; " + Count(stats, "outcomes") +
          " of " + Count(stats, "outcomes_max") + " outcomes kept\n";
  text += Count(stats, "critical") + " critical, " + Count(stats, "degraded") +
          " degraded by budgets, " + Count(stats, "explored") + " tried by chance, " +
          Count(stats, "shadow") + " not in force";
  return text;
}

}  // namespace

std::string RouteTable(const Value& stats) {
  std::vector<std::vector<std::string>> rows{{"model", "chosen", "judged", "quality", "alone",
                                              "errors", "cost $", "tokens in", "tokens out", "ms",
                                              "learned"}};
  if (const Value::Map* models = At(stats, "models").AsMap()) {
    for (const auto& [name, model] : *models) {
      // As on a terminal: names may hold anything.
      rows.push_back({FormatReply(Value(name.AsText().value_or("")), Style::kReadable, true),
                      Count(model, "chosen"), Count(model, "judged"),
                      Figure(model, "quality", "%.3f"), Figure(model, "always_quality", "%.3f"),
                      Count(model, "errors"), Dollars(IntAt(model, "cost_nano")),
                      Count(model, "tokens_in"), Count(model, "tokens_out"),
                      Figure(model, "latency_ms", "%.0f"), Count(model, "learned")});
    }
  }
  return Totals(stats) + "\n\n" + AlignedTable(rows, 1);
}

}  // namespace reprise::client
