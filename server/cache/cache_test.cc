#include "server/cache/cache.h"

#include <catch2/catch.hpp>

#include "protocol/wire/decode.h"
#include "protocol/wire/json.h"

namespace reprise::cache {
namespace {

using storage::NamespaceId;

// A cache over a store that keeps nothing on disk, and a clock that the test moves.
struct Bench {
  Bench() {
    storage::StoreOptions store_options;
    store_options.engine = storage::EngineKind::kMemory;
    store = storage::Store::OpenWithClock(store_options, clock).value();
    Reload();
  }
  void Reload() { cache = Cache::Load(*store, {NamespaceId{1}, NamespaceId{2}}, clock).value(); }

  base::Result<Stored> TryStore(std::string_view prompt, std::string_view response,
                                std::string_view type = "", NamespaceId home = NamespaceId{1},
                                std::string_view identity = "") const {
    base::Result<Stored> stored = base::Error{base::Code::kInternal, "not run"};
    const std::string answer_bytes = wire::Encode(base::Value(response));
    const std::string identity_bytes = Identity(identity);
    const base::Status done = store->Run([&](storage::Transaction& transaction) -> base::Status {
      Answer answer;
      answer.response = answer_bytes;
      answer.worth = {10, 20, 300};
      stored = cache->Store({home, prompt, identity_bytes, type}, answer, options, transaction);
      if (!stored.ok()) {
        return stored.error();
      }
      return base::Ok{};
    });
    if (!done.ok()) {
      return done.error();
    }
    return stored;
  }
  void Put(std::string_view prompt, std::string_view response, std::string_view type = "",
           NamespaceId home = NamespaceId{1}, std::string_view identity = "") const {
    REQUIRE(TryStore(prompt, response, type, home, identity).ok());
  }

  base::Result<Outcome> Ask(std::string_view prompt, NamespaceId home = NamespaceId{1},
                            std::string_view identity = "", LookupLimits limits = {}) const {
    const std::string identity_bytes = Identity(identity);
    const storage::View view(*store, clock.Now(), storage::ReadMode::kDisk);
    return cache->Lookup({home, prompt, identity_bytes, ""}, limits, options, view);
  }
  // The answer's text, or "miss".
  std::string Text(std::string_view prompt, NamespaceId home = NamespaceId{1},
                   std::string_view identity = "") const {
    const auto outcome = Ask(prompt, home, identity);
    REQUIRE(outcome.ok());
    if (!outcome.value().found.has_value()) {
      return "miss";
    }
    return std::string(*wire::Decode(outcome.value().found->body.response).value().AsText());
  }
  Counters Count(std::string_view type, NamespaceId home = NamespaceId{1}) const {
    for (const AccountStats& stats : cache->Stats(home).types) {
      if (stats.name == type) {
        return stats.counters;
      }
    }
    return {};
  }
  static std::string Identity(std::string_view json) {
    return json.empty() ? std::string() : wire::Encode(wire::FromJson(json).value());
  }

