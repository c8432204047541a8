#include "server/control/test_traffic.h"

#include <algorithm>
#include <cmath>

#include "server/config/options.h"

namespace reprise::control {
namespace {

constexpr double kMsPerMinute = 60'000;
constexpr double kMsPerDay = 86'400'000;
constexpr std::size_t kBots = 12;
constexpr std::size_t kOpen = 8;  // conversations at a time
constexpr double kTwoPi = 6.283185307179586;

std::vector<config::Guardrail> ShippedRules() {
  std::vector<config::Guardrail> rules;
  for (const std::string& text : config::ControlOptions().guardrails) {
    rules.push_back(*config::ParseGuardrail(text));
  }
  return rules;
}

Terms ShippedTerms() {
  const config::ControlOptions options;
  return Terms::Of(options.slice_ms, options.false_trip_days);
}

bool IsTreated(const Places& places, Strategy strategy) {
  return places[config::IndexOf(strategy)].group == Group::kTreated;
}

}  // namespace

std::string_view NameOf(Fault fault) {
  switch (fault) {
    case Fault::kCompressionSpoils:
      return "compression spoils answers";
    case Fault::kContextSpoils:
      return "context pruning spoils answers";
    case Fault::kDeferralStalls:
      return "deferral stalls";
    case Fault::kToolsFail:
      return "tools fail";
    case Fault::kRoutingSavesNought:
      return "routing saves nothing";
    case Fault::kNone:
      break;
  }
  return "none";
}

Traffic::Traffic(const TrafficOptions& options)
    : options_(options),
      random_(options.seed),
      draw_("sixteen bytes ok" + std::to_string(options.seed)) {
  for (std::size_t i = 0; i < kBots; ++i) {
    bots_.push_back({Normal(0.008), Normal(0.35)});
  }
  for (std::size_t i = 0; i < kOpen; ++i) {
    open_.push_back(Begin());
  }
}

double Traffic::DayWave() const {
  constexpr double kPeak = 15.0 / 24;
  return std::cos(kTwoPi * (now_ms_ / kMsPerDay - kPeak));
}

Traffic::Conversation Traffic::Begin() {
  Conversation begun;
  begun.name = "conversation-" + std::to_string(options_.seed) + "-" + std::to_string(++begun_);
  begun.bot = static_cast<std::size_t>(std::pow(Uniform(), 2) * kBots);  // some are busier
  begun.quality = Normal(0.025);
  begun.log_time = Normal(0.45);
  begun.log_cost = Normal(0.8);
  begun.failure_factor = std::exp(Normal(0.6) - 0.18);
  begun.is_easy = Chance(0.45 - 0.1 * DayWave());
  return begun;
}

// Twice a day or so the provider fails for one to four minutes, three times a day it is slow for up
// to half an hour.
void Traffic::Weather(double elapsed_ms) {
  if (now_ms_ > bad_.ends_ms && Chance(2 * elapsed_ms / kMsPerDay)) {
    bad_ = {now_ms_ + kMsPerMinute * (1 + 3 * Uniform()), 0.2 + 0.4 * Uniform(), 0.7};
  }
  if (now_ms_ > slow_.ends_ms && Chance(3 * elapsed_ms / kMsPerDay)) {
    slow_ = {now_ms_ + kMsPerMinute * (5 + 25 * Uniform()), 0.01 * Uniform(),
             0.3 + 0.9 * Uniform()};
  }
}

Places Traffic::Place(const Conversation& conversation) const {
  Places places;
  for (const Strategy strategy : config::kStrategies) {
    const std::uint64_t unit =
        draw_.HashOf(strategy, storage::kDefaultNamespace, conversation.name);
    const double limit = static_cast<double>(kAllPpm) * (1 - options_.control_percent / 100);
    const bool is_inside =
        config::IsCache(strategy) || static_cast<double>(Draw::PlaceOf(unit)) < limit;
    places[config::IndexOf(strategy)] = {is_inside ? Group::kTreated : Group::kControl, unit};
  }
  return places;
}

double Traffic::QualityOf(const Conversation& conversation) {
  const double tail = Chance(0.08) ? -Exponential(0.13) : 0;
  return 0.968 + 0.006 * DayWave() + bots_[conversation.bot].quality + conversation.quality +
         Normal(0.04) + tail;
}

double Traffic::TimeOf(const Conversation& conversation) {
  if (Chance(0.15)) {
    return 2 + Exponential(2);  // from the cache
  }
  double log_time = std::log(1'400) + 0.25 * DayWave() + bots_[conversation.bot].log_time +
                    conversation.log_time + Normal(0.55);
  if (Chance(0.015)) {
    log_time += -std::log(1 - Uniform()) / 1.2;  // Pareto
  }
  log_time += now_ms_ <= bad_.ends_ms ? bad_.log_time : 0;
  log_time += now_ms_ <= slow_.ends_ms ? slow_.log_time : 0;
  return std::exp(log_time);
}

Traffic::Call Traffic::Next(Fault fault) {
  const bool is_weekend = std::fmod(now_ms_ / kMsPerDay, 7) > 5;
  const double rate = options_.calls_per_minute * (1 + 0.8 * DayWave()) * (is_weekend ? 0.5 : 1.2);
  const double elapsed_ms = Exponential(kMsPerMinute / rate);
  now_ms_ += elapsed_ms;
  Weather(elapsed_ms);
  Conversation& conversation = open_[static_cast<std::size_t>(Uniform() * kOpen)];
  if (Chance(1.0 / 6)) {
    conversation = Begin();
  }
  Call call;
  call.places = Place(conversation);
  CallFigures& figures = call.figures;
  figures.now = now();
  double failure_share = 0.008 * conversation.failure_factor * (1 + 0.3 * DayWave());
  failure_share += now_ms_ <= bad_.ends_ms ? bad_.failure_share : 0;
  failure_share += now_ms_ <= slow_.ends_ms ? slow_.failure_share : 0;
  double quality = QualityOf(conversation);
  double response_ms = TimeOf(conversation);
  const double baseline = 4e6 * std::exp(conversation.log_cost + Normal(0.5));
  double cost = baseline;
  const auto has = [&call](Strategy strategy) { return IsTreated(call.places, strategy); };
  if (has(Strategy::kRouting) && conversation.is_easy && fault != Fault::kRoutingSavesNought) {
    cost *= 0.08;
    quality -= 0.008;
  }
  if (has(Strategy::kCompression)) {
    quality -= fault == Fault::kCompressionSpoils ? 0.06 : 0.002;
  }
  if (has(Strategy::kContext)) {
    quality -= fault == Fault::kContextSpoils ? 0.06 : 0.002;
  }
  if (has(Strategy::kDeferral)) {
    response_ms *= fault == Fault::kDeferralStalls ? 2.0 + Exponential(1) : 1.08;
  }
  if (has(Strategy::kTools) && fault == Fault::kToolsFail) {
    failure_share += 0.08;
  }
  figures.failed = Chance(failure_share);
  if (!figures.failed) {
    figures.quality = std::clamp(quality, 0.0, 1.0);
    figures.response_ms = response_ms;
  }
  figures.cost_nano = cost;
  figures.baseline_nano = baseline;
  return call;
}

Outcome RunHealthy(const TrafficOptions& options, std::uint64_t days) {
  Traffic traffic(options);
  Watches watches;
  watches.Use(ShippedRules());
  const Terms terms = ShippedTerms();
  Outcome outcome;
  outcome.days = days;
  const base::UnixMillis ends = traffic.now() + static_cast<std::int64_t>(days) * 86'400'000;
  while (traffic.now() < ends) {
    const Traffic::Call call = traffic.Next(Fault::kNone);
    ++outcome.calls;
    for (Watches::Tripped& trip : watches.Record(call.figures, call.places, terms,
                                                 [](std::string_view /*rule*/) { return false; })) {
      watches.Forget(trip.rule.name);
      outcome.trips.push_back(std::move(trip));
    }
  }
  return outcome;
}

Regression RunRegression(Fault fault, const TrafficOptions& options, std::uint64_t calls_max) {
  constexpr std::int64_t kHealthyMs = 40'000'000;
  Regression found;
  found.fault = fault;
  found.rule = fault == Fault::kDeferralStalls       ? "slow"
               : fault == Fault::kToolsFail          ? "errors"
               : fault == Fault::kRoutingSavesNought ? "savings"
                                                     : "quality";
  Traffic traffic(options);
  Watches watches;
  watches.Use(ShippedRules());
  const Terms terms = ShippedTerms();
  const base::UnixMillis begins =
      traffic.now() + kHealthyMs + static_cast<std::int64_t>(options.seed % 24) * 3'600'000;
  while (found.calls < calls_max && !found.is_caught) {
    const bool is_faulty = traffic.now() >= begins;
    const Traffic::Call call = traffic.Next(is_faulty ? fault : Fault::kNone);
    found.calls += is_faulty ? 1 : 0;
    for (const Watches::Tripped& trip : watches.Record(
             call.figures, call.places, terms, [](std::string_view /*rule*/) { return false; })) {
      if (is_faulty && trip.rule.name == found.rule) {
        found.is_caught = true;
        found.hours = static_cast<double>(call.figures.now - begins) / 3.6e6;
      } else {
        found.others.push_back(trip.rule.name);
        watches.Forget(trip.rule.name);
      }
    }
  }
  return found;
}

}  // namespace reprise::control
