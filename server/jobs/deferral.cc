#include "server/jobs/deferral.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace reprise::jobs {
namespace {

using base::UnixMillis;

constexpr std::array<std::string_view, 3> kDeferNames{"never", "offpeak", "any"};
constexpr double kLatelyMs = 5 * 60'000.0;
constexpr double kUsuallyMs = 24 * 3'600'000.0;
// Before that much is known, nothing is called a peak.
constexpr std::int64_t kLearnMs = 3'600'000;
constexpr double kTasksToCount = 20;

}  // namespace

std::string_view NameOf(Defer defer) {
  return kDeferNames[static_cast<std::size_t>(defer)];
}

std::optional<Defer> DeferNamed(std::string_view name) {
  const auto found = std::find(kDeferNames.begin(), kDeferNames.end(), name);
  if (found == kDeferNames.end()) {
    return std::nullopt;
  }
  return static_cast<Defer>(found - kDeferNames.begin());
}

std::string_view NameOf(DeferReason reason) {
  constexpr std::array<std::string_view, 7> kNames{"not asked for",
                                                   "waits for a cheaper window",
                                                   "the cheapest window in reach is open",
                                                   "no cheaper window opens before the deadline",
                                                   "waits for load to fall",
                                                   "the deadline leaves no time to wait",
                                                   "the strategy is off"};
  return kNames[static_cast<std::size_t>(reason)];
}

DeferralDecision Decide(const DeferralAsk& ask, const Windows& windows) {
  const UnixMillis earliest = std::max(ask.now, ask.earliest);
  DeferralDecision decision{earliest, DeferReason::kNotAsked,
                            windows.FactorAt(ask.model, earliest)};
  if (ask.defer == Defer::kNever) {
    return decision;
  }
  const UnixMillis latest = ask.deadline + -ask.service_ms;
  if (latest <= earliest) {
    decision.reason = DeferReason::kNoSlack;
    return decision;
  }
  if (const auto opening = windows.CheapestBefore(ask.model, earliest, latest)) {
    decision.not_before = std::max(earliest, opening->begins);
    decision.reason = opening->begins > earliest ? DeferReason::kWindow : DeferReason::kInWindow;
    decision.factor_ppm = opening->factor_ppm;
    return decision;
  }
  if (decision.factor_ppm < kFullPricePpm) {
    decision.reason = DeferReason::kInWindow;
    return decision;
  }
  decision.reason = DeferReason::kNoWindow;
  if (ask.defer == Defer::kAny && ask.at_peak) {
    decision.not_before = std::min(latest, earliest + kPeakStepMs);
    decision.reason = DeferReason::kPeak;
  }
  return decision;
}

double LoadMeter::Faded(double sum, std::int64_t since_ms, std::int64_t now_ms, double span_ms) {
  return sum *
         std::exp(-static_cast<double>(std::max<std::int64_t>(now_ms - since_ms, 0)) / span_ms);
}

void LoadMeter::Note(std::int64_t now_ms, double tasks) {
  if (first_ms_ == 0) {
    first_ms_ = now_ms;
    last_ms_ = now_ms;
  }
  lately_ = Faded(lately_, last_ms_, now_ms, kLatelyMs) + tasks;
  usually_ = Faded(usually_, last_ms_, now_ms, kUsuallyMs) + tasks;
  last_ms_ = std::max(last_ms_, now_ms);
}

bool LoadMeter::AtPeak(std::int64_t now_ms, double factor) const {
  if (first_ms_ == 0 || now_ms - first_ms_ < kLearnMs) {
    return false;
  }
  const double lately = Faded(lately_, last_ms_, now_ms, kLatelyMs);
  const double usually = Faded(usually_, last_ms_, now_ms, kUsuallyMs);
  // The sum over a day that has not passed yet is that of the part which has.
  const double known_ms =
      kUsuallyMs * (1 - std::exp(-static_cast<double>(now_ms - first_ms_) / kUsuallyMs));
  return lately >= kTasksToCount && lately / kLatelyMs >= factor * usually / known_ms;
}

}  // namespace reprise::jobs
