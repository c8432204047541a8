// The Store as its users see it, on both engines.
#include "storage/engine/store.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include <catch2/catch.hpp>

#include "storage/engine/test_support.h"

namespace reprise::storage {
namespace {

constexpr EngineKind kEngines[] = {EngineKind::kRocksDb, EngineKind::kMemory};

// Stops the writer inside a transaction until it is let go.
class Roadblock {
 public:
  void Put(Store& store) {
    auto mutations = One(
        [this](Transaction& /*transaction*/) -> base::Status {
          std::unique_lock lock(mutex_);
          reached_ = true;
          wake_.notify_all();
          wake_.wait(lock, [this] { return open_; });
          return base::Ok{};
        },
        [](const base::Status&) {});
    REQUIRE(store.Submit(mutations));
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return reached_; });
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    wake_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool reached_ = false;
  bool open_ = false;
};

base::Status Increment(Transaction& transaction) {
  auto row = transaction.Get(Family::kKeys, "n");
  const int old = row.value().has_value() ? std::stoi(std::string(row.value()->value())) : 0;
  transaction.Put(Family::kKeys, "n", std::to_string(old + 1), kNever);
  return base::Ok{};
}

}  // namespace

TEST_CASE("what was written is read, replaced, deleted, family by family") {
  for (const EngineKind engine : kEngines) {
    const TempDir dir;
    const MovableClock clock;
    const auto store = MustOpen(SmallOptions(engine, dir.path()), clock);
    MustPut(*store, "a", "1");
    CHECK(ValueOf(*store, "a", clock.Now()) == "1");
    CHECK(ValueOf(*store, "a", clock.Now(), Family::kLedger) == "(absent)");
    MustPut(*store, "a", "2");
    CHECK(ValueOf(*store, "a", clock.Now()) == "2");
    REQUIRE(store
                ->Run([](Transaction& transaction) -> base::Status {
                  transaction.Delete(Family::kKeys, "a");
                  return base::Ok{};
                })
                .ok());
    CHECK(ValueOf(*store, "a", clock.Now()) == "(absent)");
    CHECK(store->committed() == 3);
    CHECK(store->Writable().ok());
  }
}

TEST_CASE("an expired row is absent for reads, scans and transactions at once") {
  for (const EngineKind engine : kEngines) {
    const TempDir dir;
    const MovableClock clock;
    const auto store = MustOpen(SmallOptions(engine, dir.path()), clock);
    const base::UnixMillis expiry = clock.Now() + 1000;
    MustPut(*store, "a", "1", expiry);
    MustPut(*store, "b", "2");
    for (const ReadMode mode : {ReadMode::kMemory, ReadMode::kDisk}) {
      CHECK(ValueOf(*store, "a", expiry + -1, Family::kKeys, mode) == "1");
      CHECK(ValueOf(*store, "a", expiry, Family::kKeys, mode) == "(absent)");
      CHECK(ValueOf(*store, "a", expiry + 1, Family::kKeys, mode) == "(absent)");
    }
    const ScanRequest all{Family::kKeys, {}, {}};
    CHECK(KeysOf(*store, all, expiry + -1) == std::vector<std::string>{"a", "b"});
    CHECK(KeysOf(*store, all, expiry) == std::vector<std::string>{"b"});
    const ScanRequest expired_too{Family::kKeys, {}, {}, true};
    CHECK(KeysOf(*store, expired_too, expiry) == std::vector<std::string>{"a", "b"});
  }
}

