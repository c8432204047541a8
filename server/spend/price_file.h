// PriceFile: prices as files have them, in two forms.
//
// A list is what the project genai-prices publishes: providers with models, match rules, prices
// with steps, and conditions of date or time of day. A map is our own (conf/prices.toml, or the
// same as JSON):
//
//   currency = "USD", as_of = "2026-11-30"
//   [[models]] provider, model, aliases = ["m-1-*"], tier, valid_from, valid_until,
//              daily = "00:30-16:30", prices.input = "2.50" or ["1.25", "above 200000: 2.50"], ...
//
// Units: dollars for a million tokens; for a thousand requests and web searches. Threads: any.
// Errors: kBadRequest, naming the model and what is wrong; kTooLarge. Complexity: O(values).
// Limits: those of price_list.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "protocol/base/value.h"
#include "server/spend/price_list.h"

namespace reprise::spend {

struct PriceFile {
  std::string as_of;  // the day that it was made; may be empty
  std::vector<PriceProvider> providers;
  std::vector<PricedModel> models;
  std::uint64_t skipped_patterns = 0;  // match rules that are not read here
};

base::Result<PriceFile> ReadPriceFile(const base::Value& file);

// The rates of one price: {"input": "2.5", "output": [...]}; also with genai-prices' names
// (input_mtok ...).
base::Result<Price> RatesFrom(const base::Value& prices);
base::Value ToValue(const Rate& rate);
// "USD" alone.
base::Status CheckCurrency(std::string_view currency);
// A day ("2026-11-30") at midnight UTC.
base::Result<base::UnixMillis> MomentFrom(std::string_view name, std::string_view day);
// "00:30-16:30".
base::Status SetDaily(std::string_view text, Price& price);
std::string DailyText(const Price& price);
// Names of models, providers and tiers: 1 to 128 bytes without control bytes.
base::Status CheckPriceName(std::string_view what, std::string_view name);

}  // namespace reprise::spend
