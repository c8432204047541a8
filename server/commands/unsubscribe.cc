// UNSUBSCRIBE: events for this connection.
#include <algorithm>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/channels.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kChannelArg};
constexpr std::array kErrors{base::Code::kUnavailable};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(auto* const subscriptions, SubscriptionsOf(context));
  if (args.Bytes(0).starts_with(kJobsChannel)) {
    reply.Bool(subscriptions->Unsubscribe(HubChannelOfJobs(
        args.Bytes(0).substr(kJobsChannel.size()), context.principal.namespace_id)));
    return base::Ok{};
  }
  const auto row = std::find_if(kChannels.begin(), kChannels.end(), [&](const ChannelRow& known) {
    return known.name == args.Bytes(0);
  });
  reply.Bool(row != kChannels.end() &&
             subscriptions->Unsubscribe(HubChannel(*row, context.principal)));
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kUnsubscribe;
constexpr CommandSpec kUnsubscribe{
    .name = "UNSUBSCRIBE",
    .family = Family::kConnection,
    .summary = "Stops the events of a channel.",
    .complexity = "O(1)",
    .since = "0.1",
    .flags = kSession | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "true; false when it was not subscribed",
    .errors = kErrors,
    .examples = {},
    .run = &Run,
};

}  // namespace reprise::commands
