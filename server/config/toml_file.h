// TomlFile: the values of a configuration file, key by key, without the rules over several keys.
// Private to server/config. Errors: as LoadFile. Threads: any. Limits: files of 1 MiB.
#pragma once

#include <cstddef>
#include <string>

#include "protocol/base/result.h"
#include "server/config/options.h"

namespace reprise::config {

inline constexpr std::size_t kFileBytesMax = std::size_t{1} << 20;
inline constexpr std::size_t kLineBytesMax = std::size_t{16} * 1024;

// On error `config` is as it was.
base::Status ReadTomlFile(const std::string& path, Config& config);

}  // namespace reprise::config
