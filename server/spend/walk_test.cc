// L1: sixteen workers reserve, commit, release, record and let leases end, at random, while the
// clock moves and the directory is opened again; then the books must be right to the nano-dollar.
//
// REPRISE_LEDGER_OPERATIONS=1000000 makes it large, and puts it on a disk. The same with kill -9
// and over the wire: tests/fault/ledger_test.py.
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include <catch2/catch.hpp>

#include "server/spend/spend.h"
#include "storage/engine/test_support.h"

namespace reprise::spend {
namespace {

constexpr int kWorkers = 16;
constexpr std::uint64_t kSeed = 20'261'130;
constexpr int kLives = 4;  // times that the directory is opened
constexpr std::array<NamespaceId, 2> kTenants{storage::kDefaultNamespace, NamespaceId{2}};

// What a worker remembers of a reservation.
struct Mine {
  NamespaceId home{};
  std::uint64_t id = 0;
  std::int64_t amount = 0;
  bool is_strict = false;  // is never committed late, nor above what was reserved
  base::UnixMillis expires_at{0};
};

// What must be in the ledger: by charge id, of everything that was acknowledged.
class Truth {
 public:
  void Charge(NamespaceId home, const std::string& charge_id, std::int64_t nano) {
    const std::lock_guard lock(mutex_);
    charges_[std::to_string(static_cast<std::uint32_t>(home)) + "/" + charge_id] = nano;
  }
  const std::unordered_map<std::string, std::int64_t>& charges() const { return charges_; }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::int64_t> charges_;
};

struct Figures {
  std::atomic<std::int64_t> operations{0};
  std::atomic<std::int64_t> granted{0};
  std::atomic<std::int64_t> refused{0};
  std::atomic<std::int64_t> late{0};
  std::atomic<std::int64_t> over{0};       // grants and strict charges beyond a hard limit
  std::atomic<std::int64_t> disagreed{0};  // replies that contradict what the worker knows
};

struct World {
  storage::MovableClock& clock;
  storage::Store& store;
  Spend& spend;
  Truth& truth;
  Figures& figures;
};

class Worker {
 public:
  Worker(int number, std::uint64_t seed) : number_(number), random_(seed) {}

  void Work(World& world, int operations) {
    for (int i = 0; i < operations; ++i) {
      Step(world);
      world.figures.operations.fetch_add(1, std::memory_order_relaxed);
    }
  }

 private:
  std::int64_t Below(std::int64_t bound) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(bound));
  }

  void Step(World& world) {
    const std::int64_t dice = Below(100);
    if (dice < 2 && number_ == 0) {
      MoveClock(world);
    } else if (dice < 45 || mine_.empty()) {
      Reserve(world);
    } else if (dice < 80) {
      Commit(world);
    } else if (dice < 88) {
      Release(world);
    } else if (dice < 92) {
      (void)TakeMine();  // its lease will end
    } else {
      Record(world);
    }
  }

