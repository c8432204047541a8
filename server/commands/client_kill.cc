// CLIENT.KILL: closes a connection.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/server_common.h"
#include "server/commands/server_state.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{
    ArgSpec{.name = "id", .kind = ArgKind::kInt, .doc = "as CLIENT.LIST shows it", .min = 1}};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  RETURN_IF_ERROR(RequireServer(context));
  const auto record = context.server->clients.Find(static_cast<std::uint64_t>(args.Int(0)));
  if (record != nullptr) {
    record->kill();
  }
  reply.Bool(record != nullptr);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kClientKill;
constexpr CommandSpec kClientKill{
    .name = "CLIENT.KILL",
    .family = Family::kConnection,
    .summary = "Closes the connection with this id.",
    .complexity = "O(1)",
    .since = "0.1",
    .flags = kAdmin | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "true; false when there is none",
    .errors = {},
    .examples = {},
    .run = &Run,
};

}  // namespace reprise::commands
