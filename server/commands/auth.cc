// AUTH: proves who the client is.
#include <memory>
#include <utility>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/channels.h"
#include "server/commands/context.h"
#include "server/commands/server_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{ArgSpec{
    .name = "key", .kind = ArgKind::kText, .doc = "as KEY.CREATE gave it", .min = 1, .max = 256}};
constexpr std::array kErrors{base::Code::kUnauthenticated};
constexpr std::array kExamples{
    Example{R"(["AUTH", ["rk_wrong"]])", R"({"error": "unauthenticated"})"},
};

// What this connection held, waited for or listened to as who it was before.
void LeaveNamespace(const Context& context) {
  const Session& session = *context.session;
  context.instance.Expel(session.id);
  for (const ChannelRow& row : kChannels) {
    if (row.of_namespace && session.subscriptions != nullptr) {
      (void)session.subscriptions->Unsubscribe(HubChannel(row, *session.principal));
    }
  }
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  Session& session = *context.session;
  const std::uint64_t version = context.instance.access().version();
  auto principal = context.instance.access().Authenticate(args.Bytes(0));
  if (!principal.ok()) {
    if (++session.auth_failures >= base::limits::kAuthFailures.value) {
      session.close_after_reply = true;
    }
    return std::move(principal).error();
  }
  LeaveNamespace(context);
  session.principal = std::make_shared<const access::Principal>(std::move(principal).value());
  session.authenticated = true;
  session.revoked = false;
  session.access_version = version;
  session.auth_failures = 0;
  reply.Map(2);
  reply.Field("namespace", session.principal->namespace_name);
  reply.Str("permissions");
  WriteTexts(access::NamesOf(session.principal->permissions), reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kAuth;
constexpr CommandSpec kAuth{
    .name = "AUTH",
    .family = Family::kConnection,
    .summary =
        "Takes an access key; the connection then acts in that key's namespace with its "
        "permissions. Leases, waits and subscriptions to channels of the namespace before end.",
    .complexity = "O(1)",
    .since = "0.1",
    .flags = kNoAuth | kSession,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "{namespace, permissions}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
