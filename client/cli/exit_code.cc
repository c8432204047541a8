#include "client/cli/exit_code.h"

namespace reprise::client {

ExitCode CodeOfUnanswered(const base::Error& error) {
  using base::Code;
  if (error.code == Code::kTimeout) {
    return ExitCode::kTimeout;
  }
  // The client's own word about TLS has the same code as the server's about the access key.
  const bool is_certificate =
      error.code == Code::kUnauthenticated && error.detail.starts_with("the server's certificate ");
  // What listens there may speak something else.
  const bool is_foreign = error.code == Code::kCorrupt || error.code == Code::kTooLarge;
  const bool is_lost = error.code == Code::kUnavailable || error.code == Code::kUnknownOutcome;
  return is_certificate || is_foreign || is_lost ? ExitCode::kNoConnection : ExitCode::kServerError;
}

}  // namespace reprise::client
