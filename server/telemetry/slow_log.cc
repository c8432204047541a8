#include "server/telemetry/slow_log.h"

#include <algorithm>
#include <utility>

namespace reprise::telemetry {
namespace {

constexpr std::size_t kNameBytesMax = 128;

void Bound(std::string& name) {
  if (name.size() > kNameBytesMax) {
    name.resize(kNameBytesMax);
  }
}

}  // namespace

SlowLog::SlowLog(std::size_t capacity) : capacity_(capacity) {}

void SlowLog::Add(SlowCommand command) {
  Bound(command.command);
  Bound(command.name_space);
  Bound(command.peer);
  const base::MutexLock lock(mutex_);
  command.id = ++total_;
  commands_.push_back(std::move(command));
  if (commands_.size() > capacity_) {
    commands_.pop_front();
  }
}

std::vector<SlowCommand> SlowLog::Newest(std::size_t count) const {
  const base::MutexLock lock(mutex_);
  const auto taken = static_cast<std::ptrdiff_t>(std::min(count, commands_.size()));
  return {commands_.rbegin(), commands_.rbegin() + taken};
}

std::size_t SlowLog::size() const {
  const base::MutexLock lock(mutex_);
  return commands_.size();
}

std::uint64_t SlowLog::total() const {
  const base::MutexLock lock(mutex_);
  return total_;
}

void SlowLog::Reset() {
  const base::MutexLock lock(mutex_);
  commands_.clear();
}

void SlowLog::SetCapacity(std::size_t capacity) {
  const base::MutexLock lock(mutex_);
  capacity_ = capacity;
  while (commands_.size() > capacity_) {
    commands_.pop_front();
  }
}

}  // namespace reprise::telemetry
