// Catalogue: the models that may be chosen from, of each namespace and of the whole server.
//
// A namespace sees its own models and, of the server-wide ones, those whose names it does not have
// itself. Rows stand in the family `meta` (FORMAT.md) and in memory.
//
// Threads: reads any (a mutex that is a leaf); changes inside a transaction. A change is seen
// at once, and taken back when its commit fails. Errors: kTooLarge (kModelsMax), kNotFound,
// kCorrupt, those of the store. Complexity: O(models). Lifetime: lists are shared and do not
// change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/routing/model_card.h"
#include "storage/engine/namespace_id.h"
#include "storage/engine/store.h"

namespace reprise::routing {

// Models of one namespace, and models of the server-wide list.
inline constexpr std::size_t kModelsMax = 32;

// By name.
using Cards = std::vector<ModelCard>;
using CardsPtr = std::shared_ptr<const Cards>;
const ModelCard* FindCard(const Cards& cards, std::string_view name);

// Where each model stands between the cheapest, 0, and the strongest, 1: as its card says, else by
// what an ordinary call costs; 0.5 where nothing is known, 1 for a model that is alone.
std::vector<double> StrengthsOf(const Cards& cards,
                                std::span<const std::optional<std::int64_t>> costs);

// The same by what an ordinary call costs of each.
std::vector<double> StrengthsByCost(const Cards& cards, const CostOfCall& cost_of);

class Catalogue {
 public:
  // Server-wide models have no namespace.
  using Owner = std::optional<storage::NamespaceId>;

  base::Status Load(const storage::Store& store);

  // What the namespace sees; never null. At most kModelsMax: its own go first.
  CardsPtr ListOf(storage::NamespaceId id) const;

  // True: it is new, false: it replaces one.
  base::Result<bool> Set(Owner owner, const ModelCard& card, storage::Transaction& transaction);
  base::Status Delete(Owner owner, std::string_view name, storage::Transaction& transaction);
  void DropNamespace(storage::NamespaceId id, storage::Transaction& transaction);

 private:
  using Models = std::map<std::string, ModelCard, std::less<>>;
  // The server-wide list is under 0, which no namespace is.
  static std::uint32_t NumberOf(Owner owner);
  void Publish(std::uint32_t number) REQUIRES(mutex_);
  CardsPtr Merge(std::uint32_t number) const REQUIRES(mutex_);
  void Apply(std::uint32_t number, std::string_view name, const std::optional<ModelCard>& card);

  mutable base::Mutex mutex_;
  std::map<std::uint32_t, Models> models_ GUARDED_BY(mutex_);
  std::map<std::uint32_t, CardsPtr> lists_ GUARDED_BY(mutex_);  // of those with models of their own
};

}  // namespace reprise::routing
