// TTL: how long a key still lives.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kKeyArg};
constexpr std::array kExamples{
    Example{R"(["SET", ["k", 1]])", R"(true)"},
    Example{R"(["TTL", ["k"]])", R"(-1)"},
    Example{R"(["TTL", ["absent"]])", R"(null)"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const auto found,
                   context.view.Get(storage::Family::kKeys, context.DataKey(args.Bytes(0))));
  if (!found.has_value()) {
    reply.Nil();
  } else if (found->expires_at() == storage::kNever) {
    reply.Int(-1);
  } else {
    reply.Int(found->expires_at() - context.now());
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kTtl;
constexpr CommandSpec kTtl{
    .name = "TTL",
    .family = Family::kKeys,
    .summary = "The milliseconds that a key still lives.",
    .complexity = "O(1)",
    .since = "0.1",
    .flags = kRead | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "milliseconds; -1 when it does not expire; nil when it is absent",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
