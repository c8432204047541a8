// Zone: how far the clocks of a place are from UTC, and when that changes.
//
// Read from a TZif file (RFC 8536) of version 1 to 4. Units: seconds since 1970 UTC; offsets in
// seconds east of UTC. Threads: immutable. Errors: kCorrupt (the bytes are no TZif file that can be
// used; what is wrong). Complexity: O(log changes) a question. Limits: below.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "server/calendar/posix_rule.h"

namespace reprise::calendar {

inline constexpr std::size_t kZoneFileBytesMax = std::size_t{64} * 1024;
inline constexpr std::size_t kChangesMax = 4'000;
inline constexpr std::int64_t kOffsetMaxS = std::int64_t{26} * 3'600;

// A stretch of time with one offset: from begin_s on, before end_s.
struct Stretch {
  std::int64_t begin_s = std::numeric_limits<std::int64_t>::min();
  std::int64_t end_s = std::numeric_limits<std::int64_t>::max();
  std::int64_t offset_s = 0;
};

class Zone {
 public:
  // One offset for ever.
  static Zone Fixed(std::string name, std::int64_t offset_s);
  static base::Result<Zone> Parse(std::string name, std::string_view bytes);

  const std::string& name() const { return name_; }
  Stretch StretchAt(std::int64_t at_s) const;

 private:
  Zone() = default;
  Stretch StretchByRule(std::int64_t at_s) const;

  std::string name_;
  std::int64_t first_offset_s_ = 0;  // before the first change
  std::vector<Change> changes_;      // in order of time
  std::optional<PosixRule> rule_;    // behind the last change
};

}  // namespace reprise::calendar
