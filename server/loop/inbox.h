// Inbox: the queue behind a loop's mailbox. Many threads put, the loop takes everything at once.
//
// Threads: Put from any thread; the rest on the loop. Errors: Put answers kFull or kClosed and the
// caller keeps the task. Complexity: O(1) under a leaf mutex; Take swaps two vectors. Limits: the
// number of places given at construction.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "protocol/base/mailbox.h"
#include "protocol/base/mutex.h"

namespace reprise::loop {

class Inbox {
 public:
  enum class Outcome { kFirst, kQueued, kFull, kClosed };

  explicit Inbox(std::size_t places) : places_(places) {}

  // Takes `task` when it answers kFirst (the queue was empty: wake the loop) or kQueued.
  Outcome Put(std::unique_ptr<base::Task>& task);

  // False at the cost of one relaxed load when there is surely nothing to take.
  bool MayHaveTasks() const { return waiting_.load(std::memory_order_acquire); }
  // Swaps the waiting tasks into `tasks`, which must be empty.
  void Take(std::vector<std::unique_ptr<base::Task>>& tasks);
  // From here on Put answers kClosed.
  void Close();

 private:
  const std::size_t places_;
  std::atomic<bool> waiting_{false};
  base::Mutex mutex_;
  std::vector<std::unique_ptr<base::Task>> tasks_ GUARDED_BY(mutex_);
  bool open_ GUARDED_BY(mutex_) = true;
};

}  // namespace reprise::loop
