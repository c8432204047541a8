// SlowLog: the last slow commands, for SLOWLOG.
//
// What was slow and for whom, never with which arguments: prompts and values stay out of logs.
// Units: UnixMillis, microseconds, bytes. Threads: any. Errors: none. Complexity: Add O(1). Limits:
// `capacity` entries; names are cut at 128 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"

namespace reprise::telemetry {

struct SlowCommand {
  std::uint64_t id = 0;  // given by Add; grows by one, also over Reset
  base::UnixMillis time{0};
  std::string command;
  std::uint64_t duration_micros = 0;
  std::string name_space;
  std::string peer;
  std::uint64_t request_bytes = 0;
};

class SlowLog {
 public:
  explicit SlowLog(std::size_t capacity);

  void Add(SlowCommand command);
  // The newest first, at most `count`.
  std::vector<SlowCommand> Newest(std::size_t count) const;
  std::size_t size() const;
  // All that were ever added.
  std::uint64_t total() const;
  void Reset();
  // Drops the oldest when there are more.
  void SetCapacity(std::size_t capacity);

 private:
  mutable base::Mutex mutex_;
  std::size_t capacity_ GUARDED_BY(mutex_);
  std::uint64_t total_ GUARDED_BY(mutex_) = 0;
  std::deque<SlowCommand> commands_ GUARDED_BY(mutex_);  // the newest at the back
};

}  // namespace reprise::telemetry
