// SUBSCRIBE: events for this connection.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/batch_common.h"
#include "server/commands/channels.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kChannelArg};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kForbidden};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(auto* const subscriptions, SubscriptionsOf(context));
  for (const ChannelRow& row : kChannels) {
    if (row.name != args.Bytes(0)) {
      continue;
    }
    if (row.needs_admin && (context.principal.permissions & access::kMayAdminister) == 0) {
      return base::Error{base::Code::kForbidden,
                         "SUBSCRIBE: this channel needs the permission 'admin'"};
    }
    RETURN_IF_ERROR(subscriptions->Subscribe(HubChannel(row, context.principal)));
    reply.Bool(true);
    return base::Ok{};
  }
  if (args.Bytes(0).starts_with(kJobsChannel)) {
    const std::string_view reply_to = args.Bytes(0).substr(kJobsChannel.size());
    RETURN_IF_ERROR(CheckReplyTo(reply_to));
    RETURN_IF_ERROR(
        subscriptions->Subscribe(HubChannelOfJobs(reply_to, context.principal.namespace_id)));
    reply.Bool(true);
    return base::Ok{};
  }
  return base::Error{
      base::Code::kNotFound,
      "SUBSCRIBE: there is no such channel; channels are invalidation, budget, budgets, "
      "guardrail, slow, config and jobs:REPLY_TO"};
}

}  // namespace

extern const CommandSpec kSubscribe;
constexpr CommandSpec kSubscribe{
    .name = "SUBSCRIBE",
    .family = Family::kConnection,
    .summary =
        "Starts to send the events of a channel to this connection, as notifications EVENT "
        "[channel, event]. Channels: invalidation, budget, budgets, guardrail, slow, config; and "
        "jobs:X "
        "for {ticket, status, custom_id} of each task with reply_to X that ends.",
    .complexity = "O(1)",
    .since = "0.1",
    .flags = kSession | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "true",
    .errors = kErrors,
    .examples = {},
    .run = &Run,
};

}  // namespace reprise::commands
