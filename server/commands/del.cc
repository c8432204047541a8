// DEL: removes keys.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kKeyArg};
constexpr std::array kErrors{base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["SET", ["k", 1]])", R"(true)"},
    Example{R"(["DEL", ["k", "absent", "k"]])", R"(1)"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  storage::Transaction& transaction = context.view.transaction();
  std::uint64_t removed = 0;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string_view key = context.DataKey(args.Bytes(i));
    ASSIGN_OR_RETURN(const auto found, transaction.Get(storage::Family::kKeys, key));
    if (found.has_value()) {
      transaction.Delete(storage::Family::kKeys, key);
      ++removed;
    }
  }
  reply.Uint(removed);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kDel;
constexpr CommandSpec kDel{
    .name = "DEL",
    .family = Family::kKeys,
    .summary = "Removes keys.",
    .complexity = "O(keys)",
    .since = "0.1",
    .flags = kWrite | kIdempotent,
    .args = kArgs,
    .repeat_from = 0,
    .options = {},
    .result = "how many of them were there",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
