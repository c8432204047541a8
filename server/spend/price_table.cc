#include "server/spend/price_table.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "server/calendar/civil.h"
#include "server/spend/price_rows.h"

namespace reprise::spend {
namespace {

using base::Code;
using base::Error;
using storage::Family;

std::string DayOf(base::UnixMillis at) {
  return calendar::DayText(calendar::FloorDiv(base::ToInt(at), calendar::kMillisPerDay));
}

std::string Called(const PricedModel& model) {
  return model.provider + "/" + model.model;
}

// Lower case, so that a page goes on where the one before ended.
std::string PlaceOf(const PricedModel& model) {
  return ToLower(Called(model));
}

// The price that holds at `at`, or why there is none.
base::Result<const Price*> PriceAt(const PricedModel& model, std::string_view tier,
                                   base::UnixMillis at) {
  std::set<std::string_view> tiers;
  const Price* first = nullptr;
  for (auto price = model.prices.rbegin(); price != model.prices.rend(); ++price) {
    tiers.insert(price->tier);
    if (price->tier != tier) {
      continue;
    }
    if (price->HoldsAt(at)) {
      return &*price;
    }
    first = &*price;
  }
  if (first != nullptr) {
    return Error{Code::kNotFound,
                 Called(model) + " has no price of tier '" + std::string(tier) + "' for " +
                     DayOf(at) +
                     (first->from > at ? "; its first one holds from " + DayOf(first->from)
                                       : "; there is a gap between its prices") +
                     " (PRICE.LIST)"};
  }
  std::string known;
  for (const std::string_view each : tiers) {
    known.append(known.empty() ? "" : ", ").append(each);
  }
  return Error{Code::kNotFound, Called(model) + " has no prices of tier '" + std::string(tier) +
                                    "'; it has " + (known.empty() ? "none" : known)};
}

bool IsSame(const Price& a, const Price& b) {
  return a.tier == b.tier && a.from == b.from && a.daily_from_s == b.daily_from_s &&
         a.daily_until_s == b.daily_until_s;
}

std::size_t ModelsMax(NamespaceId layer) {
  return layer == kServerWide ? kPricedModelsMax : kPricedModelsOfTenantMax;
}

// The server's layer with the models of a file in it.
class Merged {
 public:
  explicit Merged(const std::shared_ptr<const PriceList>& before) {
    if (before == nullptr) {
      return;
    }
    for (const PricedModelPtr& model : before->models()) {
      models_.emplace(ModelKey(kServerWide, model->provider, model->model), model);
    }
    for (const PriceProvider& provider : before->providers()) {
      providers_.emplace(ProviderKey(kServerWide, provider.id), provider);
    }
  }

  ImportReport Take(const PriceFile& file, bool replace) {
    ImportReport report;
    report.skipped_patterns = file.skipped_patterns;
    for (const PricedModel& model : file.models) {
      std::string key = ModelKey(kServerWide, model.provider, model.model);
      const auto old = models_.find(key);
      if (old != models_.end() && !old->second->is_imported) {
        ++report.kept;
        continue;
      }
      report.prices += model.prices.size();
      changed_.insert_or_assign(std::move(key), std::make_shared<const PricedModel>(model));
    }
    for (const auto& [key, model] : models_) {
      if (replace && model->is_imported && !changed_.contains(key)) {
        gone_.push_back(key);
      }
    }
    for (const std::string& key : gone_) {
      models_.erase(key);
    }
    for (const auto& [key, model] : changed_) {
      models_.insert_or_assign(key, model);
    }
    for (const PriceProvider& provider : file.providers) {
      providers_.insert_or_assign(ProviderKey(kServerWide, provider.id), provider);
    }
    report.models = changed_.size();
    report.removed = gone_.size();
    return report;
  }

  base::Status Check() const {
    if (models_.size() > kPricedModelsMax || providers_.size() > kProvidersMax) {
      return Error{Code::kTooLarge,
                   "the price table would have " + std::to_string(models_.size()) + " models of " +
                       std::to_string(providers_.size()) + " providers; the limits are " +
                       std::to_string(kPricedModelsMax) + " and " + std::to_string(kProvidersMax)};
    }
    return base::Ok{};
  }

