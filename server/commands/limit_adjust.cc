// LIMIT.ADJUST: charges what was used already.
#include <array>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/limit_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {

extern const CommandSpec kLimitAdjust;

namespace {

constexpr std::array kArgs{
    kLimitKeyArg, ArgSpec{.name = "quantity",
                          .kind = ArgKind::kInt,
                          .doc = "what was used beyond what was taken; to give back what was taken "
                                 "and not used, take with `lease_ms` and use LIMIT.RELEASE",
                          .min = 1,
                          .max = base::limits::kRateQuantity.ceiling}};
constexpr std::array kOptions{kLimitOption, kPeriodMsOption, kBurstOption, kRuleOption,
                              kAlgorithmOption};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kBusy};
constexpr std::array kExamples{
    Example{R"(["LIMIT.ADJUST", ["user-1", 90, {"limit": 60, "period_ms": 60000}]])",
            R"({"limit": 60, "remaining": 0, "retry_after_ms": 31000, "reset_ms": 90000})"},
    Example{R"(["LIMIT.ADJUST", ["user-1", -5, {"limit": 60, "period_ms": 60000}]])",
            R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const GivenLimit limit, LimitOf(kLimitAdjust, args, args.Bytes(0)));
  const rate::Want want{args.Bytes(0), limit.rule, limit.given, args.Int(1)};
  ASSIGN_OR_RETURN(const auto verdict, In(kLimitAdjust, context.instance.rate().Adjust(
                                                            context.principal.namespace_id, want)));
  reply.Map(4);
  reply.Field("limit", verdict.limit);
  reply.Field("remaining", verdict.remaining);
  reply.Field("retry_after_ms", verdict.retry_after_ms);
  reply.Field("reset_ms", verdict.reset_ms);
  return base::Ok{};
}

}  // namespace

constexpr CommandSpec kLimitAdjust{
    .name = "LIMIT.ADJUST",
    .family = Family::kSpend,
    .summary =
        "Charges what was used already and only known behind the call, such as tokens: also when "
        "it is not free, so that the next calls wait until it is paid off.",
    .complexity = "O(1)",
    .since = "0.1",
    .flags = kInMemory,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{limit, remaining, retry_after_ms: until one unit is free, reset_ms: until all is free}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
