// LIMIT.TAKE: takes of a limit, or of several at once.
#include <array>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/limit_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {

extern const CommandSpec kLimitTake;

namespace {

enum Option : std::size_t { kQuantity = kLimitOptions, kLeaseMs, kLimits };
constexpr std::array kArgs{kLimitKeyArg};
constexpr std::array kOptions{kLimitOption,     kPeriodMsOption, kBurstOption,      kRuleOption,
                              kAlgorithmOption, kQuantityOption, kLimitLeaseOption, kLimitsOption};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kTooLarge, base::Code::kBusy,
                             base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["LIMIT.TAKE", ["user-1", {"limit": 2, "period_ms": 60000}]])",
        R"({"allowed": true, "limit": 2, "remaining": 1, "retry_after_ms": 0, "reset_ms": 30000})"},
    Example{
        R"(["LIMIT.TAKE", ["user-1", {"limit": 2, "period_ms": 60000, "quantity": 2}]])",
        R"({"allowed": false, "limit": 2, "remaining": 1, "retry_after_ms": 30000, "reset_ms": 30000})"},
    Example{
        R"(["LIMIT.SET", ["tokens", {"limit": 90000, "period_ms": 60000}]])",
        R"({"algorithm": "gcra", "limit": 90000, "period_ms": 60000, "burst": 90000, "lease_ms": null})"},
    Example{
        R"(["LIMIT.TAKE", ["tokens", {"quantity": 1500}]])",
        R"({"allowed": true, "limit": 90000, "remaining": 88500, "retry_after_ms": 0, "reset_ms": 1000})"},
    Example{
        R"(["LIMIT.TAKE", ["user-2", {"lease_ms": 120000, "limits": [{"limit": 2, "period_ms": 60000}, {"rule": "tokens", "quantity": 1500}]}]])",
        R"({"allowed": true, "limit": 2, "remaining": 1, "retry_after_ms": 0, "reset_ms": 30000, "lease": "*", "lease_ms": 120000, "blocked_by": null, "limits": [{"rule": null, "allowed": true, "limit": 2, "remaining": 1, "retry_after_ms": 0, "reset_ms": 30000}, {"rule": "tokens", "allowed": true, "limit": 90000, "remaining": 88500, "retry_after_ms": 0, "reset_ms": 1000}]})"},
    Example{
        R"(["LIMIT.TAKE", ["user-2", {"limits": [{"limit": 2, "period_ms": 60000, "quantity": 2}, {"rule": "tokens"}]}]])",
        R"({"allowed": false, "limit": 2, "remaining": 1, "retry_after_ms": 30000, "reset_ms": 30000, "blocked_by": 0, "limits": "*"})"},
    Example{
        R"(["LIMIT.TAKE", ["user-3", {"limit": 2, "period_ms": 60000, "quantity": 3}]])",
        R"({"allowed": false, "limit": 2, "remaining": 2, "retry_after_ms": -1, "reset_ms": 0})"},
    Example{R"(["LIMIT.TAKE", ["user-3"]])", R"({"error": "not_found"})"},
    Example{R"(["LIMIT.TAKE", ["user-3", {"limit": 2}]])", R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(LimitCall call, LimitCallOf(kLimitTake, args, kQuantity, kLimits));
  rate::TakeOptions options;
  options.lease_ms = args.IntOr(kLeaseMs, 0);
  ASSIGN_OR_RETURN(const auto taken, In(kLimitTake, context.instance.rate().Take(
                                                        context.principal.namespace_id,
                                                        call.wants(), options, call.verdicts())));
  WriteTaken(call, taken, reply);
  return base::Ok{};
}

}  // namespace

constexpr CommandSpec kLimitTake{
    .name = "LIMIT.TAKE",
    .family = Family::kSpend,
    .summary =
        "Takes of a limit if it allows it, or of several limits: of all of them or of none. A "
        "limit "
        "has a name, or is given with the call; each key has a count of its own. What was granted "
        "survives restarts; after a crash at most what was granted in the last rate.flush_ms is "
        "granted twice. No clock that is set grants anything.",
    .complexity = "O(limits)",
    .since = "0.1",
    .flags = kInMemory,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{allowed, limit: as the limit says, remaining: how much could be taken now, "
        "retry_after_ms: until this quantity is free (0 when it was allowed; -1: never, it is more "
        "than the limit lets through at once), reset_ms: until all is free}; with a lease also "
        "{lease, lease_ms}; with `limits` also {blocked_by: the place "
        "in `limits` of the one that blocks longest, if any, limits: [{rule, allowed, limit, "
        "remaining, retry_after_ms, reset_ms}, ...]}, and the first five fields are of that one, "
        "or "
        "of the one that is nearest to its end",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
