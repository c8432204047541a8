#include "server/cache/accounts.h"

#include <limits>
#include <random>

#include <catch2/catch.hpp>

#include "server/cache/cache.h"

namespace reprise::cache {
namespace {

using storage::Family;
using storage::NamespaceId;

constexpr NamespaceId kHome{1};

// A store that keeps nothing on disk, whose commits fail when the test says so.
struct Bench {
  Bench() {
    storage::StoreOptions store_options;
    store_options.engine = storage::EngineKind::kMemory;
    store = storage::Store::OpenWithClock(store_options, clock).value();
    options.log_sample_ppm = kAllPpm;
    Reload();
  }
  void Reload() {
    cache = Cache::Load(*store, {kHome, NamespaceId{2}}, clock).value();
    cache->SetLog(options);
  }
  void Put(const std::string& prompt, const Answer& answer, std::string_view type,
           std::string_view bot) const {
    const base::Status done = store->Run([&](storage::Transaction& transaction) -> base::Status {
      RETURN_IF_ERROR(cache->Store({kHome, prompt, "", type, {bot, base::Nanos{0}}}, answer,
                                   options, transaction));
      return base::Ok{};
    });
    REQUIRE(done.ok());
  }
  void Ask(const std::string& prompt, std::string_view type, std::string_view bot,
           const LookupLimits& limits = {}) const {
    const storage::View view(*store, clock.Now(), storage::ReadMode::kDisk);
    REQUIRE(cache->Lookup({kHome, prompt, "", type, {bot, clock.Elapsed()}}, limits, options, view)
                .ok());
  }
  void Write() const {
    REQUIRE(store
                ->Run([this](storage::Transaction& transaction) -> base::Status {
                  cache->WriteCounters(transaction);
                  return base::Ok{};
                })
                .ok());
  }
  std::vector<LoggedDecision> Log(const LogRequest& filter = {}) const {
    std::vector<LoggedDecision> all;
    LogRequest request = filter;
    for (bool more = true; more;) {
      const LogPage page = ReadDecisionLog(*store, kHome, request, clock.Now()).value();
      all.insert(all.end(), page.records.begin(), page.records.end());
      request.after = page.next;
      more = page.more;
    }
    return all;
  }
  Counters Sum(Dimension dimension) const {
    Counters sum;
    const AccountsStats stats = cache->StatsBy(kHome, dimension);
    for (const AccountStats& account : stats.accounts) {
      sum.Add(account.counters);
    }
    CHECK(sum == stats.total);
    return sum;
  }
  Counters Of(Dimension dimension, std::string_view name) const {
    for (const AccountStats& account : cache->StatsBy(kHome, dimension).accounts) {
      if (account.name == name) {
        return account.counters;
      }
    }
    return {};
  }

