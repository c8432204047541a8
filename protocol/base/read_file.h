// ReadRegularFile: a whole file that a person named, with a bound. Never waits: a FIFO, a device or
// a folder is refused, not read. Threads: any, blocking. Complexity: O(bytes).
// Errors: kIo (not there, not regular, not readable), kTooLarge; each names the file.
#pragma once

#include <cstddef>
#include <string>

#include "protocol/base/result.h"

namespace reprise::base {

// `bytes_max` is a whole number of KiB.
Result<std::string> ReadRegularFile(const std::string& path, std::size_t bytes_max);

}  // namespace reprise::base
