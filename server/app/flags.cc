#include "server/app/flags.h"

#include <CLI/CLI.hpp>

#include "server/app/exit_code.h"
#include "server/commands/version.h"

namespace reprise::app {
namespace {

constexpr std::string_view kDefaultDir = "reprise-data";

// Flags that are another spelling of a setting.
struct Shorthand {
  const char* flag;
  const char* setting;
  const char* help;
};
constexpr std::array kShorthands{
    Shorthand{"--dir", "store.dir", "Data directory (default: reprise-data)"},
    Shorthand{"--port", "network.port", "TCP port; 0: the system chooses (default: 7377)"},
    Shorthand{"--unix", "network.unix_socket", "Path of a Unix socket to listen on as well"},
    Shorthand{"--http-port", "http.port", "Admin HTTP port; -1: none (default: 7378)"},
};

}  // namespace

Flags ParseFlags(int argc, char** argv) {
  CLI::App app("Reprise: a response-cache server for LLM bots");
  app.set_version_flag("--version", "reprise-server " + std::string(commands::kServerVersion));
  Flags flags;
  app.add_option("--config", flags.config_file, "TOML file; conf/reprise.toml explains every key");
  std::array<std::string, kShorthands.size()> values;
  for (std::size_t i = 0; i < kShorthands.size(); ++i) {
    app.add_option(kShorthands[i].flag, values[i], kShorthands[i].help);
  }
  std::vector<std::string> settings;
  app.add_option("--set", settings, "A setting, name=value; may be given again")
      ->take_all()
      ->allow_extra_args(false);
  app.add_flag("--accept-loss", flags.accept_loss,
               "Open a data directory although acknowledged writes are missing");
  app.add_option("--dump", flags.dump_root,
                 "Write the generated files (command docs, client rows, configuration) below this "
                 "folder and end");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    flags.exit_code = app.exit(error) == 0 ? kStopped : kBadConfiguration;
    return flags;
  }
  for (std::size_t i = 0; i < kShorthands.size(); ++i) {
    if (app.count(kShorthands[i].flag) > 0) {
      flags.settings.push_back({kShorthands[i].setting, values[i]});
    }
  }
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos) {
      std::fprintf(stderr, "reprise-server: --set takes name=value, found '%s'\n", setting.c_str());
      flags.exit_code = kBadConfiguration;
      return flags;
    }
    flags.settings.push_back({setting.substr(0, equals), setting.substr(equals + 1)});
  }
  return flags;
}

base::Result<config::Config> LoadConfig(const Flags& flags) {
  config::Config config;
  if (!flags.config_file.empty()) {
    RETURN_IF_ERROR(config::LoadFile(flags.config_file, config));
  }
  for (const auto& [name, value] : flags.settings) {
    RETURN_IF_ERROR(config::Set(name, value, config));
  }
  if (config.store.dir.empty()) {
    config.store.dir = kDefaultDir;
  }
  config.store.accept_loss = flags.accept_loss;
  RETURN_IF_ERROR(config::Check(config));
  return config;
}

}  // namespace reprise::app
