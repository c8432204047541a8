// Every command, sorted by name; the index of a row in AllCommands() is its number in the
// telemetry.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "server/commands/spec.h"

namespace reprise::commands {

std::span<const CommandSpec* const> AllCommands();

// By name in any case; nothing when there is none. O(1).
std::optional<std::size_t> IndexOf(std::string_view name);
const CommandSpec* FindCommand(std::string_view name);
// The known name that is most like `name`, for the message about an unknown one; empty when none is
// near.
std::string_view NearestCommand(std::string_view name);

}  // namespace reprise::commands
