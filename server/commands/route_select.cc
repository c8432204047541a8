// ROUTE.SELECT: which model answers a prompt.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/route_common.h"
#include "server/commands/spec.h"
#include "server/commands/strategies.h"

namespace reprise::commands {
namespace {

using base::Code;

constexpr std::int64_t kMillion = 1'000'000;
constexpr std::array kArgs{kRoutePromptArg};
enum Option : std::size_t {
  kModels,
  kType,
  kCritical,
  kImportance,
  kConversation,
  kContextTokens,
  kAnswerTokens,
  kMaxCost,
  kMaxLatency,
  kMinQuality,
  kNeeds,
  kScopes,
  kPressure,
  kVector
};
constexpr std::array kOptions{
    ArgSpec{.name = "models",
            .kind = ArgKind::kTexts,
            .doc = "names to choose from; all of the catalogue when not given",
            .max = 8'192},
    kRouteTypeOption,
    ArgSpec{.name = "critical",
            .kind = ArgKind::kBool,
            .doc = "true: the best quality, whatever the mix; the last to feel a budget"},
    ArgSpec{.name = "importance",
            .kind = ArgKind::kShare,
            .doc = "weight of quality against cost, 0 to 1 (default 0.5): what matters less "
                   "becomes cheap first",
            .max = kMillion},
    kConversationOption,
    kContextTokensOption,
    kAnswerTokensOption,
    ArgSpec{.name = "max_cost_nano",
            .kind = ArgKind::kInt,
            .doc = "models whose call is expected to cost more are out",
            .max = routing::kPriceMax},
    ArgSpec{.name = "max_latency_ms",
            .kind = ArgKind::kMillis,
            .doc = "models that are expected to take longer are out",
            .min = 1,
            .max = routing::kLatencyMsMax},
    ArgSpec{.name = "min_quality",
            .kind = ArgKind::kShare,
            .doc = "models that are expected to be worse are out, unless all are; "
                   "routing.quality_floor_ppm when not given",
            .max = kMillion},
    ArgSpec{.name = "needs",
            .kind = ArgKind::kTexts,
            .doc = "of tools, vision, json, reasoning: models without are out",
            .max = 256},
    ArgSpec{.name = "scopes",
            .kind = ArgKind::kTexts,
            .doc = "who pays, as in BUDGET.RESERVE: the tightest of these budgets presses",
            .max = 4 * base::kKiB},
    ArgSpec{.name = "pressure",
            .kind = ArgKind::kShare,
            .doc = "of the budget, instead of that: felt from 0.5 on, 1: spent; above, critical "
                   "calls feel it, too",
            .max = 2 * kMillion},
    kRouteVectorOption};
constexpr std::array kErrors{Code::kNotFound, Code::kTooLarge};
constexpr std::array kExamples{
    Example{R"(["ROUTE.SELECT", ["What is RAII?"]])", R"({"error": "not_found"})"},
    Example{
        R"(["ROUTE.MODEL.SET", ["m-small", {"input_nano": 100000000, "output_nano": 400000000}]])",
        R"("*")"},
    Example{
        R"(["ROUTE.SELECT", ["What is RAII?"]])",
        R"({"decision": "*", "model": "m-small", "score": "*", "level": "*", "confidence": 0.0, "quality": "*", "gain": 0.0, "cost_nano": 120500, "propensity": 1.0, "reason": "the only model", "fallbacks": [], "would": null})"},
    Example{
        R"(["ROUTE.MODEL.SET", ["m-large", {"input_nano": 2500000000, "output_nano": 10000000000, "capabilities": ["tools"]}]])",
        R"("*")"},
    Example{
        R"(["ROUTE.SELECT", ["Book me a flight.", {"needs": ["tools"], "answer_tokens": 100}]])",
        R"({"decision": "*", "model": "m-large", "score": "*", "level": "*", "confidence": 0.0, "quality": "*", "gain": 0.0, "cost_nano": 1015000, "propensity": 1.0, "reason": "the only model that can take the call", "fallbacks": [], "would": null})"},
    Example{R"(["ROUTE.SELECT", ["Prove it.", {"models": ["m-unknown"]}]])",
            R"({"error": "not_found"})"},
    Example{R"(["ROUTE.SELECT", ["Look at this.", {"needs": ["vision"]}]])",
            R"({"error": "bad_request"})"},
    Example{R"(["ROUTE.SELECT", ["Prove it.", {"max_cost_nano": 1}]])",
            R"({"error": "bad_request"})"},
};

void WriteSelection(const routing::Selection& selection, wire::Writer& reply) {
  reply.Map(12);
  reply.Field("decision", selection.decision);
  reply.Field("model", selection.model);
  reply.Field("score", selection.score);
  reply.Field("level", routing::NameOf(selection.level));
  reply.Field("confidence", selection.confidence);
  reply.Field("quality", selection.quality);
  reply.Field("gain", selection.gain);
  reply.Field("cost_nano", selection.cost_nano);
  reply.Field("propensity", selection.propensity);
  reply.Field("reason", selection.reason);
  reply.Str("fallbacks");
  reply.Array(selection.fallbacks.size());
  for (const std::string& model : selection.fallbacks) {
    reply.Str(model);
  }
  reply.Str("would");
  if (selection.would.empty()) {
    reply.Nil();
  } else {
    reply.Str(selection.would);
  }
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  constexpr double kUsualImportance = 0.5;
  ASSIGN_OR_RETURN(
      const RoutePrompt asked,
      RoutePromptFrom(context, {args.Bytes(0), args.BytesOr(kVector, ""),
                                args.IntOr(kContextTokens, 0), args.IntOr(kAnswerTokens, 0)}));
  routing::SelectRequest request;
  request.prompt = asked.prompt;
  request.type = args.BytesOr(kType, "");
  request.conversation = args.BytesOr(kConversation, "");
  request.critical = args.BoolOr(kCritical, false);
  request.quality_min = args.MaybeShare(kMinQuality);
  request.cost_of = CostByTable(context);
  ASSIGN_OR_RETURN(request.models, NamesFrom(args.BytesOr(kModels, "")));
  ASSIGN_OR_RETURN(const auto needs, NamesFrom(args.BytesOr(kNeeds, "")));
  ASSIGN_OR_RETURN(request.wish.needs, routing::CapabilitiesNamed(needs));
  request.wish.importance =
      args.MaybeShare(kImportance).value_or(kUsualImportance) / kUsualImportance;
  request.wish.max_cost_nano = args.IntOr(kMaxCost, request.wish.max_cost_nano);
  request.wish.max_latency_ms = args.IntOr(kMaxLatency, 0);
  ASSIGN_OR_RETURN(const double pressure, PressureFrom(context, args.BytesOr(kScopes, "")));
  request.pressure = args.MaybeShare(kPressure).value_or(pressure);
  request.mode = Decide(context, control::Strategy::kRouting, request.conversation).mode;
  ASSIGN_OR_RETURN(const routing::Selection selection,
                   context.instance.routing().Select(context.principal.namespace_id, request,
                                                     context.config.routing, context.now()));
  WriteSelection(selection, reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kRouteSelect;
constexpr CommandSpec kRouteSelect{
    .name = "ROUTE.SELECT",
    .family = Family::kRouting,
    .summary =
        "Chooses the model that answers a prompt, by the quality that is expected of each and what "
        "it costs. What was learned from ROUTE.FEEDBACK in this namespace decides, before that the "
        "shipped prior. Cheap models get at least routing.cheap_share_ppm of the calls, those that "
        "lose least by it; more of them while a budget is tight. A conversation keeps its model "
        "unless a stronger one is worth it, or a cheaper one saves more than the provider's prompt "
        "cache that is lost. Where the strategy `routing` is off or in shadow, the strongest model "
        "answers.",
    .complexity = "O(prompt + models x n-grams), and an embedding where the vector is not known",
    .since = "0.2",
    .flags = kRead,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{decision: its number, for ROUTE.FEEDBACK, model, score: 0 to 100, the chance that the "
        "cheapest model's answer is not good enough, level: simple or straightforward or complex "
        "or "
        "very complex, confidence: 0 to 1, how much of that was learned here, quality: expected of "
        "`model`, gain: what the strongest model is expected to add to the cheapest one's quality, "
        "cost_nano: expected, 0 where no price is known, propensity: the probability with which "
        "`model` was chosen, reason, fallbacks: the other models that can take the call, the best "
        "first, would: in shadow, the model that would have been chosen, else nil}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
