#include "server/jobs/deferral.h"

#include <catch2/catch.hpp>

#include "server/calendar/civil.h"

namespace reprise::jobs {
namespace {

using base::UnixMillis;

constexpr std::int64_t kHour = 3'600'000;
const UnixMillis kMidnight{calendar::DaysFrom({2026, 12, 1}) * calendar::kMillisPerDay};

DeferralAsk Ask(Defer defer, std::int64_t hours_before_midnight, std::int64_t deadline_in_hours) {
  DeferralAsk ask;
  ask.defer = defer;
  ask.model = "m";
  ask.now = kMidnight + -hours_before_midnight * kHour;
  ask.deadline = ask.now + deadline_in_hours * kHour;
  ask.service_ms = 60'000;
  return ask;
}

TEST_CASE("an unurgent task waits for the window when the deadline allows it") {
  const auto decision = Decide(Ask(Defer::kOffpeak, 3, 5), Windows());
  CHECK(decision.reason == DeferReason::kWindow);
  CHECK(decision.not_before == kMidnight);
  CHECK(decision.factor_ppm == 500'000);
}

TEST_CASE("a task whose deadline comes first is not kept waiting") {
  const auto decision = Decide(Ask(Defer::kOffpeak, 3, 2), Windows());
  CHECK(decision.reason == DeferReason::kNoWindow);
  CHECK(decision.not_before == kMidnight + -3 * kHour);
  // To the millisecond: the window opens when just the time to do it is left.
  DeferralAsk ask = Ask(Defer::kOffpeak, 3, 3);
  CHECK(Decide(ask, Windows()).reason == DeferReason::kNoWindow);
  ask.deadline = kMidnight + ask.service_ms;
  CHECK(Decide(ask, Windows()).reason == DeferReason::kWindow);
  ask.deadline = kMidnight + (ask.service_ms - 1);
  CHECK(Decide(ask, Windows()).reason == DeferReason::kNoWindow);
}

TEST_CASE("who did not ask, or has no time, is never deferred") {
  CHECK(Decide(Ask(Defer::kNever, 3, 24), Windows()).reason == DeferReason::kNotAsked);
  DeferralAsk ask = Ask(Defer::kOffpeak, 3, 0);
  CHECK(Decide(ask, Windows()).reason == DeferReason::kNoSlack);
  CHECK(Decide(ask, Windows()).not_before == ask.now);
}

TEST_CASE("inside the window nothing waits") {
  const auto decision = Decide(Ask(Defer::kOffpeak, -2, 48), Windows());
  CHECK(decision.reason == DeferReason::kInWindow);
  CHECK(decision.not_before == kMidnight + 2 * kHour);
}

TEST_CASE("a task that may run at any quiet hour waits while load is high, step by step") {
  DeferralAsk ask = Ask(Defer::kAny, 12, 2);
  CHECK(Decide(ask, Windows()).reason == DeferReason::kNoWindow);
  ask.at_peak = true;
  const auto decision = Decide(ask, Windows());
  CHECK(decision.reason == DeferReason::kPeak);
  CHECK(decision.not_before == ask.now + kPeakStepMs);
  ask.defer = Defer::kOffpeak;
  CHECK(Decide(ask, Windows()).reason == DeferReason::kNoWindow);
}

TEST_CASE("the caller's own earliest time is kept") {
  DeferralAsk ask = Ask(Defer::kOffpeak, 3, 24);
  ask.earliest = kMidnight + kHour;
  const auto decision = Decide(ask, Windows());
  CHECK(decision.not_before == kMidnight + kHour);
  CHECK(decision.reason == DeferReason::kInWindow);
}

TEST_CASE("load is a peak against what is usual") {
  LoadMeter load;
  std::int64_t now = 1'000'000'000;
  CHECK_FALSE(load.AtPeak(now, 1.5));
  for (int minute = 0; minute < 600; ++minute) {
    now += 60'000;
    load.Note(now, 30);
  }
  CHECK_FALSE(load.AtPeak(now, 1.5));
  for (int minute = 0; minute < 15; ++minute) {
    now += 60'000;
    load.Note(now, 120);
  }
  CHECK(load.AtPeak(now, 1.5));
  for (int minute = 0; minute < 60; ++minute) {
    now += 60'000;
    load.Note(now, 30);
  }
  CHECK_FALSE(load.AtPeak(now, 1.5));
}

}  // namespace
}  // namespace reprise::jobs
