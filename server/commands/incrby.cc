// INCRBY: adds to the integer at a key.
#include <limits>
#include <string>

#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/keys_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kKeyArg, ArgSpec{.name = "delta",
                                            .kind = ArgKind::kInt,
                                            .doc = "what to add; may be negative",
                                            .min = std::numeric_limits<std::int64_t>::min()}};
enum Option : std::size_t { kTtlMs };
constexpr std::array kOptions{kTtlOption};
constexpr std::array kErrors{base::Code::kWrongType, base::Code::kBadRequest,
                             base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["INCRBY", ["visits", 5]])", R"(5)"},
    Example{R"(["INCRBY", ["visits", -7]])", R"(-2)"},
    Example{R"(["SET", ["k", "text"]])", R"(true)"},
    Example{R"(["INCRBY", ["k", 1]])", R"({"error": "wrong_type"})"},
    Example{R"(["SET", ["k", 18446744073709551615]])", R"(true)"},
    Example{R"(["INCRBY", ["k", -1]])", R"({"error": "bad_request"})"},
};

constexpr std::string_view kRange = "-9223372036854775808 to 9223372036854775807";

base::Result<std::int64_t> StoredInteger(std::string_view value) {
  auto stored = wire::Reader(value).Int();
  if (stored.ok()) {
    return stored;
  }
  if (const auto above = wire::Reader(value).Uint(); above.ok()) {
    return base::Error{base::Code::kBadRequest,
                       "INCRBY: the integer at the key, " + std::to_string(above.value()) +
                           ", is beyond its range, " + std::string(kRange)};
  }
  return base::Error{base::Code::kWrongType, "INCRBY: the value at the key is no integer"};
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  storage::Transaction& transaction = context.view.transaction();
  const std::string_view key = context.DataKey(args.Bytes(0));
  ASSIGN_OR_RETURN(const auto found, transaction.Get(storage::Family::kKeys, key));
  std::int64_t number = 0;
  base::UnixMillis expires_at = storage::kNever;
  if (found.has_value()) {
    ASSIGN_OR_RETURN(number, StoredInteger(found->value()));
    expires_at = found->expires_at();
  }
  if (__builtin_add_overflow(number, args.Int(1), &number)) {
    return base::Error{base::Code::kBadRequest,
                       "INCRBY: the sum is beyond its range, " + std::string(kRange)};
  }
  if (args.Has(kTtlMs)) {
    expires_at = ExpiryAfter(args.MaybeInt(kTtlMs), context);
  }
  base::Buffer value;
  wire::Writer(value).Int(number);
  transaction.Put(storage::Family::kKeys, key, value.view(), expires_at);
  reply.Int(number);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kIncrby;
constexpr CommandSpec kIncrby{
    .name = "INCRBY",
    .family = Family::kKeys,
    .summary =
        "Adds to the integer at a key; an absent key counts as 0. The expiry stays unless ttl_ms "
        "is given. Integers are signed, of 64 bits.",
    .complexity = "O(1)",
    .since = "0.1",
    .flags = kWrite,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "the new integer",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
