// Sweeper: deletes expired rows in the background, in slices, so that they do not wait for a
// compaction or a reader.
//
// A slice is a scan on a storage thread that collects expired keys, and one mutation that looks at
// each again on the writer and deletes it. After a whole pass the sweeper rests until the earliest
// expiry that it saw, or that was written meanwhile, has come; without expiries it never runs.
// Only the trusted time counts (DeletionClock).
//
// Units: rows per second. Threads: Tick from the keeper; NoteExpiry and the mutation from the
// writer; slices on a storage thread, one at a time. Errors: a failed slice is tried again. Limits:
// kSliceRows. Lifetime: outlives the writer and the pool.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "storage/engine/deletion_clock.h"
#include "storage/engine/engine.h"
#include "storage/engine/worker_pool.h"
#include "storage/engine/write_queue.h"

namespace reprise::storage {

struct SweeperParts {
  Engine& engine;
  WriteQueue& queue;
  WorkerPool& pool;
  const DeletionClock& deletion_clock;
  std::int64_t rows_per_second;
};

class Sweeper {
 public:
  static constexpr std::int64_t kSliceRows = 8192;

  explicit Sweeper(SweeperParts parts) : parts_(parts) {}

  // Starts a slice when one is due. `elapsed` paces it.
  void Tick(base::Nanos elapsed);
  void NoteExpiry(base::UnixMillis expires_at);
  std::uint64_t swept() const { return swept_.load(); }

 private:
  friend class SweepMutation;

  void RunSlice(std::int64_t rows_max);
  // Hands the keys to the writer. False when it has no room.
  bool Delete(Family family, std::vector<std::string> keys);
  // Rows looked at; moves the pass on.
  std::int64_t ScanFamily(std::int64_t rows_max, std::vector<std::string>& expired);

  const SweeperParts parts_;
  std::atomic<bool> busy_{false};  // guards the fields of the pass: they belong to the slice
  std::atomic<std::uint64_t> swept_{0};
  std::atomic<std::int64_t> earliest_put_ms_{0};
  std::atomic<std::int64_t> wake_at_ms_{0};
  bool in_pass_ = false;
  std::size_t family_ = 0;
  std::string after_;
  std::int64_t earliest_seen_ms_ = 0;
  base::Nanos last_slice_{0};
};

}  // namespace reprise::storage
