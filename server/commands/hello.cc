// HELLO: who is there, on both sides.
#include <string>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/commands/version.h"
#include "server/telemetry/escape.h"

namespace reprise::commands {
namespace {

enum Option : std::size_t { kClient, kVersion };
constexpr std::array kOptions{ArgSpec{.name = "client",
                                      .kind = ArgKind::kText,
                                      .doc = "a name for CLIENT.LIST, without control characters",
                                      .max = base::limits::kNameBytes.value},
                              ArgSpec{.name = "version",
                                      .kind = ArgKind::kText,
                                      .doc = "the client's version",
                                      .max = base::limits::kNameBytes.value}};
constexpr std::array kErrors{base::Code::kBadRequest};
constexpr std::array kExamples{
    Example{R"(["HELLO", [{"client": "two\nlines"}]])", R"({"error": "bad_request"})"},
    Example{
        R"(["HELLO", [{"client": "docs"}]])",
        R"({"server": "reprise", "version": "*", "protocol": 1, "id": "*", "namespace": "default", "authenticated": false, "auth_required": false})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  Session& session = *context.session;
  for (const Option option : {kClient, kVersion}) {
    if (!telemetry::IsReadable(args.BytesOr(option, ""))) {  // Others read it in CLIENT.LIST.
      return base::Error{base::Code::kBadRequest, "HELLO: '" + std::string(kOptions[option].name) +
                                                      "' must be UTF-8 without control characters"};
    }
  }
  if (args.Has(kClient)) {
    session.bot = std::string(args.BytesOr(kClient, ""));
    session.client = session.bot;
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
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
