// EXISTS: how many of some keys are there.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kKeyArg};
constexpr std::array kExamples{
    Example{R"(["SET", ["k", 1]])", R"(true)"},
    Example{R"(["EXISTS", ["k", "absent", "k"]])", R"(2)"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  std::uint64_t there = 0;
  for (std::size_t i = 0; i < args.size(); ++i) {
    ASSIGN_OR_RETURN(const auto found,
                     context.view.Get(storage::Family::kKeys, context.DataKey(args.Bytes(i))));
    there += found.has_value() ? 1 : 0;
  }
  reply.Uint(there);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kExists;
constexpr CommandSpec kExists{
    .name = "EXISTS",
    .family = Family::kKeys,
    .summary = "Counts which of the keys are there; a key given twice counts twice.",
    .complexity = "O(keys)",
    .since = "0.1",
    .flags = kRead | kIdempotent,
    .args = kArgs,
    .repeat_from = 0,
    .options = {},
    .result = "the number of keys that are there",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
