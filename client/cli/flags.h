// Flags: the command line of reprise-cli.
//
// Threads: one, at the start. Errors: an ExitCode with the text to print. Units: timeout in
// milliseconds, interval in seconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/exit_code.h"
#include "client/cli/format.h"
#include "client/cli/strategies.h"
#include "client/cpp/options.h"

namespace reprise::client {

struct Flags {
  Options options;
  Style style = Style::kReadable;
  bool json_args = false;
  std::vector<std::string> command;  // empty: read commands from standard input
  std::string pipe_file;             // "-": standard input; empty: no bulk load
  std::size_t pipe_window = 1'000;
  bool stop_on_error = false;
  bool stat = false;
  double interval_seconds = 1;
  std::int64_t count = 0;  // lines of the live view; 0: until interrupted
  std::optional<StrategiesOptions> strategies{};
};

// What to print and how to leave when the program is not to go on (--help, --version, a mistake).
struct Leave {
  ExitCode code;
  std::string text;
};

struct ParsedFlags {
  Flags flags;
  std::optional<Leave> leave;
};

// `access_key` is what the environment variable REPRISE_KEY holds; may be empty.
ParsedFlags ParseFlags(int argc, const char* const* argv, const std::string& access_key);

}  // namespace reprise::client