TEST_CASE("a scan goes on behind a key, inside its prefix, until told to stop") {
  for (const EngineKind engine : kEngines) {
    const TempDir dir;
    const MovableClock clock;
    const auto store = MustOpen(SmallOptions(engine, dir.path()), clock);
    const std::string high = "p\xFF\xFF";
    for (const std::string& key : {std::string("o"), std::string("p"), std::string("pa"),
                                   std::string("pb"), high, std::string("q")}) {
      MustPut(*store, key, "v");
    }
    const base::UnixMillis now = clock.Now();
    using Keys = std::vector<std::string>;
    CHECK(KeysOf(*store, {Family::kKeys, "p", {}}, now) == Keys{"p", "pa", "pb", high});
    CHECK(KeysOf(*store, {Family::kKeys, "p", "p"}, now) == Keys{"pa", "pb", high});
    CHECK(KeysOf(*store, {Family::kKeys, "p", "paz"}, now) == Keys{"pb", high});
    CHECK(KeysOf(*store, {Family::kKeys, "p", "a"}, now) == Keys{"p", "pa", "pb", high});
    CHECK(KeysOf(*store, {Family::kKeys, "p\xFF", {}}, now) == Keys{high});
    CHECK(KeysOf(*store, {Family::kKeys, "\xFF\xFF", {}}, now).empty());
    int rows = 0;
    REQUIRE(
        store->Scan({Family::kKeys, {}, {}}, now, [&](const ScanRow&) { return ++rows < 2; }).ok());
    CHECK(rows == 2);
  }
}

TEST_CASE("a deleted prefix is gone, also after reopening, and what follows it stays") {
  const TempDir dir;
  const MovableClock clock;
  const StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir.path());
  {
    const auto store = MustOpen(options, clock);
    for (int i = 0; i < 100; ++i) {
      MustPut(*store, "x:" + std::to_string(i), "v");
      MustPut(*store, "y:" + std::to_string(i), "v");
    }
    REQUIRE(store
                ->Run([](Transaction& transaction) -> base::Status {
                  transaction.DeletePrefix(Family::kKeys, "x:");
                  transaction.Put(Family::kKeys, "x:new", "v", kNever);
                  return base::Ok{};
                })
                .ok());
    CHECK(ValueOf(*store, "x:5", clock.Now()) == "(absent)");
  }
  const auto store = MustOpen(options, clock);
  CHECK(KeysOf(*store, {Family::kKeys, "x:", {}}, clock.Now()) ==
        std::vector<std::string>{"x:new"});
  CHECK(KeysOf(*store, {Family::kKeys, "y:", {}}, clock.Now()).size() == 100);
  REQUIRE(store
              ->Run([](Transaction& transaction) -> base::Status {
                transaction.DeletePrefix(Family::kKeys, "");
                return base::Ok{};
              })
              .ok());
  CHECK(KeysOf(*store, {Family::kKeys, {}, {}}, clock.Now()).empty());
}

TEST_CASE("increments and conditional writes of one batch see each other") {
  for (const EngineKind engine : kEngines) {
    const TempDir dir;
    const MovableClock clock;
    const auto store = MustOpen(SmallOptions(engine, dir.path()), clock);
    Roadblock roadblock;
    roadblock.Put(*store);
    std::atomic<int> finished{0};
    std::vector<std::uint64_t> numbers;
    std::vector<std::unique_ptr<Mutation>> mutations;
    int created = 0;
    mutations.reserve(100);
    for (int i = 0; i < 100; ++i) {
      mutations.push_back(std::make_unique<TestMutation>(
          [&](Transaction& transaction) -> base::Status {
            numbers.push_back(transaction.commit());
            if (!transaction.Get(Family::kKeys, "once").value().has_value()) {
              transaction.Put(Family::kKeys, "once", std::to_string(++created), kNever);
            }
            return Increment(transaction);
          },
          [&](const base::Status& outcome) { finished += outcome.ok() ? 1 : 0; }));
    }
    REQUIRE(store->Submit(mutations));
    CHECK(store->Stats().write_queue_items == 101);
    roadblock.Open();
    MustPut(*store, "behind", "v");
    CHECK(finished == 100);
    CHECK(ValueOf(*store, "n", clock.Now()) == "100");
    CHECK(ValueOf(*store, "once", clock.Now()) == "1");
    CHECK(created == 1);
    CHECK(std::all_of(numbers.begin(), numbers.end(),
                      [&](std::uint64_t number) { return number == numbers.front(); }));
    CHECK(store->Stats().committed_mutations == 102);
  }
}

