// SLOWLOG: the slowest commands of late.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/server_common.h"
#include "server/commands/server_state.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

enum Option : std::size_t { kLimit, kReset };
constexpr std::array kOptions{
    ArgSpec{.name = "limit",
            .kind = ArgKind::kInt,
            .doc = "most entries; 32 when not given",
            .min = 1,
            .max = 1000},
    ArgSpec{.name = "reset", .kind = ArgKind::kBool, .doc = "empty the log afterwards"}};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  RETURN_IF_ERROR(RequireServer(context));
  const auto entries =
      context.server->slow_log.Newest(static_cast<std::size_t>(args.IntOr(kLimit, 32)));
  if (args.BoolOr(kReset, false)) {
    context.server->slow_log.Reset();
  }
  reply.Array(entries.size());
  for (const telemetry::SlowCommand& entry : entries) {
    reply.Map(7);
    reply.Field("id", entry.id);
    reply.Field("time_ms", base::ToInt(entry.time));
    reply.Field("command", entry.command);
    reply.Field("duration_micros", entry.duration_micros);
    reply.Field("namespace", entry.name_space);
    reply.Field("peer", entry.peer);
    reply.Field("request_bytes", entry.request_bytes);
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kSlowlog;
constexpr CommandSpec kSlowlog{
    .name = "SLOWLOG",
    .family = Family::kServer,
    .summary =
        "Commands that took longer than log.slow_micros, newest first; arguments are never kept.",
    .complexity = "O(entries)",
    .since = "0.1",
    .flags = kAdmin,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "[{id, time_ms, command, duration_micros, namespace, peer, request_bytes}, ...]",
    .errors = {},
    .examples = {},
    .run = &Run,
};

}  // namespace reprise::commands
