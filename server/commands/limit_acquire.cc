// LIMIT.ACQUIRE: a place of a limit of concurrency.
#include <array>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/limit_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {

extern const CommandSpec kLimitAcquire;

namespace {

enum Option : std::size_t { kAcquireRule, kAcquireLimit, kQuantity, kLeaseMs };
constexpr std::array kArgs{kLimitKeyArg};
constexpr std::array kOptions{
    kRuleOption,
    ArgSpec{.name = "limit",
            .kind = ArgKind::kInt,
            .doc = "instead of a name: how much at a time",
            .min = base::limits::kRateConcurrency.floor,
            .max = base::limits::kRateConcurrency.ceiling},
    ArgSpec{.name = "quantity",
            .kind = ArgKind::kInt,
            .doc = "how many places; 1 when not given",
            .min = 1,
            .max = base::limits::kRateConcurrency.ceiling},
    ArgSpec{.name = "lease_ms",
            .kind = ArgKind::kMillis,
            .doc = "how long the lease lives without LIMIT.RENEW, instead of what the limit says",
            .min = base::limits::kLeaseMs.floor,
            .max = base::limits::kLeaseMs.ceiling}};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kBusy, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["LIMIT.ACQUIRE", ["model-1", {"limit": 1, "lease_ms": 30000}]])",
        R"({"allowed": true, "limit": 1, "remaining": 0, "retry_after_ms": 0, "reset_ms": 30000, "lease": "*", "lease_ms": 30000})"},
    Example{
        R"(["LIMIT.ACQUIRE", ["model-1", {"limit": 1}]])",
        R"({"allowed": false, "limit": 1, "remaining": 0, "retry_after_ms": 30000, "reset_ms": 30000})"},
    Example{R"(["LIMIT.SET", ["chat", {"limit": 60, "period_ms": 60000}]])", R"("*")"},
    Example{R"(["LIMIT.ACQUIRE", ["chat"]])", R"({"error": "bad_request"})"},
    Example{R"(["LIMIT.ACQUIRE", ["model-1", {"limit": 1, "rule": "chat"}]])",
            R"({"error": "bad_request"})"},
};

base::Result<rate::Want> WantOf(const Args& args) {
  rate::Want want{args.Bytes(0), args.BytesOr(kAcquireRule, ""), {}, args.IntOr(kQuantity, 1)};
  if (args.Has(kAcquireRule) && args.Has(kAcquireLimit)) {
    return base::Error{base::Code::kBadRequest,
                       "'rule' names a limit; 'limit' does not go with it"};
  }
  if (args.Has(kAcquireLimit)) {
    want.given.algorithm = rate::Algorithm::kConcurrency;
    want.given.limit = args.IntOr(kAcquireLimit, 0);
    ASSIGN_OR_RETURN(want.given, config::CompleteRate(want.given));
    return want;
  }
  want.rule = args.Has(kAcquireRule) ? want.rule : want.key;
  if (!config::RateNameProblem(want.rule).empty()) {
    return base::Error{base::Code::kNotFound,
                       "this is not the name of a limit: give 'rule' or 'limit'"};
  }
  return want;
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const auto want, In(kLimitAcquire, WantOf(args)));
  rate::TakeOptions options;
  options.lease_ms = args.IntOr(kLeaseMs, 0);
  options.must_hold = true;
  LimitCall call(want);
  ASSIGN_OR_RETURN(
      const auto taken,
      In(kLimitAcquire, context.instance.rate().Take(context.principal.namespace_id, call.wants(),
                                                     options, call.verdicts())));
  WriteTaken(call, taken, reply);
  return base::Ok{};
}

}  // namespace

constexpr CommandSpec kLimitAcquire{
    .name = "LIMIT.ACQUIRE",
    .family = Family::kSpend,
    .summary =
        "Takes a place of a limit of concurrency. It is held by a lease until LIMIT.RELEASE, or "
        "until the lease ends by itself. LIMIT.TAKE does the same together with other limits.",
    .complexity = "O(log leases)",
    .since = "0.1",
    .flags = kInMemory,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{allowed, limit, remaining, retry_after_ms: until a place is free at the latest, "
        "reset_ms: "
        "until all are free at the latest}; when it was allowed also {lease, lease_ms}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