  void MoveClock(World& world) {
    const std::int64_t kind = Below(40);
    world.clock.Advance(kind == 0  ? Below(40 * 86'400'000LL)
                        : kind < 8 ? Below(2 * 86'400'000LL)
                                   : (kind < 20 ? Below(7'200'000) : Below(2'000)));
    world.spend.Tick(world.clock.Now());
  }

  Mine TakeMine() {
    const auto place = static_cast<std::size_t>(Below(static_cast<std::int64_t>(mine_.size())));
    std::swap(mine_[place], mine_.back());
    const Mine taken = mine_.back();
    mine_.pop_back();
    return taken;
  }

  // Strict calls have their own bots, so that their budgets see nothing else.
  CallScopes Scopes(bool is_strict) {
    CallScopes scopes;
    scopes.bot = (is_strict ? "strict-" : "bot-") + std::to_string(Below(4));
    scopes.model = "m-" + std::to_string(Below(3));
    scopes.type = "t-" + std::to_string(Below(3));
    scopes.keys = {"k-" + std::to_string(Below(20))};
    return scopes;
  }

  static void CheckHard(World& world, NamespaceId home, const CallScopes& scopes,
                        const storage::Transaction& transaction, bool only_spent) {
    for (const Budget& budget :
         world.spend.budgets().List(home, &scopes, true, transaction.now())) {
      const bool counts =
          budget.terms.is_hard && (!only_spent || budget.terms.scope.name.starts_with("strict-"));
      const std::int64_t held = only_spent ? budget.balance.spent_nano : budget.held_nano();
      if (counts && held > budget.terms.limit_nano) {
        world.figures.over.fetch_add(1);
      }
    }
  }

  void Reserve(World& world) {
    Mine mine;
    mine.home = kTenants[static_cast<std::size_t>(Below(2))];
    mine.is_strict = Below(2) == 0;
    mine.amount = Below(1'000'000);
    const CallScopes scopes = Scopes(mine.is_strict);
    const std::int64_t lease_ms = mine.is_strict ? 86'400'000 : 100 + Below(5'000);
    Reserved reserved;
    const base::Status done =
        world.store.Run([&](storage::Transaction& transaction) -> base::Status {
          ASSIGN_OR_RETURN(reserved,
                           world.spend.budgets().Reserve(
                               {mine.home, scopes, mine.amount, lease_ms, {}, {}}, transaction));
          if (reserved.granted()) {
            CheckHard(world, mine.home, scopes, transaction, false);
          }
          return base::Ok{};
        });
    if (!done.ok()) {
      world.figures.disagreed.fetch_add(1);
    } else if (reserved.granted()) {
      mine.id = reserved.reservation;
      mine.expires_at = reserved.expires_at;
      mine_.push_back(mine);
      world.figures.granted.fetch_add(1);
    } else {
      world.figures.refused.fetch_add(1);
    }
  }

  base::Result<Settled> Send(World& world, const CommitAsk& ask) {
    base::Result<Settled> settled = Settled();
    const base::Status done =
        world.store.Run([&](storage::Transaction& transaction) -> base::Status {
          settled = world.spend.Commit(ask, transaction);
          if (!settled.ok()) {
            return settled.error();
          }
          CallScopes strict;
          strict.bot = "strict-0";
          for (int i = 0; i < 4; ++i) {
            strict.bot.back() = static_cast<char>('0' + i);
            CheckHard(world, ask.id, strict, transaction, true);
          }
          return base::Ok{};
        });
    (void)done.ok();
    return settled;
  }

  // The clock went so far meanwhile that the ids of charges of then are not known any more.
  static bool IsForgotten(const World& world, base::UnixMillis began) {
    return world.clock.Now() - began >= kChargeIdKeepMs;
  }

  void Commit(World& world) {
    const Mine mine = TakeMine();
    if (mine.is_strict && mine.expires_at < world.clock.Now() + 60'000) {
      return;
    }
    const bool is_above = !mine.is_strict && Below(10) == 0;
    const std::int64_t nano = is_above ? mine.amount + Below(1'000) : Below(mine.amount + 1);
    const base::UnixMillis began = world.clock.Now();
    CommitAsk ask{mine.home, mine.id, {nano, {}, {}, {}}, "", ""};
    if (Below(2) == 0) {
      ask.charge_id = "c-" + std::to_string(number_) + "-" + std::to_string(++charges_);
    }
    const auto first = Send(world, ask);
    const bool may_be_gone = world.clock.Now() >= mine.expires_at + kLateKeepMs;
    if (!first.ok()) {
      world.figures.disagreed.fetch_add(may_be_gone ? 0 : 1);
      return;
    }
    world.truth.Charge(
        mine.home, ask.charge_id.empty() ? '\0' + std::to_string(mine.id) : ask.charge_id, nano);
    world.figures.late.fetch_add(first.value().is_late ? 1 : 0);
    // The reply was lost, so it is sent again, or the same id is used for something else.
    for (std::int64_t again = Below(3); again > 0; --again) {
      const auto second = Send(world, ask);
      const bool is_same = second.ok() && second.value().is_duplicate &&
                           second.value().sequence == first.value().sequence;
      world.figures.disagreed.fetch_add(is_same || IsForgotten(world, began) ? 0 : 1);
    }
    if (Below(10) == 0) {
      ask.cost.nano = nano + 1;
      const bool is_refused = !Send(world, ask).ok();
      world.figures.disagreed.fetch_add(is_refused || IsForgotten(world, began) ? 0 : 1);
    }
  }

  void Release(World& world) {
    const Mine mine = TakeMine();
    std::int64_t freed = -1;
    const base::Status done =
        world.store.Run([&](storage::Transaction& transaction) -> base::Status {
          ASSIGN_OR_RETURN(freed, world.spend.budgets().Release(mine.home, mine.id, transaction));
          return base::Ok{};
        });
    const bool may_be_gone = world.clock.Now() >= mine.expires_at + kLateKeepMs;
    const bool is_right = done.ok() ? freed == mine.amount || freed == 0 : may_be_gone;
    world.figures.disagreed.fetch_add(is_right ? 0 : 1);
  }

  void Record(World& world) {
    const bool is_saving = Below(3) == 0;
    RecordAsk ask;
    ask.id = kTenants[static_cast<std::size_t>(Below(2))];
    ask.scopes = Scopes(false);
    ask.cost.nano = Below(10'000);
    ask.charge_id = "r-" + std::to_string(number_) + "-" + std::to_string(++charges_);
    ask.strategy = is_saving ? kStrategies[static_cast<std::size_t>(Below(9))] : "";
    for (std::int64_t times = 1 + Below(2); times > 0; --times) {
      const base::Status done =
          world.store.Run([&](storage::Transaction& transaction) -> base::Status {
            RETURN_IF_ERROR(world.spend.Record(ask, transaction));
            return base::Ok{};
          });
      world.figures.disagreed.fetch_add(done.ok() ? 0 : 1);
    }
    world.truth.Charge(ask.id, ask.charge_id, *ask.cost.nano);
  }

  const int number_;
  std::mt19937_64 random_;
  std::vector<Mine> mine_;
  std::uint64_t charges_ = 0;
};

// `share`: so small a part of the limits that a short run meets them as well.
void SetBudgets(storage::Store& store, Spend& spend, std::int64_t share) {
  const auto set = [&](NamespaceId home, const char* scope, PeriodTerms period, std::int64_t limit,
                       bool is_hard) {
    REQUIRE(store
                .Run([&](storage::Transaction& transaction) -> base::Status {
                  RETURN_IF_ERROR(spend.budgets().Set(
                      home, {ParseScope(scope).value(), std::move(period), limit / share, is_hard},
                      transaction));
                  return base::Ok{};
                })
                .ok());
  };
  for (const NamespaceId home : kTenants) {
    for (int i = 0; i < 4; ++i) {
      const std::string number = std::to_string(i);
      set(home, ("bot:bot-" + number).c_str(), {PeriodKind::kDay, 0, "Europe/Berlin"}, 90'000'000,
          true);
      set(home, ("bot:strict-" + number).c_str(), {PeriodKind::kDay}, 60'000'000, true);
      set(home, ("bot:strict-" + number).c_str(), {PeriodKind::kRolling, 3'600'000}, 50'000'000,
          true);
    }
    set(home, "model:m-0", {PeriodKind::kHour, 0, "+05:30"}, 80'000'000, true);
    set(home, "type:t-1", {PeriodKind::kRolling, 60'000}, 70'000'000, true);
    set(home, "key:k-7", {PeriodKind::kTotal}, 900'000'000, true);
    set(home, "namespace", {PeriodKind::kDay}, 10'000'000, false);
  }
  set(kServerWide, "global", {PeriodKind::kMonth}, 2'000'000'000, true);
}

// What the ledger says, against what was acknowledged.
struct Compared {
  std::int64_t diff_nano = 0;
  std::int64_t doubled = 0;
  std::int64_t missing = 0;
};
Compared Compare(const storage::Store& store, const Truth& truth) {
  Compared compared;
  std::unordered_map<std::string, base::UnixMillis> seen;
  for (const NamespaceId home : kTenants) {
    const std::string prefix = RowPrefix(home, RowKind::kRecord);
    REQUIRE(store
                .Scan({.family = storage::Family::kLedger, .prefix = prefix, .after = ""},
                      storage::kNever,
                      [&](const storage::ScanRow& row) {
                        const LedgerRecord record =
                            ParseRecord(NumberOf(row.key), row.value).value().record;
                        const std::string id = std::to_string(static_cast<std::uint32_t>(home)) +
                                               "/" + record.charge_id;
                        const auto before = seen.find(id);
                        compared.doubled +=
                            before != seen.end() && record.time - before->second < kChargeIdKeepMs
                                ? 1
                                : 0;
                        seen[id] = record.time;
                        const auto known = truth.charges().find(id);
                        compared.diff_nano += known == truth.charges().end()
                                                  ? record.cost_nano + 1
                                                  : std::abs(record.cost_nano - known->second);
                        return true;
                      })
                .ok());
  }
  for (const auto& [id, nano] : truth.charges()) {
    compared.missing += seen.contains(id) ? 0 : 1;
  }
  return compared;
}

// The walk over several lives of one directory.
class Walk {
 public:
  Walk(int operations, bool is_large) : operations_(operations), is_large_(is_large) {
    options_ = storage::SmallOptions(storage::EngineKind::kRocksDb, folder_ / "data");
    if (is_large) {
      options_.memtable_bytes = 64 * base::kMiB;
      options_.hot_table_bytes = 64 * base::kMiB;
      options_.sweep_rows_per_second = 100'000;
    }
    workers_.reserve(kWorkers);
    for (int i = 0; i < kWorkers; ++i) {
      workers_.emplace_back(i, kSeed + static_cast<std::uint64_t>(i));
    }
  }

  void Live(bool is_first) {
    Open();
    if (is_first) {
      SetBudgets(*store_, *spend_, is_large_ ? 1 : 10);
    }
    World world{clock_, *store_, *spend_, truth, figures};
    std::vector<std::thread> threads;
    threads.reserve(kWorkers);
    for (Worker& worker : workers_) {
      threads.emplace_back([&] { worker.Work(world, operations_ / kWorkers / kLives); });
    }
    if (is_large_) {
      Audit();  // while work goes on
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    Audit();
    Close();
  }

  // Once all leases are over: what is still held.
  std::uint64_t Leaked() {
    clock_.Advance(2 * 86'400'000LL);
    Open();
    std::uint64_t leaked = spend_->budgets().Stats().reservations;
    for (const NamespaceId home : kTenants) {
      for (const Budget& budget : spend_->budgets().List(home, nullptr, true, clock_.Now())) {
        leaked += budget.reserved_nano != 0 ? 1 : 0;
      }
    }
    Audit();
    return leaked;
  }

  const storage::Store& store() const { return *store_; }

  Truth truth;
  Figures figures;
  std::uint64_t problems = 0;
  std::uint64_t records = 0;

 private:
  void Open() {
    store_ = storage::MustOpen(options_, clock_);
    spend_ = Spend::Load(*store_, {kTenants.begin(), kTenants.end()}, clock_.Now()).value();
  }
  void Close() {
    spend_.reset();
    store_.reset();
  }
  void Audit() {
    const AuditReport report = spend_->Audit().value();
    for (const std::string& problem : report.problems) {
      UNSCOPED_INFO(problem);
    }
    problems += report.problem_count;
    records = report.records;
  }

  const int operations_;
  const bool is_large_;
  storage::MovableClock clock_;
  const storage::TempDir folder_;
  storage::StoreOptions options_;
  std::vector<Worker> workers_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<Spend> spend_;
};

TEST_CASE("random calls of sixteen workers leave books that are right to the nano-dollar") {
  const char* asked = std::getenv("REPRISE_LEDGER_OPERATIONS");
  const auto operations =
      static_cast<int>(asked == nullptr ? 4'000 : std::strtol(asked, nullptr, 10));
  INFO("seed " << kSeed);
  Walk walk(operations, asked != nullptr);
  for (int life = 0; life < kLives; ++life) {
    walk.Live(life == 0);
  }
  const std::uint64_t leaked = walk.Leaked();
  const Compared compared = Compare(walk.store(), walk.truth);
  const Figures& figures = walk.figures;
  std::printf(
      "ledger ops=%lld diff=%lld double=%lld leaked=%llu over=%lld missing=%lld problems=%llu "
      "disagreed=%lld records=%llu granted=%lld refused=%lld late=%lld seed=%llu\n",
      static_cast<long long>(figures.operations), static_cast<long long>(compared.diff_nano),
      static_cast<long long>(compared.doubled), static_cast<unsigned long long>(leaked),
      static_cast<long long>(figures.over), static_cast<long long>(compared.missing),
      static_cast<unsigned long long>(walk.problems), static_cast<long long>(figures.disagreed),
      static_cast<unsigned long long>(walk.records), static_cast<long long>(figures.granted),
      static_cast<long long>(figures.refused), static_cast<long long>(figures.late),
      static_cast<unsigned long long>(kSeed));
  CHECK(compared.diff_nano == 0);
  CHECK(compared.doubled == 0);
  CHECK(compared.missing == 0);
  CHECK(leaked == 0);
  CHECK(figures.over == 0);
  CHECK(figures.disagreed == 0);
  CHECK(walk.problems == 0);
  CHECK(figures.granted > 0);
  CHECK(figures.refused > 0);
  CHECK(figures.late > 0);
}

}  // namespace
}  // namespace reprise::spend
