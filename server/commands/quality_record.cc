// QUALITY.RECORD: how a call of a model went; what guardrails go by.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/spec.h"
#include "server/commands/strategies.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

constexpr std::int64_t kResponseMsMax = 86'400'000;           // a day
constexpr std::int64_t kCostNanoMax = 1'000'000'000'000'000;  // a million dollars
constexpr std::int64_t kListBytes = 1'024;
enum Option : std::size_t {
  kQuality,
  kError,
  kResponseMs,
  kCostNano,
  kBaselineNano,
  kBot,
  kConversation,
  kStrategies,
  kHeldOut
};
constexpr std::array kOptions{
    ArgSpec{.name = "quality",
            .kind = ArgKind::kShare,
            .doc = "how good the answer was, 0 to 1, by whatever judges it",
            .max = 1'000'000},
    ArgSpec{.name = "error",
            .kind = ArgKind::kBool,
            .doc = "true: the call failed (default false); its response time is not compared"},
    ArgSpec{.name = "response_ms",
            .kind = ArgKind::kMillis,
            .doc = "from the question to the whole answer",
            .max = kResponseMsMax},
    ArgSpec{.name = "cost_nano",
            .kind = ArgKind::kInt,
            .doc = "what it cost, in nano-dollars",
            .max = kCostNanoMax},
    ArgSpec{.name = "baseline_nano",
            .kind = ArgKind::kInt,
            .doc = "what it would have cost without routing and the rest; the control group's mean "
                   "cost stands in where it is not given",
            .max = kCostNanoMax},
    kBotOption,
    kConversationOption,
    ArgSpec{.name = "strategies",
            .kind = ArgKind::kTexts,
            .doc = "those that were in force for the call; as is decided now, when not given",
            .max = kListBytes},
    ArgSpec{.name = "held_out",
            .kind = ArgKind::kTexts,
            .doc =
                "beside `strategies`: those that were withheld by lot, for comparison, where the "
                "caller draws the lots itself",
            .max = kListBytes}};
constexpr std::array kErrors{Code::kBadRequest, Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["QUALITY.RECORD", [{"quality": 0.97, "response_ms": 850, "cost_nano": 420000, "baseline_nano": 5000000, "conversation": "c-17"}]])",
        R"({"tripped": []})"},
    Example{R"(["QUALITY.RECORD", [{"error": true, "strategies": ["routing", "compression"]}]])",
            R"({"tripped": []})"},
    Example{R"(["QUALITY.RECORD", [{"quality": 1.5}]])", R"({"error": "bad_request"})"},
    Example{R"(["QUALITY.RECORD", [{"quality": 1, "strategies": ["magic"]}]])",
            R"({"error": "bad_request"})"},
    Example{R"(["QUALITY.RECORD", [{"bot": "support"}]])", R"({"error": "bad_request"})"},
};

Error Bad(std::string_view what) {
  return {Code::kBadRequest, "QUALITY.RECORD: " + std::string(what)};
}

std::optional<double> NumberOf(const Args& args, Option option) {
  return args.Has(option) ? std::optional(static_cast<double>(args.IntOr(option, 0)))
                          : std::nullopt;
}

base::Result<control::Report> ReportFrom(const Context& context, const Args& args) {
  control::Report report;
  report.asker = {context.principal.namespace_id, args.BytesOr(kBot, context.asker.bot),
                  args.BytesOr(kConversation, ""), context.now()};
  control::CallFigures& figures = report.figures;
  figures.quality = args.MaybeShare(kQuality);
  figures.failed = args.BoolOr(kError, false);
  figures.response_ms = NumberOf(args, kResponseMs);
  figures.cost_nano = NumberOf(args, kCostNano);
  figures.baseline_nano = NumberOf(args, kBaselineNano);
  figures.now = context.now();
  if (!figures.quality.has_value() && !args.Has(kError) && !figures.response_ms.has_value() &&
      !figures.cost_nano.has_value()) {
    return Bad("nothing is said of the call; give quality, error, response_ms or cost_nano");
  }
  if (figures.baseline_nano.has_value() && !figures.cost_nano.has_value()) {
    return Bad("'baseline_nano' is what 'cost_nano' is compared with; that is not given");
  }
  if (args.Has(kHeldOut) && !args.Has(kStrategies)) {
    return Bad("'held_out' goes with 'strategies'; without both, STRATEGY.SET draws the lots");
  }
  if (args.Has(kStrategies)) {
    ASSIGN_OR_RETURN(report.in_force, StrategiesFrom(args.BytesOr(kStrategies, "")));
  }
  if (args.Has(kHeldOut)) {
    ASSIGN_OR_RETURN(report.held_out, StrategiesFrom(args.BytesOr(kHeldOut, "")));
    if (report.held_out.Overlaps(*report.in_force)) {
      return Bad("a strategy stands in 'strategies' and in 'held_out'");
    }
  }
  return report;
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const control::Report report, ReportFrom(context, args));
  const std::vector<control::Trip> trips =
      context.instance.control().Record(report, context.config, context.view.transaction());
  reply.Map(1);
  reply.Str("tripped");
  reply.Array(trips.size());
  for (const control::Trip& trip : trips) {
    reply.Str(trip.rule.name);
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kQualityRecord;
constexpr CommandSpec kQualityRecord{
    .name = "QUALITY.RECORD",
    .family = Family::kControl,
    .summary =
        "Tells how one call of a model went. Guardrails (GUARDRAIL.STATUS) go by it: a strategy "
        "under "
        "which calls are worse than allowed, on the evidence of many slices of time, is turned "
        "off. "
        "A verdict that comes late should name the `strategies` of its call.",
    .complexity = "O(guardrails x strategies)",
    .since = "0.1",
    .flags = kWrite,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "{tripped: names of the guardrails that tripped by this call}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
