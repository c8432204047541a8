// What the tests of this module share: a store in memory, a limiter on a clock that they move.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "protocol/base/clock.h"
#include "server/rate/limiter.h"
#include "storage/engine/store.h"

namespace reprise::rate {

inline constexpr storage::NamespaceId kHome{1};
inline constexpr storage::NamespaceId kOther{2};
inline constexpr std::uint64_t kSeed = 42;

inline Rule PerMinute(std::int64_t limit, std::int64_t burst = 0) {
  return config::CompleteRate({Algorithm::kGcra, limit, 60'000, burst, 0}).value();
}
inline Rule InAnyMinute(std::int64_t limit) {
  return config::CompleteRate({Algorithm::kWindow, limit, 60'000, 0, 0}).value();
}
inline Rule AtATime(std::int64_t limit, std::int64_t lease_ms = 60'000) {
  return config::CompleteRate({Algorithm::kConcurrency, limit, 0, 0, lease_ms}).value();
}

// A store with a limiter, which can be closed, or killed, and opened again.
struct Bench {
  Bench() {
    storage::StoreOptions small;
    small.engine = storage::EngineKind::kMemory;
    small.sweep_rows_per_second = 0;
    store = storage::Store::OpenWithClock(small, clock).value();
    Open();
  }

  // What was not saved is lost, as by kill -9.
  void Open() {
    auto loaded = Limiter::Load(*store, {kHome, kOther}, options, clock, kSeed);
    if (!loaded.ok()) {
      FAIL(loaded.error().detail);
    }
    retired.push_back(std::move(limiter));  // The store may still refer to it.
    limiter = std::move(loaded).value();
  }
  void Save() {
    for (std::size_t left = limiter->BatchesToWrite(); left > 0; --left) {
      const base::Status saved = store->Run([this](storage::Transaction& transaction) {
        limiter->WriteChanges(transaction);
        return base::Status(base::Ok{});
      });
      REQUIRE(saved.ok());
    }
  }
  void Reopen() {
    limiter->BeginExact();
    while (limiter->BatchesToWrite() > 0) {
      Save();
    }
    Open();
  }

  base::Result<Taken> Take(const Want& want, const TakeOptions& how = {},
                           storage::NamespaceId id = kHome) {
    return limiter->Take(id, {&want, 1}, how, verdicts);
  }
  bool Allows(std::string_view key, const Rule& rule, std::int64_t quantity = 1,
              storage::NamespaceId id = kHome) {
    const auto taken = Take({key, "", rule, quantity}, {}, id);
    REQUIRE(taken.ok());
    return taken.value().allowed;
  }
  Verdict Peek(std::string_view key, const Rule& rule, std::int64_t quantity = 1,
               storage::NamespaceId id = kHome) {
    const Want want{key, "", rule, quantity};
    REQUIRE(limiter->Peek(id, {&want, 1}, verdicts).ok());
    return verdicts[0];
  }
  std::size_t TakeAll(std::string_view key, const Rule& rule, storage::NamespaceId id = kHome) {
    std::size_t count = 0;
    while (Allows(key, rule, 1, id)) {
      ++count;
    }
    return count;
  }
  std::size_t Rows() const {
    std::size_t rows = 0;
    const storage::ScanRequest all{.family = storage::Family::kLedger, .prefix = "", .after = ""};
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
  config::RateOptions options;
  std::vector<std::unique_ptr<Limiter>> retired;
  std::unique_ptr<Limiter> limiter;
  std::array<Verdict, 16> verdicts{};
  std::unique_ptr<storage::Store> store;  // goes first
};

}  // namespace reprise::rate
