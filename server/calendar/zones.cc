#include "server/calendar/zones.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/base/read_file.h"
#include "server/calendar/civil.h"

namespace reprise::calendar {
namespace {

constexpr std::int64_t kFixedHoursMax = 14;

bool CanBeName(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+' || c == '/';
  };
  const bool begins_well = !name.empty() && ((name.front() >= 'A' && name.front() <= 'Z') ||
                                             (name.front() >= 'a' && name.front() <= 'z'));
  return begins_well && name.size() <= kZoneNameBytesMax && name.back() != '/' &&
         name.find("//") == std::string_view::npos && std::all_of(name.begin(), name.end(), fits);
}

// "+05:30".
std::optional<std::int64_t> FixedOffset(std::string_view name) {
  if (name.size() != 6 || (name[0] != '+' && name[0] != '-')) {
    return std::nullopt;
  }
  const auto seconds = ParseTimeOfDay(name.substr(1));
  if (!seconds.has_value() || *seconds > kFixedHoursMax * kSecondsPerHour) {
    return std::nullopt;
  }
  return name[0] == '-' ? -*seconds : *seconds;
}

}  // namespace

ZonePtr Zones::Utc() {
  return std::make_shared<const Zone>(Zone::Fixed("UTC", 0));
}

base::Result<ZonePtr> Zones::Find(std::string_view name) {
  {
    base::MutexLock lock(mutex_);
    if (const auto found = zones_.find(name); found != zones_.end()) {
      return found->second;
    }
  }
  ZonePtr zone;
  if (name == "UTC") {
    zone = Utc();
  } else if (const auto fixed = FixedOffset(name); fixed.has_value()) {
    zone = std::make_shared<const Zone>(Zone::Fixed(std::string(name), *fixed));
  } else if (!CanBeName(name)) {
    return base::Error{base::Code::kBadRequest,
                       "a time zone is UTC, an offset such as +05:30 (at most 14 hours), or a name "
                       "such as Europe/Berlin"};
  } else {
    const auto bytes = base::ReadRegularFile(folder_ + "/" + std::string(name), kZoneFileBytesMax);
    if (!bytes.ok()) {
      return base::Error{base::Code::kNotFound, "this machine knows no time zone '" +
                                                    std::string(name) + "' (package tzdata)"};
    }
    ASSIGN_OR_RETURN(Zone parsed, Zone::Parse(std::string(name), bytes.value()));
    zone = std::make_shared<const Zone>(std::move(parsed));
  }
  base::MutexLock lock(mutex_);
  if (zones_.size() < kZonesMax) {
    zones_.emplace(name, zone);
  }
  return zone;
}

}  // namespace reprise::calendar
