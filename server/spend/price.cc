#include "server/spend/price.h"

#include <algorithm>

#include "server/calendar/civil.h"

namespace reprise::spend {
namespace {

constexpr Wide kThousand = 1'000;
constexpr Wide kExactPerNano = PowerOfTen(kCostDigits - 9);

Wide AtSize(const Rate& rate, std::int64_t input_tokens) {
  Wide atto = rate.atto;
  for (const Step& step : rate.steps) {
    if (input_tokens > step.above_tokens) {
      atto = step.atto;
    }
  }
  return atto;
}

// Prices of one call: its size has chosen the steps.
class Rates {
 public:
  Rates(const Price& price, std::int64_t input_tokens)
      : price_(price), input_tokens_(input_tokens) {}

  // The first of these that has a price; free when none has.
  template <typename... Items>
  Wide Of(Items... items) const {
    for (const Item item : {items...}) {
      if (const auto& rate = price_.at(item); rate.has_value()) {
        return AtSize(*rate, input_tokens_);
      }
    }
    return 0;
  }

 private:
  const Price& price_;
  std::int64_t input_tokens_;
};

Wide Times(std::int64_t count, Wide atto) {
  return static_cast<Wide>(count) * atto;  // below 1e12 * 1e24, which fits
}

}  // namespace

std::optional<Item> ItemNamed(std::string_view name) {
  const auto found = std::find(kItemNames.begin(), kItemNames.end(), name);
  return found == kItemNames.end() ? std::nullopt
                                   : std::optional(static_cast<Item>(found - kItemNames.begin()));
}

bool Price::HoldsAt(base::UnixMillis at) const {
  if (at < from || (until != base::UnixMillis{0} && at >= until)) {
    return false;
  }
  if (!is_daily()) {
    return true;
  }
  const std::int64_t second =
      base::ToInt(at) % calendar::kMillisPerDay / calendar::kMillisPerSecond;
  return daily_from_s < daily_until_s ? second >= daily_from_s && second < daily_until_s
                                      : second >= daily_from_s || second < daily_until_s;
}

std::int64_t RoundToNano(Wide exact) {
  const Wide whole = exact / kExactPerNano;
  const Wide twice = exact % kExactPerNano * 2;
  const bool is_up = twice > kExactPerNano || (twice == kExactPerNano && whole % 2 == 1);
  return static_cast<std::int64_t>(whole + (is_up ? 1 : 0));
}

base::Result<Cost> CostOf(const Price& price, const Usage& usage) {
  RETURN_IF_ERROR(CheckUsage(usage));
  const Rates rates(price, usage.input_tokens);
  const std::int64_t cached_audio = usage.cache_audio_read_tokens;
  const std::int64_t cached = usage.cache_read_tokens - cached_audio;
  const std::int64_t written = usage.cache_write_tokens - usage.cache_write_1h_tokens;
  const std::int64_t audio = usage.input_audio_tokens - cached_audio;
  const std::int64_t plain =
      usage.input_tokens - cached_audio - cached - usage.cache_write_tokens - audio;
  Cost cost;
  cost.input = Times(plain, rates.Of(Item::kInput)) +
               Times(cached, rates.Of(Item::kCacheRead, Item::kInput)) +
               Times(written, rates.Of(Item::kCacheWrite, Item::kInput)) +
               Times(usage.cache_write_1h_tokens,
                     rates.Of(Item::kCacheWrite1h, Item::kCacheWrite, Item::kInput)) +
               Times(audio, rates.Of(Item::kInputAudio, Item::kInput)) +
               Times(cached_audio, rates.Of(Item::kCacheAudioRead, Item::kCacheRead, Item::kInput));
  const std::int64_t spoken =
      usage.output_reasoning_tokens + usage.output_audio_tokens + usage.output_image_tokens;
  cost.output =
      Times(usage.output_tokens - spoken, rates.Of(Item::kOutput)) +
      Times(usage.output_reasoning_tokens, rates.Of(Item::kOutputReasoning, Item::kOutput)) +
      Times(usage.output_audio_tokens, rates.Of(Item::kOutputAudio, Item::kOutput)) +
      Times(usage.output_image_tokens, rates.Of(Item::kOutputImage, Item::kOutput));
  // Prices of a thousand, brought to the same unit.
  cost.other = Times(usage.requests, rates.Of(Item::kRequest)) * kThousand +
               Times(usage.web_searches, rates.Of(Item::kWebSearch)) * kThousand;
  if (cost.exact() > static_cast<Wide>(kAmountNanoMax) * kExactPerNano) {
    return base::Error{base::Code::kTooLarge,
                       "this usage costs more than a million dollars, the most of one call"};
  }
  cost.nano = RoundToNano(cost.exact());
  return cost;
}

}  // namespace reprise::spend
