// What the store costs without a server: reads from the hot table and from the block cache, misses,
// and group commits of different sizes.
#include <condition_variable>
#include <cstdlib>
#include <ftw.h>
#include <mutex>
#include <string>
#include <unistd.h>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/load/content.h"
#include "protocol/base/ensure.h"
#include "storage/engine/store.h"

namespace reprise::storage {
namespace {

constexpr std::size_t kValueBytes = 1024;
constexpr std::uint64_t kKeys = 20'000;

std::string KeyOf(std::uint64_t key) {
  return "key:" + bench::Digits(key);
}

// A store in a folder of its own, with kKeys values in it.
class Fixture {
 public:
  explicit Fixture(EngineKind engine, std::int64_t hot_table_bytes) : content_(kValueBytes) {
    const char* parent = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): one thread yet
    dir_ = std::string(parent != nullptr ? parent : "/tmp") + "/reprise-bench-XXXXXX";
    ENSURE(mkdtemp(dir_.data()) != nullptr);
    StoreOptions options;
    options.dir = dir_ + "/data";
    options.engine = engine;
    options.hot_table_bytes = hot_table_bytes;
    auto opened = Store::Open(options, clock_);
    ENSURE(opened.ok());
    store_ = std::move(opened).value();
    const base::Status filled = store_->Run([this](Transaction& transaction) -> base::Status {
      for (std::uint64_t key = 0; key < kKeys; ++key) {
        transaction.Put(Family::kKeys, KeyOf(key), content_.ValueOf(key), kNever);
      }
      return base::Ok{};
    });
    ENSURE(filled.ok());
  }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
  Fixture(Fixture&&) = delete;
  Fixture& operator=(Fixture&&) = delete;
  ~Fixture() {
    store_.reset();
    const auto remove_one = [](const char* path, const struct stat* /*info*/, int /*type*/,
                               FTW* /*place*/) { return ::remove(path); };
    constexpr int kDescriptors = 16;
    ::nftw(dir_.c_str(), remove_one, kDescriptors, FTW_DEPTH | FTW_PHYS);
  }

  Store& store() { return *store_; }
  const bench::Content& content() const { return content_; }
  base::UnixMillis Now() const { return clock_.Now(); }

 private:
  bench::Content content_;
  std::string dir_;
  base::SystemClock clock_;
  std::unique_ptr<Store> store_;
};

// Counts finished mutations, so that a benchmark can wait for a batch.
class Latch {
 public:
  void Expect(std::size_t count) { missing_ = count; }
  void CountDown() {
    const std::scoped_lock lock(mutex_);
    if (--missing_ == 0) {
      done_.notify_one();
    }
  }
  void Wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return missing_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  std::size_t missing_ = 0;
};

class PutOne final : public Mutation {
 public:
  PutOne(std::string key, std::string value, Latch& latch)
      : key_(std::move(key)), value_(std::move(value)), latch_(latch) {}

  base::Status Apply(Transaction& transaction) override {
    transaction.Put(Family::kKeys, key_, value_, kNever);
    return base::Ok{};
  }
  void Finish(base::Status outcome) override {
    ENSURE(outcome.ok());
    latch_.CountDown();
  }
  std::size_t QueuedBytes() const override { return key_.size() + value_.size(); }

 private:
  std::string key_;
  std::string value_;
  Latch& latch_;
};

void Get(benchmark::State& state, EngineKind engine, std::int64_t hot_table_bytes) {
  Fixture fixture(engine, hot_table_bytes);
  bench::Random random(1);
  const base::UnixMillis now = fixture.Now();
  std::string key = KeyOf(0);
  for ([[maybe_unused]] auto _ : state) {
    bench::WriteDigits(random.Below(kKeys), key.data() + key.size() - bench::kDigits);
    const auto found = fixture.store().Get(Family::kKeys, key, now, ReadMode::kDisk);
    if (!found.ok() || !found.value().has_value()) {
      state.SkipWithError("a key is missing");
      break;
    }
  }
}

void GetHot(benchmark::State& state) {
  Get(state, EngineKind::kRocksDb, 256 * base::kMiB);
}

void GetBelowHotTable(benchmark::State& state) {
  Get(state, EngineKind::kRocksDb, 0);
}

void GetMiss(benchmark::State& state) {
  Fixture fixture(EngineKind::kRocksDb, 256 * base::kMiB);
  const base::UnixMillis now = fixture.Now();
  for ([[maybe_unused]] auto _ : state) {
    auto found = fixture.store().Get(Family::kKeys, "mis:000000000001", now, ReadMode::kDisk);
    benchmark::DoNotOptimize(found);
  }
}

// `range(0)` writes submitted together, and the wait for all of them: one group commit.
void Put(benchmark::State& state, EngineKind engine) {
  Fixture fixture(engine, 256 * base::kMiB);
  bench::Random random(2);
  Latch latch;
  const auto count = static_cast<std::size_t>(state.range(0));
  for ([[maybe_unused]] auto _ : state) {
    std::vector<std::unique_ptr<Mutation>> mutations;
    latch.Expect(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t key = random.Below(kKeys);
      mutations.push_back(
          std::make_unique<PutOne>(KeyOf(key), fixture.content().ValueOf(key), latch));
    }
    ENSURE(fixture.store().Submit(mutations));
    latch.Wait();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void PutRocksDb(benchmark::State& state) {
  Put(state, EngineKind::kRocksDb);
}
void PutMemory(benchmark::State& state) {
  Put(state, EngineKind::kMemory);
}

BENCHMARK(GetHot);
BENCHMARK(GetBelowHotTable);
BENCHMARK(GetMiss);
// CPU of the whole process: the writer thread does the work.
BENCHMARK(PutRocksDb)->Arg(1)->Arg(16)->Arg(64)->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK(PutMemory)->Arg(1)->Arg(16)->Arg(64)->MeasureProcessCPUTime()->UseRealTime();

}  // namespace
}  // namespace reprise::storage
