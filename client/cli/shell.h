// Shell: runs command lines against a server; what the prompt, the one-shot mode and piped commands
// have in common.
//
// Threads: one. Errors: printed to `errors`; the exit code says which kind. Lifetime: borrows the
// client and the streams. Limits: those of the Client.
#pragma once

#include <atomic>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/exit_code.h"
#include "client/cli/format.h"
#include "client/cli/rows.h"
#include "client/cli/words.h"
#include "client/cpp/client.h"

namespace reprise::client {

struct ShellOptions {
  Style style = Style::kReadable;
  bool json_args = false;
  bool on_terminal = false;
  const std::atomic<bool>* interrupted = nullptr;
};

class Shell {
 public:
  Shell(Client& client, ShellOptions options, std::ostream& out, std::ostream& errors);

  // Runs one command.
  ExitCode Run(const std::vector<Word>& words);
  // Runs a typed line: a command, `help [COMMAND or FAMILY]`, `:json`, `:quit`. Empty lines do
  // nothing.
  ExitCode RunLine(std::string_view line);
  // Runs each line of `input` (a JSON text may span lines); the first code that is not kOk is kept.
  ExitCode RunAll(std::istream& input);

  bool quit() const { return quit_; }
  // Built in, or asked from the server once; may be empty.
  const Rows& rows();
  // Of the connection; empty when it is not known.
  const std::string& name_space() const { return name_space_; }
  void LearnNamespace();

 private:
  base::Status LearnRows(CallReport& report);
  ExitCode Help(const std::vector<Word>& words);
  ExitCode Fail(const base::Error& error, const CallReport& report);
  void Remember(const std::string& method, const base::Value& reply);

  Client& client_;
  ShellOptions options_;
  std::ostream& out_;
  std::ostream& errors_;
  Rows rows_;
  bool asked_for_rows_ = false;
  bool quit_ = false;
  std::string name_space_;
};

}  // namespace reprise::client
