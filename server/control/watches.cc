#include "server/control/watches.h"

#include <algorithm>
#include <utility>

namespace reprise::control {
namespace {

constexpr double kMsPerDay = 86'400'000;

// What the call says of this metric; nothing when it does not.
std::optional<Observation> ObservationOf(const CallFigures& call, const Place& place,
                                         Metric metric) {
  Observation seen{place.group, place.unit, 0, std::nullopt, call.now};
  std::optional<double> value;
  switch (metric) {
    case Metric::kQuality:
      value = call.quality;
      break;
    case Metric::kErrorRate:
      value = call.failed ? 1.0 : 0.0;
      break;
    case Metric::kResponseTime:
      value = call.failed ? std::nullopt : call.response_ms;  // A failure may be quick.
      break;
    case Metric::kCostReduction:
      value = call.cost_nano;
      seen.baseline = call.baseline_nano;
      break;
  }
  const bool compares = metric == Metric::kResponseTime ||
                        (metric == Metric::kCostReduction && !seen.baseline.has_value());
  if (!value.has_value() || (compares && !place.is_drawn)) {
    return std::nullopt;
  }
  seen.value = *value;
  return seen;
}

Finding FindingOf(const Monitor& monitor, const Terms& terms) {
  const Evidence& evidence = monitor.state().evidence;
  Finding finding;
  finding.since = evidence.since;
  finding.slices = evidence.slices;
  finding.treated = evidence.treated;
  finding.control = evidence.control;
  finding.figure = monitor.EvidenceFigure().value_or(0);
  finding.bound = monitor.Bound();
  finding.wealth = monitor.state().bet.wealth();
  finding.needed = terms.needed;
  return finding;
}

}  // namespace

Terms Terms::Of(std::int64_t slice_ms, std::int64_t false_trip_days) {
  constexpr double kNeededMin = 1'000;  // days of long slices are few
  const double slices =
      static_cast<double>(false_trip_days) * kMsPerDay / static_cast<double>(slice_ms);
  return {slice_ms, std::max(slices, kNeededMin)};
}

void Watches::Use(const std::vector<Guardrail>& rules) {
  std::vector<Watch> before = std::exchange(watches_, {});
  for (const Guardrail& rule : rules) {
    Watch watch{rule, {}};
    for (const Strategy strategy : config::kStrategies) {
      if (rule.strategies.Has(strategy)) {
        watch.monitors.emplace_back(strategy, Monitor(rule.metric, rule.limit_ppm));
      }
    }
    watches_.push_back(std::move(watch));
  }
  for (const Watch& watch : before) {
    for (const auto& [strategy, monitor] : watch.monitors) {
      Load(watch.rule, strategy, monitor.state());
    }
  }
}

void Watches::Load(const Guardrail& rule, Strategy strategy, const MonitorState& state) {
  for (Watch& watch : watches_) {
    if (watch.rule.name != rule.name || watch.rule.metric != rule.metric ||
        watch.rule.limit_ppm != rule.limit_ppm) {
      continue;
    }
    for (auto& [known, monitor] : watch.monitors) {
      if (known == strategy) {
        monitor = Monitor(rule.metric, rule.limit_ppm, state);
      }
    }
  }
}

std::vector<Watches::Tripped> Watches::Record(
    const CallFigures& call, const Places& places, const Terms& terms,
    const std::function<bool(std::string_view rule)>& is_tripped) {
  std::vector<Tripped> tripped;
  for (Watch& watch : watches_) {
    if (is_tripped(watch.rule.name)) {
      continue;
    }
    const Monitor* found = nullptr;
    Strategy of = Strategy::kCacheExact;
    for (auto& [strategy, monitor] : watch.monitors) {
      const Place& place = places[config::IndexOf(strategy)];
      if (place.group == Group::kNone) {
        continue;
      }
      const auto seen = ObservationOf(call, place, watch.rule.metric);
      if (seen.has_value() && monitor.Add(*seen, terms.slice_ms) &&
          monitor.IsTripped(terms.needed) &&
          (found == nullptr || monitor.state().bet.wealth() > found->state().bet.wealth())) {
        found = &monitor;
        of = strategy;
      }
    }
    if (found != nullptr) {
      tripped.push_back({watch.rule, of, FindingOf(*found, terms)});
    }
  }
  return tripped;
}

void Watches::Forget(std::string_view rule) {
  for (Watch& watch : watches_) {
    if (watch.rule.name == rule) {
      for (auto& item : watch.monitors) {
        item.second.Forget();
      }
    }
  }
}

void Watches::Forget(Strategy strategy) {
  for (Watch& watch : watches_) {
    for (auto& [known, monitor] : watch.monitors) {
      if (known == strategy) {
        monitor.Forget();
      }
    }
  }
}

}  // namespace reprise::control
