// WriteQueue: mutations on their way to the writer, from all loops.
//
// Waking costs a system call only when the writer sleeps: while it commits, submissions just queue,
// and it takes them together afterwards. Units: mutations and bytes. Threads: Submit from any, Take
// and Done from the writer. Errors: Submit answers false when the queue is full or closed and
// leaves the mutations with the caller. Limits: items and bytes, counted from Submit until Done, so
// that what the writer holds counts too; an empty queue takes one submission of any size, or a
// value above the bound could never be written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "protocol/base/mutex.h"
#include "storage/engine/store.h"

namespace reprise::storage {

struct WriteQueueLimits {
  std::size_t items_max;
  std::size_t bytes_max;
};

struct WriteQueueStats {
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;
  std::uint64_t items_peak = 0;
};

class WriteQueue {
 public:
  struct Item {
    std::unique_ptr<Mutation> mutation;
    std::size_t bytes = 0;
  };
  enum class Wake : std::uint8_t { kWork, kProbe, kClosed };

  explicit WriteQueue(WriteQueueLimits limits) : limits_(limits) {}

  bool Submit(std::vector<std::unique_ptr<Mutation>>& mutations);
  // Waits for work; moves everything queued into `items`, which must be empty.
  Wake Take(std::vector<Item>& items);
  // Gives back the room of items that were finished.
  void Done(std::size_t items, std::size_t bytes);
  // Makes one Take answer kProbe, also when nothing is queued.
  void RequestProbe();
  // Refuses further submissions; Take answers kClosed after the last one was taken.
  void Close();
  bool closed() const;
  WriteQueueStats Stats() const;

 private:
  const WriteQueueLimits limits_;
  mutable base::Mutex mutex_;
  base::ConditionVariable wake_;
  std::vector<Item> items_ GUARDED_BY(mutex_);
  std::uint64_t items_held_ GUARDED_BY(mutex_) = 0;
  std::uint64_t bytes_held_ GUARDED_BY(mutex_) = 0;
  std::uint64_t items_peak_ GUARDED_BY(mutex_) = 0;
  bool asleep_ GUARDED_BY(mutex_) = false;
  bool probe_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace reprise::storage
