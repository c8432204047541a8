// What survives: reopening, crashes (a copy of the files as they stand), damage, clocks, backups.
#include <array>
#include <fstream>

#include <catch2/catch.hpp>

#include "storage/engine/deletion_clock.h"
#include "storage/engine/file.h"
#include "storage/engine/test_support.h"

namespace reprise::storage {
namespace {

namespace fs = std::filesystem;

std::string NewestLog(const std::string& dir) {
  std::string newest;
  for (const auto& entry : fs::directory_iterator(dir + "/db")) {
    if (entry.path().extension() == ".log" && fs::file_size(entry.path()) > 0 &&
        entry.path().string() > newest) {
      newest = entry.path().string();
    }
  }
  return newest;
}

void FlipMiddle(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(fs::file_size(path) / 2);
  file.seekg(middle);
  const int byte = file.get();
  file.seekp(middle);
  file.put(static_cast<char>(byte ^ 0x01));
}

// What kill -9 leaves: the files as the system has them, without the end of the process.
void CrashCopy(const std::string& from, const std::string& to) {
  fs::copy(from, to, fs::copy_options::recursive);
}

}  // namespace

TEST_CASE("rows and their expiry survive a restart") {
  const TempDir dir;
  const MovableClock clock;
  const StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir.path());
  const base::UnixMillis expiry = clock.Now() + 5000;
  {
    const auto store = MustOpen(options, clock);
    MustPut(*store, "a", "1", expiry);
    MustPut(*store, "b", "2", kNever, Family::kLedger);
  }
  const auto store = MustOpen(options, clock);
  const auto row = store->Get(Family::kKeys, "a", clock.Now(), ReadMode::kDisk);
  REQUIRE(row.value().has_value());
  CHECK(row.value()->expires_at() == expiry);
  CHECK(ValueOf(*store, "a", expiry) == "(absent)");
  CHECK(ValueOf(*store, "b", clock.Now(), Family::kLedger) == "2");
}

TEST_CASE("a row whose table is not open yet would block, and is not called damaged") {
  const TempDir dir;
  const MovableClock clock;
  StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir.path());
  options.open_files_max = 20;  // so few that not every table is opened with the store
  const std::array families{Family::kKeys,          Family::kEntries, Family::kVectors,
                            Family::kConversations, Family::kJobs,    Family::kLedger};
  {
    const auto store = MustOpen(options, clock);
    for (const Family family : families) {
      MustPut(*store, "k", "v", kNever, family);
    }
  }
  const auto store = MustOpen(options, clock);
  int blocked = 0;
  for (const Family family : families) {
    const auto quick = store->Get(family, "k", clock.Now(), ReadMode::kMemory);
    blocked += quick.ok() ? 0 : 1;
    CHECK((quick.ok() ? quick.value().has_value() : quick.error().code == base::Code::kWouldBlock));
    CHECK(ValueOf(*store, "k", clock.Now(), family) == "v");
  }
  CHECK(blocked > 0);
}

TEST_CASE("a crash of the process loses nothing in any mode and trips no watermark") {
  for (const Durability durability :
       {Durability::kAlways, Durability::kInterval, Durability::kNone}) {
    const TempDir dir;
    MovableClock clock;
    StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir / "live");
    options.durability = durability;
    const auto store = MustOpen(options, clock);
    for (int i = 0; i < 300; ++i) {
      MustPut(*store, "key" + std::to_string(i), std::string(100, 'v'));
      clock.Advance(20);
    }
    REQUIRE(store->Sync().ok());
    MustPut(*store, "last", "v");
    CrashCopy(dir / "live", dir / "crashed");
    options.dir = dir / "crashed";
    const auto reopened = MustOpen(options, clock);
    CHECK(KeysOf(*reopened, {Family::kKeys, {}, {}}, clock.Now()).size() == 301);
  }
}

