// MGET: the values at several keys.
#include <string>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kKeyArg};
constexpr std::array kErrors{base::Code::kTooLarge};
constexpr std::array kExamples{
    Example{R"(["MSET", ["a", 1, "b", "two"]])", R"(true)"},
    Example{R"(["MGET", ["a", "absent", "b"]])", R"([1, null, "two"])"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  const std::size_t start = reply.buffer().size();
  const auto reply_max = static_cast<std::size_t>(context.config.network.output_soft_bytes);
  reply.Array(args.size());
  for (std::size_t i = 0; i < args.size(); ++i) {
    ASSIGN_OR_RETURN(const auto found,
                     context.view.Get(storage::Family::kKeys, context.DataKey(args.Bytes(i))));
    if (found.has_value()) {
      if (reply.buffer().size() - start + found->value().size() > reply_max) {
        return base::Error{base::Code::kTooLarge,
                           "MGET: the values together have more than " + std::to_string(reply_max) +
                               " bytes (network.output_soft_bytes); ask for fewer keys"};
      }
      reply.Raw(found->value());
    } else {
      reply.Nil();
    }
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kMget;
constexpr CommandSpec kMget{
    .name = "MGET",
    .family = Family::kKeys,
    .summary = "The values at several keys, in their order, nil where one is absent.",
    .complexity = "O(keys)",
    .since = "0.1",
    .flags = kRead | kIdempotent,
    .args = kArgs,
    .repeat_from = 0,
    .options = {},
    .result = "an array with a value or nil for each key",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
