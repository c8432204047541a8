// CACHE.EXPIRE: another time to live for one entry.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/cache_common.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{kPromptArg, ArgSpec{.name = "ttl_ms",
                                               .kind = ArgKind::kMillis,
                                               .doc = "time to live, from now",
                                               .min = base::limits::kTtlMs.floor,
                                               .max = base::limits::kTtlMs.ceiling}};
constexpr std::array kOptions{kIdentityOption, kRequestOption, kIdentityModeOption};
constexpr std::array kErrors{base::Code::kTooLarge, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["CACHE.STORE", ["What is RAII?", "An idiom."]])",
            R"({"stored": true, "id": "*", "tier_keys": "*", "expires_at_ms": "*"})"},
    Example{R"(["CACHE.EXPIRE", ["What is RAII?", 60000]])", R"(true)"},
    Example{R"(["CACHE.EXPIRE", ["what is raii", 60000]])", R"(false)"},
    Example{R"(["CACHE.EXPIRE", ["What is RAII?", 0]])", R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const Asked asked, AskedBy(context, args, args.Bytes(0), ""));
  ASSIGN_OR_RETURN(const bool changed, context.instance.cache().Expire(asked.question, args.Int(1),
                                                                       context.config.cache,
                                                                       context.view.transaction()));
  reply.Bool(changed);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kCacheExpire;
constexpr CommandSpec kCacheExpire{
    .name = "CACHE.EXPIRE",
    .family = Family::kCache,
    .summary =
        "Sets the time to live of the entry with exactly this prompt and identity, from now; false "
        "when there is none. How long it may be stale afterwards does not change.",
    .complexity = "O(prompt + identity + response bytes)",
    .since = "0.1",
    .flags = kWrite | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "bool",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
