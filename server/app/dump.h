// Dump: writes the files that are generated from the rows. Threads: main. Errors: kIo with the
// file.
#pragma once

#include <string>

#include "protocol/base/result.h"

namespace reprise::app {

// COMMANDS.md, client/commands.json, conf/reprise.toml and the fuzz dictionary, below `root`.
base::Status Dump(const std::string& root);

}  // namespace reprise::app
