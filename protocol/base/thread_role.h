// Thread roles: which kind of thread may call a function or touch a field.
//
// A role is not a lock. Clang's -Wthread-safety reads the marks below at compile time; a C callback
// (libuv, RocksDB) has no marks, so its first line is `base::kLoop.AssertHeld();`, which tells the
// compiler the role and aborts when the running thread was started with another one.
//
// Threads: everything here is safe from any thread. Errors: none. Cost: one thread-local read.
#pragma once

#include <cstdlib>

#if defined(__clang__)
#define THREAD_MARK(x) __attribute__((x))
#else
#define THREAD_MARK(x)
#endif

namespace reprise::base {

class THREAD_MARK(capability("thread role")) ThreadRole {
 public:
  void AssertHeld() const THREAD_MARK(assert_capability(this)) {
    if (Current() != this) {
      std::abort();
    }
  }
  // Called once, first thing, by the function a thread is started with.
  void Adopt() const { Current() = this; }

 private:
  static const ThreadRole*& Current() {
    static thread_local const ThreadRole* role = nullptr;
    return role;
  }
};

inline constexpr ThreadRole kLoop;     // Runs one libuv loop; owns its connections; never blocks.
inline constexpr ThreadRole kStorage;  // May block in RocksDB; owns nothing between tasks.
inline constexpr ThreadRole kWriter;   // The one thread that runs transactions and commits them.

}  // namespace reprise::base

#define ON_LOOP_THREAD THREAD_MARK(requires_capability(::reprise::base::kLoop))
#define ON_STORAGE_THREAD THREAD_MARK(requires_capability(::reprise::base::kStorage))
#define ON_WRITER_THREAD THREAD_MARK(requires_capability(::reprise::base::kWriter))
#define OWNED_BY_LOOP THREAD_MARK(guarded_by(::reprise::base::kLoop))
#define OWNED_BY_WRITER THREAD_MARK(guarded_by(::reprise::base::kWriter))
