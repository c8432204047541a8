// The flags of `reprise-cli export` and `reprise-cli import`, which stand behind those words.
//
// Threads: one, at the start. Errors: the text to print, for exit code 2 (or 0 for --help).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/cli/export.h"
#include "client/cli/flags.h"
#include "client/cli/import.h"

namespace reprise::client {

bool IsPort(const std::string& word);

struct PortFlags {
  std::optional<ExportOptions> to_file;  // one of the two
  std::optional<ImportOptions> from_file;
  std::optional<Leave> leave;  // do not go on
};
// `words`: from `export` or `import` on.
PortFlags ParsePortFlags(const std::vector<std::string>& words);

}  // namespace reprise::client
