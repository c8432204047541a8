// Configuration: a TOML file, then command-line settings, then CONFIG.SET while running.
//
// Every key is one row in table.cc; parsing, ranges, CONFIG.GET, help and conf/reprise.toml come
// from the rows. Errors: kBadRequest naming file, line, key, the value found and what is allowed;
// kNotFound for an unknown key or section, with the nearest known one; kIo for a file that cannot
// be read, kTooLarge for one over 1 MiB. On error nothing has changed. Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/config/options.h"

namespace reprise::config {

// Reads a TOML file on top of `config`. Checks what depends on several keys as well (TLS needs
// certificate and key; a non-loopback bind needs TLS and an access key, which the caller checks).
base::Status LoadFile(const std::string& path, Config& config);
// One setting in text form, as `--set name=value` and CONFIG.SET give it: "64MiB" and "30s" work
// wherever the row's unit is bytes or milliseconds.
base::Status Set(std::string_view name, std::string_view value, Config& config);
// Rules over several keys.
base::Status Check(const Config& config);

struct Setting {
  std::string name;
  std::string value;  // in the form that Set takes: numbers without a unit, lists with commas
  // "integer", "bytes", "milliseconds", "microseconds", "boolean", "text", "list", "choice"
  std::string kind;
  std::string allowed;  // "1 to 65535", "always, interval or none"
  std::string doc;
  std::string default_value;
  bool live = false;  // CONFIG.SET takes it without a restart
};

// All settings in file order, or those whose name begins with `prefix`, in which `*` is any text.
std::vector<Setting> Describe(const Config& config, std::string_view prefix = "");
bool IsLive(std::string_view name);

// The commented file that documents every key with its default (conf/reprise.toml).
std::string RenderDefaultFile();

// A setting of the command line: comes after the file and wins, also when the file is read again.
struct Override {
  std::string name;
  std::string value;
};

// The configuration in force. Readers take a snapshot, once a loop turn; CONFIG.SET publishes a new
// one.
class ConfigHolder {
 public:
  // `config` has the command line applied already; `command_line` is kept for Reload.
  explicit ConfigHolder(Config config, std::vector<Override> command_line = {});
  std::shared_ptr<const Config> Get() const;
  // Grows with each publication; a reader compares it to skip Get.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  // Checks and publishes. Refuses a key that needs a restart (kBadRequest says so).
  base::Status SetLive(std::string_view name, std::string_view value);
  // SIGHUP: every live key becomes what the file says, or its default, also those that CONFIG.SET
  // had changed. One line for each that changed ("log.level: info -> debug") and each that needs a
  // restart ("network.port: 7377 -> 7400 (needs a restart)"). On error nothing changes.
  base::Result<std::vector<std::string>> Reload(const std::string& path);

 private:
  // False when `expected` is no longer in force.
  bool Publish(const std::shared_ptr<const Config>& expected, Config next);

  const std::vector<Override> command_line_;
  mutable base::Mutex mutex_;
  std::shared_ptr<const Config> config_ GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> version_{1};
};

}  // namespace reprise::config
