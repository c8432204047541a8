// The configuration file and `--set name=value`. A target for libFuzzer.
//
// A file is taken or refused with a sentence; what is taken keeps every rule, and describing it
// gives values that Set takes again and that describe the same configuration.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>

#include "protocol/base/ensure.h"
#include "server/config/config.h"

namespace {

using reprise::config::Config;

// A file in memory, with a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content) : descriptor_(memfd_create("config", 0)) {
    ENSURE(descriptor_ >= 0);
    ENSURE(write(descriptor_, content.data(), content.size()) ==
           static_cast<ssize_t>(content.size()));
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(descriptor_); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

void CheckDescribed(const Config& config) {
  Config again;
  for (const auto& setting : reprise::config::Describe(config)) {
    ENSURE(!setting.name.empty() && !setting.doc.empty());
    const auto set = reprise::config::Set(setting.name, setting.value, again);
    ENSURE(set.ok() || setting.value.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Config config;
  const MemoryFile file(text);
  if (const auto loaded = reprise::config::LoadFile(file.path(), config); loaded.ok()) {
    CheckDescribed(config);
  } else {
    ENSURE(!loaded.error().detail.empty());
  }
  if (const std::size_t equals = text.find('='); equals != std::string_view::npos) {
    Config changed;
    const auto set = reprise::config::Set(text.substr(0, equals), text.substr(equals + 1), changed);
    ENSURE(set.ok() || !set.error().detail.empty());
  }
  return 0;
}
