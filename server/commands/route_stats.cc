// ROUTE.STATS: what routing did, what it saved, and how right its scores were.
#include <algorithm>

#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/route_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kExamples{
    Example{
        R"(["ROUTE.STATS", []])",
        R"({"decisions": 0, "cheap_share": null, "critical": 0, "explored": 0, "stayed": 0, "degraded": 0, "shadow": 0, "levels": {"simple": 0, "straightforward": 0, "complex": 0, "very complex": 0}, "cost_nano": 0, "strongest_cost_nano": 0, "saved_nano": 0, "judged": 0, "quality": null, "regret": null, "calibration": {"error": 0.0, "bins": []}, "models": {}, "outcomes": 0, "outcomes_max": 100000, "drifts": 0, "memory_bytes": "*"})"},
    Example{R"(["ROUTE.MODEL.SET", ["m-small", {}]])", R"("*")"},
    Example{R"(["ROUTE.SELECT", ["What is RAII?"]])", R"("*")"},
    Example{
        R"(["ROUTE.STATS", []])",
        R"({"decisions": 1, "cheap_share": null, "critical": 0, "explored": 0, "stayed": 0, "degraded": 0, "shadow": 0, "levels": "*", "cost_nano": 0, "strongest_cost_nano": 0, "saved_nano": 0, "judged": 0, "quality": null, "regret": null, "calibration": "*", "models": {"m-small": {"chosen": 1, "judged": 0, "quality": null, "always_quality": null, "errors": 0, "cost_nano": 0, "tokens_in": 0, "tokens_out": 0, "latency_ms": null, "learned": 0}}, "outcomes": 0, "outcomes_max": 100000, "drifts": 0, "memory_bytes": "*"})"},
};

// A mean; nil of nothing.
void WriteMean(std::string_view name, double sum, std::uint64_t count, wire::Writer& reply) {
  reply.Str(name);
  if (count == 0) {
    reply.Nil();
  } else {
    reply.Double(sum / static_cast<double>(count));
  }
}

void WriteModel(const routing::ModelTally& model, std::uint64_t judged, std::uint64_t learned,
                wire::Writer& reply) {
  reply.Map(10);
  reply.Field("chosen", model.chosen);
  reply.Field("judged", model.judged);
  WriteMean("quality", model.quality, model.judged, reply);
  WriteMean("always_quality", model.always_quality, judged, reply);
  reply.Field("errors", model.errors);
  reply.Field("cost_nano", model.cost_nano);
  reply.Field("tokens_in", model.tokens_in);
  reply.Field("tokens_out", model.tokens_out);
  WriteMean("latency_ms", static_cast<double>(model.latency_ms), model.timed, reply);
  reply.Field("learned", learned);
}

void WriteCalibration(const routing::Tallies& tallies, wire::Writer& reply) {
  reply.Map(2);
  reply.Field("error", tallies.CalibrationError());
  reply.Str("bins");
  const auto is_used = [](const routing::ScoreBin& bin) { return bin.count > 0; };
  reply.Array(static_cast<std::size_t>(
      std::count_if(tallies.scores.begin(), tallies.scores.end(), is_used)));
  for (const routing::ScoreBin& bin : tallies.scores) {
    if (is_used(bin)) {
      reply.Map(3);
      reply.Field("judged", bin.count);
      WriteMean("score", 100 * bin.score, bin.count, reply);
      WriteMean("failed_percent", 100 * static_cast<double>(bin.failed), bin.count, reply);
    }
  }
}

// The best that any one model would have done, less what was done.
double RegretOf(const routing::Tallies& tallies) {
  double best = 0;
  for (const auto& [name, model] : tallies.models) {
    best = std::max(best, model.always_quality);
  }
  return best - tallies.judged_quality;
}

void WriteTotals(const routing::Tallies& tallies, wire::Writer& reply) {
  std::uint64_t cost = 0;
  for (const auto& [name, model] : tallies.models) {
    cost += model.cost_nano;
  }
  reply.Field("decisions", tallies.decisions);
  WriteMean("cheap_share", static_cast<double>(tallies.cheap), tallies.mixed, reply);
  reply.Field("critical", tallies.critical);
  reply.Field("explored", tallies.explored);
  reply.Field("stayed", tallies.stayed);
  reply.Field("degraded", tallies.degraded);
  reply.Field("shadow", tallies.shadow);
  reply.Str("levels");
  reply.Map(tallies.levels.size());
  for (std::size_t level = 0; level < tallies.levels.size(); ++level) {
    reply.Field(routing::NameOf(static_cast<routing::Level>(level)), tallies.levels[level]);
  }
  reply.Field("cost_nano", cost);
  reply.Field("strongest_cost_nano", tallies.strongest_cost_nano);
  reply.Field("saved_nano", static_cast<std::int64_t>(tallies.strongest_cost_nano) -
                                static_cast<std::int64_t>(cost));
  reply.Field("judged", tallies.judged);
  WriteMean("quality", tallies.judged_quality, tallies.judged, reply);
  WriteMean("regret", RegretOf(tallies), tallies.judged, reply);
}

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  constexpr std::size_t kFields = 20;
  const routing::RoutingStats stats =
      context.instance.routing().Stats(context.principal.namespace_id, context.config.routing);
  const routing::Tallies& tallies = stats.tallies;
  reply.Map(kFields);
  WriteTotals(tallies, reply);
  reply.Str("calibration");
  WriteCalibration(tallies, reply);
  reply.Str("models");
  reply.Map(tallies.models.size());
  for (const auto& [name, model] : tallies.models) {
    const auto learned = stats.learned.find(name);
    reply.Str(name);
    WriteModel(model, tallies.judged, learned == stats.learned.end() ? 0 : learned->second, reply);
  }
  reply.Field("outcomes", stats.outcomes);
  reply.Field("outcomes_max", stats.outcomes_max);
  reply.Field("drifts", stats.drifts);
  reply.Field("memory_bytes", stats.memory_bytes);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kRouteStats;
constexpr CommandSpec kRouteStats{
    .name = "ROUTE.STATS",
    .family = Family::kRouting,
    .summary =
        "What ROUTE.SELECT chose in this namespace, what that cost beside the strongest model for "
        "everything, how good the answers were, and how right the scores. The counts survive "
        "restarts; a crash loses what came after the last tick.",
    .complexity = "O(models)",
    .since = "0.2",
    .flags = kRead | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result =
        "{decisions, cheap_share: of the calls where there were cheap and dear models (nil: none), "
        "critical, explored: by chance, stayed: with the conversation's model, degraded: by "
        "budgets, shadow, levels: {level: decisions}, cost_nano: as feedback told, else as "
        "expected, strongest_cost_nano: had the strongest model answered all, saved_nano, judged: "
        "calls whose answer was judged, quality: of these, on average, regret: estimate of the "
        "quality that the best single model would have had more (negative: less), calibration: "
        "{error: expected calibration error, bins: [{judged, score: mean, failed_percent}, ...]}, "
        "models: {model: {chosen, judged, quality, always_quality: estimate had it answered all "
        "judged calls, errors, cost_nano, tokens_in, tokens_out, latency_ms: mean, learned: "
        "outcomes that it is estimated from}}, outcomes: prompts kept, outcomes_max, drifts: times "
        "that a model was learned anew, memory_bytes}",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
