// ROUTE.SCORE: how hard a prompt is for a model, and why.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/route_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

using base::Code;

constexpr std::array kArgs{kRoutePromptArg};
enum Option : std::size_t {
  kModel,
  kType,
  kContextTokens,
  kAnswerTokens,
  kFactors,
  kNearest,
  kVector
};
constexpr std::array kOptions{
    ModelNameArg("whose score; the cheapest model's when not given"),
    kRouteTypeOption,
    kContextTokensOption,
    kAnswerTokensOption,
    ArgSpec{
        .name = "factors", .kind = ArgKind::kInt, .doc = "at most so many (default 8)", .max = 100},
    ArgSpec{.name = "nearest",
            .kind = ArgKind::kInt,
            .doc = "at most so many past cases (default 3)",
            .max = 20},
    kRouteVectorOption};
constexpr std::array kErrors{Code::kNotFound, Code::kTooLarge};
constexpr std::array kExamples{
    Example{
        R"(["ROUTE.SCORE", ["What is RAII?"]])",
        R"({"model": null, "score": "*", "level": "*", "confidence": 0.0, "gain": 0.0, "models": [], "factors": [], "nearest": []})"},
    Example{R"(["ROUTE.MODEL.SET", ["m-small", {}]])", R"("*")"},
    Example{
        R"(["ROUTE.TEACH", [[["What is RAII?", {"m-small": 0.9}], ["Prove Fermat's theorem.", {"m-small": 0.0}]]]])",
        R"({"examples": 2, "learned": 2})"},
    Example{
        R"(["ROUTE.SCORE", ["What is RAID?", {"factors": 1, "nearest": 1}]])",
        R"({"model": "m-small", "score": "*", "level": "*", "confidence": "*", "gain": 0.0, "models": [{"model": "m-small", "score": "*", "quality": "*", "dense": "*", "hashed": "*", "near": "*", "type_shift": 0.0, "outcomes": 2}], "factors": [{"name": "*", "points": "*"}], "nearest": [{"outcome": "*", "similarity": "*", "prompt": "*", "qualities": {"m-small": "*"}}]})"},
    Example{R"(["ROUTE.SCORE", ["What is RAII?", {"model": "m-unknown"}]])",
            R"({"error": "not_found"})"},
};

void WriteModel(const routing::ModelScore& model, wire::Writer& reply) {
  reply.Map(8);
  reply.Field("model", model.model);
  reply.Field("score", model.score);
  reply.Field("quality", model.estimate.quality);
  const auto& views = model.estimate.views;
  reply.Field("dense", views[static_cast<std::size_t>(routing::View::kDense)]);
  reply.Field("hashed", views[static_cast<std::size_t>(routing::View::kHashed)]);
  reply.Field("near", views[static_cast<std::size_t>(routing::View::kNear)]);
  reply.Field("type_shift", model.estimate.type_shift);
  reply.Field("outcomes", model.estimate.outcomes);
}

void WriteCase(const routing::PastCase& past, wire::Writer& reply) {
  reply.Map(4);
  reply.Field("outcome", past.outcome);
  reply.Field("similarity", past.similarity);
  reply.Field("prompt", past.excerpt);
  reply.Str("qualities");
  reply.Map(past.labels.size());
  for (const routing::Label& label : past.labels) {
    reply.Field(label.model, static_cast<double>(label.quality));
  }
}

void WriteExplanation(const routing::Explanation& explanation, wire::Writer& reply) {
  reply.Map(8);
  reply.Str("model");
  if (explanation.model.empty()) {
    reply.Nil();
  } else {
    reply.Str(explanation.model);
  }
  reply.Field("score", explanation.score);
  reply.Field("level", routing::NameOf(explanation.level));
  reply.Field("confidence", explanation.confidence);
  reply.Field("gain", explanation.gain);
  reply.Str("models");
  reply.Array(explanation.models.size());
  for (const routing::ModelScore& model : explanation.models) {
    WriteModel(model, reply);
  }
  reply.Str("factors");
  reply.Array(explanation.factors.size());
  for (const routing::Factor& factor : explanation.factors) {
    reply.Map(2);
    reply.Field("name", factor.name);
    reply.Field("points", factor.points);
  }
  reply.Str("nearest");
  reply.Array(explanation.cases.size());
  for (const routing::PastCase& past : explanation.cases) {
    WriteCase(past, reply);
  }
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  constexpr std::int64_t kFactorsUsual = 8;
  constexpr std::int64_t kNearestUsual = 3;
  ASSIGN_OR_RETURN(
      const RoutePrompt asked,
      RoutePromptFrom(context, {args.Bytes(0), args.BytesOr(kVector, ""),
                                args.IntOr(kContextTokens, 0), args.IntOr(kAnswerTokens, 0)}));
  routing::ScoreRequest request;
  request.prompt = asked.prompt;
  request.type = args.BytesOr(kType, "");
  request.model = args.BytesOr(kModel, "");
  request.cost_of = CostByTable(context);
  request.factors_max = static_cast<std::size_t>(args.IntOr(kFactors, kFactorsUsual));
  request.cases_max = static_cast<std::size_t>(args.IntOr(kNearest, kNearestUsual));
  ASSIGN_OR_RETURN(const routing::Explanation explanation,
                   context.instance.routing().Score(context.principal.namespace_id, request,
                                                    context.config.routing, context.view));
  WriteExplanation(explanation, reply);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kRouteScore;
constexpr CommandSpec kRouteScore{
    .name = "ROUTE.SCORE",
    .family = Family::kRouting,
    .summary =
        "How hard a prompt is: the chance, in percent, that a model's answer is not good enough "
        "(routing.good_enough_ppm), with what speaks for it and the nearest past cases. It decides "
        "nothing and counts nothing.",
    .complexity = "O(prompt + models x n-grams), and an embedding where the vector is not known",
    .since = "0.2",
    .flags = kRead | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{model: whose score (nil while the catalogue is empty), score: 0 to 100, level: simple or "
        "straightforward or complex or very complex, confidence: 0 to 1, gain: what the strongest "
        "model is expected to add to the cheapest one's quality; order prompts by it to send the "
        "right ones to the strong model, models: [{model, score, quality: expected, dense, hashed, "
        "near: as each of three views sees it, type_shift: what the type adds, outcomes: that it "
        "was learned from}, ...], factors: [{name: a figure of the prompt or some of its words, "
        "points: what it adds to the score}, ...], nearest: [{outcome, similarity: 0 to 1, prompt: "
        "its beginning, qualities: {model: quality}}, ...]}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
