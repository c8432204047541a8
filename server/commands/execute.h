// Execute: runs one command on the calling thread, without a network: embedded mode and tests.
//
// It checks arguments as the server does and waits for the commit of a write. Gates of connections
// (authentication, permissions) do not apply: the caller acts as `principal`. Threads: any but loop
// and writer threads. Errors: those of the command; kUnavailable for commands about the running
// process.
#pragma once

#include <string_view>

#include "protocol/base/buffer.h"
#include "protocol/base/result.h"
#include "server/commands/context.h"

namespace reprise::commands {

// `params` is an encoded MessagePack array; the result is one encoded value.
base::Result<base::Buffer> Execute(instance::Instance& instance, const config::Config& config,
                                   const access::Principal& principal, std::string_view method,
                                   std::string_view params);

}  // namespace reprise::commands
