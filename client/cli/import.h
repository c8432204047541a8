// Import: a file of entries into the namespace (README.md: formats).
//
// Entries go in batches with CACHE.IMPORT; the server checks each and refuses a bad one alone.
// After each batch FILE.import-state says how far the file was read, for --resume. What was stored
// twice because the program was killed in between is stored once: the server skips it.
//
// Threads: one. Errors: in the exit code, told on `report`. Memory: one batch, one entry.
#pragma once

#include <atomic>
#include <cstdint>
#include <iosfwd>
#include <string>

#include "client/cli/entry_source.h"
#include "client/cli/exit_code.h"
#include "client/cpp/client.h"

namespace reprise::client {

struct ImportOptions {
  std::string file;  // "-": standard input, which cannot be resumed
  FileFormat format = FileFormat::kJsonLines;
  bool resume = false;
  std::string type;        // of entries with none, or with one that the server does not know
  base::Value identity{};  // of a GPTCache list
  bool replace = false;
  bool keep_expiry = true;
  bool on_terminal = false;       // of `report`
  std::uint64_t bytes_total = 0;  // 0: not known
  const std::atomic<bool>* interrupted = nullptr;
};

// `input` is read from the beginning, or from where an earlier import stopped. Refused entries and
// progress go to `report`, the summary to `out`.
ExitCode Import(Client& client, std::istream& input, const ImportOptions& options,
                std::ostream& out, std::ostream& report);

}  // namespace reprise::client
