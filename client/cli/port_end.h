// How an export or an import ends that did not come to its end: what is said, and the exit code.
//
// Threads: one. Errors: none. Lifetime: nothing is kept.
#pragma once

#include <iosfwd>
#include <string>

#include "client/cli/exit_code.h"
#include "protocol/base/error.h"

namespace reprise::client {

struct Stop {
  base::Error error;
  bool is_local = false;     // a file of this machine, not the server
  bool interrupted = false;  // then the error is no news
  std::string summary;       // how far it has come
  std::string advice;        // what to do; empty: nothing can be done
};

// Three lines at most, and the code to leave with.
ExitCode ReportStop(const Stop& stop, std::ostream& report);

}  // namespace reprise::client
