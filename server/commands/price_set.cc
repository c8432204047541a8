// PRICE.SET: what a model costs.
#include "protocol/wire/decode.h"
#include "protocol/wire/reader.h"
#include "protocol/wire/writer.h"
#include "server/commands/spend_common.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{
    PriceNameOption("provider", "who sells it"), PriceNameOption("model", "its name"),
    ArgSpec{.name = "prices",
            .kind = ArgKind::kValue,
            .doc = "a map of input, output, cache_read, cache_write, cache_write_1h, input_audio, "
                   "cache_audio_read, output_reasoning, output_audio, output_image (dollars for a "
                   "million tokens), request, web_search (for a thousand). A price is a text "
                   "\"2.50\", a number, or with steps [\"1.25\", \"above 200000: 2.50\"] by input "
                   "tokens. nil removes",
            .nullable = true,
            .max = 16 * base::kKiB}};
enum Option : std::size_t {
  kTier,
  kValidFrom,
  kValidUntil,
  kDaily,
  kAliases,
  kCurrency,
  kNamespace
};
constexpr ArgSpec DayOption(std::string_view name, std::string_view doc) {
  return {.name = name, .kind = ArgKind::kText, .doc = doc, .min = 10, .max = 10};
}
constexpr std::array kOptions{
    PriceNameOption("tier", "standard (the default), batch, flex, or any name"),
    DayOption("valid_from",
              "the day from which it holds, 2026-11-30 (UTC); ever since, when not "
              "given"),
    DayOption("valid_until", "the day from which it holds no more"),
    ArgSpec{.name = "daily",
            .kind = ArgKind::kText,
            .doc = "only at this time of day, 00:30-16:30 (UTC)",
            .min = 11,
            .max = 17},
    ArgSpec{.name = "aliases",
            .kind = ArgKind::kTexts,
            .doc = "other names of the model; a '*' at the start or end is any letters",
            .max = 8 * base::kKiB},
    kCurrencyOption,
    ArgSpec{.name = "namespace",
            .kind = ArgKind::kText,
            .doc = "only there; for the whole server when not given",
            .min = 1,
            .max = base::limits::kNameBytes.value}};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kTooLarge, base::Code::kReadOnly};
constexpr std::array kExamples{
    Example{
        R"(["PRICE.SET", ["acme", "m-1", {"input": "2.50", "output": 10, "cache_read": "0.25"}, {"valid_from": "2020-01-01", "aliases": ["m-1-*"]}]])",
        R"({"provider": "acme", "model": "m-1", "tier": "standard"})"},
    Example{
        R"(["PRICE.QUOTE", ["m-1-2026", {"input_tokens": 1000, "output_tokens": 10}]])",
        R"({"cost_nano": 2600000, "exact": "0.0026", "input": "0.0025", "output": "0.0001", "other": "0", "provider": "acme", "model": "m-1", "tier": "standard", "valid_from": "2020-01-01"})"},
    Example{R"(["PRICE.SET", ["acme", "m-1", {"input": -1}]])", R"({"error": "bad_request"})"},
    Example{R"(["PRICE.SET", ["acme", "m-1", {"input": {"$float": "7ff8000000000000"}}]])",
            R"({"error": "bad_request"})"},
    Example{R"(["PRICE.SET", ["acme", "m-1", {"input": 1}, {"currency": "EUR"}]])",
            R"({"error": "bad_request"})"},
    Example{R"(["PRICE.SET", ["acme", "m-1", {}]])", R"({"error": "bad_request"})"},
    Example{R"(["PRICE.SET", ["acme", "m-1", null]])",
            R"({"provider": "acme", "model": "m-1", "removed": 1})"},
    Example{R"(["PRICE.SET", ["acme", "m-1", null]])", R"({"error": "not_found"})"},
};

constexpr char kNil = '\xc0';

base::Result<spend::MatchRule> MatchFrom(const Args& args) {
  const spend::MatchRule name = spend::MatchRule::Equals(args.Bytes(1));
  if (!args.Has(kAliases)) {
    return name;
  }
  spend::MatchRule any{spend::MatchRule::Kind::kOr};
  any.parts.push_back(name);
  wire::Reader reader(args.BytesOr(kAliases, ""));
  ASSIGN_OR_RETURN(const std::uint32_t count, reader.Array());
  if (count >= spend::kRulePartsMax / 2) {
    return base::Error{base::Code::kTooLarge, "PRICE.SET: a model has fewer than 64 aliases"};
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::string_view alias, reader.Str());
    spend::MatchRule part = spend::AliasRule(alias);
    RETURN_IF_ERROR(spend::CheckPriceName("aliases", part.text));
    any.parts.push_back(std::move(part));
  }
  return any;
}

