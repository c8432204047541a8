// The stored form of prices (FORMAT.md). Threads: any. Errors: kCorrupt.
#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "server/spend/price_list.h"
#include "server/spend/rows.h"

namespace reprise::spend {

std::string ModelKey(NamespaceId id, std::string_view provider, std::string_view model);
std::string ProviderKey(NamespaceId id, std::string_view provider);

std::string FormatModel(const PricedModel& model);
base::Result<PricedModel> ParseModel(std::string_view value);
std::string FormatProvider(const PriceProvider& provider);
base::Result<PriceProvider> ParseProvider(std::string_view value);

}  // namespace reprise::spend
