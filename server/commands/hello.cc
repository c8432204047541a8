// HELLO: who is there, on both sides.
#include <string>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/commands/version.h"

namespace reprise::commands {
namespace {

enum Option : std::size_t { kClient, kVersion };
constexpr std::array kOptions{ArgSpec{.name = "client",
                                      .kind = ArgKind::kText,
                                      .doc = "a name for CLIENT.LIST",
                                      .max = base::limits::kNameBytes.value},
                              ArgSpec{.name = "version",
                                      .kind = ArgKind::kText,
                                      .doc = "the client's version",
                                      .max = base::limits::kNameBytes.value}};
constexpr std::array kExamples{
    Example{
        R"(["HELLO", [{"client": "docs"}]])",
        R"({"server": "reprise", "version": "*", "protocol": 1, "id": "*", "namespace": "default", "authenticated": false, "auth_required": false})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  Session& session = *context.session;
  if (args.Has(kClient)) {
    session.client = std::string(args.BytesOr(kClient, ""));
    if (args.Has(kVersion)) {
      session.client.append("/").append(args.BytesOr(kVersion, ""));
    }
  }
  const bool required = context.instance.access().RequiresKey();
  reply.Map(7);
  reply.Field("server", "reprise");
  reply.Field("version", kServerVersion);
  reply.Field("protocol", 1);
  reply.Field("id", session.id);
  reply.Str("namespace");
  if (required && !session.authenticated) {
    reply.Nil();
  } else {
    reply.Str(session.principal->namespace_name);
  }
  reply.Field("authenticated", session.authenticated);
  reply.Field("auth_required", required);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kHello;
constexpr CommandSpec kHello{
    .name = "HELLO",
    .family = Family::kConnection,
    .summary = "Introduces the client and tells what the server is.",
    .complexity = "O(1)",
    .since = "0.1",
    .flags = kNoAuth | kSession | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "{server, version, protocol, id, namespace, authenticated, auth_required}",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
