#include "server/jobs/windows.h"

#include <catch2/catch.hpp>

#include "server/calendar/civil.h"

namespace reprise::jobs {
namespace {

using base::UnixMillis;

constexpr std::int64_t kHour = 3'600'000;
constexpr std::int64_t kHourS = 3'600;

// Milliseconds of a day and hour, UTC.
UnixMillis At(std::int64_t year, int month, int day, std::int64_t hour, std::int64_t minute = 0) {
  return UnixMillis{calendar::DaysFrom({year, month, day}) * calendar::kMillisPerDay +
                    hour * kHour + minute * 60'000};
}

Windows Make(std::vector<PriceWindow> windows) {
  calendar::Zones zones;
  auto made = Windows::Make(std::move(windows), zones);
  if (!made.ok()) {
    FAIL(made.error().detail);
  }
  return std::move(made).value();
}

std::string Problem(const PriceWindow& window) {
  calendar::Zones zones;
  const auto made = Windows::Make({window}, zones);
  return made.ok() ? "" : made.error().detail;
}

TEST_CASE("by default the first six hours of a UTC day cost half") {
  const Windows windows;
  CHECK(windows.FactorAt("m", At(2026, 11, 30, 0)) == 500'000);
  CHECK(windows.FactorAt("m", At(2026, 11, 30, 5, 59)) == 500'000);
  CHECK(windows.FactorAt("m", At(2026, 11, 30, 6)) == kFullPricePpm);
  CHECK(windows.FactorAt("m", At(2026, 11, 30, 23, 59)) == kFullPricePpm);
  const auto opening =
      windows.CheapestBefore("m", At(2026, 11, 30, 23, 30), At(2026, 12, 1, 0, 30));
  REQUIRE(opening.has_value());
  CHECK(opening->begins == At(2026, 12, 1, 0));
  CHECK(opening->ends == At(2026, 12, 1, 6));
  CHECK_FALSE(
      windows.CheapestBefore("m", At(2026, 11, 30, 23, 30), At(2026, 11, 30, 23, 59)).has_value());
  CHECK_FALSE(windows.CheapestBefore("m", At(2026, 11, 30, 2), At(2026, 12, 2, 0)).has_value());
}

TEST_CASE("a window may go over midnight, belong to days, and to one model") {
  PriceWindow night;
  night.from_s = 22 * kHourS;
  night.to_s = 4 * kHourS;
  night.days = DayBit("fri").value();
  night.model = "big";
  const Windows windows = Make({night});
  CHECK(windows.FactorAt("big", At(2026, 11, 27, 23)) == 500'000);  // A Friday.
  CHECK(windows.FactorAt("big", At(2026, 11, 28, 3)) == 500'000);   // Still that night.
  CHECK(windows.FactorAt("big", At(2026, 11, 28, 23)) == kFullPricePpm);
  CHECK(windows.FactorAt("small", At(2026, 11, 27, 23)) == kFullPricePpm);
  const auto next = windows.CheapestBefore("big", At(2026, 11, 28, 5), At(2026, 12, 30, 0));
  REQUIRE(next.has_value());
  CHECK(next->begins == At(2026, 12, 4, 22));
}

TEST_CASE("of several windows the cheapest in reach is taken, of equal ones the first") {
  PriceWindow noon;
  noon.from_s = 12 * kHourS;
  noon.to_s = 13 * kHourS;
  noon.factor_ppm = 800'000;
  PriceWindow night;
  night.from_s = 2 * kHourS;
  night.to_s = 3 * kHourS;
  night.factor_ppm = 400'000;
  PriceWindow evening = night;
  evening.from_s = 20 * kHourS;
  evening.to_s = 21 * kHourS;
  const Windows windows = Make({noon, night, evening});
  const UnixMillis morning = At(2026, 11, 30, 9);
  CHECK(windows.CheapestBefore("m", morning, At(2026, 11, 30, 14))->begins == At(2026, 11, 30, 12));
  CHECK(windows.CheapestBefore("m", morning, At(2026, 12, 2, 0))->begins == At(2026, 11, 30, 20));
  // At noon only what is cheaper than noon is worth waiting for.
  CHECK(windows.CheapestBefore("m", At(2026, 11, 30, 12, 30), At(2026, 11, 30, 22))->begins ==
        At(2026, 11, 30, 20));
  CHECK_FALSE(
      windows.CheapestBefore("m", At(2026, 11, 30, 12, 30), At(2026, 11, 30, 19)).has_value());
}

TEST_CASE("a window follows the clocks of its zone over the change to summer time") {
  PriceWindow window;
  window.from_s = 1 * kHourS;
  window.to_s = 5 * kHourS;
  window.zone = "Europe/Berlin";
  const Windows windows = Make({window});
  // On 2026-03-29 the clocks go from 02:00 to 03:00: the window has three hours.
  const auto spring = windows.CheapestBefore("m", At(2026, 3, 28, 12), At(2026, 3, 29, 12));
  REQUIRE(spring.has_value());
  CHECK(spring->begins == At(2026, 3, 29, 0));
  CHECK(spring->ends == At(2026, 3, 29, 3));
  // On 2026-10-25 from 03:00 back to 02:00: it has five.
  const auto autumn = windows.CheapestBefore("m", At(2026, 10, 24, 12), At(2026, 10, 25, 12));
  REQUIRE(autumn.has_value());
  CHECK(autumn->begins == At(2026, 10, 24, 23));
  CHECK(autumn->ends == At(2026, 10, 25, 4));
}

TEST_CASE("a window in the hour that clocks skip does not open on that day") {
  PriceWindow window;
  window.from_s = 2 * kHourS;
  window.to_s = 3 * kHourS;
  window.zone = "Europe/Berlin";
  const Windows windows = Make({window});
  const auto next = windows.CheapestBefore("m", At(2026, 3, 29, 0), At(2026, 4, 2, 0));
  REQUIRE(next.has_value());
  CHECK(next->begins == At(2026, 3, 30, 0));
}

TEST_CASE("windows that never open, or bring nothing, are refused with the reason") {
  PriceWindow window = DefaultWindow();
  window.to_s = window.from_s;
  CHECK(Problem(window).find("never opens") != std::string::npos);
  window = DefaultWindow();
  window.days = 0;
  CHECK(Problem(window).find("never opens") != std::string::npos);
  window = DefaultWindow();
  window.factor_ppm = kFullPricePpm;
  CHECK(Problem(window).find("nothing is gained") != std::string::npos);
  window = DefaultWindow();
  window.zone = "Mars/Olympus";
  CHECK_FALSE(Problem(window).empty());
  window = DefaultWindow();
  window.to_s = 86'401;
  CHECK_FALSE(Problem(window).empty());
  calendar::Zones zones;
  const auto many = Windows::Make(std::vector<PriceWindow>(65, DefaultWindow()), zones);
  CHECK(many.error().code == base::Code::kTooLarge);
}

}  // namespace
}  // namespace reprise::jobs
