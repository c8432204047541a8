// PriceList: one layer of the price table, immutable: the models of providers with their prices.
//
// Threads: any. Errors: as the table's (price_table.h). Lifetime: shared; a change makes a new
// list. Complexity: a name that was asked for before O(log names), a new one O(models). Limits:
// below.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/spend/match_rule.h"
#include "server/spend/price.h"

namespace reprise::spend {

inline constexpr std::size_t kPricedModelsMax = 16'384;       // of the server's own list
inline constexpr std::size_t kPricedModelsOfTenantMax = 512;  // of one namespace
inline constexpr std::size_t kProvidersMax = 512;
inline constexpr std::size_t kFallbacksMax = 8;
inline constexpr std::size_t kPricesOfModelMax = 64;
inline constexpr std::size_t kModelNameBytesMax = 128;

struct PricedModel {
  std::string provider;
  std::string model;
  MatchRule match;  // which names mean it
  // Of two whose rules match, the one that was set by hand wins, then the smaller order.
  bool is_imported = false;
  std::uint64_t order = 0;
  std::vector<Price> prices{};  // in the order of SortPrices
};
using PricedModelPtr = std::shared_ptr<const PricedModel>;

// Later ones win: by the day from which they hold; daily ones behind the others.
void SortPrices(std::vector<Price>& prices);

struct PriceProvider {
  std::string id;
  std::optional<MatchRule> models{};     // names that are this provider's when none is given
  std::vector<std::string> fallbacks{};  // whose models it serves as well
  std::uint64_t order = 0;
};

class PriceList {
 public:
  PriceList(std::vector<PricedModelPtr> models, std::vector<PriceProvider> providers);

  const std::vector<PricedModelPtr>& models() const { return models_; }
  const std::vector<PriceProvider>& providers() const { return providers_; }
  bool empty() const { return models_.empty(); }

  // The row of exactly this name; null when there is none.
  PricedModelPtr Named(std::string_view provider, std::string_view model) const;
  bool HasProvider(std::string_view provider) const;
  const PriceProvider* ProviderNamed(std::string_view provider) const;

  // The model that a name means; null when none does.
  PricedModelPtr Find(std::string_view provider, std::string_view name) const;
  // The same without a provider: kBadRequest when several have such a model.
  base::Result<PricedModelPtr> FindAnywhere(std::string_view name) const;

 private:
  PricedModelPtr Search(const std::string& provider, const std::string& name) const;
  std::vector<PricedModelPtr> Called(const std::string& name) const;
  PricedModelPtr OfItsProvider(const std::string& name) const;
  base::Result<PricedModelPtr> SearchAnywhere(const std::string& name) const;

  std::vector<PricedModelPtr> models_;  // by provider, then in the order of matching
  std::vector<PriceProvider> providers_;
  std::map<std::string, std::pair<std::size_t, std::size_t>, std::less<>> places_;
  mutable base::Mutex mutex_;
  // What was asked for before, under "provider\0name".
  mutable std::map<std::string, PricedModelPtr, std::less<>> known_ GUARDED_BY(mutex_);
};

}  // namespace reprise::spend