  base::FakeClock clock;
  config::CacheOptions options;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Cache> cache;
};

Answer AnswerBy(std::string_view model, Worth worth) {
  Answer answer;
  answer.response = "\xa1x";
  answer.model = model;
  answer.worth = worth;
  return answer;
}

// What the records of the log say, in the form of the counters.
Counters SumOf(const std::vector<LoggedDecision>& records) {
  Counters sum;
  for (const LoggedDecision& logged : records) {
    const DecisionRecord& record = logged.record;
    switch (record.kind) {
      case DecisionKind::kHit:
      case DecisionKind::kStale:
        ++(record.tier == Tier::kExact ? sum.hits_exact : sum.hits_normalized);
        sum.stale += record.kind == DecisionKind::kStale ? 1 : 0;
        break;
      case DecisionKind::kMiss:
        ++sum.misses;
        break;
      case DecisionKind::kBypass:
        ++sum.bypasses;
        break;
      case DecisionKind::kRefused:
        ++sum.refused_fills;
        break;
    }
    sum.followers += record.reason == Reason::kWaited ? 1 : 0;
    sum.misses_expired += record.reason == Reason::kExpired ? 1 : 0;
    sum.misses_too_old += record.reason == Reason::kTooOld ? 1 : 0;
    sum.misses_by_policy += record.reason == Reason::kPolicy ? 1 : 0;
    sum.misses_invalidated += record.reason == Reason::kInvalidated ? 1 : 0;
    sum.tokens_saved_in += record.worth.tokens_in;
    sum.tokens_saved_out += record.worth.tokens_out;
    sum.cost_saved_nano += record.worth.cost_nano;
  }
  return sum;
}

// The figures that decisions make; the others are about entries, ages and times.
Counters DecisionsIn(Counters counters) {
  counters.stores = 0;
  counters.evictions = 0;
  for (const CounterField& row : kCounterFields) {
    if (row.kind != CounterKind::kFigure || row.name == "hit_age_ms" ||
        row.name == "lookup_micros" || row.name == "follower_wait_ms") {
      counters.*row.field = 0;
    }
  }
  return counters;
}

void CheckBalanced(const Bench& bench) {
  const Counters types = bench.Sum(Dimension::kType);
  CHECK(types == bench.Sum(Dimension::kModel));
  CHECK(types == bench.Sum(Dimension::kBot));
}

// A seeded walk: stores, lookups that hit and miss for each reason, followers, bypasses, refusals.
void Walk(Bench& bench, std::uint32_t seed, int steps) {
  constexpr std::array<std::string_view, 5> kTypes{"general", "research", "factLookup", "live", ""};
  constexpr std::array<std::string_view, 3> kModels{"m-large", "m-small", ""};
  constexpr std::array<std::string_view, 4> kBots{"helpdesk", "coder", "writer", "unnamed"};
  std::mt19937 random(seed);
  bench.options.entries_max = 20;
  bench.options.types[1].stale_ms = 5'000;
  for (int i = 0; i < steps; ++i) {
    const std::string prompt = "question " + std::to_string(random() % 40);
    const std::string_view type = kTypes[random() % kTypes.size()];
    const std::string_view model = kModels[random() % kModels.size()];
    const std::string_view bot = kBots[random() % kBots.size()];
    const Worth worth{static_cast<std::uint32_t>(random() % 1000),
                      static_cast<std::uint32_t>(random() % 1000), random()};
    bench.clock.Advance(static_cast<std::int64_t>(random() % 1'000));
    switch (random() % 12) {
      case 0:
      case 1: {
        Answer answer = AnswerBy(model, worth);
        answer.ttl_ms = 1 + static_cast<std::int64_t>(random() % 20'000);
        bench.Put(prompt, answer, type, bot);
        break;
      }
      case 2: {
        Found stale;
        stale.type = "research";
        stale.body.model = model;
        stale.worth = worth;
        stale.created_at = bench.clock.Now();
        bench.cache->CountStale(kHome, stale, {bot, bench.clock.Elapsed()});
        bench.cache->CountRenewal(kHome, stale, {bot, bench.clock.Elapsed()});
        Filled filled;
        filled.id = 7;
        filled.type = type.empty() ? "general" : type;
        filled.model = model;
        filled.worth = worth;
        filled.created_at = bench.clock.Now();
        bench.cache->CountFollower(kHome, filled, Tier::kNormalized, {bot, bench.clock.Elapsed()});
        break;
      }
      case 3:
        bench.cache->CountBypass({kHome, prompt, "", type, {bot, base::Nanos{0}}}, bench.options);
        break;
      case 4:
        bench.cache->CountRefusedFill(kHome, type, Reason::kNoAnswer, {bot, base::Nanos{0}});
        break;
      case 5: {
        LookupLimits limits;
        limits.max_age_ms = static_cast<std::int64_t>(random() % 2'000);
        bench.Ask(prompt, type, bot, limits);
        break;
      }
      case 6:
        bench.Ask("  QUESTION " + std::to_string(random() % 40), type, bot);
        break;
      case 7:
        bench.Write();
        break;
      default:
        bench.Ask(prompt, type, bot);
    }
  }
}

TEST_CASE("sums over types, models and bots are equal, and equal to the records") {
  Bench bench;
  Walk(bench, 1, 3'000);
  bench.Write();
  CheckBalanced(bench);
  const Counters total = bench.Sum(Dimension::kType);
  for (const auto field :
       {&Counters::hits_exact, &Counters::hits_normalized, &Counters::misses_expired,
        &Counters::misses_too_old, &Counters::misses_by_policy, &Counters::stale,
        &Counters::followers, &Counters::bypasses, &Counters::refused_fills, &Counters::evictions,
        &Counters::cost_saved_nano}) {
    CHECK(total.*field > 0);  // The walk has been everywhere.
  }
  CHECK(SumOf(bench.Log()) == DecisionsIn(total));
  for (const std::string_view bot : {"helpdesk", "coder", "writer", "unnamed"}) {
    LogRequest only;
    only.bot = bot;
    only.limit = 7;
    CHECK(SumOf(bench.Log(only)) == DecisionsIn(bench.Of(Dimension::kBot, bot)));
  }
  for (const std::string_view type : {"general", "research", "factLookup", "live", "(none)"}) {
    LogRequest only;
    only.type = type;
    CHECK(SumOf(bench.Log(only)) == DecisionsIn(bench.Of(Dimension::kType, type)));
  }
}

TEST_CASE("after a restart the counters are what was written, and so are the records") {
  Bench bench;
  Walk(bench, 2, 500);
  bench.Write();
  const Counters written = bench.Sum(Dimension::kType);
  const std::size_t records = bench.Log().size();
  Walk(bench, 3, 5);  // Lost with the process, if it did not write meanwhile.
  bench.Reload();
  CheckBalanced(bench);
  CHECK(SumOf(bench.Log()) == DecisionsIn(bench.Sum(Dimension::kBot)));
  CHECK(bench.Log().size() >= records);
  CHECK(bench.Sum(Dimension::kBot).misses >= written.misses);

  Walk(bench, 4, 200);  // Positions go on where they were.
  bench.Write();
  const auto log = bench.Log();
  CHECK(SumOf(log) == DecisionsIn(bench.Sum(Dimension::kModel)));
  for (std::size_t i = 0; i < log.size(); ++i) {
    CHECK(log[i].position == i + 1);
    CHECK((i == 0 || log[i].record.time >= log[i - 1].record.time));
  }
}

TEST_CASE("what could not be written is written later, once and in order") {
  LogShare share;
  share.Set(kAllPpm, 1'000);
  Accounts accounts(share, 1);
  const AccountNumber type = accounts.types().NumberOf("general");
  const AccountNumber model = accounts.models().NumberOf("m");
  const auto hit = [&](std::uint64_t entry) {
    Decision decision;
    decision.kind = DecisionKind::kHit;
    decision.reason = Reason::kStored;
    decision.tier = Tier::kExact;
    decision.entry = entry;
    decision.worth = {1, 2, entry};
    accounts.Count(type, model, decision);
  };
  hit(1);
  Accounts::Unwritten first = accounts.Take();
  CHECK_FALSE(accounts.dirty());
  hit(2);
  Accounts::Unwritten second = accounts.Take();
  CHECK(second.log.first == 2);
  hit(3);
  CHECK(accounts.Log().pending == 3);
  accounts.PutBack(std::move(second));
  accounts.PutBack(std::move(first));
  CHECK(accounts.dirty());
  CHECK(accounts.Log().pending == 3);

  const Accounts::Unwritten all = accounts.Take();
  CHECK(all.log.first == 1);
  REQUIRE(all.log.records.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(all.log.records[i].entry == i + 1);
  }
  for (const auto& changed : all.changed) {
    REQUIRE(changed.size() == 1);
    CHECK(changed[0].counters.cost_saved_nano == 6);
  }
  accounts.Written(all);
  CHECK(accounts.Log().pending == 0);
  CHECK(accounts.Log().totals.recorded == 3);
  CHECK(share.pending() == 0);
}

TEST_CASE("a namespace that is forgotten while its records are written keeps nothing") {
  LogShare share;
  share.Set(kAllPpm, 1'000);
  Accounts accounts(share, 1);
  accounts.Count(accounts.types().NumberOf("t"), accounts.models().NumberOf(""), Decision());
  Accounts::Unwritten taken = accounts.Take();
  accounts.Count(0, 0, Decision());
  accounts.Forget();
  accounts.PutBack(std::move(taken));
  CHECK_FALSE(accounts.dirty());
  CHECK(accounts.Log().pending == 0);
  CHECK(share.pending() == 0);
  CHECK(accounts.in(Dimension::kType).Sum() == Counters());
}

TEST_CASE("accounts beyond the limit are one, and the sums stay equal") {
  Bench bench;
  for (std::size_t i = 0; i < kBotAccounts + 10; ++i) {
    bench.Ask("q", "", "bot-" + std::to_string(i));
  }
  for (std::size_t i = 0; i < kModelAccounts + 10; ++i) {
    bench.Put("q" + std::to_string(i), AnswerBy("model-" + std::to_string(i), {1, 1, 1}), "", "b");
  }
  CHECK(bench.cache->StatsBy(kHome, Dimension::kBot).accounts.size() == kBotAccounts);
  CHECK(bench.cache->StatsBy(kHome, Dimension::kModel).accounts.size() == kModelAccounts);
  CHECK(bench.Of(Dimension::kBot, kOtherAccount).misses == 11);
  CHECK(bench.Of(Dimension::kBot, "bot-0").misses == 1);
  bench.Ask("q" + std::to_string(kModelAccounts + 9), "", "bot-0");  // A hit of "(other)".
  CHECK(bench.Of(Dimension::kModel, kOtherAccount).hits_exact == 1);
  CheckBalanced(bench);
  bench.Write();
  bench.Reload();
  CheckBalanced(bench);
  CHECK(bench.Of(Dimension::kBot, kOtherAccount).misses == 11);
}

TEST_CASE("counters of a version that knew only types are carried over") {
  Bench bench;
  Counters old;
  old.hits_exact = 5;
  old.misses = 7;
  old.cost_saved_nano = 900;
  REQUIRE(bench.store
              ->Run([&](storage::Transaction& transaction) -> base::Status {
                // Nine fields, as FORMAT.md has them for the first version.
                transaction.Put(Family::kMeta, CountersPrefix(kHome) + "research",
                                std::string("\x99\x05\x00\x07\x00\x00\x00\x00\xcd\x03\x84\x00", 12),
                                storage::kNever);
                return base::Ok{};
              })
              .ok());
  bench.Reload();
  CHECK(bench.Of(Dimension::kType, "research") == old);
  CHECK(bench.Of(Dimension::kModel, kUnknownModel) == old);
  CHECK(bench.Of(Dimension::kBot, kUnnamedBot) == old);
  CHECK(bench.Of(Dimension::kType, "research").misses_unknown() == 7);
  bench.Write();
  bench.Reload();
  CheckBalanced(bench);
}

TEST_CASE("a store whose commit fails is not counted") {
  Bench bench;
  const auto failed = bench.store->Run([&](storage::Transaction& transaction) -> base::Status {
    struct Failing final : storage::Transaction {
      explicit Failing(storage::Transaction& inner) : real(inner) {}
      base::UnixMillis now() const override { return real.now(); }
      base::Result<std::optional<storage::BlobRef>> Get(Family family,
                                                        std::string_view key) override {
        return real.Get(family, key);
      }
      void Put(Family, std::string_view, std::string_view, base::UnixMillis) override {}
      void Delete(Family, std::string_view) override {}
      void DeletePrefix(Family, std::string_view) override {}
      void RequireSync() override {}
      std::uint64_t commit() const override { return real.commit(); }
      void OnAbort(std::function<void()> undo) override { undos.push_back(std::move(undo)); }
      void OnCommit(std::function<void()>) override {}
      storage::Transaction& real;
      std::vector<std::function<void()>> undos;
    } failing(transaction);
    REQUIRE(bench.cache
                ->Store({kHome, "q", "", "", {"coder", base::Nanos{0}}}, AnswerBy("m", {1, 2, 3}),
                        bench.options, failing)
                .ok());
    CHECK(bench.Of(Dimension::kBot, "coder").stores == 1);
    bench.cache->WriteCounters(failing);
    for (auto undo = failing.undos.rbegin(); undo != failing.undos.rend(); ++undo) {
      (*undo)();
    }
    return base::Ok{};
  });
  REQUIRE(failed.ok());
  CHECK(bench.Of(Dimension::kBot, "coder").stores == 0);
  CHECK(bench.cache->HasUnwrittenCounters());
  CheckBalanced(bench);
}

TEST_CASE("ages and times are sums and buckets") {
  LogShare share;
  Accounts accounts(share, 1);
  Decision decision;
  decision.kind = DecisionKind::kHit;
  decision.reason = Reason::kStored;
  decision.tier = Tier::kExact;
  for (const std::int64_t age : {0, 59'999, 60'000, 3'599'999, 3'600'000, 86'400'000}) {
    decision.age_ms = age;
    accounts.Count(accounts.types().NumberOf("t"), accounts.models().NumberOf("m"), decision);
  }
  decision.age_ms = 0;
  for (const std::int64_t micros : {9, 10, 99, 100, 1'000, 99'999, 100'000}) {
    decision.micros = micros;
    accounts.Count(0, 0, decision);
  }
  const Counters sum = accounts.in(Dimension::kBot).Sum();
  CHECK(sum.hits_under_minute_old == 2 + 7);
  CHECK(sum.hits_under_hour_old == 2);
  CHECK(sum.hits_under_day_old == 1);
  CHECK(sum.hits_older == 1);
  CHECK(sum.hit_age_ms == 59'999 + 60'000 + 3'599'999 + 3'600'000 + 86'400'000);
  CHECK(sum.lookups_under_10_micros == 1);
  CHECK(sum.lookups_under_100_micros == 2);
  CHECK(sum.lookups_under_1_ms == 1);
  CHECK(sum.lookups_under_10_ms == 1);
  CHECK(sum.lookups_under_100_ms == 1);
  CHECK(sum.lookups_longer == 1);
  CHECK(sum.lookup_micros == 9 + 10 + 99 + 100 + 1'000 + 99'999 + 100'000);
}

TEST_CASE("a total that is full stays at the highest number, in each dimension") {
  constexpr std::uint64_t kFull = std::numeric_limits<std::uint64_t>::max();
  LogShare share;
  Accounts accounts(share, 1);
  Counters before;
  before.cost_saved_nano = kFull - 10;
  before.tokens_saved_in = kFull - 1;
  before.shadow_cost_nano = kFull;
  for (const Dimension dimension : kDimensions) {
    accounts.Load(dimension, "a", before);
  }
  Decision decision;
  decision.kind = DecisionKind::kHit;
  decision.tier = Tier::kExact;
  decision.bot = "a";
  decision.worth.tokens_in = 1;
  decision.worth.cost_nano = 9;
  decision.shadow = Worth{.tokens_in = 0, .tokens_out = 0, .cost_nano = 1};
  const auto count_and_sum = [&](Dimension dimension) {
    accounts.Count(accounts.types().NumberOf("a"), accounts.models().NumberOf("a"), decision);
    return accounts.in(dimension).Sum();
  };
  CHECK(count_and_sum(Dimension::kType).cost_saved_nano == kFull - 1);
  decision.worth.cost_nano = 1;
  CHECK(count_and_sum(Dimension::kModel).cost_saved_nano == kFull);
  CHECK(count_and_sum(Dimension::kBot).cost_saved_nano == kFull);
  const Counters sum = accounts.in(Dimension::kBot).Sum();
  CHECK(sum.tokens_saved_in == kFull);
  CHECK(sum.shadow_cost_nano == kFull);
  accounts.Load(Dimension::kBot, "b", before);
  CHECK(accounts.in(Dimension::kBot).Sum().cost_saved_nano == kFull);
  accounts.Balance();
  CHECK(accounts.in(Dimension::kType).Sum().cost_saved_nano == kFull);
}

TEST_CASE("FLUSH keeps counters and records, removing the namespace does not") {
  Bench bench;
  Walk(bench, 5, 200);
  bench.Write();
  const auto drop = [&](bool forget) {
    REQUIRE(bench.store
                ->Run([&](storage::Transaction& transaction) -> base::Status {
                  bench.cache->Drop(kHome, forget, transaction);
                  return base::Ok{};
                })
                .ok());
  };
  const Counters before = bench.Sum(Dimension::kType);
  drop(false);
  CHECK(bench.Sum(Dimension::kType) == before);
  CHECK(SumOf(bench.Log()) == DecisionsIn(before));
  drop(true);
  CHECK(bench.Log().empty());
  bench.Reload();
  CHECK(bench.cache->StatsBy(kHome, Dimension::kBot).accounts.empty());
  CHECK(bench.cache->StatsBy(kHome, Dimension::kBot).log.totals == LogTotals());
}

}  // namespace
}  // namespace reprise::cache
