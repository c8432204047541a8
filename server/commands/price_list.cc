// PRICE.LIST: the price table.
#include "protocol/wire/writer.h"
#include "server/calendar/civil.h"
#include "server/commands/spend_common.h"

namespace reprise::commands {
namespace {

enum Option : std::size_t { kProvider, kModel, kAfter, kLimit };
constexpr std::array kOptions{
    PriceNameOption("provider", "only of this one"),
    PriceNameOption("model", "only what this name means"),
    ArgSpec{.name = "after",
            .kind = ArgKind::kText,
            .doc = "the `next` of the page before",
            .min = 1,
            .max = 2 * static_cast<std::int64_t>(spend::kModelNameBytesMax) + 1},
    ArgSpec{.name = "limit",
            .kind = ArgKind::kInt,
            .doc = "models of one page; 100 when not given",
            .min = 1,
            .max = 1'000}};
constexpr std::array kExamples{
    Example{
        R"(["PRICE.SET", ["acme", "m-1", {"input": ["1.25", "above 200000: 2.50"]}, {"tier": "batch", "valid_from": "2026-01-01", "valid_until": "2027-01-01"}]])",
        R"("*")"},
    Example{
        R"(["PRICE.LIST", [{"provider": "acme"}]])",
        R"({"prices": [{"provider": "acme", "model": "m-1", "layer": "server", "imported": false, "tier": "batch", "valid_from": "2026-01-01", "valid_until": "2027-01-01", "daily": null, "prices": {"input": ["1.25", "above 200000: 2.5"]}}], "next": null})"},
    Example{R"(["PRICE.LIST", [{"limit": 0}]])", R"({"error": "bad_request"})"},
};

void WriteDay(std::string_view name, base::UnixMillis at, wire::Writer& reply) {
  reply.Str(name);
  if (at == base::UnixMillis{0}) {
    reply.Nil();
  } else {
    reply.Str(calendar::DayText(base::ToInt(at) / calendar::kMillisPerDay));
  }
}

void WritePrice(const spend::ListedPrice& listed, const spend::Price& price, wire::Writer& reply) {
  reply.Map(9);
  reply.Field("provider", listed.model->provider);
  reply.Field("model", listed.model->model);
  reply.Field("layer", listed.layer);
  reply.Field("imported", listed.model->is_imported);
  reply.Field("tier", price.tier);
  WriteDay("valid_from", price.from, reply);
  WriteDay("valid_until", price.until, reply);
  reply.Str("daily");
  reply.Write(price.is_daily() ? base::Value(spend::DailyText(price)) : base::Value());
  base::Value::Map rates;
  for (std::size_t i = 0; i < price.rates.size(); ++i) {
    if (price.rates[i].has_value()) {
      rates.emplace_back(spend::kItemNames[i], spend::ToValue(*price.rates[i]));
    }
  }
  reply.Str("prices");
  reply.Write(rates);
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  const spend::PriceListPage page = context.instance.spend().prices().List(
      context.principal.namespace_id,
      {args.BytesOr(kProvider, ""), args.BytesOr(kModel, ""), args.BytesOr(kAfter, ""),
       static_cast<std::size_t>(args.IntOr(kLimit, 100))});
  std::size_t count = 0;
  for (const spend::ListedPrice& listed : page.models) {
    count += listed.model->prices.size();
  }
  reply.Map(2);
  reply.Str("prices");
  reply.Array(count);
  for (const spend::ListedPrice& listed : page.models) {
    for (const spend::Price& price : listed.model->prices) {
      WritePrice(listed, price, reply);
    }
  }
  reply.Str("next");
  reply.Write(page.next.empty() ? base::Value() : base::Value(page.next));
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kPriceList;
constexpr CommandSpec kPriceList{
    .name = "PRICE.LIST",
    .family = Family::kSpend,
    .summary =
        "The prices that are known, model by model: those of the namespace, of the server, and of "
        "the starter table. Of one model the first layer counts; of its prices the latest that "
        "holds.",
    .complexity = "O(models)",
    .since = "0.2",
    .flags = kRead | kBlocking | kIdempotent,
    .args = {},
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{prices: [{provider, model, layer: namespace, server or starter, imported, tier, "
        "valid_from and valid_until: days or nil, daily: times of day or nil, prices: {item: a "
        "decimal text, or with steps an array}}, ...], next: give it as `after` for the next page, "
        "or nil}",
    .errors = {},
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
