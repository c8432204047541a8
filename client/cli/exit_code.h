// Exit codes of reprise-cli: part of its interface, scripts depend on them.
#pragma once

namespace reprise::client {

enum class ExitCode : int {
  kOk = 0,
  kServerError = 1,  // the server answered an error
  kUsage = 2,        // flags, command or arguments are wrong; nothing was sent
  kNoConnection = 3,
  kTimeout = 4,
  kPartial = 5  // a bulk load in which some lines failed
};

}  // namespace reprise::client
