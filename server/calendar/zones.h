// Zones: time zones by name, each read once.
//
// Threads: any (a mutex that is a leaf; a file is read without it). Errors: kBadRequest (a name
// that no zone can have), kNotFound (no such file), kCorrupt. Lifetime: zones are shared and
// immutable. Complexity: O(log zones), and one small file read for a new name: not for a loop
// thread. Limits: kZonesMax names are kept, more are read each time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/calendar/zone.h"

namespace reprise::calendar {

inline constexpr std::string_view kZoneFolder = "/usr/share/zoneinfo";
inline constexpr std::size_t kZonesMax = 600;
inline constexpr std::size_t kZoneNameBytesMax = 64;

using ZonePtr = std::shared_ptr<const Zone>;

class Zones {
 public:
  explicit Zones(std::string_view folder = kZoneFolder) : folder_(folder) {}

  // "UTC", a fixed "+hh:mm" or "-hh:mm", or a name of the database: "Europe/Berlin".
  base::Result<ZonePtr> Find(std::string_view name);

  static ZonePtr Utc();

 private:
  const std::string folder_;
  base::Mutex mutex_;
  std::map<std::string, ZonePtr, std::less<>> zones_ GUARDED_BY(mutex_);
};

}  // namespace reprise::calendar
