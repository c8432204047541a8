// Export: all entries of the namespace into a file (README.md: formats).
//
// The file appears under its name when it is complete; until then it is FILE.partial, and
// FILE.export-state says how far it has come. Both stay when the export is interrupted, for
// --resume, which works across restarts of the server.
//
// Threads: one. Errors: in the exit code, told on `report`. Memory: one page.
#pragma once

#include <atomic>
#include <iosfwd>
#include <string>

#include "client/cli/entry_source.h"
#include "client/cli/exit_code.h"
#include "client/cpp/client.h"

namespace reprise::client {

struct ExportOptions {
  std::string file;  // "-": standard output; then there is nothing to resume
  FileFormat format = FileFormat::kJsonLines;
  bool resume = false;
  std::string type;  // only these; empty: all
  std::string tag;
  bool on_terminal = false;  // of `report`
  const std::atomic<bool>* interrupted = nullptr;
};

// Progress and errors go to `report`, the summary to `out` (to `report` when the entries go to
// standard output).
ExitCode Export(Client& client, const ExportOptions& options, std::ostream& out,
                std::ostream& report);

}  // namespace reprise::client
