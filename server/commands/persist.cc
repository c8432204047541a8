// PERSIST: takes the time to live from a key.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kKeyArg};
constexpr std::array kErrors{base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["SET", ["k", 1, {"ttl_ms": 60000}]])", R"(true)"},
    Example{R"(["PERSIST", ["k"]])", R"(true)"},
    Example{R"(["PERSIST", ["k"]])", R"(false)"},
    Example{R"(["TTL", ["k"]])", R"(-1)"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  storage::Transaction& transaction = context.view.transaction();
  const std::string_view key = context.DataKey(args.Bytes(0));
  ASSIGN_OR_RETURN(const auto found, transaction.Get(storage::Family::kKeys, key));
  const bool had_expiry = found.has_value() && found->expires_at() != storage::kNever;
  if (had_expiry) {
    transaction.Put(storage::Family::kKeys, key, found->value(), storage::kNever);
  }
  reply.Bool(had_expiry);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kPersist;
constexpr CommandSpec kPersist{
    .name = "PERSIST",
    .family = Family::kKeys,
    .summary = "Removes the time to live of a key, so that it stays.",
    .complexity = "O(value bytes)",
    .since = "0.1",
    .flags = kWrite | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = {},
    .result = "true when the key was there and had a time to live",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
