// What routing is told of money: prices of the price table, the pressure of budgets.
#include <algorithm>

#include "server/commands/route_common.h"
#include "server/commands/spend_common.h"
#include "server/routing/pacing.h"

namespace reprise::commands {
namespace {

std::optional<std::int64_t> Quoted(const spend::PriceTable& prices, storage::NamespaceId id,
                                   const routing::ModelCard& card, const spend::Usage& usage,
                                   base::UnixMillis now) {
  const auto quote = prices.QuoteFor(id, {card.provider, card.name, {}}, usage, now);
  return quote.ok() ? std::optional(quote.value().cost.nano) : std::nullopt;
}

}  // namespace

routing::CostOfCall CostByTable(const Context& context) {
  const spend::PriceTable& prices = context.instance.spend().prices();
  return [&prices, id = context.principal.namespace_id, now = context.now()](
             const routing::ModelCard& card, const routing::CallTokens& tokens) {
    spend::Usage usage;
    usage.input_tokens = tokens.input;
    usage.output_tokens = tokens.output;
    usage.cache_read_tokens = std::min(tokens.cached, tokens.input);
    const auto cost = Quoted(prices, id, card, usage, now);
    if (cost.has_value() || usage.cache_read_tokens == 0) {
      return cost;
    }
    usage.cache_read_tokens = 0;  // A table without prices of cached tokens.
    return Quoted(prices, id, card, usage, now);
  };
}

base::Result<double> PressureFrom(const Context& context, std::string_view scopes) {
  constexpr double kMillion = 1'000'000;
  constexpr std::string_view kNoScopes = "\x90";
  ASSIGN_OR_RETURN(const spend::CallScopes payers,
                   ScopesFrom(context, scopes.empty() ? kNoScopes : scopes, ""));
  const spend::Pressure pressure = context.instance.spend().budgets().PressureOf(
      context.principal.namespace_id, payers, context.now());
  const double used = static_cast<double>(pressure.used_ppm) / kMillion;
  const double elapsed = static_cast<double>(pressure.elapsed_ppm) / kMillion;
  return pressure.budget.empty() ? 0 : routing::PressureOf(used, elapsed);
}

}  // namespace reprise::commands