TEST_CASE("each durability mode syncs when it says") {
  const TempDir dir;
  MovableClock clock;
  StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir.path());
  options.durability = Durability::kNone;
  const auto store = MustOpen(options, clock);
  MustPut(*store, "a", "1");
  StoreStats stats = store->Stats();
  CHECK(stats.sequence == stats.durable_sequence + 1);
  clock.Advance(40);
  CHECK(store->Stats().oldest_unsynced_ms == 40);

  REQUIRE(store
              ->Run([](Transaction& transaction) -> base::Status {
                transaction.Put(Family::kLedger, "b", "2", kNever);
                transaction.RequireSync();
                return base::Ok{};
              })
              .ok());
  stats = store->Stats();
  CHECK(stats.durable_sequence == stats.sequence);
  CHECK(stats.oldest_unsynced_ms == 0);
  CHECK(stats.worst_unsynced_ms == 40);

  store->SetDurability(Durability::kAlways, 1000);
  MustPut(*store, "c", "3");
  stats = store->Stats();
  CHECK(stats.durable_sequence == stats.sequence);

  store->SetDurability(Durability::kInterval, 1000);
  MustPut(*store, "d", "4");
  stats = store->Stats();
  CHECK(stats.durable_sequence + 1 == stats.sequence);
  clock.Advance(499);
  CHECK(store->Stats().durable_sequence + 1 == stats.sequence);
  clock.Advance(1);
  CHECK(WaitUntil([&] { return store->Stats().durable_sequence == stats.sequence; }));
}

TEST_CASE("a transaction that only read can still ask for a sync") {
  const TempDir dir;
  const MovableClock clock;
  StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir.path());
  options.durability = Durability::kNone;
  const auto store = MustOpen(options, clock);
  MustPut(*store, "a", "1");
  const std::uint64_t before = store->committed();
  REQUIRE(store
              ->Run([](Transaction& transaction) -> base::Status {
                transaction.RequireSync();
                return base::Ok{};
              })
              .ok());
  CHECK(store->Stats().durable_sequence == store->Stats().sequence);
  CHECK(store->committed() == before + 1);
}

TEST_CASE("a write-ahead log with a damaged middle is refused until the loss is accepted") {
  const TempDir dir;
  const MovableClock clock;
  StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir.path());
  options.memtable_bytes = 16 * base::kMiB;
  {
    const auto store = MustOpen(options, clock);
    for (int i = 0; i < 1000; ++i) {
      MustPut(*store, "key" + std::to_string(i), std::string(100, 'v'));
    }
  }
  FlipMiddle(NewestLog(dir.path()));
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto refused = Store::OpenWithClock(options, clock);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == base::Code::kCorrupt);
    CHECK(refused.error().detail.find("sequence 1000 was on the medium") != std::string::npos);
    CHECK(refused.error().detail.find("--accept-loss") != std::string::npos);
    CHECK_FALSE(fs::is_empty(dir / "wal-as-found"));
  }
  options.accept_loss = true;
  {
    const auto store = MustOpen(options, clock);
    const std::size_t found = KeysOf(*store, {Family::kKeys, {}, {}}, clock.Now()).size();
    CHECK(found > 300);
    CHECK(found < 700);
    CHECK(store->Stats().sequence == found);
    MustPut(*store, "after", "v");
  }
  options.accept_loss = false;
  const auto store = MustOpen(options, clock);
  CHECK(ValueOf(*store, "after", clock.Now()) == "v");
  CHECK_FALSE(fs::exists(dir / "wal-as-found"));
}

TEST_CASE("a torn tail that was never synced is no gap") {
  const TempDir dir;
  MovableClock clock;
  StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir / "live");
  options.durability = Durability::kNone;
  const auto store = MustOpen(options, clock);
  MustPut(*store, "synced", "v");
  REQUIRE(store->Sync().ok());
  MustPut(*store, "unsynced", "v");
  CrashCopy(dir / "live", dir / "crashed");
  const std::string log = NewestLog(dir / "crashed");
  fs::resize_file(log, fs::file_size(log) - 3);
  options.dir = dir / "crashed";
  const auto reopened = MustOpen(options, clock);
  CHECK(ValueOf(*reopened, "synced", clock.Now()) == "v");
  CHECK(ValueOf(*reopened, "unsynced", clock.Now()) == "(absent)");
}

