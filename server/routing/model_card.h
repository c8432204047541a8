// ModelCard: what the catalogue says of one model.
//
// Threads: values. Units: nano-dollars per million tokens, tokens, milliseconds. Errors:
// kBadRequest (Check), kCorrupt (Parse). Format: FORMAT.md. Limits: kTagBytes for names, the bounds
// below.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace reprise::routing {

// Bits of a set.
enum Capability : std::uint8_t {
  kTools = 1U << 0U,
  kVision = 1U << 1U,
  kJson = 1U << 2U,
  kReasons = 1U << 3U,
};
inline constexpr std::uint8_t kAllCapabilities = kTools | kVision | kJson | kReasons;
base::Result<std::uint8_t> CapabilitiesNamed(std::span<const std::string_view> names);
// Of the bits that are set.
std::vector<std::string_view> NamesOf(std::uint8_t capabilities);

// A thousand dollars a token is beyond any price list.
inline constexpr std::int64_t kPriceMax = 1'000'000'000'000'000'000;
inline constexpr std::int64_t kTokensMax = 1'000'000'000;
inline constexpr std::int64_t kLatencyMsMax = 86'400'000;

struct Prices {
  std::int64_t input = 0;
  std::int64_t output = 0;
  std::int64_t cached_input = 0;  // of tokens that the provider's prompt cache has

  bool operator==(const Prices&) const = default;
};

struct ModelCard {
  std::string name;
  std::string provider;
  std::optional<Prices> prices;     // absent: not known
  std::int64_t context_tokens = 0;  // the window; 0: not known, no bound
  std::uint8_t capabilities = 0;
  std::int64_t latency_ms = 0;     // of an ordinary answer; 0: not known
  std::optional<double> strength;  // 0 to 1 among the models; absent: by price
  bool shared = false;             // of the server-wide list

  bool operator==(const ModelCard&) const = default;

  std::string Format() const;
  static base::Result<ModelCard> Parse(std::string_view name, std::string_view row);
};

// The price of a call, a fraction of a nano-dollar rounded up. `cached` of the input tokens are at
// the price of cached input. Saturates.
struct CallTokens {
  std::int64_t input = 0;
  std::int64_t cached = 0;
  std::int64_t output = 0;
};
std::int64_t CostOf(const Prices& prices, const CallTokens& tokens);

// What a call of a model costs where its card has no prices, as by a price table; absent: not
// known. May be empty.
using CostOfCall =
    std::function<std::optional<std::int64_t>(const ModelCard& card, const CallTokens& tokens)>;
// By the card, else by `otherwise`.
std::optional<std::int64_t> CostOfCard(const ModelCard& card, const CallTokens& tokens,
                                       const CostOfCall& otherwise);

}  // namespace reprise::routing
