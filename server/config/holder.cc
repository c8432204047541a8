// Owns which configuration is in force.
#include <map>
#include <utility>

#include "server/config/config.h"
#include "server/config/settings.h"
#include "server/config/table.h"
#include "server/config/toml_file.h"

namespace reprise::config {
namespace {

std::map<std::string, std::string> ValuesOf(const Config& config) {
  std::map<std::string, std::string> values;
  for (Setting& setting : Describe(config)) {
    values[std::move(setting.name)] = std::move(setting.value);
  }
  return values;
}

std::string Line(std::string_view name, std::string_view before, std::string_view after,
                 std::string_view note) {
  std::string line(name);
  line.append(": ").append(before).append(" -> ").append(after).append(note);
  return line;
}

// One line for each setting that differs: "log.level: info -> debug".
std::vector<std::string> Differences(const Config& from, const Config& to, std::string_view note) {
  const std::map<std::string, std::string> before = ValuesOf(from);
  std::map<std::string, std::string> after = ValuesOf(to);
  std::vector<std::string> lines;
  for (const auto& [name, value] : before) {
    const auto found = after.find(name);
    const std::string now = found == after.end() ? "(gone)" : found->second;
    if (found == after.end() || now != value) {
      lines.push_back(Line(name, value, now, note));
    }
    after.erase(name);
  }
  for (const auto& [name, value] : after) {
    lines.push_back(Line(name, "(new)", value, note));
  }
  return lines;
}

}  // namespace

ConfigHolder::ConfigHolder(Config config, std::vector<Override> command_line)
    : command_line_(std::move(command_line)),
      config_(std::make_shared<const Config>(std::move(config))) {}

std::shared_ptr<const Config> ConfigHolder::Get() const {
  const base::MutexLock lock(mutex_);
  return config_;
}

bool ConfigHolder::Publish(const std::shared_ptr<const Config>& expected, Config next) {
  auto published = std::make_shared<const Config>(std::move(next));
  const base::MutexLock lock(mutex_);
  if (config_ != expected) {
    return false;
  }
  config_.swap(published);
  version_.fetch_add(1, std::memory_order_release);
  return true;
}

base::Status ConfigHolder::SetLive(std::string_view name, std::string_view value) {
  while (true) {  // until no other change comes between; each turn means that one was published
    const std::shared_ptr<const Config> current = Get();
    Config next = *current;
    RETURN_IF_ERROR(Set(name, value, next));
    if (!IsLive(name)) {
      return base::Error{base::Code::kBadRequest,
                         std::string(name) +
                             " needs a restart: change it in the configuration file or on the "
                             "command line and start the server again"};
    }
    RETURN_IF_ERROR(Check(next));
    if (Publish(current, std::move(next))) {
      return base::Ok{};
    }
  }
}

base::Result<std::vector<std::string>> ConfigHolder::Reload(const std::string& path) {
  Config loaded;
  RETURN_IF_ERROR(ReadTomlFile(path, loaded));
  for (const Override& each : command_line_) {
    RETURN_IF_ERROR(Set(each.name, each.value, loaded));
  }
  while (true) {
    const std::shared_ptr<const Config> current = Get();
    Config next = *current;
    CopyLive(loaded, next);
    const base::Status checked = Check(next);
    if (!checked.ok()) {
      return base::Error{checked.error().code, path + ": " + checked.error().detail};
    }
    std::vector<std::string> lines = Differences(*current, next, "");
    const bool is_new = !lines.empty();
    for (std::string& line : Differences(next, loaded, " (needs a restart)")) {
      lines.push_back(std::move(line));
    }
    if (!is_new || Publish(current, std::move(next))) {
      return lines;
    }
  }
}

}  // namespace reprise::config
