// What the tests of this module share: a directory that goes away, a clock that several threads may
// read while it is moved, short forms of writes and reads.
#pragma once

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "storage/engine/store.h"

namespace reprise::storage {

class TempDir {
 public:
  TempDir() {
    const char* root = std::getenv("TMPDIR");
    std::string pattern = std::string(root == nullptr ? "/tmp" : root) + "/reprise-store-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  TempDir(TempDir&&) = delete;
  TempDir& operator=(TempDir&&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class MovableClock final : public base::Clock {
 public:
  base::UnixMillis Now() const override { return base::UnixMillis{now_ms_.load()}; }
  base::Nanos Elapsed() const override {
    return base::Nanos{elapsed_ms_.load() * base::kNanosPerMilli};
  }
  base::UnixMillis Wall() const override { return Now() + skew_ms_.load(); }
  base::Uptime SinceStart() const override { return {1, Elapsed()}; }

  void Advance(std::int64_t ms) {
    now_ms_.fetch_add(ms);
    elapsed_ms_.fetch_add(ms);
  }
  // As when the machine's clock is set.
  void SkewWall(std::int64_t ms) { skew_ms_.store(ms); }
  // As when a new process reads another wall clock.
  void JumpTo(std::int64_t now_ms) { now_ms_.store(now_ms); }

 private:
  std::atomic<std::int64_t> now_ms_{1'700'000'000'000};
  std::atomic<std::int64_t> elapsed_ms_{1'000'000};
  std::atomic<std::int64_t> skew_ms_{0};
};

inline bool WaitUntil(const std::function<bool()>& holds) {
  for (int i = 0; i < 2000; ++i) {
    if (holds()) {
      return true;
    }
    ::poll(nullptr, 0, 5);
  }
  return false;
}

inline StoreOptions SmallOptions(EngineKind engine, const std::string& dir) {
  StoreOptions options;
  options.engine = engine;
  options.dir = dir;
  options.hot_table_bytes = 4 * base::kMiB;
  options.block_cache_bytes = 4 * base::kMiB;
  options.memtable_bytes = 1 * base::kMiB;
  options.open_files_max = 64;
  options.sweep_rows_per_second = 0;
  return options;
}

inline std::unique_ptr<Store> MustOpen(const StoreOptions& options, const base::Clock& clock) {
  auto store = Store::OpenWithClock(options, clock);
  if (!store.ok()) {
    FAIL(store.error().detail);
  }
  return std::move(store).value();
}

inline void MustPut(Store& store, std::string_view key, std::string_view value,
                    base::UnixMillis expires_at = kNever, Family family = Family::kKeys) {
  const base::Status status = store.Run([&](Transaction& transaction) -> base::Status {
    transaction.Put(family, key, value, expires_at);
    return base::Ok{};
  });
  if (!status.ok()) {
    FAIL(status.error().detail);
  }
}

// "(absent)" or "(error: code)" where there is no value.
inline std::string ValueOf(const Store& store, std::string_view key, base::UnixMillis now,
                           Family family = Family::kKeys, ReadMode mode = ReadMode::kDisk) {
  const auto found = store.Get(family, key, now, mode);
  if (!found.ok()) {
    return "(error: " + std::string(base::NameOf(found.error().code)) + ")";
  }
  return found.value().has_value() ? std::string(found.value()->value()) : "(absent)";
}

inline std::vector<std::string> KeysOf(const Store& store, const ScanRequest& request,
                                       base::UnixMillis now) {
  std::vector<std::string> keys;
  const base::Status status = store.Scan(request, now, [&](const ScanRow& row) {
    keys.emplace_back(row.key);
    return true;
  });
  REQUIRE(status.ok());
  return keys;
}

// A mutation from a function; notes its outcome.
class TestMutation final : public Mutation {
 public:
  using Body = std::function<base::Status(Transaction&)>;
  using Done = std::function<void(base::Status)>;
  TestMutation(Body body, Done done) : body_(std::move(body)), done_(std::move(done)) {}

  base::Status Apply(Transaction& transaction) override { return body_(transaction); }
  void Finish(base::Status outcome) override { done_(std::move(outcome)); }
  std::size_t QueuedBytes() const override { return 100; }

 private:
  const Body body_;
  const Done done_;
};

inline std::vector<std::unique_ptr<Mutation>> One(TestMutation::Body body,
                                                  TestMutation::Done done) {
  std::vector<std::unique_ptr<Mutation>> mutations;
  mutations.push_back(std::make_unique<TestMutation>(std::move(body), std::move(done)));
  return mutations;
}

}  // namespace reprise::storage
