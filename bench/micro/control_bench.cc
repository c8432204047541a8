// What a decision about a strategy costs on a loop: where nothing was said, with a rollout, with
// overrides; the three of a lookup together; and what a recorded call costs the writer.
#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include "protocol/base/ensure.h"
#include "server/control/control.h"

namespace reprise::control {
namespace {

constexpr storage::NamespaceId kHome{1};

struct Fixture {
  Fixture() {
    storage::StoreOptions options;
    options.engine = storage::EngineKind::kMemory;
    store = storage::Store::OpenWithClock(options, clock).value();
    control = Control::Load(*store, config.control).value();
  }
  template <typename Change>
  void Run(Change change) const {
    ENSURE(store
               ->Run([&](storage::Transaction& transaction) -> base::Status {
                 change(transaction);
                 return base::Ok{};
               })
               .ok());
  }
  Asker Who() const { return {kHome, "support-bot", "conversation-4711", clock.Now()}; }

  base::FakeClock clock;
  config::Config config;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Control> control;
};

void Decide(benchmark::State& state, const Fixture& fixture, Strategy strategy) {
  const Asker who = fixture.Who();
  for ([[maybe_unused]] auto _ : state) {
    benchmark::DoNotOptimize(fixture.control->Decide(strategy, who, fixture.config));
  }
}

void DecidePlain(benchmark::State& state) {
  const Fixture fixture;
  Decide(state, fixture, Strategy::kCacheExact);
}

void DecideHeldOut(benchmark::State& state) {
  const Fixture fixture;
  Decide(state, fixture, Strategy::kCompression);
}

void DecideRollout(benchmark::State& state) {
  const Fixture fixture;
  fixture.Run([&](storage::Transaction& transaction) {
    fixture.control->Set(kHome, Strategy::kCacheExact, {{}, 500'000, {}, {}}, fixture.config,
                         transaction);
  });
  Decide(state, fixture, Strategy::kCacheExact);
}

void DecideOverridden(benchmark::State& state) {
  const Fixture fixture;
  fixture.Run([&](storage::Transaction& transaction) {
    for (int i = 0; i < 100; ++i) {
      const std::string name = "bot-" + std::to_string(i);
      ENSURE(fixture.control
                 ->SetOverride(kHome, {Strategy::kCacheExact, Scope::kBot, name}, {}, transaction)
                 .ok());
    }
  });
  Decide(state, fixture, Strategy::kCacheExact);
}

// As CACHE.LOOKUP asks.
void DecideTiers(benchmark::State& state) {
  const Fixture fixture;
  const Asker who = fixture.Who();
  for ([[maybe_unused]] auto _ : state) {
    for (const Strategy strategy :
         {Strategy::kCacheExact, Strategy::kCacheNormalized, Strategy::kCacheSemantic}) {
      benchmark::DoNotOptimize(fixture.control->Decide(strategy, who, fixture.config));
    }
  }
}

void RecordCall(benchmark::State& state) {
  Fixture fixture;
  fixture.Run([&](storage::Transaction& transaction) {
    std::uint64_t calls = 0;
    for ([[maybe_unused]] auto _ : state) {
      const std::string talk = "talk-" + std::to_string(++calls % 1'000);
      Report report;
      report.asker = {kHome, "support-bot", talk, fixture.clock.Now()};
      report.figures = {0.97, false, 800, 1e6, 5e6, fixture.clock.Now()};
      benchmark::DoNotOptimize(fixture.control->Record(report, fixture.config, transaction));
      fixture.clock.Advance(20);
    }
  });
}

BENCHMARK(DecidePlain);
BENCHMARK(DecideHeldOut);
BENCHMARK(DecideRollout);
BENCHMARK(DecideOverridden);
BENCHMARK(DecideTiers);
BENCHMARK(RecordCall);

}  // namespace
}  // namespace reprise::control
