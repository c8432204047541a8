// COMMAND.LIST: the names of all commands.
#include "protocol/wire/writer.h"
#include "server/commands/all.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

base::Status Run(Context& /*context*/, const Args& /*args*/, wire::Writer& reply) {
  reply.Array(AllCommands().size());
  for (const CommandSpec* spec : AllCommands()) {
    reply.Str(spec->name);
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCommandList;
constexpr CommandSpec kCommandList{
    .name = "COMMAND.LIST",
    .family = Family::kServer,
    .summary = "The names of all commands.",
    .complexity = "O(commands)",
    .since = "0.1",
    .flags = kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "[name, ...]",
    .errors = {},
    .examples = {},
    .run = &Run,
};

}  // namespace reprise::commands
