#include "storage/engine/write_queue.h"

#include <algorithm>
#include <utility>

namespace reprise::storage {

bool WriteQueue::Submit(std::vector<std::unique_ptr<Mutation>>& mutations) {
  if (mutations.empty()) {
    return true;
  }
  std::size_t bytes = 0;
  for (const auto& mutation : mutations) {
    bytes += mutation->QueuedBytes();
  }
  bool wake = false;
  {
    base::MutexLock lock(mutex_);
    const bool fits = items_held_ + mutations.size() <= limits_.items_max &&
                      bytes_held_ + bytes <= limits_.bytes_max;
    if (closed_ || (!fits && items_held_ > 0)) {
      return false;
    }
    items_held_ += mutations.size();
    bytes_held_ += bytes;
    items_peak_ = std::max(items_peak_, items_held_);
    // The sum was taken outside of the lock; the first item carries it for the whole submission.
    for (auto& mutation : mutations) {
      items_.push_back({std::move(mutation), std::exchange(bytes, 0)});
    }
    wake = std::exchange(asleep_, false);
  }
  if (wake) {
    wake_.notify_one();
  }
  mutations.clear();
  return true;
}

WriteQueue::Wake WriteQueue::Take(std::vector<Item>& items) {
  base::MutexLock lock(mutex_);
  while (items_.empty() && !probe_ && !closed_) {
    asleep_ = true;
    wake_.wait(mutex_);
  }
  asleep_ = false;
  if (!items_.empty()) {
    items_.swap(items);
    return Wake::kWork;
  }
  return std::exchange(probe_, false) ? Wake::kProbe : Wake::kClosed;
}

void WriteQueue::Done(std::size_t items, std::size_t bytes) {
  base::MutexLock lock(mutex_);
  items_held_ -= items;
  bytes_held_ -= bytes;
}

void WriteQueue::RequestProbe() {
  {
    base::MutexLock lock(mutex_);
    probe_ = true;
    asleep_ = false;
  }
  wake_.notify_one();
}

void WriteQueue::Close() {
  {
    base::MutexLock lock(mutex_);
    closed_ = true;
    asleep_ = false;
  }
  wake_.notify_one();
}

bool WriteQueue::closed() const {
  base::MutexLock lock(mutex_);
  return closed_;
}

WriteQueueStats WriteQueue::Stats() const {
  base::MutexLock lock(mutex_);
  return {items_held_, bytes_held_, items_peak_};
}

}  // namespace reprise::storage