  void Write(const PriceFile& file, storage::Transaction& transaction) const {
    for (const auto& [key, model] : changed_) {
      transaction.Put(Family::kLedger, key, FormatModel(*model), storage::kNever);
    }
    for (const std::string& key : gone_) {
      transaction.Delete(Family::kLedger, key);
    }
    for (const PriceProvider& provider : file.providers) {
      transaction.Put(Family::kLedger, ProviderKey(kServerWide, provider.id),
                      FormatProvider(provider), storage::kNever);
    }
  }

  std::shared_ptr<const PriceList> List() const {
    std::vector<PricedModelPtr> models;
    std::vector<PriceProvider> providers;
    for (const auto& [key, model] : models_) {
      models.push_back(model);
    }
    for (const auto& [key, provider] : providers_) {
      providers.push_back(provider);
    }
    return std::make_shared<const PriceList>(std::move(models), std::move(providers));
  }

 private:
  std::map<std::string, PricedModelPtr> models_;  // by the key of their row
  std::map<std::string, PriceProvider> providers_;
  std::map<std::string, PricedModelPtr> changed_;
  std::vector<std::string> gone_;
};

}  // namespace

PriceTable::PriceTable()
    : starter_(std::make_shared<const PriceList>(std::vector<PricedModelPtr>(),
                                                 std::vector<PriceProvider>())) {}

base::Status PriceTable::Load(const storage::Store& store,
                              const std::vector<NamespaceId>& namespaces) {
  std::vector<NamespaceId> layers = namespaces;
  layers.push_back(kServerWide);
  for (const NamespaceId layer : layers) {
    std::vector<PricedModelPtr> models;
    std::vector<PriceProvider> providers;
    std::optional<Error> bad;
    const auto read = [&](RowKind kind, const auto& take) -> base::Status {
      const std::string prefix = RowPrefix(layer, kind);
      return store.Scan({.family = Family::kLedger, .prefix = prefix, .after = ""}, storage::kNever,
                        [&](const storage::ScanRow& row) {
                          auto parsed = take(row.value);
                          if (!parsed.ok()) {
                            bad = parsed.error();
                          }
                          return parsed.ok();
                        });
    };
    RETURN_IF_ERROR(read(RowKind::kModel, [&](std::string_view value) -> base::Status {
      ASSIGN_OR_RETURN(PricedModel model, ParseModel(value));
      models.push_back(std::make_shared<const PricedModel>(std::move(model)));
      return base::Ok{};
    }));
    RETURN_IF_ERROR(read(RowKind::kProvider, [&](std::string_view value) -> base::Status {
      ASSIGN_OR_RETURN(PriceProvider provider, ParseProvider(value));
      providers.push_back(std::move(provider));
      return base::Ok{};
    }));
    if (bad.has_value()) {
      return *std::move(bad);
    }
    if (!models.empty() || !providers.empty()) {
      Install(layer, std::make_shared<const PriceList>(std::move(models), std::move(providers)));
    }
  }
  return base::Ok{};
}

void PriceTable::SetStarter(const PriceFile& file) {
  std::vector<PricedModelPtr> models;
  for (const PricedModel& model : file.models) {
    models.push_back(std::make_shared<const PricedModel>(model));
  }
  starter_ = std::make_shared<const PriceList>(std::move(models), file.providers);
}

PriceTable::ListPtr PriceTable::Get(NamespaceId layer) const {
  base::MutexLock lock(mutex_);
  const auto found = lists_.find(static_cast<std::uint32_t>(layer));
  return found == lists_.end() ? nullptr : found->second;
}

void PriceTable::Install(NamespaceId layer, ListPtr list) {
  base::MutexLock lock(mutex_);
  if (list == nullptr) {
    lists_.erase(static_cast<std::uint32_t>(layer));
  } else {
    lists_[static_cast<std::uint32_t>(layer)] = std::move(list);
  }
}

void PriceTable::Publish(NamespaceId layer, ListPtr list, storage::Transaction& transaction) {
  transaction.OnAbort([this, layer, before = Get(layer)] { Install(layer, before); });
  Install(layer, std::move(list));
}

std::vector<PriceTable::Layer> PriceTable::LayersOf(NamespaceId id) const {
  std::vector<Layer> layers;
  if (ListPtr own = Get(id); own != nullptr) {
    layers.push_back({std::move(own), "namespace"});
  }
  if (ListPtr server = Get(kServerWide); server != nullptr) {
    layers.push_back({std::move(server), "server"});
  }
  layers.push_back({starter_, "starter"});
  return layers;
}

base::Result<PricedModelPtr> PriceTable::Find(const std::vector<Layer>& layers,
                                              const PriceAsk& ask) {
  const auto unknown = [&](std::string_view what) {
    return Error{Code::kNotFound, "no prices are known of " + std::string(what) +
                                      "; PRICE.LIST shows what is, PRICE.SET adds"};
  };
  if (ask.provider.empty()) {
    for (const Layer& layer : layers) {
      ASSIGN_OR_RETURN(PricedModelPtr model, layer.list->FindAnywhere(ask.model));
      if (model != nullptr) {
        return model;
      }
    }
    return unknown("the model '" + std::string(ask.model) + "'");
  }
  std::vector<std::string> providers{std::string(ask.provider)};
  bool is_known = false;
  for (const Layer& layer : layers) {
    is_known = is_known || layer.list->HasProvider(ask.provider);
    if (const PriceProvider* provider = layer.list->ProviderNamed(ask.provider)) {
      providers.insert(providers.end(), provider->fallbacks.begin(), provider->fallbacks.end());
    }
  }
  if (!is_known) {
    return unknown("the provider '" + std::string(ask.provider) + "'");
  }
  for (const std::string& provider : providers) {
    for (const Layer& layer : layers) {
      if (PricedModelPtr model = layer.list->Find(provider, ask.model); model != nullptr) {
        return model;
      }
    }
  }
  return unknown("the model '" + std::string(ask.model) + "' of the provider '" +
                 std::string(ask.provider) + "'");
}

base::Result<Quote> PriceTable::QuoteFor(NamespaceId id, const PriceAsk& ask, const Usage& usage,
                                         base::UnixMillis at) const {
  RETURN_IF_ERROR(CheckUsage(usage));
  RETURN_IF_ERROR(CheckPriceName("model", ask.model));
  const std::string_view tier = ask.tier.empty() ? kStandardTier : ask.tier;
  ASSIGN_OR_RETURN(const PricedModelPtr model, Find(LayersOf(id), ask));
  ASSIGN_OR_RETURN(const Price* price, PriceAt(*model, tier, at));
  ASSIGN_OR_RETURN(const Cost cost, CostOf(*price, usage));
  return Quote{cost, model->provider, model->model, price->tier, price->from};
}

PriceListPage PriceTable::List(NamespaceId id, const PriceListRequest& request) const {
  const std::string provider = ToLower(request.provider);
  const std::string name = ToLower(request.model);
  const std::string after = ToLower(request.after);
  // By place, then by layer: what is looked at first stands first.
  std::map<std::pair<std::string, std::size_t>, ListedPrice> found;
  const std::vector<Layer> layers = LayersOf(id);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    for (const PricedModelPtr& model : layers[i].list->models()) {
      const bool is_wanted = (provider.empty() || ToLower(model->provider) == provider) &&
                             (name.empty() || model->match.Matches(name));
      std::string place = PlaceOf(*model);
      if (is_wanted && (after.empty() || place > after)) {
        found.emplace(std::pair(std::move(place), i), ListedPrice{model, layers[i].name});
      }
    }
  }
  PriceListPage page;
  std::string last;
  std::size_t places = 0;
  for (auto& [key, listed] : found) {
    if (key.first != last) {
      if (places == request.limit) {
        page.next = last;
        break;
      }
      ++places;
      last = key.first;
    }
    page.models.push_back(std::move(listed));
  }
  return page;
}

