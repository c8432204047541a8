// Exit codes of reprise-cli: part of its interface, scripts depend on them.
//
// Threads: any. Errors: none.
#pragma once

#include "protocol/base/error.h"

namespace reprise::client {

enum class ExitCode : int {
  kOk = 0,
  kServerError = 1,  // the server answered an error, or entries of an import were refused
  kUsage = 2,        // flags, command or arguments are wrong; nothing was sent
  kNoConnection = 3,
  kTimeout = 4,
  kPartial = 5  // a bulk load in which some lines failed, an import or export that was interrupted
};

// The code of an error that is no reply to a call: the server may have refused the access key or
// the name of the client before, or there was no connection.
ExitCode CodeOfUnanswered(const base::Error& error);

}  // namespace reprise::client
