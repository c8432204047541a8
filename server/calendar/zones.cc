#include "server/calendar/zones.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

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

class OpenFile {
 public:
  explicit OpenFile(const std::string& path)
      : descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) {
      close(descriptor_);
    }
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  OpenFile(OpenFile&&) = delete;
  OpenFile& operator=(OpenFile&&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

// Absent when there is no such file; at most one byte more than a zone file may have.
std::optional<std::string> ReadFile(const std::string& path) {
  const OpenFile file(path);
  struct stat status {};
  if (file.descriptor() < 0 || fstat(file.descriptor(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  std::string content;
  std::array<char, 8'192> part{};
  while (content.size() <= kZoneFileBytesMax) {
    const ssize_t size = read(file.descriptor(), part.data(), part.size());
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size < 0) {
      return std::nullopt;
    }
    if (size == 0) {
      break;
    }
    content.append(part.data(), static_cast<std::size_t>(size));
  }
  return content;
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
    const auto bytes = ReadFile(folder_ + "/" + std::string(name));
    if (!bytes.has_value()) {
      return base::Error{base::Code::kNotFound, "this machine knows no time zone '" +
                                                    std::string(name) + "' (package tzdata)"};
    }
    ASSIGN_OR_RETURN(Zone parsed, Zone::Parse(std::string(name), *bytes));
    zone = std::make_shared<const Zone>(std::move(parsed));
  }
  base::MutexLock lock(mutex_);
  if (zones_.size() < kZonesMax) {
    zones_.emplace(name, zone);
  }
  return zone;
}

}  // namespace reprise::calendar
