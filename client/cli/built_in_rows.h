// The rows of client/commands.json as the build found them; an empty list when there was no file.
//
// Threads: constant.
#pragma once

#include <string_view>

namespace reprise::client {

extern const std::string_view kBuiltInRows;  // JSON

}  // namespace reprise::client
