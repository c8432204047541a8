// EXPIRE: gives a key a time to live.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kKeyArg, kTtlOption};
constexpr std::array kErrors{base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["SET", ["k", 1]])", R"(true)"},
    Example{R"(["EXPIRE", ["k", 60000]])", R"(true)"},
    Example{R"(["EXPIRE", ["absent", 60000]])", R"(false)"},
    Example{R"(["EXPIRE", ["k", -1]])", R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  storage::Transaction& transaction = context.view.transaction();
  const std::string_view key = context.DataKey(args.Bytes(0));
  ASSIGN_OR_RETURN(const auto found, transaction.Get(storage::Family::kKeys, key));
  if (found.has_value()) {
    transaction.Put(storage::Family::kKeys, key, found->value(), context.now() + args.Int(1));
  }
  reply.Bool(found.has_value());
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kExpire;
constexpr CommandSpec kExpire{
    .name = "EXPIRE",
    .family = Family::kKeys,
    .summary = "Sets or replaces the time to live of a key, from now.",
    .complexity = "O(value bytes)",
    .since = "0.1",
    .flags = kWrite | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "true; false when the key is absent",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
