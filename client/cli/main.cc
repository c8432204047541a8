// reprise-cli: decides which mode runs, and gives it its streams.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "client/cli/flags.h"
#include "client/cli/jobs.h"
#include "client/cli/money.h"
#include "client/cli/pipe.h"
#include "client/cli/port_flags.h"
#include "client/cli/prompt.h"
#include "client/cli/shell.h"
#include "client/cli/stat.h"
#include "client/cli/strategies.h"

namespace reprise::client {
namespace {

// Set by the signal handler; everything that waits looks at it.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): a handler has no arguments.
std::atomic<bool> interrupted{false};

void OnInterrupt(int /*signal*/) {
  interrupted = true;
}

// Without SA_RESTART, so that a wait ends.
void CatchInterrupts() {
  struct sigaction action {};
  action.sa_handler = &OnInterrupt;
  sigaction(SIGINT, &action, nullptr);
}

std::uint64_t SizeOf(const std::string& path) {
  struct stat status {};
  const bool is_file = stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
  return is_file ? static_cast<std::uint64_t>(status.st_size) : 0;
}

ExitCode RunPipe(const Flags& flags) {
  std::ifstream file;
  const bool from_input = flags.pipe_file == "-";
  if (!from_input) {
    file.open(flags.pipe_file);
    if (!file.is_open()) {
      std::cerr << "error: cannot read " << flags.pipe_file << std::endl;
      return ExitCode::kUsage;
    }
  }
  CatchInterrupts();
  PipeOptions options;
  options.window = flags.pipe_window;
  options.stop_on_error = flags.stop_on_error;
  options.on_terminal = isatty(STDERR_FILENO) == 1;
  options.bytes_total = from_input ? 0 : SizeOf(flags.pipe_file);
  options.interrupted = &interrupted;
  const PipeSummary summary = Load(from_input ? std::cin : file, flags.options, options, std::cerr);
  std::cout << SummaryLine(summary) << std::endl;
  return summary.code;
}

ExitCode RunImport(ImportOptions options, Client& client) {
  std::ifstream file;
  const bool from_input = options.file == "-";
  if (!from_input) {
    file.open(options.file, std::ios::binary);
    if (!file.is_open()) {
      std::cerr << "error: cannot read " << options.file << std::endl;
      return ExitCode::kUsage;
    }
  }
  options.on_terminal = isatty(STDERR_FILENO) == 1;
  options.bytes_total = from_input ? 0 : SizeOf(options.file);
  options.interrupted = &interrupted;
  return Import(client, from_input ? std::cin : file, options, std::cout, std::cerr);
}

ExitCode RunPort(PortFlags flags, Client& client) {
  CatchInterrupts();
  if (flags.from_file.has_value()) {
    return RunImport(*std::move(flags.from_file), client);
  }
  flags.to_file->on_terminal = isatty(STDERR_FILENO) == 1;
  flags.to_file->interrupted = &interrupted;
  return Export(client, *flags.to_file, std::cout, std::cerr);
}

ExitCode RunStat(const Flags& flags, Client& client) {
  CatchInterrupts();
  const auto status =
      ShowStat(client, {flags.interval_seconds, flags.count, &interrupted}, std::cout);
  if (status.ok()) {
    return ExitCode::kOk;
  }
  std::cerr << FormatError(status.error()) << std::endl;
  return CodeOfUnanswered(status.error());
}

ExitCode RunStrategies(const StrategiesOptions& options, Client& client) {
  const auto status = ShowStrategies(client, options, isatty(STDOUT_FILENO) == 1, std::cout);
  if (status.ok()) {
    return ExitCode::kOk;
  }
  std::cerr << FormatError(status.error()) << std::endl;
  return CodeOfUnanswered(status.error());
}

ExitCode RunCommands(const Flags& flags, Client& client) {
  Shell shell(client, {flags.style, flags.json_args, isatty(STDOUT_FILENO) == 1, &interrupted},
              std::cout, std::cerr);
  if (!flags.command.empty()) {
    std::vector<Word> words;
    for (const std::string& text : flags.command) {
      words.push_back({text, false});
    }
    if (ToUpper(flags.command.front()) == "HELP") {
      return shell.RunLine("help " + (flags.command.size() > 1 ? flags.command[1] : ""));
    }
    return shell.Run(words);
  }
  if (isatty(STDIN_FILENO) == 0) {
    return shell.RunAll(std::cin);
  }
  CatchInterrupts();
  return RunPrompt(shell, flags.options.address, interrupted);
}

ExitCode Say(const Leave& leave) {
  (leave.code == ExitCode::kOk ? std::cout : std::cerr) << leave.text << std::endl;
  return leave.code;
}

// What stands behind a word that is no command of the server.
struct Special {
  PortFlags port;
  std::optional<MoneyFlags> money;
  std::optional<JobsFlags> jobs;

  // Why not to go on.
  std::optional<Leave> leave() const {
    if (money.has_value()) {
      return money->leave;
    }
    return jobs.has_value() ? jobs->leave : port.leave;
  }
};

Special SpecialOf(const std::vector<std::string>& words) {
  Special special;
  if (words.empty()) {
    return special;
  }
  if (IsPort(words.front())) {
    special.port = ParsePortFlags(words);
  } else if (IsMoney(words.front())) {
    special.money = ParseMoneyFlags(words);
  } else if (IsJobs(words.front())) {
    special.jobs = ParseJobsFlags(words);
  }
  return special;
}

ExitCode Run(const Flags& flags, Special special, Client& client) {
  if (special.port.to_file.has_value() || special.port.from_file.has_value()) {
    return RunPort(std::move(special.port), client);
  }
  if (special.money.has_value()) {
    return RunMoney(client, *special.money, std::cout, std::cerr);
  }
  if (special.jobs.has_value()) {
    CatchInterrupts();
    return RunJobs(client, *special.jobs, {isatty(STDOUT_FILENO) == 1, &interrupted}, std::cout,
                   std::cerr);
  }
  if (flags.strategies.has_value()) {
    return RunStrategies(*flags.strategies, client);
  }
  return flags.stat ? RunStat(flags, client) : RunCommands(flags, client);
}

ExitCode Main(int argc, char** argv) {
  const char* access_key = std::getenv("REPRISE_KEY");
  const ParsedFlags parsed = ParseFlags(argc, argv, access_key == nullptr ? "" : access_key);
  if (parsed.leave.has_value()) {
    return Say(*parsed.leave);
  }
  const Flags& flags = parsed.flags;
  if (!flags.pipe_file.empty()) {
    return RunPipe(flags);
  }
  Special special = SpecialOf(flags.command);
  if (const auto leave = special.leave(); leave.has_value()) {
    return Say(*leave);
  }
  const auto client = Client::Create(flags.options);
  if (!client.ok()) {
    std::cerr << FormatError(client.error()) << std::endl;
    return ExitCode::kUsage;
  }
  return Run(flags, std::move(special), *client.value());
}

}  // namespace
}  // namespace reprise::client

int main(int argc, char** argv) {
  return static_cast<int>(reprise::client::Main(argc, argv));
}
