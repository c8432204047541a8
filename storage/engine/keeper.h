// Keeper: the thread for what has to happen by itself: interval syncs, the watermark, the trusted
// clock, the free space of the disk and the way back from it, the pace of the sweeper.
//
// Units: milliseconds. Threads: one of its own, role base::kStorage; Stop by the owner, the figures
// from any. Errors: are reported to Health and to the log. Lifetime: borrows all parts.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "protocol/base/mutex.h"
#include "storage/engine/data_dir.h"
#include "storage/engine/deletion_clock.h"
#include "storage/engine/engine.h"
#include "storage/engine/health.h"
#include "storage/engine/sweeper.h"
#include "storage/engine/syncer.h"
#include "storage/engine/watermark.h"
#include "storage/engine/write_queue.h"

namespace reprise::storage {

struct KeeperParts {
  Engine& engine;
  WriteQueue& queue;
  Health& health;
  Syncer& syncer;
  Sweeper& sweeper;
  DeletionClock& deletion_clock;
  const base::Clock& clock;
  DataDir* data_dir;     // null with the memory engine
  Watermark* watermark;  // null with the memory engine
  StoreLog log;
};

class Keeper {
 public:
  static constexpr std::int64_t kTickMsMax = 100;

  explicit Keeper(KeeperParts parts) : parts_(std::move(parts)) {}
  ~Keeper() = default;
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;
  Keeper(Keeper&&) = delete;
  Keeper& operator=(Keeper&&) = delete;

  void Start();
  void Stop();
  // Writes down what is durable and what time it is. Any thread.
  base::Status WriteWatermark();
  EngineFigures figures() const;

 private:
  void Work();
  void Tick();
  void Refresh();
  void WatchSpace();
  void TryRecovery();
  void LogHealth();
  std::int64_t TickMs() const;

  KeeperParts parts_;
  std::atomic<std::uint64_t> disk_bytes_{0};
  std::atomic<std::uint64_t> memtable_bytes_{0};
  std::atomic<std::uint64_t> keys_estimate_{0};
  base::Nanos last_refresh_{0};
  base::Nanos last_watermark_{0};
  std::uint64_t watermark_sequence_ = 0;
  Health::State logged_state_ = Health::State::kWritable;
  base::Mutex mutex_;
  base::ConditionVariable wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace reprise::storage