TEST_CASE("a damaged or foreign database is refused with a sentence that says what to do") {
  const TempDir dir;
  const MovableClock clock;
  const StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir.path());
  { MustPut(*MustOpen(options, clock), "a", "1"); }
  for (const auto& entry : fs::directory_iterator(dir / "db")) {
    if (entry.path().filename().string().starts_with("MANIFEST")) {
      fs::resize_file(entry.path(), fs::file_size(entry.path()) / 2);
      FlipMiddle(entry.path().string());
    }
  }
  const auto refused = Store::OpenWithClock(options, clock);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == base::Code::kCorrupt);
  CHECK(refused.error().detail.find("backup") != std::string::npos);
}

TEST_CASE("a directory that is open cannot be opened again") {
  const TempDir dir;
  const MovableClock clock;
  const StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir.path());
  const auto store = MustOpen(options, clock);
  const auto second = Store::OpenWithClock(options, clock);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().detail.find("in use by process") != std::string::npos);
}

TEST_CASE("a backup is a data directory of its own, counted by opening it") {
  const TempDir dir;
  const MovableClock clock;
  StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir / "live");
  const auto store = MustOpen(options, clock);
  for (int i = 0; i < 500; ++i) {
    MustPut(*store, "key" + std::to_string(i), std::string(100, 'v'));
  }
  const auto report = store->Backup("monday-1");
  REQUIRE(report.ok());
  CHECK(report.value().path == (dir / "live/backups/monday-1"));
  CHECK(report.value().rows == 500);
  CHECK(report.value().sequence == 500);
  CHECK(report.value().bytes > 0);
  MustPut(*store, "after", "v");

  options.dir = report.value().path;
  const auto restored = MustOpen(options, clock);
  CHECK(KeysOf(*restored, {Family::kKeys, {}, {}}, clock.Now()).size() == 500);
  CHECK(restored->Stats().sequence >= 500);

  CHECK(store->Backup("monday-1").error().code == base::Code::kExists);
  for (const std::string& name :
       {std::string(), std::string("."), std::string("../x"), std::string(".hidden"),
        std::string("a/b"), std::string("a b"), std::string(65, 'a')}) {
    REQUIRE_FALSE(store->Backup(name).ok());
    CHECK(store->Backup(name).error().code == base::Code::kBadRequest);
  }
  CHECK(store->Backup(std::string(64, 'a')).ok());
}

TEST_CASE("the integrity check counts every row and names damage") {
  const TempDir dir;
  const MovableClock clock;
  const StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir.path());
  {
    const auto store = MustOpen(options, clock);
    for (int i = 0; i < 5000; ++i) {
      MustPut(*store, "key" + std::to_string(i), std::string(200, 'v'));
    }
    std::uint64_t last_done = 0;
    const auto report = store->CheckIntegrity([&](std::uint64_t done, std::uint64_t all) {
      CHECK(done >= last_done);
      CHECK(done <= all);
      last_done = done;
    });
    REQUIRE(report.ok());
    CHECK(report.value().rows == 5000);
    CHECK(report.value().bad_rows == 0);
    CHECK(report.value().problems.empty());
    CHECK(last_done == 5000);
  }
  { REQUIRE(MustOpen(options, clock)->Backup("flushed").ok()); }
  bool damaged = false;
  for (const auto& entry : fs::directory_iterator(dir / "db")) {
    if (entry.path().extension() == ".sst" && fs::file_size(entry.path()) > 100'000) {
      FlipMiddle(entry.path().string());
      damaged = true;
    }
  }
  REQUIRE(damaged);
  const auto store = MustOpen(options, clock);
  const auto report = store->CheckIntegrity([](std::uint64_t, std::uint64_t) {});
  REQUIRE(report.ok());
  CHECK_FALSE(report.value().problems.empty());
}

