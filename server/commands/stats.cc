// STATS: what each command did.
#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/wire/writer.h"
#include "server/commands/all.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/server_common.h"
#include "server/commands/server_state.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  RETURN_IF_ERROR(RequireServer(context));
  std::vector<std::pair<std::string_view, telemetry::CommandReading>> called;
  for (std::size_t i = 0; i < AllCommands().size(); ++i) {
    telemetry::CommandReading reading = context.server->telemetry.Collect(i);
    if (reading.calls > 0) {
      called.emplace_back(AllCommands()[i]->name, reading);
    }
  }
  reply.Map(called.size());
  for (const auto& [name, reading] : called) {
    reply.Str(name);
    reply.Map(6);
    reply.Field("calls", reading.calls);
    reply.Field("errors", reading.errors);
    reply.Field("mean_micros",
                reading.latency.sum_micros / std::max<std::uint64_t>(1, reading.latency.count));
    reply.Field("p50_micros", reading.latency.Quantile(0.5));
    reply.Field("p99_micros", reading.latency.Quantile(0.99));
    reply.Field("p999_micros", reading.latency.Quantile(0.999));
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kStats;
constexpr CommandSpec kStats{
    .name = "STATS",
    .family = Family::kServer,
    .summary =
        "Calls, errors and latency of each command that was called since the server started.",
    .complexity = "O(commands)",
    .since = "0.1",
    .flags = kAdmin | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{name: {calls, errors, mean_micros, p50_micros, p99_micros, p999_micros}, ...}",
    .errors = {},
    .examples = {},
    .run = &Run,
};

}  // namespace reprise::commands
