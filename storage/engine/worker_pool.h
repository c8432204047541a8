// WorkerPool: the storage threads, for reads that may wait for the disk.
//
// Units: tasks. Threads: Post from any; tasks run on threads with the role base::kStorage. Errors:
// Post answers false when the queue is full or the pool is stopping, and destroys the task. Limits:
// the queue's places. Lifetime: Stop runs what is queued, then joins; the destructor stops.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "protocol/base/mailbox.h"
#include "protocol/base/mutex.h"

namespace reprise::storage {

class WorkerPool {
 public:
  WorkerPool(std::size_t threads, std::size_t queue_items_max);
  ~WorkerPool() { Stop(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  WorkerPool(WorkerPool&&) = delete;
  WorkerPool& operator=(WorkerPool&&) = delete;

  bool Post(std::unique_ptr<base::Task> task);
  void Stop();
  std::size_t queued() const;

 private:
  void Work();
  // The next task; null when the pool stops.
  std::unique_ptr<base::Task> Take();

  const std::size_t queue_items_max_;
  mutable base::Mutex mutex_;
  base::ConditionVariable wake_;
  std::deque<std::unique_ptr<base::Task>> queue_ GUARDED_BY(mutex_);
  std::size_t idle_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace reprise::storage
