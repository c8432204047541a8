// ROUTE.MODELS: the models that may be chosen from.
#include "protocol/wire/writer.h"
#include "server/commands/args.h"
#include "server/commands/context.h"
#include "server/commands/route_common.h"
#include "server/commands/spec.h"

namespace reprise::commands {
namespace {

constexpr std::array kExamples{
    Example{R"(["ROUTE.MODELS", []])", R"([])"},
    Example{
        R"(["ROUTE.MODEL.SET", ["m-small", {"provider": "acme", "input_nano": 150000000, "output_nano": 600000000, "context_window": 128000, "capabilities": ["tools", "json"], "latency_ms": 900}]])",
        R"({"model": "m-small", "added": true})"},
    Example{
        R"(["ROUTE.MODELS", []])",
        R"([{"model": "m-small", "provider": "acme", "input_nano": 150000000, "output_nano": 600000000, "cached_input_nano": 150000000, "context_window": 128000, "capabilities": ["tools", "json"], "latency_ms": 900, "strength": null, "shared": false}])"},
};

void WritePrice(std::string_view name, const std::optional<routing::Prices>& prices,
                std::int64_t routing::Prices::*price, wire::Writer& reply) {
  reply.Str(name);
  if (prices.has_value()) {
    reply.Int((*prices).*price);
  } else {
    reply.Nil();
  }
}

void WriteCard(const routing::ModelCard& card, wire::Writer& reply) {
  reply.Map(10);
  reply.Field("model", card.name);
  reply.Field("provider", card.provider);
  WritePrice("input_nano", card.prices, &routing::Prices::input, reply);
  WritePrice("output_nano", card.prices, &routing::Prices::output, reply);
  WritePrice("cached_input_nano", card.prices, &routing::Prices::cached_input, reply);
  reply.Field("context_window", card.context_tokens);
  reply.Str("capabilities");
  const std::vector<std::string_view> names = routing::NamesOf(card.capabilities);
  reply.Array(names.size());
  for (const std::string_view name : names) {
    reply.Str(name);
  }
  reply.Field("latency_ms", card.latency_ms);
  reply.Str("strength");
  if (card.strength.has_value()) {
    reply.Double(*card.strength);
  } else {
    reply.Nil();
  }
  reply.Field("shared", card.shared);
}

base::Status Run(Context& context, const Args& /*args*/, wire::Writer& reply) {
  const routing::CardsPtr cards = context.instance.routing().Models(context.principal.namespace_id);
  reply.Array(cards->size());
  for (const routing::ModelCard& card : *cards) {
    WriteCard(card, reply);
  }
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kRouteModels;
constexpr CommandSpec kRouteModels{
    .name = "ROUTE.MODELS",
    .family = Family::kRouting,
    .summary =
        "The catalogue: the models that ROUTE.SELECT chooses from, those of the namespace and "
        "those "
        "that all namespaces share, by name.",
    .complexity = "O(models)",
    .since = "0.2",
    .flags = kRead | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = {},
    .result =
        "[{model, provider, input_nano, output_nano, cached_input_nano: of a million tokens (nil: "
        "as the price table says; see PRICE.SET), context_window: in tokens (0: not known), "
        "capabilities: of tools and vision and json and reasoning, latency_ms, strength: 0 to 1 "
        "among the models (nil: by price), shared}, ...]",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
