// SET: puts a value at one key.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/keys_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kKeyArg, kValueArg};
enum Option : std::size_t { kTtlMs, kNx, kXx };
constexpr std::array kOptions{
    kTtlOption, ArgSpec{.name = "nx", .kind = ArgKind::kBool, .doc = "only when the key is absent"},
    ArgSpec{.name = "xx", .kind = ArgKind::kBool, .doc = "only when the key is there"}};
constexpr std::array kErrors{base::Code::kTooLarge, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["SET", ["k", "v", {"ttl_ms": 60000}]])", R"(true)"},
    Example{R"(["SET", ["k", "w", {"nx": true}]])", R"(false)"},
    Example{R"(["SET", ["other", "w", {"xx": true}]])", R"(false)"},
    Example{R"(["SET", ["k", "v", {"ttl_ms": 0}]])", R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  const std::string_view key = context.DataKey(args.Bytes(0));
  RETURN_IF_ERROR(CheckValueBytes(args.Bytes(1), context));
  storage::Transaction& transaction = context.view.transaction();
  const bool only_absent = args.BoolOr(kNx, false);
  const bool only_present = args.BoolOr(kXx, false);
  if (only_absent && only_present) {
    return base::Error{base::Code::kBadRequest, "SET: nx and xx exclude each other"};
  }
  if (only_absent || only_present) {
    ASSIGN_OR_RETURN(const auto found, transaction.Get(storage::Family::kKeys, key));
    if (found.has_value() == only_absent) {
      reply.Bool(false);
      return base::Ok{};
    }
  }
  transaction.Put(storage::Family::kKeys, key, args.Bytes(1),
                  ExpiryAfter(args.MaybeInt(kTtlMs), context));
  reply.Bool(true);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kSet;
constexpr CommandSpec kSet{
    .name = "SET",
    .family = Family::kKeys,
    .summary =
        "Puts a value at a key, with or without a time to live; what was there goes, its expiry "
        "too.",
    .complexity = "O(1)",
    .since = "0.1",
    .flags = kWrite | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "true; false when nx or xx forbade it",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
