// GET: the value at one key.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kKeyArg};
constexpr std::array kExamples{
    Example{R"(["GET", ["absent"]])", R"(null)"},
    Example{R"(["SET", ["greeting", {"text": "hi", "n": [1, 2]}]])", R"(true)"},
    Example{R"(["GET", ["greeting"]])", R"({"text": "hi", "n": [1, 2]})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const auto found,
                   context.view.Get(storage::Family::kKeys, context.DataKey(args.Bytes(0))));
  if (found.has_value()) {
    reply.Raw(found->value());
  } else {
    reply.Nil();
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kGet;
constexpr CommandSpec kGet{
    .name = "GET",
    .family = Family::kKeys,
    .summary = "The value at a key, or nil when it is absent or expired.",
    .complexity = "O(1)",
    .since = "0.1",
    .flags = kRead | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "the value, or nil",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