  base::FakeClock clock;
  config::CacheOptions options;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Cache> cache;
};

TEST_CASE("the same prompt is an exact hit, a trivially rephrased one a normalized hit") {
  Bench bench;
  bench.Put("What is RAII?", "an idiom");
  CHECK(bench.Ask("What is RAII?").value().found->tier == Tier::kExact);
  CHECK(bench.Ask("  what is   raii ").value().found->tier == Tier::kNormalized);
  CHECK(bench.Text("What is RAID?") == "miss");
  LookupLimits exact_only;
  exact_only.deepest = Tier::kExact;
  CHECK(!bench.Ask("what is raii", NamespaceId{1}, "", exact_only).value().found.has_value());
}

config::QueryType& Type(Bench& bench, std::string_view name) {
  for (config::QueryType& type : bench.options.types) {
    if (type.name == name) {
      return type;
    }
  }
  FAIL("no such type");
  return bench.options.types.front();
}

std::string StatusOf(const base::Result<Outcome>& outcome) {
  REQUIRE(outcome.ok());
  if (!outcome.value().found.has_value()) {
    return outcome.value().ruling.refused ? "refused" : "miss";
  }
  return outcome.value().found->stale ? "stale" : "hit";
}

TEST_CASE("past its time to live an answer is stale for the type's window, then gone") {
  Bench bench;
  Type(bench, "general").ttl_ms = 1'000;
  Type(bench, "general").stale_ms = 500;
  bench.Put("What is RAII?", "an idiom");
  const base::UnixMillis expires_at = bench.Ask("What is RAII?").value().found->expires_at;
  bench.clock.Advance(999);
  CHECK(StatusOf(bench.Ask("What is RAII?")) == "hit");
  bench.clock.Advance(1);
  for (const char* prompt : {"What is RAII?", "what is raii"}) {
    const auto outcome = bench.Ask(prompt);
    CHECK(StatusOf(outcome) == "stale");
    CHECK(outcome.value().found->expires_at == expires_at);
  }
  CHECK(bench.Count("general").hits_exact == 2);  // A stale one counts when it is served.
  bench.cache->CountStale(NamespaceId{1}, *bench.Ask("What is RAII?").value().found, {});
  CHECK(bench.Count("general").hits_exact == 3);
  CHECK(bench.Count("general").stale == 1);

  LookupLimits limits;
  limits.stale_ok_ms = 0;
  CHECK(StatusOf(bench.Ask("What is RAII?", NamespaceId{1}, "", limits)) == "miss");
  limits.stale_ok_ms = 1;
  CHECK(StatusOf(bench.Ask("What is RAII?", NamespaceId{1}, "", limits)) == "stale");
  bench.Reload();
  bench.clock.Advance(499);
  CHECK(StatusOf(bench.Ask("What is RAII?")) == "stale");
  bench.clock.Advance(1);
  CHECK(StatusOf(bench.Ask("What is RAII?")) == "miss");
}

TEST_CASE("a fresh answer to the rephrased question goes before a stale one to the same text") {
  Bench bench;
  Type(bench, "general").ttl_ms = 1'000;
  Type(bench, "general").stale_ms = 5'000;
  bench.Put("What is RAII?", "old");
  bench.clock.Advance(1'000);
  bench.Put("what is raii", "new");
  CHECK(bench.Text("What is RAII?") == "new");
  CHECK(bench.Text("WHAT IS RAII") == "new");
  bench.clock.Advance(1'000);
  CHECK(bench.Text("What is RAII?") == "old");
}

TEST_CASE("without a window nothing expired is served, also not on request") {
  Bench bench;
  Type(bench, "general").ttl_ms = 1'000;
  bench.Put("q", "a");
  LookupLimits limits;
  limits.stale_ok_ms = 1'000'000;
  bench.clock.Advance(1'000);
  CHECK(StatusOf(bench.Ask("q", NamespaceId{1}, "", limits)) == "miss");
}

TEST_CASE("an entry of a sliding type lives on while it is used, also over a restart") {
  Bench bench;
  Type(bench, "general").ttl_ms = 16'000;
  Type(bench, "general").sliding = true;
  bench.Put("popular", "a");
  bench.Put("forgotten", "b");
  const auto write = [&] {
    REQUIRE(bench.store
                ->Run([&](storage::Transaction& transaction) {
                  return bench.cache->WriteSlides(100, transaction);
                })
                .ok());
  };
  CHECK_FALSE(bench.cache->HasSlides());
  CHECK(bench.Text("popular") == "a");
  CHECK_FALSE(bench.cache->HasSlides());  // It would win next to nothing.
  for (int i = 0; i < 4; ++i) {
    bench.clock.Advance(12'000);
    CHECK(bench.Text("popular") == "a");
    CHECK(bench.cache->HasSlides());
    write();
    CHECK_FALSE(bench.cache->HasSlides());
    bench.Reload();
  }
  CHECK(bench.Text("forgotten") == "miss");
  bench.clock.Advance(16'000);
  CHECK(bench.Text("popular") == "miss");
}

TEST_CASE("an entry that went before its slide was written stays gone") {
  Bench bench;
  Type(bench, "general").ttl_ms = 16'000;
  Type(bench, "general").sliding = true;
  bench.Put("q", "a");
  bench.clock.Advance(8'000);
  CHECK(bench.Text("q") == "a");
  const Question question{NamespaceId{1}, "q", "", ""};
  REQUIRE(bench.store
              ->Run([&](storage::Transaction& transaction) -> base::Status {
                REQUIRE(bench.cache->Remove(question, bench.options, transaction).ok());
                return bench.cache->WriteSlides(100, transaction);
              })
              .ok());
  CHECK(bench.Text("q") == "miss");
  bench.Reload();
  CHECK(bench.Text("q") == "miss");
}

TEST_CASE("jitter shortens the time to live by at most its share, and not all by the same") {
  Bench bench;
  Type(bench, "general").ttl_ms = 100'000;
  Type(bench, "general").jitter_percent = 20;
  std::int64_t shortest = 100'000;
  std::int64_t longest = 0;
  for (int i = 0; i < 200; ++i) {
    const auto stored = bench.TryStore("q" + std::to_string(i), "a");
    REQUIRE(stored.ok());
    const std::int64_t ttl_ms = stored.value().expires_at - bench.clock.Now();
    shortest = std::min(shortest, ttl_ms);
    longest = std::max(longest, ttl_ms);
  }
  CHECK(shortest >= 80'000);
  CHECK(shortest < 85'000);
  CHECK(longest <= 100'000);
  CHECK(longest > 95'000);
}

TEST_CASE("another time to live can be given to one entry, and lasts over a restart") {
  Bench bench;
  bench.Put("q", "a");
  const auto expire = [&](std::string_view prompt, std::int64_t ttl_ms) {
    bool changed = false;
    REQUIRE(bench.store
                ->Run([&](storage::Transaction& transaction) -> base::Status {
                  ASSIGN_OR_RETURN(changed,
                                   bench.cache->Expire({NamespaceId{1}, prompt, "", ""}, ttl_ms,
                                                       bench.options, transaction));
                  return base::Ok{};
                })
                .ok());
    return changed;
  };
  CHECK_FALSE(expire("Q", 5'000));
  CHECK(expire("q", 5'000));
  bench.Reload();
  bench.clock.Advance(4'999);
  CHECK(bench.Text("q") == "a");
  CHECK(expire("q", 100'000'000));
  bench.clock.Advance(90'000'000);
  bench.Reload();
  CHECK(bench.Text("q") == "a");
  bench.clock.Advance(10'000'000);
  CHECK(bench.Text("q") == "miss");
  CHECK_FALSE(expire("q", 5'000));
}

TEST_CASE(
    "questions of a type that is not kept are neither stored nor looked up, with the reason") {
  Bench bench;
  const auto stored = bench.TryStore("What is the weather in Paris?", "rain");
  REQUIRE(stored.ok());
  CHECK_FALSE(stored.value().kept);
  CHECK(stored.value().reason ==
        "answers of type 'live' are not kept; it is of this type: the word \"weather\" makes it "
        "time-dependent (built-in rule)");
  const auto outcome = bench.Ask("What is the weather in Paris?");
  CHECK(StatusOf(outcome) == "refused");
  CHECK(outcome.value().ruling.type == "live");
  CHECK(bench.Count("live").misses == 1);
  // The caller knows better.
  bench.Put("What is the weather in Paris?", "rain", "general");
  CHECK(bench.Text("What is the weather in Paris?") == "rain");
  // A type that is switched off is not served any more.
  Type(bench, "general").store = false;
  CHECK(StatusOf(bench.Ask("What is the weather in Paris?")) == "refused");
}

TEST_CASE("prompts of a bypass rule are refused also when their type is given") {
  Bench bench;
  bench.Put("my password is x", "a");
  bench.options.bypass_rules = {"password"};
  CHECK(StatusOf(bench.Ask("my password is x")) == "refused");
  CHECK_FALSE(bench.TryStore("the password", "a", "general").value().kept);
  CHECK(bench.TryStore("the pass", "a", "general").value().kept);
}

TEST_CASE("a type's own bound on responses is told by its name") {
  Bench bench;
  Type(bench, "general").response_bytes_max = 1'024;
  const auto refused = bench.TryStore("q", std::string(1'024, 'r'));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == base::Code::kTooLarge);
  CHECK(refused.error().detail.find("cache.types.general.response_bytes_max") != std::string::npos);
  CHECK(bench.TryStore("q", std::string(1'024, 'r'), "research").ok());
}

TEST_CASE("a tier in shadow mode answers nothing and counts what it would have saved") {
  Bench bench;
  bench.Put("What is RAII?", "an idiom");
  bench.options.normalized = config::TierMode::kShadow;
  CHECK(bench.Text("What is RAII?") == "an idiom");
  CHECK(bench.Text("what is raii") == "miss");
  CHECK(bench.Text("something else") == "miss");
  CHECK(bench.Count("general").shadow_hits == 1);
  CHECK(bench.Count("general").shadow_cost_nano == 300);
  CHECK(bench.Count("general").misses == 2);
  CHECK(bench.Count("general").cost_saved_nano == 300);  // of the exact hit
  bench.options.exact = config::TierMode::kOff;
  CHECK(bench.Text("What is RAII?") == "miss");
  CHECK(bench.Count("general").shadow_hits == 2);  // The exact text is also the normalized one.
  bench.options.normalized = config::TierMode::kOn;
  CHECK(bench.Text("What is RAII?") == "an idiom");
  CHECK(bench.Count("general").hits_normalized == 1);
}

TEST_CASE("a peek counts nothing and leaves the order of use as it is") {
  Bench bench;
  bench.options.entries_max = 2;
  bench.Put("first", "1");
  bench.Put("second", "2");
  LookupLimits peek;
  peek.peek = true;
  CHECK(StatusOf(bench.Ask("first", NamespaceId{1}, "", peek)) == "hit");
  CHECK(StatusOf(bench.Ask("absent", NamespaceId{1}, "", peek)) == "miss");
  CHECK(bench.Count("general").hits_exact == 0);
  CHECK(bench.Count("general").misses == 0);
  bench.Put("third", "3");
  CHECK(bench.Text("first") == "miss");
  CHECK(bench.Text("second") == "2");
}

TEST_CASE("the modes of a caller go before those of the options") {
  Bench bench;
  bench.Put("What is RAII?", "an idiom");
  constexpr auto kOn = config::TierMode::kOn;
  constexpr auto kOff = config::TierMode::kOff;
  const auto ask = [&bench](std::string_view prompt, const TierModes& modes) {
    LookupLimits limits;
    limits.modes = modes;
    return StatusOf(bench.Ask(prompt, NamespaceId{1}, "", limits));
  };
  CHECK(ask("What is RAII?", {kOff, kOff, kOff}) == "miss");
  CHECK(ask("What is RAII?", {kOff, kOn, kOff}) == "hit");
  CHECK(ask("what is raii", {kOn, kOff, kOff}) == "miss");
  const std::uint64_t before = bench.Count("general").shadow_hits;
  CHECK(ask("What is RAII?", {config::TierMode::kShadow, kOff, kOff}) == "miss");
  CHECK(bench.Count("general").shadow_hits == before + 1);
  bench.options.exact = kOff;
  bench.options.normalized = kOff;
  CHECK(ask("what is raii", {kOff, kOn, kOff}) == "hit");
  CHECK(StatusOf(bench.Ask("What is RAII?")) == "miss");
}

TEST_CASE("the nearest entries are those with the same prompt, then those that share words") {
  Bench bench;
  bench.Put("What is RAII?", "1", "", NamespaceId{1}, R"({"model": "large", "t": 0})");
  bench.Put("what is raii", "2", "", NamespaceId{1}, R"({"model": "small", "t": 1})");
  bench.Put("What is RAID?", "3");
  bench.Put("Something else entirely", "4");
  bench.Put("What is RAII?", "5", "", NamespaceId{2});
  const std::string identity = Bench::Identity(R"({"model": "small", "t": 0, "s": 1})");
  const auto asked = bench.cache->Ask({NamespaceId{1}, "What is RAII?", identity, ""},
                                      Tier::kNormalized, bench.options);
  const storage::View view(*bench.store, bench.clock.Now(), storage::ReadMode::kDisk);
  const auto around = bench.cache->FindNeighbours(asked.value(), view, 100);
  REQUIRE(around.ok());
  CHECK(around.value().rows_read == 4);
  CHECK(around.value().complete);
  REQUIRE(around.value().nearest.size() == 3);
  CHECK(around.value().nearest[0].differences.size() == 2);
  CHECK(around.value().nearest[1].same_prompt);
  CHECK(around.value().nearest[2].prompt == "What is RAID?");
  CHECK(around.value().nearest[2].overlap == 0.5);
  const auto cut = bench.cache->FindNeighbours(asked.value(), view, 2);
  CHECK(cut.value().rows_read == 2);
  CHECK_FALSE(cut.value().complete);
}

TEST_CASE("all entries of an identity are voided at once, and stay so over a restart") {
  Bench bench;
  const std::string ann = Bench::Identity(R"({"system": "Ann", "t": 1})");
  bench.Put("Who?", "Ann", "", NamespaceId{1}, R"({"system": "Ann", "t": 1})");
  bench.Put("Where?", "Here", "", NamespaceId{1}, R"({"t": 1.0, "system": "Ann"})");
  bench.Put("Who?", "Bob", "", NamespaceId{1}, R"({"system": "Bob"})");
  bench.Put("Who?", "nobody");
  bench.Put("Who?", "elsewhere", "", NamespaceId{2}, R"({"system": "Ann", "t": 1})");
  const auto name = bench.cache->IdentityLabel(NamespaceId{1}, ann);
  const Label label{LabelKind::kIdentity, name.value()};
  CHECK(bench.cache->CountLabel(NamespaceId{1}, label) == 2);
  REQUIRE(bench.store
              ->Run([&](storage::Transaction& transaction) -> base::Status {
                CHECK(bench.cache->Invalidate(NamespaceId{1}, label, transaction) == 2);
                return base::Ok{};
              })
              .ok());
  for (const bool reload : {false, true}) {
    if (reload) {
      bench.Reload();
    }
    CHECK(bench.Text("Who?", NamespaceId{1}, R"({"system": "Ann", "t": 1})") == "miss");
    CHECK(bench.Text("where", NamespaceId{1}, R"({"system": "Ann", "t": 1})") == "miss");
    CHECK(bench.Text("Who?", NamespaceId{1}, R"({"system": "Bob"})") == "Bob");
    CHECK(bench.Text("Who?") == "nobody");
    CHECK(bench.Text("Who?", NamespaceId{2}, R"({"system": "Ann", "t": 1})") == "elsewhere");
  }
  bench.Put("Who?", "new", "", NamespaceId{1}, R"({"system": "Ann", "t": 1})");
  CHECK(bench.Text("Who?", NamespaceId{1}, R"({"system": "Ann", "t": 1})") == "new");
  REQUIRE(bench.store
              ->Run([&](storage::Transaction& transaction) -> base::Status {
                bench.cache->Reclaim(1'000, transaction);
                return base::Ok{};
              })
              .ok());
  CHECK(bench.cache->Stats(NamespaceId{1}).entries == 3);
  bench.Reload();
  CHECK(bench.Text("Who?", NamespaceId{1}, R"({"system": "Ann", "t": 1})") == "new");
}

TEST_CASE("an invalidated tag, type, model or namespace is never served again") {
  Bench bench;
  const auto invalidate = [&](LabelKind kind, std::string_view name) {
    std::uint64_t entries = 0;
    REQUIRE(bench.store
                ->Run([&](storage::Transaction& transaction) -> base::Status {
                  entries = bench.cache->Invalidate(NamespaceId{1}, {kind, name}, transaction);
                  return base::Ok{};
                })
                .ok());
    return entries;
  };
  bench.Put("a fact", "1", "factLookup");
  bench.Put("other", "2", "general");
  bench.Put("a fact", "elsewhere", "factLookup", NamespaceId{2});
  CHECK(invalidate(LabelKind::kType, "factLookup") == 1);
  CHECK(bench.Text("a fact") == "miss");
  CHECK(bench.Ask("a fact").value().reason == "the entry was invalidated");
  CHECK(bench.Text("other") == "2");
  CHECK(bench.Text("a fact", NamespaceId{2}) == "elsewhere");

  bench.Reload();  // What was void stays so after a restart,
  CHECK(bench.Text("a fact") == "miss");
  bench.Put("a fact", "new", "factLookup");  // and what is stored later is not meant.
  CHECK(bench.Text("a fact") == "new");
  CHECK(invalidate(LabelKind::kAll, "") == 2);
  CHECK(bench.Text("other") == "miss");
  CHECK(bench.Text("a fact") == "miss");
}

TEST_CASE("the rows of void entries go in the background, and then their floors") {
  Bench bench;
  for (int i = 0; i < 100; ++i) {
    bench.Put("question " + std::to_string(i), "answer", i % 2 == 0 ? "research" : "general");
  }
  const auto rows = [&](storage::Family family, const std::string& prefix) {
    std::size_t count = 0;
    const storage::ScanRequest all{.family = family, .prefix = prefix, .after = ""};
    REQUIRE(bench.store
                ->Scan(all, storage::kNever,
                       [&](const storage::ScanRow&) {
                         ++count;
                         return true;
                       })
                .ok());
    return count;
  };
  const auto run = [&](const auto& body) {
    REQUIRE(bench.store
                ->Run([&](storage::Transaction& transaction) -> base::Status {
                  body(transaction);
                  return base::Ok{};
                })
                .ok());
  };
  run([&](storage::Transaction& transaction) {
    bench.cache->Invalidate(NamespaceId{1}, {LabelKind::kType, "research"}, transaction);
  });
  CHECK(rows(storage::Family::kMeta, FloorsPrefix(NamespaceId{1})) == 1);
  int rounds = 0;
  for (; bench.cache->NeedsReclaim() && rounds < 100; ++rounds) {
    run([&](storage::Transaction& transaction) { bench.cache->Reclaim(10, transaction); });
  }
  CHECK(rounds >= 10);
  CHECK(bench.cache->Stats(NamespaceId{1}).entries == 50);
  CHECK(rows(storage::Family::kEntries, SummaryPrefix(NamespaceId{1})) == 50);
  CHECK(rows(storage::Family::kMeta, FloorsPrefix(NamespaceId{1})) == 0);
  bench.Reload();
  CHECK(bench.Text("question 2") == "miss");
  CHECK(bench.Text("question 3") == "answer");
}

TEST_CASE("one entry can be removed by its question") {
  Bench bench;
  bench.Put("keep", "1");
  bench.Put("drop", "2");
  const auto remove = [&](std::string_view prompt) {
    bool removed = false;
    REQUIRE(bench.store
                ->Run([&](storage::Transaction& transaction) -> base::Status {
                  removed =
                      bench.cache
                          ->Remove({NamespaceId{1}, prompt, "", ""}, bench.options, transaction)
                          .value();
                  return base::Ok{};
                })
                .ok());
    return removed;
  };
  CHECK(remove("drop"));
  CHECK_FALSE(remove("drop"));
  CHECK(bench.Text("drop") == "miss");
  CHECK(bench.Text("keep") == "1");
  bench.Reload();
  CHECK(bench.Text("drop") == "miss");
}

TEST_CASE("other numbers and other words are never the same question") {
  Bench bench;
  bench.Put("What is 2+2?", "4");
  CHECK(bench.Text("What is 2+3?") == "miss");
  CHECK(bench.Text("is What 2+2?") == "miss");
  CHECK(bench.Text("What is 2+2") == "4");
}

TEST_CASE("an answer is given for its own identity only, however that is spelled") {
  Bench bench;
  bench.Put("hi", "from a", "", NamespaceId{1}, R"({"model": "a", "temperature": 1})");
  CHECK(bench.Text("hi") == "miss");
  CHECK(bench.Text("hi", NamespaceId{1}, R"({"model": "b", "temperature": 1})") == "miss");
  CHECK(bench.Text("hi", NamespaceId{1}, R"({"temperature": 1.0, "model": "a"})") == "from a");
}

TEST_CASE("namespaces share nothing") {
  Bench bench;
  bench.Put("secret?", "of one", "", NamespaceId{1});
  CHECK(bench.Text("secret?", NamespaceId{2}) == "miss");
  CHECK(bench.cache->Stats(NamespaceId{2}).entries == 0);
  bench.Put("secret?", "of two", "", NamespaceId{2});
  CHECK(bench.Text("secret?", NamespaceId{1}) == "of one");
  CHECK(bench.Text("secret?", NamespaceId{2}) == "of two");
  CHECK(bench.cache->Total().foreign_bodies == 0);
}

TEST_CASE("storing again replaces the answer") {
  Bench bench;
  bench.Put("q", "old");
  bench.Put("q", "new");
  CHECK(bench.Text("q") == "new");
  CHECK(bench.cache->Stats(NamespaceId{1}).entries == 1);
}

TEST_CASE("each type has its own time to live, to the millisecond") {
  Bench bench;
  bench.Put("general", "g");
  bench.Put("lookup", "l", "factLookup");
  bench.clock.Advance(3'599'999);
  CHECK(bench.Text("general") == "g");
  bench.clock.Advance(1);
  CHECK(bench.Text("general") == "miss");
  CHECK(bench.Ask("general").value().reason == "the entry has expired");
  CHECK(bench.Text("lookup") == "l");
  bench.clock.Advance(3'600'000);
  CHECK(bench.Text("lookup") == "miss");
}

TEST_CASE("an entry that is too old for the caller is a miss for this caller only") {
  Bench bench;
  bench.Put("q", "a");
  bench.clock.Advance(5000);
  LookupLimits limits;
  limits.max_age_ms = 4999;
  CHECK(!bench.Ask("q", NamespaceId{1}, "", limits).value().found.has_value());
  limits.max_age_ms = 5000;
  CHECK(bench.Ask("q", NamespaceId{1}, "", limits).value().found.has_value());
}

TEST_CASE("the least recently used entry makes room, within its namespace") {
  Bench bench;
  bench.options.entries_max = 3;
  bench.options.eviction = config::EvictionPolicy::kLru;
  bench.Put("other tenant", "stays", "", NamespaceId{2});
  bench.Put("a", "1");
  bench.Put("b", "2");
  bench.Put("c", "3");
  CHECK(bench.Text("a") == "1");  // now b is the oldest
  bench.Put("d", "4");
  CHECK(bench.Text("b") == "miss");
  CHECK(bench.Text("a") == "1");
  CHECK(bench.Text("c") == "3");
  CHECK(bench.Text("d") == "4");
  CHECK(bench.Text("other tenant", NamespaceId{2}) == "stays");
  CHECK(bench.Count("general").evictions == 1);
}

TEST_CASE("a lower bound is reached by the next stores, a bound of one keeps one") {
  Bench bench;
  for (int i = 0; i < 200; ++i) {
    bench.Put("question " + std::to_string(i), "x");
  }
  bench.options.entries_max = 10;
  for (int i = 0; i < 5; ++i) {
    bench.Put("later " + std::to_string(i), "x");
  }
  CHECK(bench.cache->Stats(NamespaceId{1}).entries == 10);
  bench.options.entries_max = 1;
  bench.Put("later 4", "same key again");
  CHECK(bench.cache->Stats(NamespaceId{1}).entries == 1);
  CHECK(bench.Text("later 4") == "same key again");
}

TEST_CASE("counters add up, by type, and what a hit saves is what the answer cost") {
  Bench bench;
  bench.Put("q", "a", "research");
  (void)bench.Text("q");
  (void)bench.Text("Q");
  (void)bench.Text("other");
  const Counters research = bench.Count("research");
  CHECK(research.stores == 1);
  CHECK(research.hits_exact == 1);
  CHECK(research.hits_normalized == 1);
  CHECK(research.tokens_saved_in == 20);
  CHECK(research.tokens_saved_out == 40);
  CHECK(research.cost_saved_nano == 600);
  CHECK(bench.Count("general").misses == 1);
}

TEST_CASE("entries, counters and the order of eviction survive a reload") {
  Bench bench;
  bench.Put("first", "1");
  bench.Put("second", "2", "research");
  (void)bench.Text("second");
  REQUIRE(bench.store
              ->Run([&](storage::Transaction& transaction) -> base::Status {
                CHECK(bench.cache->WriteCounters(transaction));
                return base::Ok{};
              })
              .ok());
  CHECK(!bench.cache->HasUnwrittenCounters());
  bench.Reload();
  CHECK(bench.Text("first") == "1");
  CHECK(bench.Text("SECOND!") == "2");
  CHECK(bench.Count("research").hits_exact == 1);
  bench.Reload();
  bench.options.entries_max = 2;
  bench.Put("third", "3");
  CHECK(bench.Text("first") == "miss");  // the oldest by creation
  CHECK(bench.Text("second") == "2");
}

TEST_CASE("expired entries leave the index without being asked for") {
  Bench bench;
  bench.Put("q", "a");
  bench.clock.Advance(4'000'000);
  bench.cache->SweepExpired(bench.clock.Now(), 100);
  CHECK(bench.cache->Stats(NamespaceId{1}).entries == 0);
}

TEST_CASE("dropping a namespace removes its entries and keeps the others'") {
  Bench bench;
  bench.Put("q", "one", "", NamespaceId{1});
  bench.Put("q", "two", "", NamespaceId{2});
  REQUIRE(bench.store
              ->Run([&](storage::Transaction& transaction) -> base::Status {
                CHECK(bench.cache->Drop(NamespaceId{1}, false, transaction) == 1);
                return base::Ok{};
              })
              .ok());
  CHECK(bench.Text("q", NamespaceId{1}) == "miss");
  CHECK(bench.Text("q", NamespaceId{2}) == "two");
  bench.Reload();
  CHECK(bench.Text("q", NamespaceId{1}) == "miss");
}

TEST_CASE("bad questions and answers are refused and leave nothing") {
  Bench bench;
  bench.options.prompt_bytes_max = 100;
  bench.options.value_bytes_max = 1000;
  CHECK(bench.TryStore("q", "a", "nonsense").error().code == base::Code::kBadRequest);
  CHECK(bench.TryStore("", "a").error().code == base::Code::kBadRequest);
  CHECK(bench.TryStore("\xff", "a").error().code == base::Code::kBadRequest);
  CHECK(bench.TryStore(std::string(100, 'p'), "a").ok());
  CHECK(bench.TryStore(std::string(101, 'p'), "a").error().code == base::Code::kTooLarge);
  CHECK(bench.TryStore("q", std::string(997, 'r')).ok());  // three bytes of header
  CHECK(bench.TryStore("q2", std::string(998, 'r')).error().code == base::Code::kTooLarge);
  CHECK(bench.cache->Stats(NamespaceId{1}).entries == 2);
  CHECK(!bench.Ask("").ok());
}

}  // namespace
}  // namespace reprise::cache
