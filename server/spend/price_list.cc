#include "server/spend/price_list.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace reprise::spend {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kKnownMax = 4'096;
constexpr std::size_t kShownProvidersMax = 5;

bool MatchesEarlier(const PricedModelPtr& a, const PricedModelPtr& b) {
  return std::tuple(ToLower(a->provider), a->is_imported, a->order, a->model) <
         std::tuple(ToLower(b->provider), b->is_imported, b->order, b->model);
}

}  // namespace

void SortPrices(std::vector<Price>& prices) {
  std::stable_sort(prices.begin(), prices.end(), [](const Price& a, const Price& b) {
    return std::tuple(a.from, a.is_daily(), a.daily_from_s) <
           std::tuple(b.from, b.is_daily(), b.daily_from_s);
  });
}

PriceList::PriceList(std::vector<PricedModelPtr> models, std::vector<PriceProvider> providers)
    : models_(std::move(models)), providers_(std::move(providers)) {
  std::sort(models_.begin(), models_.end(), MatchesEarlier);
  std::sort(providers_.begin(), providers_.end(),
            [](const auto& a, const auto& b) { return a.order < b.order; });
  for (std::size_t i = 0; i < models_.size(); ++i) {
    const auto [place, is_new] = places_.try_emplace(ToLower(models_[i]->provider), i, i);
    place->second.second = i + 1;
  }
}

PricedModelPtr PriceList::Named(std::string_view provider, std::string_view model) const {
  const auto place = places_.find(ToLower(provider));
  if (place == places_.end()) {
    return nullptr;
  }
  const std::string wanted = ToLower(model);
  const auto end = models_.begin() + static_cast<std::ptrdiff_t>(place->second.second);
  const auto found =
      std::find_if(models_.begin() + static_cast<std::ptrdiff_t>(place->second.first), end,
                   [&](const PricedModelPtr& each) { return ToLower(each->model) == wanted; });
  return found == end ? nullptr : *found;
}

bool PriceList::HasProvider(std::string_view provider) const {
  return places_.contains(ToLower(provider)) || ProviderNamed(provider) != nullptr;
}

const PriceProvider* PriceList::ProviderNamed(std::string_view provider) const {
  const std::string wanted = ToLower(provider);
  const auto found =
      std::find_if(providers_.begin(), providers_.end(),
                   [&](const PriceProvider& each) { return ToLower(each.id) == wanted; });
  return found == providers_.end() ? nullptr : &*found;
}

PricedModelPtr PriceList::Search(const std::string& provider, const std::string& name) const {
  const auto place = places_.find(provider);
  if (place == places_.end()) {
    return nullptr;
  }
  for (std::size_t i = place->second.first; i < place->second.second; ++i) {
    if (models_[i]->match.Matches(name)) {
      return models_[i];
    }
  }
  return nullptr;
}

PricedModelPtr PriceList::Find(std::string_view provider, std::string_view name) const {
  const std::string in = ToLower(provider);
  const std::string wanted = ToLower(name);
  const std::string key = in + '\0' + wanted;
  {
    base::MutexLock lock(mutex_);
    if (const auto known = known_.find(key); known != known_.end()) {
      return known->second;
    }
  }
  PricedModelPtr found = Search(in, wanted);
  base::MutexLock lock(mutex_);
  if (known_.size() >= kKnownMax) {
    known_.clear();
  }
  known_.emplace(key, found);
  return found;
}

base::Result<PricedModelPtr> PriceList::FindAnywhere(std::string_view name) const {
  const std::string wanted = ToLower(name);
  const std::string key = '\0' + wanted;
  {
    base::MutexLock lock(mutex_);
    if (const auto known = known_.find(key); known != known_.end()) {
      return known->second;
    }
  }
  ASSIGN_OR_RETURN(PricedModelPtr found, SearchAnywhere(wanted));
  base::MutexLock lock(mutex_);
  if (known_.size() >= kKnownMax) {
    known_.clear();
  }
  known_.emplace(key, found);
  return found;
}

std::vector<PricedModelPtr> PriceList::Called(const std::string& name) const {
  std::vector<PricedModelPtr> found;
  for (const PricedModelPtr& model : models_) {
    if (ToLower(model->model) == name) {
      found.push_back(model);
    }
  }
  return found;
}

PricedModelPtr PriceList::OfItsProvider(const std::string& name) const {
  for (const PriceProvider& provider : providers_) {
    if (provider.models.has_value() && provider.models->Matches(name)) {
      if (PricedModelPtr model = Search(ToLower(provider.id), name); model != nullptr) {
        return model;
      }
    }
  }
  return nullptr;
}

// A model that is called so; else the provider whose models are called like that; else whatever
// matches. More than one provider is an error each time: their prices differ.
base::Result<PricedModelPtr> PriceList::SearchAnywhere(const std::string& name) const {
  std::vector<PricedModelPtr> found = Called(name);
  if (found.size() != 1) {
    if (PricedModelPtr model = OfItsProvider(name); model != nullptr) {
      return model;
    }
  }
  if (found.empty()) {
    for (const auto& [provider, place] : places_) {
      if (PricedModelPtr model = Search(provider, name); model != nullptr) {
        found.push_back(std::move(model));
      }
    }
  }
  if (found.size() <= 1) {
    return found.empty() ? PricedModelPtr() : found.front();
  }
  std::string shown;
  for (std::size_t i = 0; i < found.size() && i < kShownProvidersMax; ++i) {
    shown.append(i == 0 ? "" : ", ").append(found[i]->provider);
  }
  return Error{Code::kBadRequest, "the model '" + name + "' has prices of several providers (" +
                                      shown + (found.size() > kShownProvidersMax ? ", ..." : "") +
                                      "); name one as 'provider'"};
}

}  // namespace reprise::spend