TEST_CASE("a failed mutation keeps its error and leaves the others of the batch alone") {
  const TempDir dir;
  const MovableClock clock;
  const auto store = MustOpen(SmallOptions(EngineKind::kRocksDb, dir.path()), clock);
  Roadblock roadblock;
  roadblock.Put(*store);
  std::vector<std::string> outcomes;
  std::vector<std::unique_ptr<Mutation>> mutations;
  mutations.reserve(4);
  for (int i = 0; i < 4; ++i) {
    mutations.push_back(std::make_unique<TestMutation>(
        [i](Transaction& transaction) -> base::Status {
          transaction.Put(Family::kKeys, "k" + std::to_string(i), "v", kNever);
          if (i % 2 == 1) {
            return base::Error{base::Code::kWrongType, ""};
          }
          return base::Ok{};
        },
        [&](const base::Status& outcome) {
          outcomes.emplace_back(outcome.ok() ? "ok" : base::NameOf(outcome.error().code));
        }));
  }
  REQUIRE(store->Submit(mutations));
  roadblock.Open();
  MustPut(*store, "behind", "v");
  CHECK(outcomes == std::vector<std::string>{"ok", "wrong_type", "ok", "wrong_type"});
  CHECK(KeysOf(*store, {Family::kKeys, "k", {}}, clock.Now()) ==
        std::vector<std::string>{"k0", "k2"});
}

TEST_CASE("a full write queue refuses the whole submission and gives it back") {
  const TempDir dir;
  const MovableClock clock;
  StoreOptions options = SmallOptions(EngineKind::kMemory, dir.path());
  options.write_queue_items = 4;
  const auto store = MustOpen(options, clock);
  Roadblock roadblock;
  roadblock.Put(*store);  // takes one place until it is finished
  std::atomic<int> finished{0};
  const auto submit = [&](int count) {
    std::vector<std::unique_ptr<Mutation>> mutations;
    mutations.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      mutations.push_back(std::make_unique<TestMutation>(
          Increment, [&](const base::Status& outcome) { finished += outcome.ok() ? 1 : 0; }));
    }
    const bool taken = store->Submit(mutations);
    CHECK(mutations.size() == (taken ? 0U : static_cast<std::size_t>(count)));
    return taken;
  };
  CHECK_FALSE(submit(4));
  CHECK(submit(3));
  CHECK_FALSE(submit(1));
  const base::Status busy = store->Run(Increment);
  REQUIRE_FALSE(busy.ok());
  CHECK(busy.error().code == base::Code::kBusy);
  roadblock.Open();
  CHECK(WaitUntil([&] { return finished == 3; }));
  CHECK(WaitUntil([&] { return store->Stats().write_queue_items == 0; }));
  CHECK(store->Stats().write_queue_items_peak == 4);
  CHECK(submit(1));
}

TEST_CASE("the write queue is bounded by bytes, but takes one large submission when empty") {
  const TempDir dir;
  const MovableClock clock;
  StoreOptions options = SmallOptions(EngineKind::kMemory, dir.path());
  options.write_queue_bytes = 150;
  const auto store = MustOpen(options, clock);
  std::vector<std::unique_ptr<Mutation>> two;
  two.reserve(2);
  std::atomic<int> finished{0};
  for (int i = 0; i < 2; ++i) {
    two.push_back(
        std::make_unique<TestMutation>(Increment, [&](const base::Status&) { ++finished; }));
  }
  REQUIRE(store->Submit(two));
  CHECK(WaitUntil([&] { return finished == 2; }));
  CHECK(WaitUntil([&] { return store->Stats().write_queue_bytes == 0; }));
  Roadblock roadblock;
  roadblock.Put(*store);
  auto one = One(Increment, [](const base::Status&) {});
  CHECK_FALSE(store->Submit(one));
  roadblock.Open();
}

