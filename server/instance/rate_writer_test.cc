#include "server/instance/rate_writer.h"

#include <array>

#include <catch2/catch.hpp>

#include "server/config/options.h"
#include "server/instance/instance.h"
#include "storage/engine/test_support.h"

namespace reprise::instance {
namespace {

constexpr std::int64_t kFlushMs = 20;
constexpr rate::Rule kHourly{rate::Algorithm::kGcra, 100, 3'600'000, 100, 0};

config::Config InMemory() {
  config::Config config;
  config.store.engine = storage::EngineKind::kMemory;
  config.rate.flush_ms = kFlushMs;
  return config;
}

base::Result<rate::Taken> Take(Instance& instance, std::int64_t quantity = 1) {
  const rate::Want want{"k", "", kHourly, quantity};
  std::array<rate::Verdict, 1> verdicts;
  return instance.rate().Take(storage::kDefaultNamespace, {&want, 1}, {}, verdicts);
}

std::int64_t Remaining(Instance& instance) {
  const rate::Want want{"k", "", kHourly, 0};
  std::array<rate::Verdict, 1> verdicts;
  REQUIRE(instance.rate().Peek(storage::kDefaultNamespace, {&want, 1}, verdicts).ok());
  return verdicts[0].remaining;
}

// The writer thread, held up until it is let go.
class HeldUp {
 public:
  explicit HeldUp(storage::Store& store) {
    auto mutations = storage::One(
        [this](storage::Transaction&) -> base::Status {
          base::MutexLock lock(mutex_);
          while (!is_free_) {
            wake_.wait(mutex_);
          }
          return base::Ok{};
        },
        [](const base::Status&) {});
    REQUIRE(store.Submit(mutations));
  }
  ~HeldUp() { LetGo(); }
  HeldUp(const HeldUp&) = delete;
  HeldUp& operator=(const HeldUp&) = delete;
  HeldUp(HeldUp&&) = delete;
  HeldUp& operator=(HeldUp&&) = delete;

  void LetGo() {
    base::MutexLock lock(mutex_);
    is_free_ = true;
    wake_.notify_one();
  }

 private:
  base::Mutex mutex_;
  base::ConditionVariable wake_;
  bool is_free_ GUARDED_BY(mutex_) = false;
};

TEST_CASE("what limits granted is saved without being asked for") {
  const base::FakeClock clock;
  const auto instance = Instance::OpenWithClock(InMemory(), clock).value();
  REQUIRE(Take(*instance).value().allowed);
  CHECK(storage::WaitUntil([&] { return instance->rate().Total().segments > 0; }));
  CHECK(storage::WaitUntil([&] { return instance->rate().Total().unsaved == 0; }));
}

TEST_CASE("limits grant nothing while their state cannot be saved in time, and go on afterwards") {
  const base::FakeClock clock;
  const auto instance = Instance::OpenWithClock(InMemory(), clock).value();
  HeldUp held_up(instance->store());
  REQUIRE(Take(*instance).ok());
  CHECK(storage::WaitUntil([&] { return !Take(*instance).ok(); }));
  CHECK(Take(*instance).error().code == base::Code::kBusy);
  const std::int64_t left = Remaining(*instance);
  held_up.LetGo();
  CHECK(storage::WaitUntil([&] { return Take(*instance).ok(); }));
  CHECK(Remaining(*instance) == left - 1);
}

TEST_CASE("a directory that is opened again knows what was taken, whatever the wall clock says") {
  const storage::TempDir folder;
  base::FakeClock clock;
  config::Config config;
  config.store.dir = folder / "data";
  {
    const auto instance = Instance::OpenWithClock(config, clock).value();
    REQUIRE(Take(*instance, 100).value().allowed);
  }
  clock.JumpTo(clock.Now() + 7'200'000);
  {
    const auto instance = Instance::OpenWithClock(config, clock).value();
    CHECK_FALSE(Take(*instance).value().allowed);
    clock.Advance(36'000);
    CHECK(Take(*instance).value().allowed);
    CHECK_FALSE(Take(*instance).value().allowed);
  }
}

}  // namespace
}  // namespace reprise::instance
