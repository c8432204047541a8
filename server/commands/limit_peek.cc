// LIMIT.PEEK: what LIMIT.TAKE would say.
#include <array>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/limit_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {

extern const CommandSpec kLimitPeek;

namespace {

enum Option : std::size_t { kQuantity = kLimitOptions, kLimits };
constexpr std::array kArgs{kLimitKeyArg};
constexpr std::array kOptions{kLimitOption,     kPeriodMsOption, kBurstOption, kRuleOption,
                              kAlgorithmOption, kQuantityOption, kLimitsOption};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kTooLarge};
constexpr std::array kExamples{
    Example{R"(["LIMIT.PEEK", ["user-1", {"limit": 2, "period_ms": 60000}]])",
            R"({"allowed": true, "limit": 2, "remaining": 2, "retry_after_ms": 0, "reset_ms": 0})"},
    Example{
        R"(["LIMIT.TAKE", ["user-1", {"limit": 2, "period_ms": 60000, "algorithm": "window"}]])",
        R"({"allowed": true, "limit": 2, "remaining": 1, "retry_after_ms": 0, "reset_ms": 60000})"},
    Example{
        R"(["LIMIT.PEEK", ["user-1", {"limit": 2, "period_ms": 60000, "algorithm": "window", "quantity": 2}]])",
        R"({"allowed": false, "limit": 2, "remaining": 1, "retry_after_ms": 60000, "reset_ms": 60000})"},
    Example{R"(["LIMIT.PEEK", ["user-1", {"rule": "none"}]])", R"({"error": "not_found"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(LimitCall call, LimitCallOf(kLimitPeek, args, kQuantity, kLimits));
  ASSIGN_OR_RETURN(const auto taken,
                   In(kLimitPeek, context.instance.rate().Peek(context.principal.namespace_id,
                                                               call.wants(), call.verdicts())));
  WriteTaken(call, taken, reply);
  return base::Ok{};
}

}  // namespace

constexpr CommandSpec kLimitPeek{
    .name = "LIMIT.PEEK",
    .family = Family::kSpend,
    .summary = "What LIMIT.TAKE would say; nothing is taken.",
    .complexity = "O(limits)",
    .since = "0.1",
    .flags = kRead | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{allowed, limit, remaining, retry_after_ms, reset_ms}, and with `limits` also "
        "{blocked_by, limits}, as LIMIT.TAKE",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
