// Price: what the tokens of one model cost at one time and tier, and what a call costs by it.
//
// Exact: a cost is a sum of products of whole numbers, in units of 1e-24 dollars; it becomes
// nano-dollars once, at the end, rounded half to even. What has no price of its own costs what it
// is a part of costs (a cached token as an input token); what is part of nothing is free without a
// price.
//
// Long context: a rate may have steps; the step that applies is chosen by the input tokens of the
// whole call, and applies to all of them. Units: prices in atto-dollars for a million tokens, or
// for a thousand requests or searches. Threads: values. Errors: those of CheckUsage; kTooLarge (a
// cost above kAmountNanoMax). Complexity: O(items). Limits: kStepsMax.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/spend/decimal.h"
#include "server/spend/usage.h"

namespace reprise::spend {

// What may have a price. Numbers are stored: append only.
enum class Item : std::uint8_t {
  kInput,
  kOutput,
  kCacheRead,
  kCacheWrite,
  kCacheWrite1h,
  kInputAudio,
  kCacheAudioRead,
  kOutputReasoning,
  kOutputAudio,
  kOutputImage,
  kRequest,
  kWebSearch,
};
inline constexpr std::array<std::string_view, 12> kItemNames{
    "input",          "output",       "cache_read",       "cache_write",
    "cache_write_1h", "input_audio",  "cache_audio_read", "output_reasoning",
    "output_audio",   "output_image", "request",          "web_search"};
std::optional<Item> ItemNamed(std::string_view name);

inline constexpr std::size_t kStepsMax = 8;

struct Step {
  std::int64_t above_tokens = 0;  // for calls with more input tokens than this
  Wide atto = 0;

  bool operator==(const Step&) const = default;
};
struct Rate {
  Wide atto = 0;
  std::vector<Step> steps{};  // in order of above_tokens

  bool operator==(const Rate&) const = default;
};

inline constexpr std::string_view kStandardTier = "standard";

// One dated price list of a model. The latest one that is valid holds.
struct Price {
  std::string tier{kStandardTier};  // standard, batch, flex ...
  base::UnixMillis from{0};         // 0: ever since
  base::UnixMillis until{0};        // 0: no end
  // Only between these seconds of the day, UTC; may wrap over midnight. Equal: all day.
  std::int64_t daily_from_s = 0;
  std::int64_t daily_until_s = 0;
  std::array<std::optional<Rate>, kItemNames.size()> rates{};

  const std::optional<Rate>& at(Item item) const { return rates[static_cast<std::size_t>(item)]; }
  std::optional<Rate>& at(Item item) { return rates[static_cast<std::size_t>(item)]; }
  bool is_daily() const { return daily_from_s != daily_until_s; }
  bool HoldsAt(base::UnixMillis at) const;
  bool operator==(const Price&) const = default;
};

// In 1e-24 dollars, exact.
struct Cost {
  Wide input = 0;
  Wide output = 0;
  Wide other = 0;         // requests, searches
  std::int64_t nano = 0;  // all of it, rounded once

  Wide exact() const { return input + output + other; }
};
inline constexpr int kCostDigits = 24;

base::Result<Cost> CostOf(const Price& price, const Usage& usage);
// Half to even.
std::int64_t RoundToNano(Wide exact);

}  // namespace reprise::spend
