// GUARDRAIL.STATUS: what guardrails see, and what they turned off.
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/guardrail_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{ArgSpec{.name = "name",
                                   .kind = ArgKind::kText,
                                   .doc = "of one guardrail; all, when not given",
                                   .required = false,
                                   .nullable = true,
                                   .min = 1,
                                   .max = base::limits::kNameBytes.value}};
enum Option : std::size_t { kHome };
constexpr std::array kOptions{kHomeOption};
constexpr std::array kErrors{base::Code::kForbidden, base::Code::kNotFound};
constexpr std::array kExamples{
    Example{R"(["QUALITY.RECORD", [{"quality": 0.9}]])", R"({"tripped": []})"},
    Example{
        R"(["GUARDRAIL.STATUS", ["quality"]])",
        R"({"slice_ms": 60000, "needed": 14400000.0, "guardrails": [{"name": "quality", "metric": "quality", "limit": 0.92, "strategies": ["context", "compression"], "source": "configuration", "off": false, "cool_down_ms": 86400000, "trip": null, "watched": [{"strategy": "context", "samples": 1, "control_samples": 0, "estimate": null, "treated": 0.9, "control": null, "slices": 0, "evidence": 1.0, "since_ms": 0, "bound": null, "lacks": "the first slice is not full yet"}, "*"]}]})"},
    Example{R"(["GUARDRAIL.STATUS", ["nothing"]])", R"({"error": "not_found"})"},
};

void WriteMonitor(control::Strategy strategy, const control::Monitor& monitor,
                  wire::Writer& reply) {
  const control::MonitorState& state = monitor.state();
  reply.Map(11);
  reply.Field("strategy", config::NameOf(strategy));
  reply.Field("samples", state.treated_calls);
  reply.Field("control_samples", state.control_calls);
  reply.Field("estimate", monitor.RollingFigure());
  reply.Field("treated", monitor.GroupFigure(control::Group::kTreated));
  reply.Field("control", monitor.GroupFigure(control::Group::kControl));
  reply.Field("slices", state.slices);
  reply.Field("evidence", state.bet.wealth());
  reply.Field("since_ms", base::ToInt(state.evidence.since));
  reply.Field("bound", monitor.Bound());
  reply.Field("lacks", monitor.Lack());
}

void WriteReading(const control::GuardrailReading& reading, wire::Writer& reply) {
  reply.Map(kGuardrailFields + 2);
  WriteGuardrail(reading, reply);
  reply.Str("trip");
  if (reading.trip.has_value()) {
    reply.Map(TripFields());
    WriteTrip(*reading.trip, reply);
  } else {
    reply.Nil();
  }
  reply.Str("watched");
  reply.Array(reading.monitors.size());
  for (const auto& [strategy, monitor] : reading.monitors) {
    WriteMonitor(strategy, monitor, reply);
  }
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const storage::NamespaceId home, HomeFrom(context, args.BytesOr(kHome, "")));
  const std::string_view name = args.size() > 0 ? args.Bytes(0) : std::string_view();
  const control::Control& control = context.instance.control();
  std::vector<control::GuardrailReading> readings = control.Guardrails(home);
  if (!name.empty()) {
    std::erase_if(readings, [name](const auto& reading) { return reading.rule.name != name; });
    if (readings.empty()) {
      return NoGuardrail("GUARDRAIL.STATUS", name);
    }
  }
  const control::Terms terms = control.CurrentTerms();
  reply.Map(3);
  reply.Field("slice_ms", terms.slice_ms);
  reply.Field("needed", terms.needed);
  reply.Str("guardrails");
  reply.Array(readings.size());
  for (const control::GuardrailReading& reading : readings) {
    WriteReading(reading, reply);
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kGuardrailStatus;
constexpr CommandSpec kGuardrailStatus{
    .name = "GUARDRAIL.STATUS",
    .family = Family::kControl,
    .summary =
        "The guardrails of the namespace, what each sees of the strategies that it watches, and "
        "the "
        "trips that hold, with their evidence.",
    .complexity = "O(guardrails x strategies)",
    .since = "0.1",
    .flags = kRead | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{slice_ms, needed: evidence from which on a guardrail trips, guardrails: [{name, metric, "
        "limit, strategies, source, off, cool_down_ms, trip: nil or {guardrail, metric, limit, "
        "strategy: whose calls were the evidence, turned_off, at_ms, ends_at_ms: 0: when it is "
        "re-armed, since_ms: from then on it was bad, slices, samples, control_samples, estimate, "
        "bound, evidence, needed}, watched: [{strategy, samples, control_samples: calls so far, "
        "estimate: what the limit is about, over the last 64 slices, treated, control: mean "
        "quality, "
        "share of failures, typical response_ms or mean cost_nano of each group, slices, evidence: "
        "1 "
        "when nothing speaks against it, since_ms: since when something does (0: nothing), bound: "
        "since then the figure is at best this, at 99 % confidence, lacks: what keeps it from "
        "saying "
        "anything, or \"\"}]}]}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
