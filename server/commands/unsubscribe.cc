// UNSUBSCRIBE: events for this connection.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/channels.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{ArgSpec{
    .name = "channel", .kind = ArgKind::kText, .doc = "slow or config", .min = 1, .max = 256}};
constexpr std::array kErrors{base::Code::kUnavailable};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  if (context.session->subscriptions == nullptr) {
    return base::Error{base::Code::kUnavailable, "UNSUBSCRIBE needs a connection"};
  }
  reply.Bool(context.session->subscriptions->Unsubscribe(args.Bytes(0)));
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
