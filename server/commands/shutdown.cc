// SHUTDOWN: stops the server.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/server_common.h"
#include "server/commands/server_state.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  RETURN_IF_ERROR(RequireServer(context));
  context.server->request_shutdown();
  reply.Bool(true);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kShutdown;
constexpr CommandSpec kShutdown{
    .name = "SHUTDOWN",
    .family = Family::kServer,
    .summary =
        "Stops the server gracefully: what was accepted is finished, everything is put on the "
        "medium.",
    .complexity = "O(1)",
    .since = "0.1",
    .flags = kAdmin,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "true",
    .errors = {},
    .examples = {},
    .run = &Run,
};

}  // namespace reprise::commands