TEST_CASE("closing finishes what was submitted") {
  const TempDir dir;
  const MovableClock clock;
  const StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir.path());
  std::atomic<int> finished{0};
  {
    const auto store = MustOpen(options, clock);
    for (int i = 0; i < 200; ++i) {
      auto mutations =
          One(Increment, [&](const base::Status& outcome) { finished += outcome.ok() ? 1 : 0; });
      REQUIRE(store->Submit(mutations));
    }
  }
  CHECK(finished == 200);
  CHECK(ValueOf(*MustOpen(options, clock), "n", clock.Now()) == "200");
}

TEST_CASE("storage threads run tasks, and a full queue refuses") {
  const TempDir dir;
  const MovableClock clock;
  StoreOptions options = SmallOptions(EngineKind::kMemory, dir.path());
  options.storage_threads = 1;
  options.storage_queue_items = 2;
  const auto store = MustOpen(options, clock);
  std::mutex gate;
  std::atomic<int> ran{0};
  std::atomic<bool> started{false};
  gate.lock();
  REQUIRE(store->PostRead(base::MakeTask([&] {
    base::kStorage.AssertHeld();
    started = true;
    const std::lock_guard lock(gate);
    ++ran;
  })));
  REQUIRE(WaitUntil([&] { return started.load(); }));
  REQUIRE(store->PostRead(base::MakeTask([&] { ++ran; })));
  REQUIRE(store->PostRead(base::MakeTask([&] { ++ran; })));
  CHECK_FALSE(store->PostRead(base::MakeTask([&] { ++ran; })));
  CHECK(store->Stats().storage_queue_items == 2);
  gate.unlock();
  CHECK(WaitUntil([&] { return ran == 3; }));
}

TEST_CASE("a read from memory says so when only the disk knows") {
  const TempDir dir;
  const MovableClock clock;
  const StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir.path());
  {
    const auto store = MustOpen(options, clock);
    for (int i = 0; i < 3000; ++i) {
      MustPut(*store, "key" + std::to_string(i), std::string(1000, 'v'));
    }
  }
  const auto store = MustOpen(options, clock);
  CHECK(ValueOf(*store, "key7", clock.Now(), Family::kKeys, ReadMode::kMemory) ==
        "(error: would_block)");
  CHECK(ValueOf(*store, "key7", clock.Now()) == std::string(1000, 'v'));
  CHECK(ValueOf(*store, "key7", clock.Now(), Family::kKeys, ReadMode::kMemory) ==
        std::string(1000, 'v'));
  CHECK(store->Stats().hot_hits == 1);
}

TEST_CASE("threads that read and write one key never see it go back") {
  for (const EngineKind engine : kEngines) {
    const TempDir dir;
    const MovableClock clock;
    const auto store = MustOpen(SmallOptions(engine, dir.path()), clock);
    MustPut(*store, "n", "0");
    std::atomic<bool> stop{false};
    std::atomic<int> went_back{0};
    const auto read_all = [&] {
      int seen = 0;
      while (!stop.load()) {
        const int number = std::stoi(ValueOf(*store, "n", clock.Now()));
        went_back += number < seen ? 1 : 0;
        seen = number;
      }
    };
    std::thread first(read_all);
    std::thread second(read_all);
    int failed = 0;
    for (int i = 0; i < 1000; ++i) {
      failed += store->Run(Increment).ok() ? 0 : 1;
      store->SetHotTableBytes(i % 2 == 0 ? 0 : base::kMiB);
    }
    stop.store(true);
    first.join();
    second.join();
    CHECK(failed == 0);
    CHECK(went_back == 0);
    CHECK(ValueOf(*store, "n", clock.Now()) == "1000");
  }
}

}  // namespace reprise::storage
