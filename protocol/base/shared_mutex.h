// SharedMutex: many readers or the one writer. A waiting writer goes before new readers, so that
// steady reading cannot starve it; the price is that it must not be locked twice by one thread.
//
// Leaf locks: hold one at a time. Threads: any. Errors: none. Units: none.
#pragma once

#include <pthread.h>

#include "protocol/base/ensure.h"
#include "protocol/base/thread_role.h"

namespace reprise::base {

class THREAD_MARK(capability("mutex")) SharedMutex {
 public:
  SharedMutex() {
    pthread_rwlockattr_t attributes;
    ENSURE(::pthread_rwlockattr_init(&attributes) == 0);
    ENSURE(::pthread_rwlockattr_setkind_np(&attributes,
                                           PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) == 0);
    ENSURE(::pthread_rwlock_init(&lock_, &attributes) == 0);
    ::pthread_rwlockattr_destroy(&attributes);
  }
  ~SharedMutex() { ::pthread_rwlock_destroy(&lock_); }
  SharedMutex(const SharedMutex&) = delete;
  SharedMutex& operator=(const SharedMutex&) = delete;
  SharedMutex(SharedMutex&&) = delete;
  SharedMutex& operator=(SharedMutex&&) = delete;

  void Lock() THREAD_MARK(acquire_capability()) { ENSURE(::pthread_rwlock_wrlock(&lock_) == 0); }
  void Unlock() THREAD_MARK(release_capability()) { ENSURE(::pthread_rwlock_unlock(&lock_) == 0); }
  void LockShared() THREAD_MARK(acquire_shared_capability()) {
    ENSURE(::pthread_rwlock_rdlock(&lock_) == 0);
  }
  void UnlockShared() THREAD_MARK(release_shared_capability()) {
    ENSURE(::pthread_rwlock_unlock(&lock_) == 0);
  }

 private:
  pthread_rwlock_t lock_{};
};

class THREAD_MARK(scoped_lockable) WriteLock {
 public:
  explicit WriteLock(SharedMutex& mutex) THREAD_MARK(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~WriteLock() THREAD_MARK(release_capability()) { mutex_.Unlock(); }
  WriteLock(const WriteLock&) = delete;
  WriteLock& operator=(const WriteLock&) = delete;
  WriteLock(WriteLock&&) = delete;
  WriteLock& operator=(WriteLock&&) = delete;

 private:
  SharedMutex& mutex_;
};

class THREAD_MARK(scoped_lockable) ReadLock {
 public:
  explicit ReadLock(SharedMutex& mutex) THREAD_MARK(acquire_shared_capability(mutex))
      : mutex_(mutex) {
    mutex_.LockShared();
  }
  ~ReadLock() THREAD_MARK(release_capability()) { mutex_.UnlockShared(); }
  ReadLock(const ReadLock&) = delete;
  ReadLock& operator=(const ReadLock&) = delete;
  ReadLock(ReadLock&&) = delete;
  ReadLock& operator=(ReadLock&&) = delete;

 private:
  SharedMutex& mutex_;
};

}  // namespace reprise::base
