// PRICE.QUOTE: what a call would cost.
#include "protocol/wire/decode.h"
#include "protocol/wire/writer.h"
#include "server/calendar/civil.h"
#include "server/commands/spend_common.h"

namespace reprise::commands {
namespace {

constexpr std::array kArgs{PriceNameOption("model", "its name, or another that means it"),
                           kUsageOption};
enum Option : std::size_t { kProvider, kTier, kAt };
constexpr std::array kOptions{kProviderOption, kTierOption,
                              ArgSpec{.name = "at_ms",
                                      .kind = ArgKind::kInt,
                                      .doc = "when, in milliseconds since 1970; now when not given",
                                      .min = 0,
                                      .max = kExactIntMax}};
constexpr std::array kErrors{base::Code::kNotFound, base::Code::kTooLarge};
constexpr std::array kExamples{
    Example{R"(["PRICE.SET", ["acme", "m-1", {"input": "0.15"}, {"valid_from": "2020-01-01"}]])",
            R"("*")"},
    Example{
        R"(["PRICE.QUOTE", ["m-1", {"input_tokens": 7}, {"provider": "acme"}]])",
        R"({"cost_nano": 1050, "exact": "0.00000105", "input": "0.00000105", "output": "0", "other": "0", "provider": "acme", "model": "m-1", "tier": "standard", "valid_from": "2020-01-01"})"},
    Example{R"(["PRICE.QUOTE", ["m-1", {"input_tokens": 7}, {"at_ms": 0}]])",
            R"({"error": "not_found"})"},
    Example{R"(["PRICE.QUOTE", ["m-1", {"input_tokens": 7}, {"tier": "batch"}]])",
            R"({"error": "not_found"})"},
    Example{R"(["PRICE.QUOTE", ["m-2", {"input_tokens": 7}]])", R"({"error": "not_found"})"},
    Example{R"(["PRICE.QUOTE", ["m-1", {"input_tokens": -7}]])", R"({"error": "bad_request"})"},
};

base::Status Run(Context& context, const Args& args, wire::Writer& reply) {
  ASSIGN_OR_RETURN(const base::Value map, wire::Decode(args.Bytes(1)));
  ASSIGN_OR_RETURN(const spend::Usage usage, spend::UsageFrom(map));
  const base::UnixMillis at{args.IntOr(kAt, base::ToInt(context.now()))};
  ASSIGN_OR_RETURN(
      const spend::Quote quote,
      context.instance.spend().prices().QuoteFor(
          context.principal.namespace_id,
          {args.BytesOr(kProvider, ""), args.Bytes(0), args.BytesOr(kTier, "")}, usage, at));
  const auto exact = [](spend::Wide cost) { return spend::DecimalText(cost, spend::kCostDigits); };
  reply.Map(9);
  reply.Field("cost_nano", quote.cost.nano);
  reply.Field("exact", exact(quote.cost.exact()));
  reply.Field("input", exact(quote.cost.input));
  reply.Field("output", exact(quote.cost.output));
  reply.Field("other", exact(quote.cost.other));
  reply.Field("provider", quote.provider);
  reply.Field("model", quote.model);
  reply.Field("tier", quote.tier);
  reply.Field("valid_from",
              calendar::DayText(base::ToInt(quote.valid_from) / calendar::kMillisPerDay));
  return base::Ok{};
}

}  // namespace

extern const CommandSpec kPriceQuote;
constexpr CommandSpec kPriceQuote{
    .name = "PRICE.QUOTE",
    .family = Family::kSpend,
    .summary =
        "What a call with this usage costs by the table. Exact: the sum of its parts is rounded to "
        "nano-dollars once, half to even.",
    .complexity = "O(log names); a new name O(models)",
    .since = "0.2",
    .flags = kRead | kIdempotent,
    .args = kArgs,
    .repeat_from = kNoRepeat,
    .options = kOptions,
    .result =
        "{cost_nano, exact: dollars as a decimal text, input, output, other: its parts, provider, "
        "model: as the table calls it, tier, valid_from}",
    .errors = kErrors,
    .examples = kExamples,
    .run = &Run,
};

}  // namespace reprise::commands
