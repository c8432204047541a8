#include "storage/engine/worker_pool.h"

#include <pthread.h>
#include <utility>

#include "protocol/base/thread_role.h"

namespace reprise::storage {

WorkerPool::WorkerPool(std::size_t threads, std::size_t queue_items_max)
    : queue_items_max_(queue_items_max) {
  for (std::size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Work(); });
    pthread_setname_np(threads_.back().native_handle(), "store-read");
  }
}

bool WorkerPool::Post(std::unique_ptr<base::Task> task) {
  bool wake = false;
  {
    base::MutexLock lock(mutex_);
    if (stopping_ || queue_.size() >= queue_items_max_) {
      return false;
    }
    queue_.push_back(std::move(task));
    wake = idle_ > 0;
  }
  if (wake) {
    wake_.notify_one();
  }
  return true;
}

void WorkerPool::Stop() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

std::size_t WorkerPool::queued() const {
  base::MutexLock lock(mutex_);
  return queue_.size();
}

void WorkerPool::Work() {
  base::kStorage.Adopt();
  while (const std::unique_ptr<base::Task> task = Take()) {
    task->Run();
  }
}

std::unique_ptr<base::Task> WorkerPool::Take() {
  base::MutexLock lock(mutex_);
  while (queue_.empty()) {
    if (stopping_) {
      return nullptr;
    }
    ++idle_;
    wake_.wait(mutex_);
    --idle_;
  }
  std::unique_ptr<base::Task> task = std::move(queue_.front());
  queue_.pop_front();
  return task;
}

}  // namespace reprise::storage
