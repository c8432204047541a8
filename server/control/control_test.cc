#include "server/control/control.h"

#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

namespace reprise::control {
namespace {

using Catch::Matchers::Contains;
using storage::NamespaceId;

constexpr NamespaceId kHome{1};
constexpr NamespaceId kOther{2};

// A control over a store that keeps nothing on disk, and a clock that the test moves.
struct Bench {
  Bench() {
    storage::StoreOptions options;
    options.engine = storage::EngineKind::kMemory;
    store = storage::Store::OpenWithClock(options, clock).value();
    config.control.slice_ms = 1'000;
    Reload();
  }
  void Reload() {
    control = Control::Load(*store, config.control).value();
    control->Listen([this](const Event& event) {
      events.push_back(std::string(NameOf(event.kind)) + " " + event.trip.rule.name);
    });
  }

  template <typename Change>
  void Run(Change change) const {
    REQUIRE(store
                ->Run([&](storage::Transaction& transaction) -> base::Status {
                  change(transaction);
                  return base::Ok{};
                })
                .ok());
  }
  Setting Set(Strategy strategy, const SettingChange& change, NamespaceId id = kHome) const {
    Setting set;
    Run([&](storage::Transaction& transaction) {
      set = control->Set(id, strategy, change, config, transaction);
    });
    return set;
  }
  void Override(Strategy strategy, Scope scope, std::string_view name, Mode mode,
                std::int64_t ttl_ms = 0) const {
    Run([&](storage::Transaction& transaction) {
      const base::UnixMillis ends = ttl_ms > 0 ? clock.Now() + ttl_ms : base::UnixMillis{0};
      REQUIRE(
          control
              ->SetOverride(kHome, {strategy, scope, name}, {mode, clock.Now(), ends}, transaction)
              .ok());
    });
  }
  Decision Decide(Strategy strategy, std::string_view bot = "bot",
                  std::string_view conversation = "", NamespaceId id = kHome) const {
    return control->Decide(strategy, {id, bot, conversation, clock.Now()}, config);
  }
  // Slices in which every call fails.
  std::vector<Trip> Fail(int slices, NamespaceId id = kHome) {
    std::vector<Trip> all;
    for (int i = 0; i < slices * 40; ++i) {
      Report report;
      report.asker = {id, "bot", "", clock.Now()};
      report.figures.failed = true;
      report.figures.now = clock.Now();
      Run([&](storage::Transaction& transaction) {
        for (Trip& trip : control->Record(report, config, transaction)) {
          all.push_back(std::move(trip));
        }
      });
      clock.Advance(30);
    }
    return all;
  }

