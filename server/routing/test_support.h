// What the tests of this module share: a store in memory, routing on a clock that they move.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "protocol/base/clock.h"
#include "server/routing/routing.h"
#include "storage/engine/store.h"
#include "storage/engine/view.h"

namespace reprise::routing {

inline constexpr storage::NamespaceId kHome{1};
inline constexpr storage::NamespaceId kOther{2};
inline constexpr std::uint64_t kSeed = 42;

// A cheap model costs 1 nano-dollar a token, a dear one 10.
inline ModelCard CardOf(std::string_view name, std::int64_t nano_per_token) {
  ModelCard card;
  card.name = name;
  const std::int64_t price = nano_per_token * 1'000'000;
  card.prices = Prices{price, price, price / 10};
  return card;
}

// A store with routing, which can be closed, or killed, and opened again.
struct Bench {
  Bench() {
    storage::StoreOptions small;
    small.engine = storage::EngineKind::kMemory;
    small.sweep_rows_per_second = 0;
    store = storage::Store::OpenWithClock(small, clock).value();
    options.explore_ppm = 0;
    Open();
  }

  // What was not written is lost, as by kill -9.
  void Open() {
    auto loaded = Routing::Load(*store, options, kSeed);
    if (!loaded.ok()) {
      FAIL(loaded.error().detail);
    }
    retired.push_back(std::move(routing));  // The store may still refer to it.
    routing = std::move(loaded).value();
  }
  void Write(bool all) {
    REQUIRE(store
                ->Run([&](storage::Transaction& transaction) -> base::Status {
                  routing->Write(all, transaction);
                  return base::Ok{};
                })
                .ok());
  }

  void SetModel(const ModelCard& card, Catalogue::Owner owner = kHome) {
    const auto set = store->Run([&](storage::Transaction& transaction) -> base::Status {
      RETURN_IF_ERROR(routing->SetModel(owner, card, transaction));
      return base::Ok{};
    });
    REQUIRE(set.ok());
  }
  void SetCheapAndDear(storage::NamespaceId id = kHome) {
    SetModel(CardOf("cheap", 1), id);
    SetModel(CardOf("dear", 10), id);
  }

  base::Result<Selection> TrySelect(const SelectRequest& request, storage::NamespaceId id = kHome) {
    return routing->Select(id, request, options, clock.Now());
  }
  Selection Select(const SelectRequest& request, storage::NamespaceId id = kHome) {
    auto selected = TrySelect(request, id);
    if (!selected.ok()) {
      FAIL(selected.error().detail);
    }
    return std::move(selected).value();
  }
  Selection Select(std::string_view text, storage::NamespaceId id = kHome) {
    return Select(Asking(text), id);
  }
  static SelectRequest Asking(std::string_view text) {
    SelectRequest request;
    request.prompt.text = text;
    return request;
  }

  base::Result<FeedbackResult> Feedback(const FeedbackRequest& request,
                                        storage::NamespaceId id = kHome) {
    FeedbackResult result;
    RETURN_IF_ERROR(store->Run([&](storage::Transaction& transaction) -> base::Status {
      ASSIGN_OR_RETURN(result, routing->Feedback(id, request, options, transaction));
      return base::Ok{};
    }));
    return result;
  }
  // `quality` of both models for this prompt.
  void Teach(std::string_view text, float cheap, float dear, storage::NamespaceId id = kHome) {
    std::vector<Example> examples(1);
    examples[0].features = routing->reader().Read({.text = text});
    examples[0].excerpt = ExcerptOf(text);
    examples[0].qualities = {{"cheap", cheap, 0}, {"dear", dear, 1}};
    REQUIRE(store
                ->Run([&](storage::Transaction& transaction) -> base::Status {
                  RETURN_IF_ERROR(routing->Teach(id, examples, options, transaction));
                  return base::Ok{};
                })
                .ok());
  }
  Explanation Score(std::string_view text, storage::NamespaceId id = kHome) const {
    ScoreRequest request;
    request.prompt.text = text;
    const storage::View view(*store, clock.Now(), storage::ReadMode::kDisk);
    auto score = routing->Score(id, request, options, view);
    if (!score.ok()) {
      FAIL(score.error().detail);
    }
    return std::move(score).value();
  }
  RoutingStats Stats(storage::NamespaceId id = kHome) const { return routing->Stats(id, options); }
  std::size_t Rows(std::string_view prefix) const {
    std::size_t rows = 0;
    const storage::ScanRequest all{.family = storage::Family::kMeta, .prefix = prefix, .after = ""};
    REQUIRE(store
                ->Scan(all, storage::kNever,
                       [&rows](const storage::ScanRow&) {
                         ++rows;
                         return true;
                       })
                .ok());
    return rows;
  }

  base::FakeClock clock;
  config::RoutingOptions options;
  std::vector<std::unique_ptr<Routing>> retired;
  std::unique_ptr<Routing> routing;
  std::unique_ptr<storage::Store> store;  // goes first
};

}  // namespace reprise::routing
