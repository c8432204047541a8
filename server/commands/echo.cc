// ECHO: gives a value back.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kValueArg};
constexpr std::array kExamples{
    Example{R"(["ECHO", [[1, "two", null]]])", R"([1, "two", null])"},
};

base::Status Run(Context& /*context*/, const Args& args, wire::Writer& reply) {
  reply.Raw(args.Bytes(0));
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kEcho;
constexpr CommandSpec kEcho{
    .name = "ECHO",
    .family = Family::kConnection,
    .summary = "Gives back its argument, byte for byte.",
    .complexity = "O(bytes)",
    .since = "0.1",
    .flags = kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "the value",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
