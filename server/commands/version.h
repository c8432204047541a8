// The server's version, as HELLO, INFO and --version tell it.
#pragma once

#include <string_view>

namespace reprise::commands {

inline constexpr std::string_view kServerVersion = REPRISE_VERSION;

}  // namespace reprise::commands
