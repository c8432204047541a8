#include "storage/engine/sweeper.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "storage/engine/batch.h"
#include "storage/engine/expiry.h"

namespace reprise::storage {
namespace {

constexpr std::int64_t kNoExpiry = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
// At most so much of unused pace is carried over.
constexpr std::int64_t kSliceNanosMax = kNanosPerSecond / 2;
constexpr std::int64_t kRetryMs = 60'000;

}  // namespace

class SweepMutation final : public Mutation {
 public:
  SweepMutation(Sweeper& sweeper, Family family, std::vector<std::string> keys)
      : sweeper_(sweeper), family_(family), keys_(std::move(keys)) {}

  base::Status Apply(Transaction& transaction) override {
    // The writer runs every mutation on its Batch.
    auto& batch = static_cast<Batch&>(transaction);
    const base::UnixMillis now = sweeper_.parts_.deletion_clock.now();
    for (const std::string& key : keys_) {
      deleted_ += batch.DeleteExpired(family_, key, now) ? 1 : 0;
    }
    return base::Ok{};
  }
  void Finish(base::Status outcome) override {
    if (outcome.ok()) {
      sweeper_.swept_.fetch_add(deleted_);
    } else {
      sweeper_.NoteExpiry(sweeper_.parts_.deletion_clock.now());
    }
    sweeper_.busy_.store(false, std::memory_order_release);
  }
  std::size_t QueuedBytes() const override {
    std::size_t bytes = sizeof(*this);
    for (const std::string& key : keys_) {
      bytes += key.size() + sizeof(std::string);
    }
    return bytes;
  }

 private:
  Sweeper& sweeper_;
  const Family family_;
  const std::vector<std::string> keys_;
  std::uint64_t deleted_ = 0;
};

void Sweeper::NoteExpiry(base::UnixMillis expires_at) {
  const std::int64_t ms = base::ToInt(expires_at);
  std::int64_t seen = earliest_put_ms_.load(std::memory_order_relaxed);
  while (ms < seen && !earliest_put_ms_.compare_exchange_weak(seen, ms)) {
  }
}

void Sweeper::Tick(base::Nanos elapsed) {
  if (parts_.rows_per_second == 0 || busy_.load(std::memory_order_acquire)) {
    return;
  }
  if (!in_pass_) {
    const std::int64_t wake_at = std::min(wake_at_ms_.load(), earliest_put_ms_.load());
    if (base::ToInt(parts_.deletion_clock.now()) < wake_at) {
      return;
    }
    in_pass_ = true;
    family_ = 0;
    after_.clear();
    earliest_seen_ms_ = kNoExpiry;
    earliest_put_ms_.store(kNoExpiry);
    last_slice_ = elapsed + -kSliceNanosMax;
  }
  const std::int64_t pause = std::min(elapsed - last_slice_, kSliceNanosMax);
  const std::int64_t rows =
      std::min(kSliceRows, parts_.rows_per_second * (pause / base::kNanosPerMicro) / 1'000'000);
  if (rows <= 0) {
    return;
  }
  last_slice_ = elapsed;
  busy_.store(true, std::memory_order_release);
  if (!parts_.pool.Post(base::MakeTask([this, rows] { RunSlice(rows); }))) {
    busy_.store(false, std::memory_order_release);
  }
}

// One mutation a slice at most: the next one waits until it was finished.
void Sweeper::RunSlice(std::int64_t rows_max) {
  Family family = Family::kKeys;
  std::vector<std::string> expired;
  while (rows_max > 0 && in_pass_ && expired.empty()) {
    family = static_cast<Family>(family_);
    rows_max -= ScanFamily(rows_max, expired);
  }
  // The fields of the pass are left alone from here on: the writer may finish at any moment.
  if (expired.empty() || !Delete(family, std::move(expired))) {
    busy_.store(false, std::memory_order_release);
  }
}

std::int64_t Sweeper::ScanFamily(std::int64_t rows_max, std::vector<std::string>& expired) {
  const base::UnixMillis now = parts_.deletion_clock.now();
  std::string last;
  std::int64_t rows = 0;
  const base::Status outcome = parts_.engine.Scan(
      {static_cast<Family>(family_), {}, after_, false}, [&](const ScanRow& row) {
        if (IsExpired(row.expires_at, now)) {
          expired.emplace_back(row.key);
        } else if (row.expires_at != kNever) {
          earliest_seen_ms_ = std::min(earliest_seen_ms_, base::ToInt(row.expires_at));
        }
        last.assign(row.key);
        return ++rows < rows_max;
      });
  if (!outcome.ok()) {
    // A damaged row ends the pass through this family; VERIFY is there to name it.
    earliest_seen_ms_ = std::min(earliest_seen_ms_, base::ToInt(now) + kRetryMs);
  }
  if (outcome.ok() && rows >= rows_max) {
    after_ = std::move(last);
    return rows;
  }
  after_.clear();
  if (++family_ == kFamilies) {
    in_pass_ = false;
    wake_at_ms_.store(earliest_seen_ms_);
  }
  return rows;
}

bool Sweeper::Delete(Family family, std::vector<std::string> keys) {
  std::vector<std::unique_ptr<Mutation>> mutations;
  mutations.push_back(std::make_unique<SweepMutation>(*this, family, std::move(keys)));
  if (parts_.queue.Submit(mutations)) {
    return true;
  }
  NoteExpiry(parts_.deletion_clock.now());
  return false;
}

}  // namespace reprise::storage
