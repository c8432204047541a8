#include "storage/engine/keeper.h"

#include <algorithm>
#include <chrono>
#include <pthread.h>
#include <utility>

#include "protocol/base/thread_role.h"

namespace reprise::storage {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
constexpr std::int64_t kRefreshNanos = kNanosPerSecond;
// The high-water mark of the clock while nothing is written.
constexpr std::int64_t kIdleWatermarkNanos = 5 * kNanosPerSecond;
// Writes come back only when clearly more is free than where they stopped.
constexpr std::uint64_t kRecoveryFactor = 2;
// Above what Room wants free for it.
constexpr std::uint64_t kUnflushedFactor = 4;
constexpr std::uint64_t kFlushBytesMin = 4 * base::kMiB;

}  // namespace

void Keeper::Start() {
  last_refresh_ = last_watermark_ = parts_.clock.Elapsed();
  watermark_sequence_ = parts_.syncer.durable_sequence();
  Refresh();
  thread_ = std::thread([this] {
    base::kStorage.Adopt();
    Work();
  });
  pthread_setname_np(thread_.native_handle(), "store-keeper");
}

void Keeper::Stop() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Keeper::Work() {
  for (;;) {
    {
      base::MutexLock lock(mutex_);
      if (!stopping_) {
        wake_.wait_for(mutex_, std::chrono::milliseconds(TickMs()));
      }
      if (stopping_) {
        return;
      }
    }
    Tick();
  }
}

std::int64_t Keeper::TickMs() const {
  if (parts_.syncer.durability() != Durability::kInterval) {
    return kTickMsMax;
  }
  return std::clamp<std::int64_t>(parts_.syncer.sync_interval_ms() / 4, 1, kTickMsMax);
}

void Keeper::Tick() {
  const base::Nanos now = parts_.clock.Elapsed();
  parts_.deletion_clock.Update();
  WatchSpace();
  const bool broken = parts_.health.state() == Health::State::kBroken;
  bool write_watermark = now - last_watermark_ >= kIdleWatermarkNanos;
  if (!broken && parts_.syncer.Due()) {
    write_watermark = parts_.syncer.SyncNow().ok();
  }
  if (now - last_refresh_ >= kRefreshNanos) {
    last_refresh_ = now;
    Refresh();
    if (parts_.data_dir != nullptr && parts_.health.state() == Health::State::kWritable) {
      parts_.data_dir->KeepBallast();
    }
    write_watermark |= parts_.syncer.durable_sequence() != watermark_sequence_;
  }
  if (write_watermark && !broken) {
    last_watermark_ = now;
    watermark_sequence_ = parts_.syncer.durable_sequence();
    static_cast<void>(WriteWatermark());
  }
  LogHealth();
  parts_.sweeper.Tick(now);
}

base::Status Keeper::WriteWatermark() {
  if (parts_.watermark == nullptr) {
    return base::Ok{};
  }
  base::Status outcome =
      parts_.watermark->Write({parts_.syncer.durable_sequence(), parts_.deletion_clock.now()});
  if (!outcome.ok()) {
    parts_.health.ReportBroken(outcome.error().detail);
  }
  return outcome;
}

void Keeper::Refresh() {
  const EngineFigures figures = parts_.engine.Figures();
  disk_bytes_.store(figures.disk_bytes);
  memtable_bytes_.store(figures.memtable_bytes);
  keys_estimate_.store(figures.keys_estimate);
}

// What stands in memory needs room too: a database whose log cannot be flushed any more does not
// even open. On a small disk it is flushed ahead of time, which lets the log go.
void Keeper::WatchSpace() {
  if (parts_.data_dir == nullptr) {
    return;
  }
  const auto space = SpaceAt(parts_.data_dir->path());
  if (!space.ok()) {
    return;
  }
  const std::uint64_t reserve = DataDir::ReserveBytes(space.value());
  const std::uint64_t available = space.value().available_bytes;
  const std::uint64_t unflushed = parts_.engine.UnflushedBytes();
  if (parts_.health.state() != Health::State::kBroken && unflushed > kFlushBytesMin &&
      available < kRecoveryFactor * reserve + kUnflushedFactor * unflushed) {
    // Its failure shows in the engine's condition.
    static_cast<void>(parts_.engine.RequestFlush());
  }
  if (parts_.health.state() == Health::State::kWritable) {
    if (available < reserve) {
      parts_.health.ReportFull("only " + std::to_string(available) + " bytes are free for " +
                               parts_.data_dir->path() + ", " +
                               std::to_string(kRecoveryFactor * reserve) + " are wanted");
      parts_.data_dir->ReleaseBallast();
    }
  } else if (parts_.health.state() == Health::State::kFull) {
    parts_.data_dir->ReleaseBallast();
    if (available >= kRecoveryFactor * reserve + unflushed) {
      TryRecovery();
    }
  }
}

void Keeper::TryRecovery() {
  if (parts_.engine.condition() == EngineCondition::kNoSpace && !parts_.engine.Resume().ok()) {
    return;
  }
  parts_.queue.RequestProbe();
}

void Keeper::LogHealth() {
  const Health::State state = parts_.health.state();
  if (state == logged_state_) {
    return;
  }
  logged_state_ = state;
  if (!parts_.log) {
    return;
  }
  if (state == Health::State::kWritable) {
    parts_.log(LogLevel::kWarning, "the disk has space again, writes are accepted");
  } else {
    parts_.log(LogLevel::kError, parts_.health.Refusal().detail);
  }
}

EngineFigures Keeper::figures() const {
  return {disk_bytes_.load(), memtable_bytes_.load(), keys_estimate_.load()};
}

}  // namespace reprise::storage
