// Flags: the command line of reprise-server. Threads: main. Errors: kBadRequest with the flag.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/result.h"
#include "server/config/config.h"

namespace reprise::app {

struct Flags {
  std::string config_file;
  std::vector<config::Override> settings;  // in the order in which they came
  bool accept_loss = false;
  std::string dump_root;  // write the generated files below this folder, then end
  // Set when the command line was answered already (--help, --version, a mistake): the exit code.
  std::optional<int> exit_code;
};

Flags ParseFlags(int argc, char** argv);

// File, then settings, then rules over several keys.
base::Result<config::Config> LoadConfig(const Flags& flags);

}  // namespace reprise::app
