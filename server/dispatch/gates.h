// Gates: what must be true before a command may run, in the order in which it is asked.
//
// A gate reads the flags of the row and the state of connection and server; it never asks for a
// command's name. Threads: loop. Errors: the gate's own. Complexity: O(1) each.
#pragma once

#include <optional>

#include "protocol/base/result.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::dispatch {

struct GateInput {
  const commands::CommandSpec& spec;
  commands::Session& session;
  instance::Instance& instance;
};

// Looks again who the connection is when access keys have changed since; false when it may do
// nothing but AUTH now.
bool Revalidate(commands::Session& session, const access::Registry& registry);

// The first gate's refusal, or nothing.
std::optional<base::Error> Refusal(const GateInput& input);

}  // namespace reprise::dispatch
