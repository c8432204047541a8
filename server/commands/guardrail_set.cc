// GUARDRAIL.SET: what turns strategies off.
#include <cmath>

#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/guardrail_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

constexpr std::array kArgs{kGuardrailArg};
enum Option : std::size_t { kMetric, kLimit, kStrategies, kCoolDownMs, kOff, kReset, kHome };
constexpr std::array kOptions{
    ArgSpec{.name = "metric",
            .kind = ArgKind::kText,
            .doc = "quality, error_rate, response_time or cost_reduction",
            .max = base::limits::kNameBytes.value},
    ArgSpec{.name = "limit",
            .kind = ArgKind::kShare,
            .doc =
                "quality and cost_reduction (less is bad) and error_rate (more is bad): from 0.001 "
                "to 0.999; response_time: how many times that of the control group, 1.01 to 100",
            .max = 100'000'000},
    ArgSpec{.name = "strategies",
            .kind = ArgKind::kTexts,
            .doc = "those that are watched and, when one of them is at fault, turned off together; "
                   "[\"all\"]: all",
            .max = 1'024},
    ArgSpec{.name = "cool_down_ms",
            .kind = ArgKind::kMillis,
            .doc = "how long they stay off, without GUARDRAIL.REARM; 0: until then; "
                   "control.cool_down_ms when never given",
            .max = base::limits::kTtlMs.ceiling},
    ArgSpec{.name = "off",
            .kind = ArgKind::kBool,
            .doc = "true: this guardrail does not count in the namespace"},
    ArgSpec{.name = "reset",
            .kind = ArgKind::kBool,
            .doc = "true: back to the configuration, or away when it has none of the name"},
    kHomeOption};
constexpr std::array kErrors{Code::kBadRequest, Code::kNotFound, Code::kTooLarge, Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["GUARDRAIL.SET", ["quality", {"limit": 0.95}]])",
        R"({"name": "quality", "metric": "quality", "limit": 0.95, "strategies": ["context", "compression"], "source": "namespace", "off": false, "cool_down_ms": 86400000})"},
    Example{
        R"(["GUARDRAIL.SET", ["slow-tools", {"metric": "response_time", "limit": 2, "strategies": ["tools"], "cool_down_ms": 0}]])",
        R"({"name": "slow-tools", "metric": "response_time", "limit": 2.0, "strategies": ["tools"], "source": "namespace", "off": false, "cool_down_ms": 0})"},
    Example{
        R"(["GUARDRAIL.SET", ["mine", {"metric": "quality", "limit": 0.9, "strategies": ["context"]}]])",
        R"({"error": "bad_request"})"},
    Example{R"(["GUARDRAIL.SET", ["quality", {"off": true}]])", R"("*")"},
    Example{R"(["GUARDRAIL.SET", ["quality", {"reset": true}]])", R"("*")"},
    Example{R"(["GUARDRAIL.SET", ["slow", {"limit": 0.5}]])", R"({"error": "bad_request"})"},
    Example{R"(["GUARDRAIL.SET", ["new", {"limit": 0.5}]])", R"({"error": "bad_request"})"},
    Example{R"(["GUARDRAIL.SET", ["nothing", {"reset": true}]])", R"({"error": "not_found"})"},
};

Error Bad(std::string_view what) {
  return {Code::kBadRequest, "GUARDRAIL.SET: " + std::string(what)};
}

// The rule as it was, with what is given; of a new one everything has to be.
base::Result<control::NamespaceGuardrail> ChangedBy(
    const Args& args, const std::optional<control::GuardrailReading>& known, bool is_own) {
  control::NamespaceGuardrail item;
  if (known.has_value()) {
    item.rule = known->rule;
    item.cool_down_ms = is_own ? std::optional(known->cool_down_ms) : std::nullopt;
  } else if (!args.Has(kMetric) || !args.Has(kLimit) || !args.Has(kStrategies)) {
    return Bad("a new guardrail needs 'metric', 'limit' and 'strategies'");
  }
  item.rule.name = args.Bytes(0);
  item.is_off = args.BoolOr(kOff, false);
  if (args.Has(kMetric)) {
    const auto metric = config::MetricNamed(args.BytesOr(kMetric, ""));
    if (!metric.has_value()) {
      return Bad("'metric' must be quality, error_rate, response_time or cost_reduction");
    }
    item.rule.metric = *metric;
  }
  if (const auto limit = args.MaybeShare(kLimit)) {
    item.rule.limit_ppm = std::llround(*limit * kLimitUnit);
  }
  if (args.Has(kStrategies)) {
    ASSIGN_OR_RETURN(item.rule.strategies, StrategiesFrom(args.BytesOr(kStrategies, "")));
  }
  if (args.Has(kCoolDownMs)) {
    item.cool_down_ms = args.IntOr(kCoolDownMs, 0);
  }
  for (const std::string_view problem :
       {config::GuardrailNameProblem(item.rule.name),
        config::LimitProblem(item.rule.metric, item.rule.limit_ppm),
        item.rule.strategies.empty() ? std::string_view("'strategies' is empty") : ""}) {
    if (!problem.empty()) {
      return Bad(problem);
    }
  }
  return item;
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const storage::NamespaceId home, HomeFrom(context, args.BytesOr(kHome, "")));
  control::Control& control = context.instance.control();
  const std::string_view name = args.Bytes(0);
  const bool resets = args.BoolOr(kReset, false);
  if (resets && (args.Has(kMetric) || args.Has(kLimit) || args.Has(kStrategies) ||
                 args.Has(kCoolDownMs) || args.Has(kOff))) {
    return Bad("'reset' goes alone");
  }
  if (resets) {
    if (!control.ResetGuardrail(home, name, context.view.transaction())) {
      return Error{Code::kNotFound, "GUARDRAIL.SET: the namespace has no guardrail '" +
                                        std::string(name) + "' of its own"};
    }
  } else {
    const auto known = FindGuardrail(control, home, name);
    const auto book = control.BookOf(home);
    const control::NamespaceGuardrail* own = book->FindGuardrail(name);
    const bool is_own = own != nullptr && own->cool_down_ms.has_value();
    ASSIGN_OR_RETURN(const control::NamespaceGuardrail item, ChangedBy(args, known, is_own));
    const base::Status set = control.SetGuardrail(home, item, context.view.transaction());
    if (!set.ok()) {
      return Error{set.error().code, "GUARDRAIL.SET: " + set.error().detail};
    }
  }
  const auto reading = FindGuardrail(control, home, name);
  if (!reading.has_value()) {
    reply.Map(1);
    reply.Field("name", name);
    return base::Ok{};
  }
  reply.Map(kGuardrailFields);
  WriteGuardrail(*reading, reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kGuardrailSet;
constexpr CommandSpec kGuardrailSet{
    .name = "GUARDRAIL.SET",
    .family = Family::kControl,
    .summary =
        "Makes or changes a guardrail of the namespace: when the figure of a strategy is worse "
        "than "
        "its limit, all strategies of the guardrail are turned off. In place of the "
        "configuration's "
        "guardrail of the same name (control.guardrails). What is not given stays as it was. Two "
        "guardrails must not set two limits for one metric of one strategy. A trip that holds "
        "stays.",
    .complexity = "O(guardrails)",
    .since = "0.1",
    .flags = kAdmin | kWrite | kDurable | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{name, metric, limit, strategies, source: configuration or namespace, off, cool_down_ms}; "
        "{name} when it is gone",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
