// Windows: stretches of the day in which calls cost less, and when the cheapest of them comes.
//
// A window is local: days of the week, from and to by the clocks of a zone, daylight saving
// included; one that ends before it begins goes on after midnight. Its factor is the part of the
// price that is paid in it, in millionths.
//
// Units: milliseconds since 1970; seconds of a local day; millionths. Threads: values. Errors:
// kBadRequest, naming the window and what is wrong (it never opens, it is no cheaper ...).
// Complexity: O(windows) a question. Limits: limits::kPriceWindows of one namespace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/calendar/zones.h"

namespace reprise::jobs {

inline constexpr std::int64_t kFullPricePpm = 1'000'000;
inline constexpr std::uint8_t kEveryDay = 0x7f;  // bit 0: Sunday

struct PriceWindow {
  std::uint8_t days = kEveryDay;  // on which it begins
  std::int64_t from_s = 0;        // since midnight
  std::int64_t to_s = 0;          // up to and with 86,400
  std::string zone = "UTC";
  std::int64_t factor_ppm = kFullPricePpm / 2;
  std::string model;  // empty: of all models

  bool operator==(const PriceWindow&) const = default;
};

// 00:00 to 06:00 UTC at half the price.
PriceWindow DefaultWindow();
// "mon", ... ; absent for what is no day.
std::optional<std::uint8_t> DayBit(std::string_view name);
std::vector<std::string_view> DayNames(std::uint8_t days);

class Windows {
 public:
  Windows();  // the default window
  // Errors: also kNotFound for a zone that is not known here.
  static base::Result<Windows> Make(std::vector<PriceWindow> windows, calendar::Zones& zones);

  const std::vector<PriceWindow>& all() const { return windows_; }

  struct Opening {
    base::UnixMillis begins{0};
    base::UnixMillis ends{0};
    std::int64_t factor_ppm = kFullPricePpm;
  };
  // What part of the price is paid at this moment.
  std::int64_t FactorAt(std::string_view model, base::UnixMillis at) const;
  // The cheapest opening that begins in time to start by `latest`, the one under way included; of
  // equal ones the first. Absent when none is cheaper than the price at `now`.
  std::optional<Opening> CheapestBefore(std::string_view model, base::UnixMillis now,
                                        base::UnixMillis latest) const;

 private:
  static std::optional<Opening> OpeningOn(const PriceWindow& window, const calendar::Zone& zone,
                                          std::int64_t day);
  // The opening that is under way at `at`, or else the next one.
  std::optional<Opening> OpeningAfter(std::size_t index, base::UnixMillis at) const;

  std::vector<PriceWindow> windows_;
  std::vector<calendar::ZonePtr> zones_;
};

}  // namespace reprise::jobs
