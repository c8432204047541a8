#include "server/routing/model_card.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "server/routing/row_bytes.h"

namespace reprise::routing {
namespace {

using base::Code;
using base::Error;

constexpr std::uint8_t kVersion = 1;

enum Present : std::uint8_t { kHasPrices = 1U << 0U, kHasStrength = 1U << 1U };

constexpr std::array<std::pair<std::string_view, Capability>, 4> kNames{
    {{"tools", kTools}, {"vision", kVision}, {"json", kJson}, {"reasoning", kReasons}}};

}  // namespace

base::Result<std::uint8_t> CapabilitiesNamed(std::span<const std::string_view> names) {
  unsigned capabilities = 0;
  for (const std::string_view name : names) {
    const auto known = std::find_if(kNames.begin(), kNames.end(),
                                    [name](const auto& row) { return row.first == name; });
    if (known == kNames.end()) {
      return Error{Code::kBadRequest, "a capability is tools, vision, json or reasoning"};
    }
    capabilities |= known->second;
  }
  return static_cast<std::uint8_t>(capabilities);
}

std::vector<std::string_view> NamesOf(std::uint8_t capabilities) {
  std::vector<std::string_view> names;
  for (const auto& [name, capability] : kNames) {
    if ((capabilities & capability) != 0) {
      names.push_back(name);
    }
  }
  return names;
}

std::string ModelCard::Format() const {
  std::string row;
  AppendNumber(kVersion, row);
  const unsigned present = (prices.has_value() ? unsigned{kHasPrices} : 0U) |
                           (strength.has_value() ? unsigned{kHasStrength} : 0U);
  AppendNumber(static_cast<std::uint8_t>(present), row);
  AppendName(provider, row);
  const Prices written = prices.value_or(Prices());
  AppendNumber(written.input, row);
  AppendNumber(written.output, row);
  AppendNumber(written.cached_input, row);
  AppendNumber(context_tokens, row);
  AppendNumber(capabilities, row);
  AppendNumber(latency_ms, row);
  AppendNumber(strength.value_or(0), row);
  return row;
}

base::Result<ModelCard> ModelCard::Parse(std::string_view name, std::string_view row) {
  Cursor cursor(row);
  const auto version = cursor.Take<std::uint8_t>();
  const unsigned present = cursor.Take<std::uint8_t>();
  ModelCard card;
  card.name = name;
  card.provider = cursor.TakeName();
  Prices prices;
  prices.input = cursor.Take<std::int64_t>();
  prices.output = cursor.Take<std::int64_t>();
  prices.cached_input = cursor.Take<std::int64_t>();
  card.context_tokens = cursor.Take<std::int64_t>();
  card.capabilities = cursor.Take<std::uint8_t>();
  card.latency_ms = cursor.Take<std::int64_t>();
  const auto strength = cursor.Take<double>();
  if (version != kVersion || !cursor.Complete()) {
    return Error{Code::kCorrupt, "a row of the model catalogue cannot be read"};
  }
  if ((present & kHasPrices) != 0) {
    card.prices = prices;
  }
  if ((present & kHasStrength) != 0) {
    card.strength = strength;
  }
  return card;
}

std::int64_t CostOf(const Prices& prices, const CallTokens& tokens) {
  __extension__ using Wide = __int128;
  constexpr Wide kMillion = 1'000'000;
  const std::int64_t cached = std::min(tokens.cached, tokens.input);
  const Wide sum = Wide{prices.input} * (tokens.input - cached) +
                   Wide{prices.cached_input} * cached + Wide{prices.output} * tokens.output;
  const Wide cost = (sum + kMillion - 1) / kMillion;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  return cost > kMost ? kMost : static_cast<std::int64_t>(cost);
}

std::optional<std::int64_t> CostOfCard(const ModelCard& card, const CallTokens& tokens,
                                       const CostOfCall& otherwise) {
  if (card.prices.has_value()) {
    return CostOf(*card.prices, tokens);
  }
  return otherwise ? otherwise(card, tokens) : std::nullopt;
}

}  // namespace reprise::routing
