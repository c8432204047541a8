// CLIENT.LIST: the open connections.
#include <algorithm>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/server_common.h"
#include "server/commands/server_state.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::size_t kClientsShownMax = 2000;

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  RETURN_IF_ERROR(RequireServer(context));
  auto records = context.server->clients.List();
  std::sort(records.begin(), records.end(),
            [](const auto& a, const auto& b) { return a->id < b->id; });
  // One reply stays below the limit on items that clients decode.
  records.resize(std::min<std::size_t>(records.size(), kClientsShownMax));
  const std::int64_t now = base::ToInt(context.now());
  reply.Array(records.size());
  for (const auto& record : records) {
    reply.Map(10);
    reply.Field("id", record->id);
    reply.Field("peer", record->peer);
    reply.Field("transport", record->transport);
    reply.Field("namespace", record->namespace_name());
    reply.Field("client", record->client());
    reply.Field("age_ms", now - base::ToInt(record->connected_at));
    reply.Field("idle_ms", std::max<std::int64_t>(0, now - record->active_at.load()));
    reply.Field("calls", record->calls.load());
    reply.Field("unsent_bytes", record->unsent_bytes.load());
    reply.Field("in_flight", record->in_flight.load());
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kClientList;
constexpr CommandSpec kClientList{
    .name = "CLIENT.LIST",
    .family = Family::kConnection,
    .summary = "The open connections, oldest first.",
    .complexity = "O(connections)",
    .since = "0.1",
    .flags = kAdmin | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result =
        "[{id, peer, transport, namespace, client, age_ms, idle_ms, calls, unsent_bytes, "
        "in_flight}, ...]",
    .errors = {},
    .examples = {},
    .run = &Run,
};

}  // namespace reprise::commands
