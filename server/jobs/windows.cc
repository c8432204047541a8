#include "server/jobs/windows.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/base/limits.h"
#include "server/calendar/civil.h"
#include "server/calendar/period.h"

namespace reprise::jobs {
namespace {

using base::Code;
using base::Error;
using base::UnixMillis;

constexpr int kDaysOfWeek = 7;
constexpr std::array<std::string_view, kDaysOfWeek> kDayNames{"sun", "mon", "tue", "wed",
                                                              "thu", "fri", "sat"};
constexpr std::int64_t kDefaultHours = 6;

std::int64_t LocalDayOf(const calendar::Zone& zone, UnixMillis at) {
  const std::int64_t at_s = calendar::FloorDiv(base::ToInt(at), calendar::kMillisPerSecond);
  return calendar::FloorDiv(at_s + zone.StretchAt(at_s).offset_s, calendar::kSecondsPerDay);
}

UnixMillis InstantOf(const calendar::Zone& zone, std::int64_t local_s) {
  return UnixMillis{calendar::FirstInstantOf(zone, local_s) * calendar::kMillisPerSecond};
}

base::Status CheckWindow(const PriceWindow& window, std::size_t index) {
  const auto wrong = [&](const std::string& what) {
    return Error{Code::kBadRequest, "window " + std::to_string(index) + ": " + what};
  };
  if ((window.days & kEveryDay) == 0) {
    return wrong("it opens on no day of the week, so it never opens");
  }
  if (window.from_s < 0 || window.from_s >= calendar::kSecondsPerDay || window.to_s < 0 ||
      window.to_s > calendar::kSecondsPerDay) {
    return wrong("'from' must be from 00:00 to 23:59, 'to' from 00:00 to 24:00");
  }
  if (window.from_s == window.to_s) {
    return wrong("it ends when it begins, so it never opens; a whole day is 00:00 to 24:00");
  }
  if (window.factor_ppm < 0 || window.factor_ppm >= kFullPricePpm) {
    return wrong("'factor' must be from 0 to below 1, or nothing is gained by waiting for it");
  }
  return base::Ok{};
}

}  // namespace

PriceWindow DefaultWindow() {
  PriceWindow window;
  window.to_s = kDefaultHours * calendar::kSecondsPerHour;
  return window;
}

std::optional<std::uint8_t> DayBit(std::string_view name) {
  const auto found = std::find(kDayNames.begin(), kDayNames.end(), name);
  if (found == kDayNames.end()) {
    return std::nullopt;
  }
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(found - kDayNames.begin()));
}

std::vector<std::string_view> DayNames(std::uint8_t days) {
  std::vector<std::string_view> names;
  for (unsigned day = 0; day < kDaysOfWeek; ++day) {
    if ((days >> day & 1U) != 0) {
      names.push_back(kDayNames[day]);
    }
  }
  return names;
}

Windows::Windows() : windows_{DefaultWindow()}, zones_{calendar::Zones::Utc()} {}

base::Result<Windows> Windows::Make(std::vector<PriceWindow> windows, calendar::Zones& zones) {
  const auto most = static_cast<std::size_t>(base::limits::kPriceWindows.value);
  if (windows.size() > most) {
    return Error{Code::kTooLarge, "price_windows: " + std::to_string(windows.size()) +
                                      " windows, the limit is " + std::to_string(most)};
  }
  Windows made;
  made.windows_.clear();
  made.zones_.clear();
  for (std::size_t i = 0; i < windows.size(); ++i) {
    RETURN_IF_ERROR(CheckWindow(windows[i], i));
    ASSIGN_OR_RETURN(calendar::ZonePtr zone, zones.Find(windows[i].zone));
    made.zones_.push_back(std::move(zone));
  }
  made.windows_ = std::move(windows);
  return made;
}

std::optional<Windows::Opening> Windows::OpeningOn(const PriceWindow& window,
                                                   const calendar::Zone& zone, std::int64_t day) {
  if ((window.days >> static_cast<unsigned>(calendar::WeekdayOf(day)) & 1U) == 0) {
    return std::nullopt;
  }
  const std::int64_t midnight = day * calendar::kSecondsPerDay;
  const std::int64_t over = window.to_s <= window.from_s ? calendar::kSecondsPerDay : 0;
  const Opening opening{InstantOf(zone, midnight + window.from_s),
                        InstantOf(zone, midnight + window.to_s + over), window.factor_ppm};
  if (opening.ends <= opening.begins) {
    return std::nullopt;  // It would lie in the hour that clocks skip on that day.
  }
  return opening;
}

std::optional<Windows::Opening> Windows::OpeningAfter(std::size_t index, UnixMillis at) const {
  const calendar::Zone& zone = *zones_[index];
  const std::int64_t today = LocalDayOf(zone, at);
  for (std::int64_t day = today - 1; day <= today + kDaysOfWeek + 1; ++day) {
    const auto opening = OpeningOn(windows_[index], zone, day);
    if (opening.has_value() && opening->ends > at) {
      return opening;
    }
  }
  return std::nullopt;
}

std::int64_t Windows::FactorAt(std::string_view model, UnixMillis at) const {
  std::int64_t factor = kFullPricePpm;
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    if (!windows_[i].model.empty() && windows_[i].model != model) {
      continue;
    }
    const auto opening = OpeningAfter(i, at);
    if (opening.has_value() && opening->begins <= at) {
      factor = std::min(factor, opening->factor_ppm);
    }
  }
  return factor;
}

std::optional<Windows::Opening> Windows::CheapestBefore(std::string_view model, UnixMillis now,
                                                        UnixMillis latest) const {
  std::optional<Opening> best;
  std::int64_t to_beat = FactorAt(model, now);
  for (std::size_t i = 0; i < windows_.size(); ++i) {
    if (!windows_[i].model.empty() && windows_[i].model != model) {
      continue;
    }
    auto opening = OpeningAfter(i, now);
    if (!opening.has_value() || opening->begins > latest) {
      continue;
    }
    const bool is_cheaper = opening->factor_ppm < to_beat;
    const bool is_as_cheap_and_sooner =
        best.has_value() && opening->factor_ppm == to_beat && opening->begins < best->begins;
    if (is_cheaper || is_as_cheap_and_sooner) {
      to_beat = opening->factor_ppm;
      best = opening;
    }
  }
  return best;
}

}  // namespace reprise::jobs