base::Result<spend::Price> PriceFrom(const Args& args) {
  ASSIGN_OR_RETURN(const base::Value map, wire::Decode(args.Bytes(2)));
  ASSIGN_OR_RETURN(spend::Price price, spend::RatesFrom(map));
  const bool has_base = price.at(spend::Item::kInput).has_value() ||
                        price.at(spend::Item::kOutput).has_value() ||
                        price.at(spend::Item::kRequest).has_value();
  if (!has_base) {
    return base::Error{base::Code::kBadRequest,
                       "PRICE.SET: 'prices' has at least one of input, output and request"};
  }
  price.tier = args.BytesOr(kTier, spend::kStandardTier);
  if (args.Has(kValidFrom)) {
    ASSIGN_OR_RETURN(price.from, spend::MomentFrom("valid_from", args.BytesOr(kValidFrom, "")));
  }
  if (args.Has(kValidUntil)) {
    ASSIGN_OR_RETURN(price.until, spend::MomentFrom("valid_until", args.BytesOr(kValidUntil, "")));
    if (price.until <= price.from) {
      return base::Error{base::Code::kBadRequest,
                         "PRICE.SET: 'valid_until' must be later than 'valid_from'"};
    }
  }
  if (args.Has(kDaily)) {
    RETURN_IF_ERROR(spend::SetDaily(args.BytesOr(kDaily, ""), price));
  }
  return price;
}

base::Status Remove(Context& context, const Args& args, storage::NamespaceId layer,
                    wire::Writer& reply) {
  spend::PriceTable::Removal removal{args.Bytes(0), args.Bytes(1), {}, {}};
  if (args.Has(kTier)) {
    removal.tier = args.BytesOr(kTier, "");
  }
  if (args.Has(kValidFrom)) {
    ASSIGN_OR_RETURN(removal.from, spend::MomentFrom("valid_from", args.BytesOr(kValidFrom, "")));
  }
  ASSIGN_OR_RETURN(const std::uint64_t removed, context.instance.spend().prices().Remove(
                                                    layer, removal, context.view.transaction()));
  reply.Map(3);
  reply.Field("provider", args.Bytes(0));
  reply.Field("model", args.Bytes(1));
  reply.Field("removed", removed);
  return base::Ok{};
}

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  RETURN_IF_ERROR(CheckCurrencyOption(args, kCurrency));
  storage::NamespaceId layer = spend::kServerWide;
  if (args.Has(kNamespace)) {
    ASSIGN_OR_RETURN(layer, NamespaceFrom(context, args, kNamespace));
  }
  if (args.Bytes(2).empty() || args.Bytes(2).front() == kNil) {
    return Remove(context, args, layer, reply);
  }
  RETURN_IF_ERROR(spend::CheckPriceName("provider", args.Bytes(0)));
  RETURN_IF_ERROR(spend::CheckPriceName("model", args.Bytes(1)));
  ASSIGN_OR_RETURN(spend::Price price, PriceFrom(args));
  RETURN_IF_ERROR(spend::CheckPriceName("tier", price.tier));
  spend::PricedModel model;
  model.provider = args.Bytes(0);
  model.model = args.Bytes(1);
  ASSIGN_OR_RETURN(model.match, MatchFrom(args));
  const std::string tier = price.tier;
  model.prices.push_back(std::move(price));
  RETURN_IF_ERROR(context.instance.spend().prices().Set(layer, model, context.view.transaction()));
  reply.Map(3);
  reply.Field("provider", args.Bytes(0));
  reply.Field("model", args.Bytes(1));
  reply.Field("tier", tier);
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kPriceSet;
constexpr CommandSpec kPriceSet{
    .name = "PRICE.SET",
    .family = Family::kSpend,
    .summary =
        "Sets what a model costs from a day on, in one tier; the price of the same tier, day and "
        "hours is replaced, others stay. A namespace's own prices come before the server's, these "
        "before the starter table of the installation.",
    .complexity = "O(models)",
    .since = "0.2",
    .flags = kAdmin | kWrite | kDurable | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result = "{provider, model, tier}; without prices {provider, model, removed: how many}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
