// MSET: puts values at several keys at once.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/keys_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kKeyArg, kValueArg};
enum Option : std::size_t { kTtlMs };
constexpr std::array kOptions{kTtlOption};
constexpr std::array kErrors{base::Code::kTooLarge, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["MSET", ["a", 1, "b", 2, {"ttl_ms": 60000}]])", R"(true)"},
    Example{R"(["MSET", ["a"]])", R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  const base::UnixMillis expires_at = ExpiryAfter(args.MaybeInt(kTtlMs), context);
  for (std::size_t i = 0; i < args.size(); i += 2) {
    RETURN_IF_ERROR(CheckValueBytes(args.Bytes(i + 1), context));
    context.view.transaction().Put(storage::Family::kKeys, context.DataKey(args.Bytes(i)),
                                   args.Bytes(i + 1), expires_at);
  }
  reply.Bool(true);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kMset;
constexpr CommandSpec kMset{
    .name = "MSET",
    .family = Family::kKeys,
    .summary = "Puts values at several keys, all of them or none.",
    .complexity = "O(keys)",
    .since = "0.1",
    .flags = kWrite | kIdempotent,
    .args = kArgs,
    .repeat_from = 0,
    .options = kOptions,
    .result = "true",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
