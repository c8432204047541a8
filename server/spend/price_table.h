// PriceTable: prices by provider and model, dated, in three layers.
//
// A model is looked for among the namespace's own prices, then among the server's, then in the
// starter table that the installation brings. A price holds from its first day until the next one
// begins; between `valid_until` and the next there is none, which is an error and never a guess.
//
// Units: those of price.h. Threads: reads any (a mutex that is a leaf); changes inside a
// transaction. Errors: kNotFound (unknown provider, model or tier; no price at that time),
// kBadRequest (several providers have the model), kTooLarge. Complexity: QuoteFor O(log names) once
// a name is known; changes O(models of the layer). Limits: price_list.h. Lifetime: the Store
// outlives it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/spend/price_file.h"
#include "server/spend/price_list.h"
#include "server/spend/rows.h"
#include "storage/engine/store.h"

namespace reprise::spend {

struct PriceAsk {
  std::string_view provider{};  // empty: the one that has such a model
  std::string_view model{};
  std::string_view tier{};  // empty: standard
};
struct Quote {
  Cost cost;
  std::string provider;
  std::string model;  // as the table calls it
  std::string tier;
  base::UnixMillis valid_from{0};
};

struct ListedPrice {
  PricedModelPtr model;
  std::string_view layer;  // namespace, server or starter
};
struct PriceListRequest {
  std::string_view provider{};  // empty: all
  std::string_view model{};     // those that this name means; empty: all
  std::string_view after{};     // "provider/model" of the last one of the page before
  std::size_t limit = 100;
};
struct PriceListPage {
  std::vector<ListedPrice> models;  // in the order of provider and model
  std::string next;                 // `after` of the next page; empty: this was the last
};

struct ImportReport {
  std::uint64_t models = 0;
  std::uint64_t prices = 0;
  std::uint64_t kept = 0;     // set by hand, and therefore not replaced
  std::uint64_t removed = 0;  // imported before, and not in this file
  std::uint64_t skipped_patterns = 0;
};

class PriceTable {
 public:
  PriceTable();
  // Reads the rows of these namespaces and of the server.
  base::Status Load(const storage::Store& store, const std::vector<NamespaceId>& namespaces);
  // The lowest layer. Before other threads use the table.
  void SetStarter(const PriceFile& file);

  base::Result<Quote> QuoteFor(NamespaceId id, const PriceAsk& ask, const Usage& usage,
                               base::UnixMillis at) const;
  PriceListPage List(NamespaceId id, const PriceListRequest& request) const;

  // Adds a price to a model of a layer (kServerWide or a namespace), or replaces the one of the
  // same tier, day and hours. `match` replaces which names mean the model.
  base::Status Set(NamespaceId layer, const PricedModel& model, storage::Transaction& transaction);
  // Removes the price of this tier and day, or with neither the whole model; how many prices went.
  struct Removal {
    std::string_view provider{};
    std::string_view model{};
    std::optional<std::string_view> tier{};
    std::optional<base::UnixMillis> from{};
  };
  base::Result<std::uint64_t> Remove(NamespaceId layer, const Removal& removal,
                                     storage::Transaction& transaction);
  // Into the server's layer. `replace`: models of earlier imports that this file does not have go.
  base::Result<ImportReport> Import(const PriceFile& file, bool replace,
                                    storage::Transaction& transaction);
  // The namespace goes; its rows go with it.
  void Drop(NamespaceId id, storage::Transaction& transaction);

  std::size_t models() const;  // of the server's own layer

 private:
  using ListPtr = std::shared_ptr<const PriceList>;
  struct Layer {
    ListPtr list;
    std::string_view name;
  };

  std::vector<Layer> LayersOf(NamespaceId id) const;
  ListPtr Get(NamespaceId layer) const;
  void Publish(NamespaceId layer, ListPtr list, storage::Transaction& transaction);
  void Install(NamespaceId layer, ListPtr list);
  static base::Result<PricedModelPtr> Find(const std::vector<Layer>& layers, const PriceAsk& ask);
  // `model` with its changed prices, or null to remove it.
  void Replace(NamespaceId layer, const PricedModelPtr& old, PricedModelPtr model,
               storage::Transaction& transaction);

  mutable base::Mutex mutex_;
  std::map<std::uint32_t, ListPtr> lists_ GUARDED_BY(mutex_);
  ListPtr starter_;
};

}  // namespace reprise::spend