TEST_CASE("a wall clock that was set back is not believed at the next start") {
  const TempDir dir;
  base::SystemClock clock;
  const StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir.path());
  { REQUIRE(Store::Open(options, clock).ok()); }
  MovableClock future;
  future.JumpTo(base::ToInt(clock.Now()) + 120'000);
  { MustOpen(options, future); }
  base::SystemClock restarted;
  const auto store = Store::Open(options, restarted);
  REQUIRE(store.ok());
  CHECK(restarted.Now() - restarted.Wall() > 100'000);
  CHECK(store.value()->Stats().clock_skew_ms < -100'000);
}

TEST_CASE("the deletion clock runs ahead five minutes at most until the wall clock was steady") {
  MovableClock clock;
  const base::UnixMillis high_water = clock.Now();
  clock.JumpTo(base::ToInt(clock.Now()) + 7'200'000);
  DeletionClock deletion(clock, high_water);
  CHECK(deletion.now() - high_water == DeletionClock::kAheadMsMax);
  clock.Advance(DeletionClock::kSteadyMs - 1);
  deletion.Update();
  CHECK(deletion.now() - high_water == DeletionClock::kAheadMsMax + DeletionClock::kSteadyMs - 1);
  clock.Advance(1);
  deletion.Update();
  CHECK(deletion.now() == clock.Now());
}

TEST_CASE("a jump of the wall clock starts the ten minutes anew") {
  MovableClock clock;
  const base::UnixMillis high_water = clock.Now();
  clock.JumpTo(base::ToInt(clock.Now()) + 7'200'000);
  DeletionClock deletion(clock, high_water);
  clock.Advance(DeletionClock::kSteadyMs - 1);
  clock.SkewWall(DeletionClock::kDriftMsMax + 1);
  deletion.Update();
  clock.Advance(DeletionClock::kSteadyMs - 1);
  deletion.Update();
  CHECK(deletion.now() < clock.Now());
  clock.Advance(1);
  deletion.Update();
  CHECK(deletion.now() == clock.Now());
}

TEST_CASE("the deletion clock of a new directory is the server's, and never goes back") {
  MovableClock clock;
  DeletionClock deletion(clock, base::UnixMillis{0});
  const base::UnixMillis first = deletion.now();
  CHECK(first == clock.Now());
  clock.JumpTo(base::ToInt(first) - 10);
  deletion.Update();
  CHECK(deletion.now() == first);
}

TEST_CASE("expired rows are swept by the trusted clock, rewritten ones stay") {
  for (const EngineKind engine : {EngineKind::kRocksDb, EngineKind::kMemory}) {
    const TempDir dir;
    MovableClock clock;
    StoreOptions options = SmallOptions(engine, dir.path());
    options.sweep_rows_per_second = 100'000;
    const auto store = MustOpen(options, clock);
    const base::UnixMillis expiry = clock.Now() + 1000;
    for (int i = 0; i < 50; ++i) {
      MustPut(*store, "gone" + std::to_string(i), "v", expiry);
    }
    MustPut(*store, "later", "v", expiry + 1'000'000);
    MustPut(*store, "never", "v");
    MustPut(*store, "other", "v", expiry, Family::kEntries);
    clock.Advance(1000);
    CHECK(WaitUntil([&] {
      clock.Advance(100);
      return store->Stats().expired_swept == 51;
    }));
    CHECK(KeysOf(*store, {Family::kKeys, {}, {}, true}, clock.Now()) ==
          std::vector<std::string>{"later", "never"});
  }
}

TEST_CASE("after a jump to the future nothing is deleted that the trusted clock does not reach") {
  const TempDir dir;
  MovableClock clock;
  StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir.path());
  const base::UnixMillis written = clock.Now();
  {
    const auto store = MustOpen(options, clock);
    MustPut(*store, "soon", "v", written + 60'000);
    MustPut(*store, "hour", "v", written + 3'600'000);
  }
  clock.JumpTo(base::ToInt(written) + 7'200'000);
  options.sweep_rows_per_second = 100'000;
  {
    const auto store = MustOpen(options, clock);
    CHECK(ValueOf(*store, "hour", clock.Now()) == "(absent)");
    CHECK(WaitUntil([&] {
      clock.Advance(100);
      return store->Stats().expired_swept == 1;
    }));
    CHECK(KeysOf(*store, {Family::kKeys, {}, {}, true}, clock.Now()) ==
          std::vector<std::string>{"hour"});
  }
  clock.JumpTo(base::ToInt(written) + 1'000'000);
  CHECK(ValueOf(*MustOpen(options, clock), "hour", clock.Now()) == "v");
}

}  // namespace reprise::storage
