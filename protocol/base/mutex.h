// A mutex that Clang's -Wthread-safety understands, and the marks for what it guards.
//
// Mutexes are leaves here: hold one at a time and call nothing outside the class while holding it.
// Threads: any. Errors: none. Complexity: one uncontended atomic operation each way.
#pragma once

#include <condition_variable>
#include <mutex>

#include "protocol/base/thread_role.h"

#define GUARDED_BY(mutex) THREAD_MARK(guarded_by(mutex))
#define REQUIRES(mutex) THREAD_MARK(requires_capability(mutex))

namespace reprise::base {

class THREAD_MARK(capability("mutex")) Mutex {
 public:
  void lock() THREAD_MARK(acquire_capability()) { mutex_.lock(); }
  void unlock() THREAD_MARK(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class THREAD_MARK(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) THREAD_MARK(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() THREAD_MARK(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;
  MutexLock(MutexLock&&) = delete;
  MutexLock& operator=(MutexLock&&) = delete;

 private:
  Mutex& mutex_;
};

// Waits on a Mutex that the caller holds: `condition.wait(mutex)`.
using ConditionVariable = std::condition_variable_any;

}  // namespace reprise::base
