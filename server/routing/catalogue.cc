#include "server/routing/catalogue.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace reprise::routing {
namespace {

using base::Code;
using base::Error;
using storage::Family;

constexpr std::string_view kRows = "routing_model/";

std::string RowsOf(std::uint32_t number) {
  return std::string(kRows) + std::to_string(number) + "/";
}

}  // namespace

const ModelCard* FindCard(const Cards& cards, std::string_view name) {
  const auto found = std::lower_bound(
      cards.begin(), cards.end(), name,
      [](const ModelCard& card, std::string_view wanted) { return card.name < wanted; });
  return found != cards.end() && found->name == name ? &*found : nullptr;
}

std::vector<double> StrengthsOf(const Cards& cards,
                                std::span<const std::optional<std::int64_t>> costs) {
  constexpr double kUnknown = 0.5;
  const auto logarithm = [](std::int64_t cost) { return std::log1p(static_cast<double>(cost)); };
  double low = std::numeric_limits<double>::max();
  double high = 0;
  for (const std::optional<std::int64_t>& cost : costs) {
    if (cost.has_value()) {
      low = std::min(low, logarithm(*cost));
      high = std::max(high, logarithm(*cost));
    }
  }
  std::vector<double> strengths;
  strengths.reserve(cards.size());
  for (std::size_t i = 0; i < cards.size(); ++i) {
    double strength = cards.size() == 1 ? 1 : kUnknown;
    if (costs[i].has_value() && high > low) {
      strength = (logarithm(*costs[i]) - low) / (high - low);
    }
    strengths.push_back(cards[i].strength.value_or(strength));
  }
  return strengths;
}

std::vector<double> StrengthsByCost(const Cards& cards, const CostOfCall& cost_of) {
  constexpr CallTokens kUsualCall{1'000, 0, 300};
  std::vector<std::optional<std::int64_t>> costs;
  costs.reserve(cards.size());
  for (const ModelCard& card : cards) {
    costs.push_back(CostOfCard(card, kUsualCall, cost_of));
  }
  return StrengthsOf(cards, costs);
}

std::uint32_t Catalogue::NumberOf(Owner owner) {
  return owner.has_value() ? static_cast<std::uint32_t>(*owner) : 0;
}

base::Status Catalogue::Load(const storage::Store& store) {
  base::Status status = base::Ok{};
  std::map<std::uint32_t, Models> models;
  const storage::ScanRequest rows{.family = Family::kMeta, .prefix = kRows, .after = ""};
  RETURN_IF_ERROR(store.Scan(rows, storage::kNever, [&](const storage::ScanRow& row) {
    const std::string_view key = row.key.substr(kRows.size());
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
    const auto taken = static_cast<std::size_t>(end - key.data());
    if (error != std::errc() || taken + 1 >= key.size() || *end != '/') {
      status = Error{Code::kCorrupt, "a key of the model catalogue cannot be read"};
      return false;
    }
    const std::string_view name = key.substr(taken + 1);
    auto card = ModelCard::Parse(name, row.value);
    if (!card.ok()) {
      status = std::move(card).error();
      return false;
    }
    card.value().shared = number == 0;
    models[number].insert_or_assign(std::string(name), std::move(card).value());
    return true;
  }));
  RETURN_IF_ERROR(status);
  base::MutexLock lock(mutex_);
  models_ = std::move(models);
  models_[0];
  std::vector<std::uint32_t> numbers;
  for (const auto& [number, own] : models_) {
    numbers.push_back(number);
  }
  for (const std::uint32_t number : numbers) {
    lists_[number] = Merge(number);
  }
  return base::Ok{};
}

CardsPtr Catalogue::Merge(std::uint32_t number) const {
  Models merged;
  if (const auto own = models_.find(number); own != models_.end()) {
    merged = own->second;
  }
  if (const auto shared = models_.find(0); shared != models_.end()) {
    for (const auto& [name, card] : shared->second) {
      if (merged.size() < kModelsMax) {
        merged.try_emplace(name, card);
      }
    }
  }
  auto cards = std::make_shared<Cards>();
  cards->reserve(merged.size());
  for (auto& [name, card] : merged) {
    cards->push_back(std::move(card));
  }
  return cards;
}

CardsPtr Catalogue::ListOf(storage::NamespaceId id) const {
  base::MutexLock lock(mutex_);
  const auto own = lists_.find(NumberOf(id));
  const auto found = own != lists_.end() ? own : lists_.find(0);
  return found != lists_.end() ? found->second : std::make_shared<const Cards>();
}

void Catalogue::Publish(std::uint32_t number) {
  if (number != 0) {
    const auto own = models_.find(number);
    if (own == models_.end() || own->second.empty()) {
      models_.erase(number);
      lists_.erase(number);
    } else {
      lists_[number] = Merge(number);
    }
    return;
  }
  lists_[0] = Merge(0);
  for (auto& [other, list] : lists_) {
    list = Merge(other);
  }
}

void Catalogue::Apply(std::uint32_t number, std::string_view name,
                      const std::optional<ModelCard>& card) {
  base::MutexLock lock(mutex_);
  Models& models = models_[number];
  if (card.has_value()) {
    models.insert_or_assign(std::string(name), *card);
  } else if (const auto found = models.find(name); found != models.end()) {
    models.erase(found);
  }
  Publish(number);
}

base::Result<bool> Catalogue::Set(Owner owner, const ModelCard& card,
                                  storage::Transaction& transaction) {
  const std::uint32_t number = NumberOf(owner);
  std::optional<ModelCard> before;
  {
    base::MutexLock lock(mutex_);
    Models& models = models_[number];
    if (const auto found = models.find(card.name); found != models.end()) {
      before = found->second;
    } else if (models.size() >= kModelsMax) {
      return Error{Code::kTooLarge, "there are " + std::to_string(kModelsMax) +
                                        " models already, which is the limit"};
    }
  }
  ModelCard kept = card;
  kept.shared = number == 0;
  transaction.Put(Family::kMeta, RowsOf(number) + card.name, kept.Format(), storage::kNever);
  Apply(number, card.name, kept);
  transaction.OnAbort([this, number, name = card.name, before] { Apply(number, name, before); });
  return !before.has_value();
}

base::Status Catalogue::Delete(Owner owner, std::string_view name,
                               storage::Transaction& transaction) {
  const std::uint32_t number = NumberOf(owner);
  std::optional<ModelCard> before;
  {
    base::MutexLock lock(mutex_);
    const auto models = models_.find(number);
    if (models != models_.end()) {
      if (const auto found = models->second.find(name); found != models->second.end()) {
        before = found->second;
      }
    }
  }
  if (!before.has_value()) {
    return Error{Code::kNotFound, owner.has_value()
                                      ? "this namespace has no model of its own of that name"
                                      : "the server-wide list has no model of that name"};
  }
  transaction.Delete(Family::kMeta, RowsOf(number) + std::string(name));
  Apply(number, name, std::nullopt);
  transaction.OnAbort(
      [this, number, gone = std::string(name), before] { Apply(number, gone, before); });
  return base::Ok{};
}

void Catalogue::DropNamespace(storage::NamespaceId id, storage::Transaction& transaction) {
  const std::uint32_t number = NumberOf(id);
  transaction.DeletePrefix(Family::kMeta, RowsOf(number));
  base::MutexLock lock(mutex_);
  models_.erase(number);
  lists_.erase(number);
}

}  // namespace reprise::routing
