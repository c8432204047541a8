// ENSURE (the CHECK of the house guide; Catch2 owns that name): programmer mistakes end the
// process, in every build. Never used on data from outside.
//
// DENSURE is the same where a release build could not afford it (set by the CHECKS option).
// Threads: any. Errors: aborts with file, line and the condition on standard error.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace reprise::base {

[[noreturn]] inline void EnsureFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: ENSURE failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace reprise::base

#define ENSURE(condition)                                            \
  do {                                                               \
    if (!(condition)) [[unlikely]] {                                 \
      ::reprise::base::EnsureFailed(#condition, __FILE__, __LINE__); \
    }                                                                \
  } while (false)

#ifdef REPRISE_CHECKS
#define DENSURE(condition) ENSURE(condition)
#else
#define DENSURE(condition) \
  do {                     \
  } while (false)
#endif
