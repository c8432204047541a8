// LIMIT.SET: makes or changes a named limit.
#include <array>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/limit_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {

extern const CommandSpec kLimitSet;

namespace {

enum Option : std::size_t { kSetLimit, kSetPeriodMs, kSetBurst, kSetAlgorithm, kSetLeaseMs };
constexpr std::array kArgs{
    NameArg("name", "letters, digits, dot, dash, underscore; the first a letter or digit")};
constexpr std::array kOptions{
    ArgSpec{.name = "limit",
            .kind = ArgKind::kInt,
            .doc = "how much in `period_ms`, or at a time; needed",
            .min = base::limits::kRateLimit.floor,
            .max = base::limits::kRateLimit.ceiling},
    kPeriodMsOption, kBurstOption, kAlgorithmOption,
    ArgSpec{.name = "lease_ms",
            .kind = ArgKind::kMillis,
            .doc = "of concurrency: how long a lease lives without LIMIT.RENEW; 60000 when not "
                   "given",
            .min = base::limits::kLeaseMs.floor,
            .max = base::limits::kLeaseMs.ceiling}};
constexpr std::array kErrors{base::Code::kExists, base::Code::kTooLarge, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["LIMIT.SET", ["chat", {"limit": 60, "period_ms": 60000, "burst": 10}]])",
        R"({"algorithm": "gcra", "limit": 60, "period_ms": 60000, "burst": 10, "lease_ms": null})"},
    Example{
        R"(["LIMIT.SET", ["calls", {"limit": 10, "algorithm": "concurrency", "lease_ms": 300000}]])",
        R"({"algorithm": "concurrency", "limit": 10, "period_ms": null, "burst": null, "lease_ms": 300000})"},
    Example{
        R"(["LIMIT.TAKE", ["user-1", {"rule": "chat"}]])",
        R"({"allowed": true, "limit": 60, "remaining": 9, "retry_after_ms": 0, "reset_ms": 1000})"},
    Example{R"(["LIMIT.SET", ["chat", {"limit": 60}]])", R"({"error": "bad_request"})"},
    Example{R"(["LIMIT.SET", ["chat", {"limit": 5, "period_ms": 0}]])",
            R"({"error": "bad_request"})"},
    Example{
        R"(["LIMIT.SET", ["chat", {"limit": 5, "period_ms": 1000, "algorithm": "concurrency"}]])",
        R"({"error": "bad_request"})"},
};

base::Result<rate::Rule> RuleOf(const Args& args) {
  const auto algorithm = config::RateAlgorithmNamed(args.BytesOr(kSetAlgorithm, "gcra"));
  if (!algorithm.has_value()) {
    return base::Error{base::Code::kBadRequest, "'algorithm' must be gcra, window or concurrency"};
  }
  if (!args.Has(kSetLimit)) {
    return base::Error{base::Code::kBadRequest, "'limit' is needed"};
  }
  rate::Rule rule;
  rule.algorithm = *algorithm;
  rule.limit = args.IntOr(kSetLimit, 0);
  rule.period_ms = args.IntOr(kSetPeriodMs, 0);
  rule.burst = args.IntOr(kSetBurst, 0);
  rule.lease_ms = args.IntOr(kSetLeaseMs, 0);
  return config::CompleteRate(rule);
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  if (const std::string_view problem = config::RateNameProblem(args.Bytes(0)); !problem.empty()) {
    return In(kLimitSet, {base::Code::kBadRequest, std::string(problem)});
  }
  ASSIGN_OR_RETURN(const auto rule, In(kLimitSet, RuleOf(args)));
  RETURN_IF_ERROR(
      In(kLimitSet, context.instance.rate().SetRule(context.principal.namespace_id, args.Bytes(0),
                                                    rule, context.view.transaction())));
  reply.Map(kRuleFields);
  WriteRule(rule, reply);
  return base::Ok{};
}

}  // namespace

constexpr CommandSpec kLimitSet{
    .name = "LIMIT.SET",
    .family = Family::kSpend,
    .summary =
        "Makes a named limit of this namespace, or changes it; what was taken of it stays taken. "
        "Limits of all namespaces stand in the configuration (rate.limits).",
    .complexity = "O(log limits)",
    .since = "0.1",
    .flags = kWrite | kDurable | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{algorithm, limit, period_ms, burst, lease_ms: nil where the algorithm has none, as "
        "period_ms and burst}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
