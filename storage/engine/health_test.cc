// What happens when the engine fails: outcomes, undo, read-only, and the way back.
#include "storage/engine/health.h"

#include <map>

#include <catch2/catch.hpp>

#include "storage/engine/store_impl.h"
#include "storage/engine/test_support.h"

namespace reprise::storage {
namespace {

// A memory engine whose next commit or sync fails as it is told.
class FailingEngine final : public Engine {
 public:
  base::Status Commit(std::span<const Operation* const> operations, bool sync) override {
    if (const auto code = next_commit.exchange(std::nullopt); code.has_value()) {
      return base::Error{*code, "told to fail"};
    }
    return inner_->Commit(operations, sync);
  }
  base::Result<std::optional<BlobRef>> Get(Family family, std::string_view key,
                                           ReadMode mode) const override {
    return inner_->Get(family, key, mode);
  }
  base::Status Scan(const EngineScan& scan,
                    const std::function<bool(const ScanRow&)>& visit) const override {
    return inner_->Scan(scan, visit);
  }
  base::Status Sync() override {
    if (fail_sync.load()) {
      return base::Error{base::Code::kIo, "told to fail the sync"};
    }
    return base::Ok{};
  }
  std::uint64_t sequence() const override { return inner_->sequence(); }
  base::Status Checkpoint(const std::string& path) override { return inner_->Checkpoint(path); }
  base::Result<IntegrityReport> Verify(
      const std::function<void(std::uint64_t, std::uint64_t)>& progress) const override {
    return inner_->Verify(progress);
  }
  EngineFigures Figures() const override { return inner_->Figures(); }
  EngineCondition condition() const override { return noticed.load(); }
  std::string condition_reason() const override { return "noticed in the background"; }
  std::uint64_t UnflushedBytes() const override { return 0; }
  base::Status RequestFlush() override { return base::Ok{}; }
  base::Status Resume() override {
    noticed = EngineCondition::kGood;
    return base::Ok{};
  }

  std::atomic<std::optional<base::Code>> next_commit{std::nullopt};
  std::atomic<bool> fail_sync{false};
  std::atomic<EngineCondition> noticed{EngineCondition::kGood};

 private:
  std::unique_ptr<Engine> inner_ = MakeMemoryEngine();
};

class Fixture {
 public:
  Fixture() {
    StoreParts parts;
    // With a directory, so that free space is watched and the way back is tried.
    parts.data_dir.emplace(std::move(DataDir::Open(dir_.path())).value());
    parts.deletion_clock = std::make_unique<DeletionClock>(clock, base::UnixMillis{0});
    auto made = std::make_unique<FailingEngine>();
    engine = made.get();
    parts.engine = std::move(made);
    StoreOptions options = SmallOptions(EngineKind::kRocksDb, dir_.path());
    options.durability = Durability::kNone;
    store = std::make_unique<StoreImpl>(options, clock, std::move(parts));
  }

  std::string Write(std::string_view value) const {
    const base::Status outcome = store->Run([&](Transaction& transaction) -> base::Status {
      transaction.Put(Family::kKeys, "a", value, kNever);
      return base::Ok{};
    });
    return outcome.ok() ? "ok" : std::string(base::NameOf(outcome.error().code));
  }

  MovableClock clock;
  FailingEngine* engine = nullptr;

 private:
  TempDir dir_;

 public:
  std::unique_ptr<StoreImpl> store;
};

}  // namespace

TEST_CASE("a failed commit runs the undo functions backwards and tells every mutation") {
  Fixture fixture;
  REQUIRE(fixture.Write("before") == "ok");
  fixture.engine->next_commit = base::Code::kUnknownOutcome;
  std::string undone;
  const base::Status outcome = fixture.store->Run([&](Transaction& transaction) -> base::Status {
    transaction.OnAbort([&] { undone += "1"; });
    transaction.OnAbort([&] { undone += "2"; });
    transaction.Put(Family::kKeys, "a", "lost", kNever);
    return base::Ok{};
  });
  REQUIRE_FALSE(outcome.ok());
  CHECK(outcome.error().code == base::Code::kUnknownOutcome);
  CHECK(undone == "21");
  CHECK(ValueOf(*fixture.store, "a", fixture.clock.Now()) == "before");
  CHECK(fixture.store->Stats().failed_commits == 1);
  CHECK(fixture.store->committed() == 1);
}

TEST_CASE("after a write with unknown outcome the store stays read-only, and reads work") {
  Fixture fixture;
  REQUIRE(fixture.Write("before") == "ok");
  fixture.engine->next_commit = base::Code::kUnknownOutcome;
  CHECK(fixture.Write("x") == "unknown_outcome");
  CHECK(fixture.Write("y") == "read_only");
  REQUIRE_FALSE(fixture.store->Writable().ok());
  CHECK(fixture.store->Writable().error().code == base::Code::kReadOnly);
  CHECK(fixture.store->Stats().read_only);
  CHECK(fixture.store->Stats().read_only_reason.find("told to fail") != std::string::npos);
  CHECK(ValueOf(*fixture.store, "a", fixture.clock.Now()) == "before");
  for (int i = 0; i < 10; ++i) {
    fixture.clock.Advance(1000);
    ::poll(nullptr, 0, 15);
  }
  CHECK(fixture.Write("z") == "read_only");
  CHECK_FALSE(fixture.store->Sync().ok());
}

TEST_CASE("a full disk makes the store read-only until a probe gets through") {
  Fixture fixture;
  fixture.engine->next_commit = base::Code::kReadOnly;
  CHECK(fixture.Write("x") == "read_only");
  CHECK(fixture.Write("y") == "read_only");
  CHECK(fixture.store->Stats().read_only);
  CHECK(WaitUntil([&] {
    fixture.clock.Advance(1000);
    return fixture.store->Writable().ok();
  }));
  CHECK(fixture.Write("z") == "ok");
  CHECK_FALSE(fixture.store->Stats().read_only);
  CHECK(ValueOf(*fixture.store, "a", fixture.clock.Now()) == "z");
}

TEST_CASE("what the engine notices in the background stops writes before they are tried") {
  Fixture fixture;
  fixture.engine->noticed = EngineCondition::kNoSpace;
  CHECK(fixture.Write("x") == "read_only");
  CHECK(WaitUntil([&] {
    fixture.clock.Advance(1000);
    return fixture.store->Writable().ok();
  }));
  fixture.engine->noticed = EngineCondition::kBroken;
  CHECK(fixture.Write("x") == "read_only");
  CHECK(fixture.store->Writable().error().detail.find("restarted") != std::string::npos);
}

TEST_CASE("a failed sync breaks the store for good") {
  Fixture fixture;
  REQUIRE(fixture.Write("x") == "ok");
  fixture.engine->fail_sync = true;
  CHECK_FALSE(fixture.store->Sync().ok());
  fixture.engine->fail_sync = false;
  CHECK(fixture.Write("y") == "read_only");
  CHECK(fixture.store->Stats().durable_sequence == 0);
}

TEST_CASE("a broken store does not become full or well again") {
  Health health;
  health.ReportBroken("sync");
  health.ReportFull("disk");
  health.ReportSpace();
  CHECK(health.state() == Health::State::kBroken);
  CHECK(health.reason() == "sync");
  CHECK(health.Refusal().code == base::Code::kReadOnly);
}

}  // namespace reprise::storage
