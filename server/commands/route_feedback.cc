// ROUTE.FEEDBACK: how a model's answer was.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/route_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

using base::Code;

constexpr std::int64_t kExactMax = (std::int64_t{1} << 53) - 1;
constexpr std::array kArgs{ArgSpec{.name = "decision",
                                   .kind = ArgKind::kInt,
                                   .doc = "as ROUTE.SELECT gave it",
                                   .min = 1,
                                   .max = kExactMax}};
enum Option : std::size_t { kModel, kQuality, kError, kLatency, kTokensIn, kTokensOut, kCost };
constexpr std::array kOptions{
    ModelNameArg("who answered; the chosen one when not given. Others may be told of as well, once "
                 "each"),
    ArgSpec{.name = "quality",
            .kind = ArgKind::kShare,
            .doc = "how good the answer was, 0 to 1; without it nothing is learned of the prompt",
            .max = 1'000'000},
    ArgSpec{.name = "error",
            .kind = ArgKind::kBool,
            .doc = "true: the call failed; a model that fails often is expected to fail again, for "
                   "some minutes"},
    ArgSpec{.name = "latency_ms",
            .kind = ArgKind::kMillis,
            .doc = "how long the answer took",
            .max = routing::kLatencyMsMax},
    TokensOption("tokens_in", "input tokens of the call"),
    TokensOption("tokens_out", "output tokens of the call"),
    ArgSpec{.name = "cost_nano",
            .kind = ArgKind::kInt,
            .doc = "what it cost; by its tokens when not given",
            .max = routing::kPriceMax}};
constexpr std::array kErrors{Code::kNotFound, Code::kExists, Code::kReadOnly};
constexpr std::array kExamples{
    Example{R"(["ROUTE.FEEDBACK", [12345, {"quality": 0.9}]])", R"({"error": "not_found"})"},
    Example{R"(["ROUTE.FEEDBACK", [12345, {"quality": 1.5}]])", R"({"error": "bad_request"})"},
    Example{R"(["ROUTE.FEEDBACK", [12345, {"tokens_in": -1}]])", R"({"error": "bad_request"})"},
    Example{R"(["ROUTE.FEEDBACK", [12345]])", R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  routing::FeedbackRequest request;
  request.decision = static_cast<std::uint64_t>(args.Int(0));
  request.model = args.BytesOr(kModel, "");
  request.quality = args.MaybeShare(kQuality);
  request.failed = args.BoolOr(kError, false);
  request.latency_ms = args.MaybeInt(kLatency);
  request.tokens_in = args.MaybeInt(kTokensIn);
  request.tokens_out = args.MaybeInt(kTokensOut);
  request.cost_nano = args.MaybeInt(kCost);
  request.cost_of = CostByTable(context);
  const bool says_something = request.quality.has_value() || request.failed ||
                              request.latency_ms.has_value() || request.tokens_in.has_value() ||
                              request.tokens_out.has_value() || request.cost_nano.has_value();
  if (!says_something) {
    return base::Error{Code::kBadRequest,
                       "ROUTE.FEEDBACK: nothing is told; give quality, error, latency_ms, "
                       "tokens_in, tokens_out or cost_nano"};
  }
  ASSIGN_OR_RETURN(
      const routing::FeedbackResult result,
      context.instance.routing().Feedback(context.principal.namespace_id, request,
                                          context.config.routing, context.view.transaction()));
  reply.Map(3);
  reply.Field("model", result.model);
  reply.Field("learned", result.learned);
  reply.Str("outcome");
  if (result.outcome != 0) {
    reply.Uint(result.outcome);
  } else {
    reply.Nil();
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kRouteFeedback;
constexpr CommandSpec kRouteFeedback{
    .name = "ROUTE.FEEDBACK",
    .family = Family::kRouting,
    .summary =
        "Tells how the answer to a decision of ROUTE.SELECT was. The next choices of the namespace "
        "go by it, over restarts too; other namespaces learn nothing from it.",
    .complexity = "O(n-grams + models)",
    .since = "0.2",
    .flags = kWrite,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{model, learned: whether it had a quality, outcome: number of what is kept of the prompt, "
        "or nil}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
