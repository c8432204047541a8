// PING: is the server there?
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{ArgSpec{.name = "payload",
                                   .kind = ArgKind::kValue,
                                   .doc = "given back as it came",
                                   .required = false,
                                   .max = base::limits::kValueBytes.ceiling}};
constexpr std::array kExamples{
    Example{R"(["PING", []])", R"("PONG")"},
    Example{R"(["PING", [{"a": 1}]])", R"({"a": 1})"},
};

base::Status Run(Context& /*context*/, const Args& args, wire::Writer& reply) {
  if (args.size() > 0) {
    reply.Raw(args.Bytes(0));
  } else {
    reply.Str("PONG");
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kPing;
constexpr CommandSpec kPing{
    .name = "PING",
    .family = Family::kConnection,
    .summary = "Answers PONG, or the payload when there is one.",
    .complexity = "O(1)",
    .since = "0.1",
    .flags = kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "\"PONG\", or the payload",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
