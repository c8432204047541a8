// Syncer: what of the committed rows is known to be on the medium, and making it more.
//
// Units: engine sequence numbers; milliseconds of elapsed time. Threads: NoteCommit from the
// writer; the rest from any. Errors: a failed sync is kIo and leaves the store broken (Health): it
// is not tried again, because the system may have dropped the pages. Lifetime: borrows all parts.
#pragma once

#include <atomic>
#include <cstdint>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "storage/engine/engine.h"
#include "storage/engine/health.h"
#include "storage/engine/options.h"

namespace reprise::storage {

class Syncer {
 public:
  Syncer(Engine& engine, Health& health, const base::Clock& clock);

  void SetDurability(Durability durability, std::int64_t sync_interval_ms);
  bool sync_each_commit() const { return durability_.load() == Durability::kAlways; }
  Durability durability() const { return durability_.load(); }
  std::int64_t sync_interval_ms() const { return sync_interval_ms_.load(); }

  // A batch was committed, and started at this time.
  void NoteCommit(bool synced, base::Nanos started);
  // Whether the oldest commit that is not on the medium is so old that the interval is in danger.
  bool Due() const;
  // Puts everything committed on the medium.
  base::Status SyncNow();

  std::uint64_t sequence() const { return sequence_.load(std::memory_order_acquire); }
  std::uint64_t durable_sequence() const { return durable_.load(std::memory_order_acquire); }
  std::int64_t OldestUnsyncedMs() const;
  std::int64_t WorstUnsyncedMs() const;
  std::uint64_t syncs() const { return syncs_.load(); }
  std::uint64_t sync_micros_total() const { return sync_micros_.load(); }

 private:
  void NoteSynced(std::uint64_t sequence, std::int64_t since_ns, base::Nanos started);

  Engine& engine_;
  Health& health_;
  const base::Clock& clock_;
  std::atomic<Durability> durability_{Durability::kAlways};
  std::atomic<std::int64_t> sync_interval_ms_{0};
  // Of the last commit that succeeded. The engine's own number may count a failed batch.
  std::atomic<std::uint64_t> sequence_;
  std::atomic<std::uint64_t> durable_;
  // Elapsed time of the oldest commit that no sync has taken up, and of the one that is being
  // synced; 0 for none.
  std::atomic<std::int64_t> unsynced_since_ns_{0};
  std::atomic<std::int64_t> syncing_since_ns_{0};
  std::atomic<std::int64_t> worst_unsynced_ns_{0};
  std::atomic<std::uint64_t> syncs_{0};
  std::atomic<std::uint64_t> sync_micros_{0};
};

}  // namespace reprise::storage
