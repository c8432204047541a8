// ROUTE.MODEL.SET: puts a model into the catalogue.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/route_common.h"
#include "server/commands/spec.h"
#include "server/text/normalize.h"

namespace reprise::commands {
namespace {

using base::Code;
using base::Error;

constexpr std::array kArgs{ModelNameArg("its name, as the caller's provider knows it")};
enum Option : std::size_t {
  kProvider,
  kInput,
  kOutput,
  kCachedInput,
  kWindow,
  kCapabilities,
  kLatency,
  kStrength,
  kShared
};
constexpr ArgSpec PriceOption(std::string_view name, std::string_view doc) {
  return {.name = name, .kind = ArgKind::kInt, .doc = doc, .max = routing::kPriceMax};
}
constexpr std::array kOptions{
    ArgSpec{.name = "provider",
            .kind = ArgKind::kText,
            .doc = "whose model it is; for the price table",
            .max = base::limits::kNameBytes.value},
    PriceOption("input_nano",
                "price of a million input tokens in nano-dollars; together with output_nano. "
                "Without them the price table decides (PRICE.SET)"),
    PriceOption("output_nano", "price of a million output tokens"),
    PriceOption("cached_input_nano",
                "price of a million input tokens that the provider's prompt cache has; that of "
                "other input when not given"),
    TokensOption("context_window", "tokens that prompt and answer may have together; 0: any"),
    ArgSpec{.name = "capabilities",
            .kind = ArgKind::kTexts,
            .doc = "of tools, vision, json, reasoning",
            .max = 256},
    ArgSpec{.name = "latency_ms",
            .kind = ArgKind::kMillis,
            .doc = "how long an ordinary answer takes, until feedback tells; 0: not known",
            .max = routing::kLatencyMsMax},
    ArgSpec{.name = "strength",
            .kind = ArgKind::kShare,
            .doc = "0, the weakest, to 1, the strongest of the models; by price when not given. "
                   "What is expected of a model begins with it",
            .max = 1'000'000},
    kSharedOption};
constexpr std::array kErrors{Code::kTooLarge, Code::kForbidden, Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["ROUTE.MODEL.SET", ["m-large", {"input_nano": 2500000000, "output_nano": 10000000000}]])",
        R"({"model": "m-large", "added": true})"},
    Example{R"(["ROUTE.MODEL.SET", ["m-large", {"strength": 1.0}]])",
            R"({"model": "m-large", "added": false})"},
    Example{R"(["ROUTE.MODEL.SET", ["m-large", {"input_nano": 1}]])",
            R"({"error": "bad_request"})"},
    Example{R"(["ROUTE.MODEL.SET", ["m-large", {"input_nano": -1, "output_nano": 1}]])",
            R"({"error": "bad_request"})"},
    Example{R"(["ROUTE.MODEL.SET", ["m-large", {"capabilities": ["dreams"]}]])",
            R"({"error": "bad_request"})"},
};

base::Result<std::optional<routing::Prices>> PricesFrom(const Args& args) {
  if (!args.Has(kInput) && !args.Has(kOutput) && !args.Has(kCachedInput)) {
    return std::optional<routing::Prices>();
  }
  if (!args.Has(kInput) || !args.Has(kOutput)) {
    return Error{Code::kBadRequest,
                 "ROUTE.MODEL.SET: 'input_nano' and 'output_nano' are given together"};
  }
  const std::int64_t input = args.IntOr(kInput, 0);
  return std::optional(
      routing::Prices{input, args.IntOr(kOutput, 0), args.IntOr(kCachedInput, input)});
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const routing::Catalogue::Owner owner,
                   OwnerFrom(context, args.BoolOr(kShared, false)));
  routing::ModelCard card;
  card.name = args.Bytes(0);
  RETURN_IF_ERROR(text::CheckUtf8(card.name));
  card.provider = args.BytesOr(kProvider, "");
  ASSIGN_OR_RETURN(card.prices, PricesFrom(args));
  card.context_tokens = args.IntOr(kWindow, 0);
  card.latency_ms = args.IntOr(kLatency, 0);
  card.strength = args.MaybeShare(kStrength);
  ASSIGN_OR_RETURN(const auto names, NamesFrom(args.BytesOr(kCapabilities, "")));
  ASSIGN_OR_RETURN(card.capabilities, routing::CapabilitiesNamed(names));
  ASSIGN_OR_RETURN(const bool added,
                   context.instance.routing().SetModel(owner, card, context.view.transaction()));
  reply.Map(2);
  reply.Field("model", card.name);
  reply.Field("added", added);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kRouteModelSet;
constexpr CommandSpec kRouteModelSet{
    .name = "ROUTE.MODEL.SET",
    .family = Family::kRouting,
    .summary =
        "Puts a model into the catalogue, or replaces the card that it has there. What was learned "
        "of it stays.",
    .complexity = "O(models)",
    .since = "0.2",
    .flags = kWrite | kDurable | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "{model, added: false: it was there}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
