// Saving and reading state: restarts, crashes, checkpoints, clocks, and the bytes on disk.
#include <algorithm>
#include <fstream>
#include <iterator>

#include <catch2/catch.hpp>

#include "server/rate/key_table.h"
#include "server/rate/state_key.h"
#include "server/rate/state_log.h"
#include "server/rate/test_support.h"

namespace reprise::rate {
namespace {

using base::Code;

TEST_CASE("a restart forgets nothing: what was taken stays taken, and time goes on") {
  Bench bench;
  const Rule hourly = config::CompleteRate({Algorithm::kGcra, 60, 3'600'000, 60, 0}).value();
  REQUIRE(bench.Allows("gcra", hourly, 60));
  REQUIRE(bench.Allows("window", InAnyMinute(5), 5));
  const auto held = bench.Take({"slots", "", AtATime(1, 600'000), 1}).value();
  bench.Reopen();
  CHECK_FALSE(bench.Allows("gcra", hourly));
  CHECK_FALSE(bench.Allows("window", InAnyMinute(5)));
  CHECK_FALSE(bench.Allows("slots", AtATime(1, 600'000)));
  CHECK(bench.limiter->Stats(kHome).leases == 1);
  bench.clock.Advance(60'000);
  bench.Reopen();
  CHECK(bench.TakeAll("gcra", hourly) == 1);
  CHECK(bench.Allows("window", InAnyMinute(5), 5));
  CHECK(bench.limiter->Renew(kHome, TextOf(*held.lease), 0).value() == 600'000);
  CHECK(bench.limiter->Release(kHome, TextOf(*held.lease), {}).ok());
  CHECK(bench.Allows("slots", AtATime(1, 600'000)));
}

TEST_CASE("a released lease does not come back, and one that has ended is not read") {
  Bench bench;
  const auto held = bench.Take({"slots", "", AtATime(2, 1'000), 1}).value();
  REQUIRE(bench.Allows("slots", AtATime(2, 1'000)));
  bench.Save();
  REQUIRE(bench.limiter->Release(kHome, TextOf(*held.lease), {}).ok());
  bench.Reopen();
  CHECK(bench.limiter->Stats(kHome).leases == 1);
  bench.clock.Advance(1'000);
  bench.Open();
  CHECK(bench.limiter->Stats(kHome).leases == 0);
  CHECK(bench.limiter->Stats(kHome).keys == 0);
}

TEST_CASE("a quantity can be put right upwards behind a restart, but nothing is given back") {
  Bench bench;
  TakeOptions with_lease;
  with_lease.lease_ms = 600'000;
  const auto more = bench.Take({"a", "", PerMinute(100), 10, true}, with_lease).value();
  const auto less = bench.Take({"b", "", PerMinute(100), 10, true}, with_lease).value();
  bench.Reopen();
  CHECK(bench.limiter->Release(kHome, TextOf(*more.lease), 50).value().charged == 40);
  CHECK(bench.Peek("a", PerMinute(100)).remaining == 50);
  CHECK(bench.limiter->Release(kHome, TextOf(*less.lease), 0).value().given_back == 0);
  CHECK(bench.Peek("b", PerMinute(100)).remaining == 90);
}

TEST_CASE("a crash loses what was not saved, and nothing else") {
  Bench bench;
  const Rule rule = PerMinute(100);
  REQUIRE(bench.Allows("k", rule, 60));
  bench.Save();
  REQUIRE(bench.Allows("k", rule, 30));
  REQUIRE(bench.Allows("late", rule, 100));
  bench.Open();
  CHECK(bench.Peek("k", rule).remaining == 39);  // One in 64 is taken beforehand.
  CHECK(bench.Peek("late", rule).remaining == 100);
}

TEST_CASE("a wall clock that is set between two starts frees nothing and locks nothing") {
  constexpr std::int64_t kTwoHours = 7'200'000;
  const Rule hourly = config::CompleteRate({Algorithm::kGcra, 60, 3'600'000, 60, 0}).value();
  for (const std::int64_t by : {kTwoHours, -kTwoHours, std::int64_t{3'650} * 86'400'000}) {
    Bench bench;
    REQUIRE(bench.Allows("k", hourly, 60));
    bench.Save();
    bench.clock.JumpTo(bench.clock.Now() + by);
    bench.Open();
    CHECK_FALSE(bench.Allows("k", hourly));
    bench.clock.Advance(60'000);
    CHECK(bench.TakeAll("k", hourly) == 1);
    bench.clock.Advance(3'600'000);
    CHECK(bench.TakeAll("k", hourly) == 60);
  }
}

TEST_CASE("behind a start of the machine the wall clock says how much time passed, if any") {
  const Rule hourly = config::CompleteRate({Algorithm::kGcra, 60, 3'600'000, 60, 0}).value();
  for (const std::int64_t minutes : {0, 5, -30}) {
    Bench bench;
    REQUIRE(bench.Allows("k", hourly, 60));
    bench.Save();
    bench.clock.SkewWall(minutes * 60'000);
    bench.clock.Reboot();
    bench.Open();
    const auto passed = static_cast<std::size_t>(std::max<std::int64_t>(minutes, 0));
    CHECK(bench.TakeAll("k", hourly) == passed);
  }
}

TEST_CASE("the log of state stays short, and a checkpoint loses nothing") {
  Bench bench;
  const Rule daily = config::CompleteRate({Algorithm::kGcra, 60, 86'400'000, 60, 0}).value();
  REQUIRE(bench.Allows("once", daily, 40));
  const auto held = bench.Take({"slots", "", AtATime(1, 3'600'000), 1}).value();
  for (int i = 0; i < 2'500; ++i) {
    REQUIRE(bench.limiter->Adjust(kHome, {"often", "", daily, 1}).ok());
    bench.Save();
  }
  CHECK(bench.Rows() < 1'100);
  CHECK(bench.limiter->Stats(kHome).segments == bench.Rows());
  bench.Open();
  CHECK(bench.limiter->Stats(kHome).segments == bench.Rows());
  CHECK(bench.Peek("once", daily).remaining == 20);
  CHECK(bench.Peek("often", daily, 0).reset_ms == 2'500 * std::int64_t{1'440'000});
  CHECK(bench.limiter->Release(kHome, TextOf(*held.lease), {}).ok());
  bench.Reopen();
  CHECK(bench.Rows() == 1);  // A stop writes what lives, and nothing else.
  CHECK(bench.Peek("once", daily).remaining == 20);
}

TEST_CASE("a busy bucket is written rarely, and a crash is on the safe side") {
  Bench bench;
  const Rule daily = config::CompleteRate({Algorithm::kGcra, 6'400, 86'400'000, 6'400, 0}).value();
  for (int i = 1; i <= 1'000; ++i) {
    REQUIRE(bench.Allows("k", daily));
    bench.Save();
  }
  CHECK(bench.Rows() <= 11);  // Once in a hundred.
  CHECK(bench.Peek("k", daily).remaining == 5'400);
  bench.Open();
  const std::int64_t left = bench.Peek("k", daily).remaining;
  CHECK(left <= 5'400);
  CHECK(left >= 5'300);
  bench.Reopen();
  CHECK(bench.Peek("k", daily).remaining == left);
}

TEST_CASE("more keys than one batch takes are all saved") {
  Bench bench;
  const Rule daily = config::CompleteRate({Algorithm::kGcra, 10, 86'400'000, 10, 0}).value();
  constexpr int kKeys = 20'000;
  for (int i = 0; i < kKeys; ++i) {
    REQUIRE(bench.Take({std::to_string(i), "", daily, 3}).ok());
  }
  CHECK(bench.limiter->BatchesToWrite() == 2);
  bench.Reopen();
  CHECK(bench.limiter->Stats(kHome).keys == kKeys);
  CHECK(bench.limiter->BatchesToWrite() == 0);
  CHECK(bench.Peek("0", daily).remaining == 7);
  CHECK(bench.Peek("19999", daily).remaining == 7);
}

TEST_CASE("a batch that could not be committed is written again, with all that lives") {
  Bench bench;
  REQUIRE(bench.Allows("before", PerMinute(10), 5));
  bench.Save();
  REQUIRE(bench.Allows("k", PerMinute(10), 5));
  // Runs what a failed commit runs.
  class Failing final : public storage::Transaction {
   public:
    base::UnixMillis now() const override { return base::UnixMillis{0}; }
    base::Result<std::optional<storage::BlobRef>> Get(storage::Family, std::string_view) override {
      return std::optional<storage::BlobRef>();
    }
    void Put(storage::Family, std::string_view, std::string_view, base::UnixMillis) override {}
    void Delete(storage::Family, std::string_view) override {}
    void DeletePrefix(storage::Family, std::string_view) override {}
    void RequireSync() override {}
    std::uint64_t commit() const override { return 0; }
    void OnAbort(std::function<void()> undo) override { undo_.push_back(std::move(undo)); }
    void OnCommit(std::function<void()> /*done*/) override {}
    void Fail() {
      for (const auto& undo : undo_) {
        undo();
      }
    }

   private:
    std::vector<std::function<void()>> undo_;
  } failing;
  bench.limiter->WriteChanges(failing);
  failing.Fail();
  CHECK(bench.limiter->BatchesToWrite() == 1);
  bench.Save();
  bench.Open();
  CHECK(bench.Peek("k", PerMinute(10)).remaining == 5);
  CHECK(bench.Peek("before", PerMinute(10)).remaining == 5);
}

TEST_CASE("idle keys are not saved") {
  Bench bench;
  REQUIRE(bench.Allows("k", PerMinute(60'000)));
  bench.clock.Advance(10);
  bench.Save();
  CHECK(bench.Rows() == 0);
}

TEST_CASE("a segment that cannot be read stops the start and says so") {
  Bench bench;
  REQUIRE(bench.Allows("k", PerMinute(5)));
  bench.Save();
  REQUIRE(bench.store
              ->Run([&](storage::Transaction& transaction) {
                transaction.Put(storage::Family::kLedger, SegmentPrefix(kHome) + std::string(8, 9),
                                std::string("\x01\x02\x07", 3), storage::kNever);
                return base::Status(base::Ok{});
              })
              .ok());
  const auto loaded = Limiter::Load(*bench.store, {kHome}, bench.options, bench.clock, kSeed);
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().code == Code::kCorrupt);
}

class Nobody final : public SegmentVisitor {
 public:
  void Key(std::string_view, const Gcra&) override {}
  void Key(std::string_view, const Window&) override {}
  void Held(LeaseId, Lease) override {}
  void Ended(LeaseId) override {}
};

// As the golden file has it.
SegmentWriter Sample() {
  SegmentWriter writer;
  KeyTable table;
  Entry& bucket = table.Insert(1, StateKey(Algorithm::kGcra, "chat", "ann").view());
  bucket.gcra = Gcra::From({Instant{1'700'000'000'123'456'789}, 2, 7});
  writer.Key(bucket, true);
  Entry& sliding = table.Insert(2, StateKey(Algorithm::kWindow, "", "bob").view());
  const std::array places{Window::Entry{Instant{1'700'000'000'000'000'000}, 3},
                          Window::Entry{Instant{1'700'000'001'000'000'000}, 4}};
  sliding.window =
      std::make_unique<Window>(Window::From(places, Instant{1'700'000'061'000'000'000}));
  writer.Key(sliding, true);
  Lease lease;
  lease.ends = Instant{1'700'000'060'000'000'000};
  lease.lease_ms = 60'000;
  Hold hold;
  hold.key = StateKey(Algorithm::kConcurrency, "calls", "model").view();
  hold.rule = AtATime(10);
  hold.units = 2;
  lease.holds.push_back(hold);
  writer.Held(LeaseId{0x0123456789abcdef}, lease);
  writer.Ended(LeaseId{0xfedcba9876543210});
  return writer;
}

TEST_CASE("the bytes of a segment are those of FORMAT.md") {
  const SegmentWriter writer = Sample();
  REQUIRE(writer.segments().size() == 1);
  CHECK(writer.records() == 4);
  std::ifstream file(std::string(TESTDATA) + "/segment.bin", std::ios::binary);
  const std::string golden(std::istreambuf_iterator<char>(file), {});
  CHECK(writer.segments()[0] == golden);
}

TEST_CASE("a segment that is cut anywhere is refused, and no byte of it makes the reader fail") {
  const std::string segment = Sample().segments()[0];
  Nobody nobody;
  CHECK(ReadSegment(segment, nobody).value() == 4);
  std::size_t whole = 0;
  for (std::size_t size = 0; size < segment.size(); ++size) {
    whole += ReadSegment(segment.substr(0, size), nobody).ok() ? 1 : 0;
  }
  CHECK(whole == 4);  // Those that end between two records, and with none.
  for (std::size_t i = 0; i < segment.size(); ++i) {
    for (const char byte : {'\0', '\x01', '\x7f', '\xff'}) {
      std::string changed = segment;
      changed[i] = byte;
      (void)ReadSegment(changed, nobody).ok();
    }
  }
}

}  // namespace
}  // namespace reprise::rate