void PriceTable::Replace(NamespaceId layer, const PricedModelPtr& old, PricedModelPtr model,
                         storage::Transaction& transaction) {
  const ListPtr before = Get(layer);
  std::vector<PricedModelPtr> models =
      before == nullptr ? std::vector<PricedModelPtr>() : before->models();
  if (old != nullptr) {
    models.erase(std::find(models.begin(), models.end(), old));
  }
  transaction.RequireSync();
  if (model != nullptr) {
    transaction.Put(Family::kLedger, ModelKey(layer, model->provider, model->model),
                    FormatModel(*model), storage::kNever);
    models.push_back(std::move(model));
  } else {
    transaction.Delete(Family::kLedger, ModelKey(layer, old->provider, old->model));
  }
  Publish(layer,
          std::make_shared<const PriceList>(std::move(models), before == nullptr
                                                                   ? std::vector<PriceProvider>()
                                                                   : before->providers()),
          transaction);
}

base::Status PriceTable::Set(NamespaceId layer, const PricedModel& model,
                             storage::Transaction& transaction) {
  const ListPtr list = Get(layer);
  const PricedModelPtr old = list == nullptr ? nullptr : list->Named(model.provider, model.model);
  if (old == nullptr && list != nullptr && list->models().size() >= ModelsMax(layer)) {
    return Error{Code::kTooLarge, "the price table has " + std::to_string(ModelsMax(layer)) +
                                      " models, which is its limit"};
  }
  PricedModel changed = old == nullptr ? model : *old;
  changed.is_imported = false;  // A later import leaves it alone.
  if (old != nullptr) {
    if (model.match.kind != MatchRule::Kind::kEquals) {
      changed.match = model.match;
    }
    for (const Price& price : model.prices) {
      std::erase_if(changed.prices, [&](const Price& each) { return IsSame(each, price); });
      changed.prices.push_back(price);
    }
  }
  if (changed.prices.size() > kPricesOfModelMax) {
    return Error{Code::kTooLarge, "a model has at most 64 prices"};
  }
  SortPrices(changed.prices);
  Replace(layer, old, std::make_shared<const PricedModel>(std::move(changed)), transaction);
  return base::Ok{};
}