  base::FakeClock clock;
  config::Config config;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Control> control;
  std::vector<std::string> events;
};

int Reached(const Bench& bench, Strategy strategy, int units = 400) {
  int reached = 0;
  for (int i = 0; i < units; ++i) {
    reached += bench.Decide(strategy, "bot-" + std::to_string(i)).IsOn() ? 1 : 0;
  }
  return reached;
}

TEST_CASE("where nothing was said the configuration decides, and a change of it at once") {
  Bench bench;
  CHECK(bench.Decide(Strategy::kCacheSemantic) ==
        Decision{Mode::kOn, Group::kTreated, Reason::kConfiguration});
  bench.config.cache.semantic = Mode::kShadow;
  bench.config.control.tools = Mode::kOff;
  CHECK(bench.Decide(Strategy::kCacheSemantic).mode == Mode::kShadow);
  CHECK(bench.Decide(Strategy::kCacheSemantic).group == Group::kNone);
  CHECK(bench.Decide(Strategy::kTools).mode == Mode::kOff);
  CHECK(bench.control->MayRun(Strategy::kCacheSemantic, kHome, bench.config));
  CHECK_FALSE(bench.control->MayRun(Strategy::kTools, kHome, bench.config));
}

TEST_CASE("a setting holds for its namespace, and outlasts a restart") {
  Bench bench;
  bench.Set(Strategy::kCacheSemantic, {Mode::kShadow, {}, {}, {}});
  const auto check = [&bench] {
    CHECK(bench.Decide(Strategy::kCacheSemantic) ==
          Decision{Mode::kShadow, Group::kNone, Reason::kSetting});
    CHECK(bench.Decide(Strategy::kCacheSemantic, "bot", "", kOther).mode == Mode::kOn);
    CHECK(bench.Decide(Strategy::kCacheExact).mode == Mode::kOn);
  };
  check();
  bench.Reload();
  check();
  bench.config.cache.semantic = Mode::kOff;
  CHECK(bench.Decide(Strategy::kCacheSemantic).mode == Mode::kShadow);
  CHECK(bench.control->MayRunSomewhere(Strategy::kCacheSemantic, bench.config));
  bench.Run([&](storage::Transaction& transaction) {
    CHECK(bench.control->Reset(kHome, Strategy::kCacheSemantic, transaction));
    CHECK_FALSE(bench.control->Reset(kHome, Strategy::kCacheSemantic, transaction));
  });
  CHECK(bench.Decide(Strategy::kCacheSemantic).mode == Mode::kOff);
  CHECK_FALSE(bench.control->MayRunSomewhere(Strategy::kCacheSemantic, bench.config));
}

TEST_CASE("what a change does not name stays, and the first begins with the configuration") {
  Bench bench;
  bench.config.control.routing = Mode::kShadow;
  CHECK(bench.Set(Strategy::kRouting, {{}, 100'000, {}, {}}) ==
        Setting{Mode::kShadow, 100'000, {}, Unit::kConversation});
  CHECK(bench.Set(Strategy::kRouting, {Mode::kOn, {}, 10'000, Unit::kBot}) ==
        Setting{Mode::kOn, 100'000, 10'000, Unit::kBot});
  CHECK(bench.Set(Strategy::kRouting, {{}, 500'000, {}, {}}) ==
        Setting{Mode::kOn, 500'000, 10'000, Unit::kBot});
}

TEST_CASE("raising a rollout only adds units, and a unit stays where it is") {
  Bench bench;
  std::vector<bool> before(400, false);
  int reached_before = 0;
  for (const std::int64_t percent : {0, 1, 10, 30, 70, 100}) {
    bench.Set(Strategy::kTools, {{}, percent * 10'000, {}, {}});
    int reached = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      const Decision decision = bench.Decide(Strategy::kTools, "bot-" + std::to_string(i));
      CHECK(decision == bench.Decide(Strategy::kTools, "bot-" + std::to_string(i)));
      CHECK((!before[i] || decision.IsOn()));
      before[i] = decision.IsOn();
      reached += decision.IsOn() ? 1 : 0;
      CHECK(decision.group == (decision.IsOn() ? Group::kTreated : Group::kControl));
    }
    CHECK(reached >= reached_before);
    reached_before = reached;
  }
  CHECK(reached_before == 400);
  bench.Set(Strategy::kTools, {{}, 500'000, {}, {}});
  bench.Set(Strategy::kRouting, {{}, 500'000, {}, {}});
  CHECK(std::abs(Reached(bench, Strategy::kTools) - 200) < 60);
  bench.Reload();
  CHECK(std::abs(Reached(bench, Strategy::kTools) - 200) < 60);
}

TEST_CASE("a shadow that is rolled out to some leaves the others without, and compares nothing") {
  Bench bench;
  bench.Set(Strategy::kTools, {Mode::kShadow, 500'000, {}, {}});
  int shadows = 0;
  for (int i = 0; i < 400; ++i) {
    const Decision decision = bench.Decide(Strategy::kTools, "bot-" + std::to_string(i));
    CHECK(decision.mode != Mode::kOn);
    CHECK(decision.group == Group::kNone);
    shadows += decision.mode == Mode::kShadow ? 1 : 0;
  }
  CHECK(std::abs(shadows - 200) < 60);
}

TEST_CASE("some conversations are held out for comparison, but no bot that names none") {
  Bench bench;
  const auto held_out = [&bench](Strategy strategy) {
    int count = 0;
    for (int i = 0; i < 2'000; ++i) {
      const Decision decision = bench.Decide(strategy, "bot", "talk-" + std::to_string(i));
      count += decision.group == Group::kControl ? 1 : 0;
      CHECK(decision.IsOn() == (decision.group == Group::kTreated));
      CHECK((decision.group != Group::kControl || decision.reason == Reason::kHeldOut));
    }
    return count;
  };
  CHECK(std::abs(held_out(Strategy::kCompression) - 100) < 45);
  CHECK(held_out(Strategy::kCacheExact) == 0);
  CHECK(Reached(bench, Strategy::kCompression) == 400);
  CHECK_FALSE(bench.Decide(Strategy::kCompression).is_drawn);
  bench.config.control.hold_out_percent = 0;
  CHECK(held_out(Strategy::kCompression) == 0);
  bench.Set(Strategy::kCacheExact, {{}, {}, 200'000, {}});
  CHECK(std::abs(held_out(Strategy::kCacheExact) - 400) < 90);
  // By bot, whole bots are held out.
  bench.Set(Strategy::kCacheExact, {{}, {}, {}, Unit::kBot});
  CHECK(std::abs(Reached(bench, Strategy::kCacheExact) - 320) < 40);
  const Decision one = bench.Decide(Strategy::kCacheExact, "bot-1", "talk-1");
  CHECK(one == bench.Decide(Strategy::kCacheExact, "bot-1", "talk-2"));
}

TEST_CASE("an override goes before the rest: of the conversation, the bot, the namespace") {
  Bench bench;
  bench.Set(Strategy::kRouting, {Mode::kOff, {}, {}, {}});
  bench.Override(Strategy::kRouting, Scope::kNamespace, "", Mode::kShadow);
  bench.Override(Strategy::kRouting, Scope::kBot, "bot", Mode::kOn, 1'000);
  bench.Override(Strategy::kRouting, Scope::kConversation, "talk", Mode::kOff);
  const auto check = [&bench] {
    CHECK(bench.Decide(Strategy::kRouting, "bot", "talk") ==
          Decision{Mode::kOff, Group::kNone, Reason::kOverride});
    CHECK(bench.Decide(Strategy::kRouting, "bot").mode == Mode::kOn);
    CHECK(bench.Decide(Strategy::kRouting, "another").mode == Mode::kShadow);
    CHECK(bench.Decide(Strategy::kRouting, "talk").mode == Mode::kShadow);  // no bot of this name
    CHECK(bench.Decide(Strategy::kTools, "bot").reason != Reason::kOverride);
    CHECK(bench.Decide(Strategy::kRouting, "bot", "talk", kOther).reason != Reason::kOverride);
  };
  check();
  bench.Reload();
  check();
  CHECK(bench.control->Stats().overrides == 3);
  CHECK(bench.control->MayRun(Strategy::kRouting, kHome, bench.config));
  bench.clock.Advance(999);
  CHECK(bench.Decide(Strategy::kRouting, "bot").mode == Mode::kOn);
  CHECK_FALSE(bench.control->NeedsUpkeep(bench.clock.Now()));
  bench.clock.Advance(1);
  CHECK(bench.Decide(Strategy::kRouting, "bot").mode == Mode::kShadow);
  CHECK(bench.control->NeedsUpkeep(bench.clock.Now()));
  bench.Run([&](storage::Transaction& transaction) {
    bench.control->Upkeep(bench.clock.Now(), transaction);
    CHECK(bench.control->RemoveOverride(kHome, {Strategy::kRouting, Scope::kNamespace, ""},
                                        transaction));
    CHECK_FALSE(bench.control->RemoveOverride(kHome, {Strategy::kRouting, Scope::kNamespace, ""},
                                              transaction));
  });
  CHECK(bench.control->BookOf(kHome)->overrides.size() == 1);
  CHECK(bench.Decide(Strategy::kRouting, "bot").reason == Reason::kSetting);
}

TEST_CASE("a namespace has so many overrides and no more") {
  Bench bench;
  const auto limit = static_cast<int>(base::limits::kStrategyOverrides.value);
  bench.Run([&](storage::Transaction& transaction) {  // as a restart finds them
    for (int i = 1; i < limit; ++i) {
      const std::string name = std::to_string(i);
      transaction.Put(storage::Family::kMeta,
                      OverrideRowKey(kHome, {Strategy::kTools, Scope::kBot, name}),
                      FormatOverride({}), storage::kNever);
    }
  });
  bench.Reload();
  bench.Run([&](storage::Transaction& transaction) {
    const auto set = [&](std::string_view bot, NamespaceId id) {
      const auto done =
          bench.control->SetOverride(id, {Strategy::kTools, Scope::kBot, bot}, {}, transaction);
      return done.ok() ? base::Code::kNotFound : done.error().code;
    };
    CHECK(set("x", kHome) == base::Code::kNotFound);
    CHECK(set("y", kHome) == base::Code::kTooLarge);
    CHECK(set("x", kHome) == base::Code::kNotFound);
    CHECK(set("y", kOther) == base::Code::kNotFound);
  });
  CHECK(bench.control->Stats().overrides == static_cast<std::uint64_t>(limit) + 1);
}

TEST_CASE("a guardrail trips, holds over a restart, and ends when it is re-armed") {
  Bench bench;
  const auto trips = bench.Fail(60);
  REQUIRE(trips.size() == 1);
  CHECK(trips[0].rule.name == "errors");
  CHECK(trips[0].finding.figure == 1);
  CHECK(trips[0].finding.slices > 12);
  CHECK(trips[0].finding.wealth >= trips[0].finding.needed);
  CHECK(bench.events == std::vector<std::string>{"tripped errors"});
  const auto check_off = [&bench] {
    for (const Strategy strategy : config::kStrategies) {
      CHECK(bench.Decide(strategy) == Decision{Mode::kOff, Group::kNone, Reason::kTripped});
      CHECK(bench.Decide(strategy, "bot", "", kOther).IsOn());
    }
    CHECK(bench.control->Stats().tripped == 1);
    CHECK(bench.control->MayRun(Strategy::kCacheSemantic, kHome, bench.config));
  };
  check_off();
  bench.Reload();
  check_off();
  CHECK(bench.Fail(60).empty());  // what is off is not watched
  bench.Run([&](storage::Transaction& transaction) {
    CHECK(bench.control->Rearm(kHome, "quality", transaction).empty());
    CHECK(bench.control->Rearm(kOther, "", transaction).empty());
    CHECK(bench.control->Rearm(kHome, "errors", transaction).size() == 1);
  });
  CHECK(bench.events == std::vector<std::string>{"tripped errors", "rearmed errors"});
  CHECK(bench.Decide(Strategy::kTools).IsOn());
  // Its evidence begins anew: it takes as long again.
  CHECK(bench.Fail(10).empty());
  CHECK(bench.Fail(50).size() == 1);
}

TEST_CASE("a trip ends by its cool-down, told like the rest") {
  Bench bench;
  bench.config.control.cool_down_ms = 3'600'000;
  bench.Reload();
  REQUIRE(bench.Fail(60).size() == 1);
  const base::UnixMillis ends = bench.control->BookOf(kHome)->trips[0].ends_at;
  bench.clock.Advance(ends - bench.clock.Now() - 1);
  const auto upkeep = [&bench] {
    bench.Run([&](storage::Transaction& transaction) {
      bench.control->Upkeep(bench.clock.Now(), transaction);
    });
  };
  upkeep();
  CHECK_FALSE(bench.Decide(Strategy::kTools).IsOn());
  bench.clock.Advance(1);
  CHECK(bench.control->NeedsUpkeep(bench.clock.Now()));
  upkeep();
  CHECK(bench.Decide(Strategy::kTools).IsOn());
  CHECK(bench.events == std::vector<std::string>{"tripped errors", "cooled_down errors"});
  bench.Reload();
  CHECK(bench.Decide(Strategy::kTools).IsOn());
}

TEST_CASE("an override older than a trip does not undo it, a younger one does") {
  Bench bench;
  bench.Override(Strategy::kTools, Scope::kBot, "bot", Mode::kOn);
  bench.clock.Advance(10);
  REQUIRE(bench.Decide(Strategy::kTools, "bot").group == Group::kNone);
  REQUIRE(bench.Fail(60).size() == 1);
  CHECK(bench.Decide(Strategy::kTools, "bot").reason == Reason::kTripped);
  bench.Override(Strategy::kTools, Scope::kBot, "bot", Mode::kOn);
  CHECK(bench.Decide(Strategy::kTools, "bot").IsOn());
  CHECK_FALSE(bench.Decide(Strategy::kTools, "another").IsOn());
}

TEST_CASE("evidence outlasts a restart") {
  Bench bench;
  REQUIRE(bench.Fail(8).empty());
  bench.Run([&](storage::Transaction& transaction) { bench.control->Save(transaction); });
  bench.Reload();
  REQUIRE(bench.Fail(12).size() + bench.Fail(5).size() == 1);
}

TEST_CASE("a change whose commit fails is taken back") {
  Bench bench;
  bench.Set(Strategy::kTools, {Mode::kShadow, {}, {}, {}});
  struct Failing final : public storage::Transaction {
    explicit Failing(storage::Transaction& real_transaction) : real(real_transaction) {}
    base::UnixMillis now() const override { return real.now(); }
    base::Result<std::optional<storage::BlobRef>> Get(storage::Family family,
                                                      std::string_view key) override {
      return real.Get(family, key);
    }
    void Put(storage::Family /*family*/, std::string_view /*key*/, std::string_view /*value*/,
             base::UnixMillis /*expires_at*/) override {}
    void Delete(storage::Family /*family*/, std::string_view /*key*/) override {}
    void DeletePrefix(storage::Family /*family*/, std::string_view /*prefix*/) override {}
    void RequireSync() override {}
    std::uint64_t commit() const override { return real.commit(); }
    void OnAbort(std::function<void()> undo) override { undos.push_back(std::move(undo)); }
    void OnCommit(std::function<void()> /*done*/) override {}
    storage::Transaction& real;
    std::vector<std::function<void()>> undos;
  };
  bench.Run([&](storage::Transaction& transaction) {
    Failing failing(transaction);
    bench.control->Set(kHome, Strategy::kTools, {Mode::kOff, {}, {}, {}}, bench.config, failing);
    CHECK(bench.control
              ->SetOverride(kHome, {Strategy::kTools, Scope::kBot, "bot"}, {Mode::kOn, {}, {}},
                            failing)
              .ok());
    CHECK(bench.Decide(Strategy::kTools).IsOn());
    for (auto undo = failing.undos.rbegin(); undo != failing.undos.rend(); ++undo) {
      (*undo)();
    }
  });
  CHECK(bench.Decide(Strategy::kTools).mode == Mode::kShadow);
  CHECK(bench.control->Stats().overrides == 0);
}

TEST_CASE("guardrails of a namespace replace the configuration's of the same name") {
  Bench bench;
  const auto set = [&bench](std::string_view text, bool is_off = false) {
    std::string problem;
    bench.Run([&](storage::Transaction& transaction) {
      const auto done = bench.control->SetGuardrail(
          kHome, {*config::ParseGuardrail(text), is_off, {}}, transaction);
      problem = done.ok() ? "" : done.error().detail;
    });
    return problem;
  };
  const auto names = [&bench](NamespaceId id) {
    std::string all;
    for (const GuardrailReading& reading : bench.control->Guardrails(id)) {
      all += config::TextOf(reading.rule) + (reading.is_off ? " (off)" : "") + "; ";
    }
    return all;
  };
  CHECK(set("quality: quality < 0.8: tools").empty());
  CHECK_THAT(names(kHome), Contains("quality: quality < 0.8: tools"));
  CHECK_THAT(names(kHome), !Contains("0.92"));
  CHECK_THAT(names(kOther), Contains("0.92"));
  CHECK_THAT(set("mine: error_rate > 0.5: tools"), Contains("'errors' and 'mine' contradict"));
  CHECK_THAT(names(kHome), !Contains("mine"));
  CHECK(set("errors: error_rate > 0.5: all", true).empty());
  CHECK(set("mine: error_rate > 0.5: tools").empty());
  CHECK_THAT(names(kHome), Contains("(off)") && Contains("mine: error_rate > 0.5: tools"));
  bench.Reload();
  CHECK_THAT(names(kHome), Contains("(off)") && Contains("mine: error_rate > 0.5: tools"));
  // The configuration's later change must not contradict what the namespace said.
  bench.config.control.guardrails = {"broad: quality < 0.95: all"};
  bench.control->Configure(bench.config.control);
  CHECK_THAT(names(kHome), !Contains("broad"));
  CHECK_THAT(names(kOther), Contains("broad"));
  bench.Run([&](storage::Transaction& transaction) {
    CHECK(bench.control->ResetGuardrail(kHome, "quality", transaction));
    CHECK_FALSE(bench.control->ResetGuardrail(kHome, "quality", transaction));
  });
  CHECK_THAT(names(kHome), Contains("broad"));
}

TEST_CASE("who says what was in force is believed, and may name those held out") {
  Bench bench;
  bench.config.control.guardrails = {"slow: response_time > 1.5: deferral"};
  bench.Reload();
  std::vector<Trip> trips;
  for (int i = 0; i < 8'000 && trips.empty(); ++i) {
    Report report;
    const std::string talk = "talk-" + std::to_string(i);
    const bool has_it = i % 2 == 0;
    report.asker = {kHome, "bot", talk, bench.clock.Now()};
    report.in_force.emplace();
    (has_it ? *report.in_force : report.held_out).Add(Strategy::kDeferral);
    report.figures.response_ms = has_it ? 300 + i % 7 : 100 + i % 5;
    report.figures.now = bench.clock.Now();
    bench.Run([&](storage::Transaction& transaction) {
      trips = bench.control->Record(report, bench.config, transaction);
    });
    bench.clock.Advance(20);
  }
  REQUIRE(trips.size() == 1);
  CHECK(trips[0].finding.figure == Approx(3).epsilon(0.1));
  CHECK(trips[0].finding.control > 100);
}

TEST_CASE("decisions are whole while other threads change what they rest on") {
  Bench bench;
  std::atomic<bool> is_over{false};
  std::atomic<int> odd{0};
  std::thread reader([&] {
    while (!is_over) {
      const Decision decision = bench.Decide(Strategy::kTools, "bot");
      const bool is_known =
          decision == Decision{Mode::kOn, Group::kTreated, Reason::kConfiguration} ||
          decision == Decision{Mode::kShadow, Group::kNone, Reason::kSetting} ||
          decision == Decision{Mode::kOff, Group::kNone, Reason::kOverride};
      odd += is_known ? 0 : 1;
      odd += bench.control->BookOf(kHome)->overrides.size() > 1 ? 1 : 0;
    }
  });
  for (int i = 0; i < 50; ++i) {
    bench.Set(Strategy::kTools, {Mode::kShadow, {}, {}, {}});
    bench.Override(Strategy::kTools, Scope::kBot, "bot", Mode::kOff);
    bench.Run([&](storage::Transaction& transaction) {
      bench.control->RemoveOverride(kHome, {Strategy::kTools, Scope::kBot, "bot"}, transaction);
      bench.control->Reset(kHome, Strategy::kTools, transaction);
    });
  }
  is_over = true;
  reader.join();
  CHECK(odd == 0);
}

TEST_CASE("a namespace that is removed takes all of it along") {
  Bench bench;
  bench.Set(Strategy::kTools, {Mode::kOff, {}, {}, {}});
  bench.Override(Strategy::kRouting, Scope::kBot, "bot", Mode::kOff);
  REQUIRE(bench.Fail(60).size() == 1);
  bench.Run([&](storage::Transaction& transaction) {
    bench.control->Save(transaction);
    bench.control->Drop(kHome, transaction);
  });
  const auto check = [&bench] {
    CHECK(bench.Decide(Strategy::kTools).IsOn());
    CHECK(bench.Decide(Strategy::kRouting).IsOn());
    CHECK(bench.control->Stats().overrides == 0);
    CHECK(bench.control->Stats().tripped == 0);
    for (const GuardrailReading& reading : bench.control->Guardrails(kHome)) {
      for (const auto& [strategy, monitor] : reading.monitors) {
        CHECK(monitor.state().treated_calls == 0);
      }
    }
  };
  check();
  bench.Reload();
  check();
}

}  // namespace
}  // namespace reprise::control
