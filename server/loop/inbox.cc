#include "server/loop/inbox.h"

#include <utility>

#include "protocol/base/ensure.h"

namespace reprise::loop {

Inbox::Outcome Inbox::Put(std::unique_ptr<base::Task>& task) {
  const base::MutexLock lock(mutex_);
  if (!open_) {
    return Outcome::kClosed;
  }
  if (tasks_.size() >= places_) {
    return Outcome::kFull;
  }
  tasks_.push_back(std::move(task));
  if (tasks_.size() > 1) {
    return Outcome::kQueued;
  }
  waiting_.store(true, std::memory_order_release);
  return Outcome::kFirst;
}

void Inbox::Take(std::vector<std::unique_ptr<base::Task>>& tasks) {
  ENSURE(tasks.empty());
  const base::MutexLock lock(mutex_);
  tasks_.swap(tasks);
  waiting_.store(false, std::memory_order_release);
}

void Inbox::Close() {
  const base::MutexLock lock(mutex_);
  open_ = false;
}

}  // namespace reprise::loop