base::Result<std::uint64_t> PriceTable::Remove(NamespaceId layer, const Removal& removal,
                                               storage::Transaction& transaction) {
  const ListPtr list = Get(layer);
  const PricedModelPtr old =
      list == nullptr ? nullptr : list->Named(removal.provider, removal.model);
  if (old == nullptr) {
    return Error{Code::kNotFound, "no price of '" + std::string(removal.provider) + "/" +
                                      std::string(removal.model) + "' was set here"};
  }
  PricedModel changed = *old;
  changed.is_imported = false;
  const std::size_t removed = std::erase_if(changed.prices, [&](const Price& price) {
    return (!removal.tier.has_value() || price.tier == *removal.tier) &&
           (!removal.from.has_value() || price.from == *removal.from);
  });
  if (removed == 0) {
    return Error{Code::kNotFound, Called(*old) + " has no such price (PRICE.LIST)"};
  }
  const bool is_empty = changed.prices.empty();
  Replace(layer, old, is_empty ? nullptr : std::make_shared<const PricedModel>(std::move(changed)),
          transaction);
  return std::uint64_t{removed};
}

base::Result<ImportReport> PriceTable::Import(const PriceFile& file, bool replace,
                                              storage::Transaction& transaction) {
  Merged merged(Get(kServerWide));
  ImportReport report = merged.Take(file, replace);
  RETURN_IF_ERROR(merged.Check());
  transaction.RequireSync();
  merged.Write(file, transaction);
  Publish(kServerWide, merged.List(), transaction);
  return report;
}

void PriceTable::Drop(NamespaceId id, storage::Transaction& transaction) {
  if (Get(id) != nullptr) {
    Publish(id, nullptr, transaction);
  }
}

std::size_t PriceTable::models() const {
  const ListPtr list = Get(kServerWide);
  return list == nullptr ? 0 : list->models().size();
}

}  // namespace reprise::spend
