// Store: one data directory, opened once. Keys to values with optional expiry, in column families.
//
// Reads may come from any thread. Writes are transactions that run one after another on the store's
// writer thread, which commits everything that is queued as one RocksDB batch (group commit);
// therefore read-modify-write needs no lock. A value becomes visible to readers when its batch has
// committed.
//
//   loop ---Submit(mutations)---> writer: Apply, Apply, Apply, commit, Finish, Finish, Finish
//   loop ---Get(kMemory)--------> hot table, block cache; kWouldBlock when only the disk knows
//   loop ---PostRead(task)------> storage thread: Get(kDisk), Scan, Backup, CheckIntegrity
//
// Units: bytes, milliseconds. Errors: kIo, kCorrupt, kReadOnly, kWouldBlock, kUnknownOutcome (a
// commit that failed half way: the write may be found after a restart). Limits: key and value sizes
// are the caller's to check; the queues have the bounds of StoreOptions. Lifetime: the Store
// outlives all users.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mailbox.h"
#include "protocol/base/result.h"
#include "protocol/base/thread_role.h"
#include "storage/engine/blob.h"
#include "storage/engine/options.h"

namespace reprise::storage {

// Numbers are stored on disk (format of the hot table and of backups): append only.
enum class Family : std::uint8_t {
  kKeys,
  kEntries,
  kVectors,
  kConversations,
  kJobs,
  kLedger,
  kMeta,
};

inline constexpr base::UnixMillis kNever{0};

enum class ReadMode : std::uint8_t {
  kMemory,  // never waits for the disk: kWouldBlock instead
  kDisk,    // may wait for the disk; not on a loop thread
};

// What runs on the writer thread inside one transaction. Reads see the writes of the same batch.
class Transaction {
 public:
  virtual ~Transaction() = default;

  // The time read once for the whole batch.
  virtual base::UnixMillis now() const = 0;
  // Absent also when expired.
  virtual base::Result<std::optional<BlobRef>> Get(Family family, std::string_view key) = 0;
  virtual void Put(Family family, std::string_view key, std::string_view value,
                   base::UnixMillis expires_at) = 0;
  virtual void Delete(Family family, std::string_view key) = 0;
  // All keys with this prefix; O(1) for the caller, the space is reclaimed later.
  virtual void DeletePrefix(Family family, std::string_view prefix) = 0;
  // This batch must be on the medium before Finish, whatever the durability mode.
  virtual void RequireSync() = 0;
  // The number of the batch: visible to readers once Store::committed() has reached it.
  virtual std::uint64_t commit() const = 0;
  // Runs when this batch could not be committed, in reverse order of registration; for memory that
  // was changed ahead of the commit. Not run when Apply itself returns an error.
  virtual void OnAbort(std::function<void()> undo) = 0;
  // Runs once this batch has been committed and readers can see it, before Finish; in order of
  // registration. Not run when Apply itself returns an error.
  virtual void OnCommit(std::function<void()> done) = 0;
};

class Mutation {
 public:
  virtual ~Mutation() = default;
  // An error rolls back what this mutation wrote, and nothing else.
  virtual base::Status Apply(Transaction& transaction) = 0;
  // The outcome of Apply, or of the commit. Always called, once.
  virtual void Finish(base::Status outcome) = 0;
  // What the mutation holds, for the queue's bound.
  virtual std::size_t QueuedBytes() const = 0;
};

struct ScanRow {
  std::string_view key;  // whole key; valid during the call
  std::string_view value;
  base::UnixMillis expires_at;
};

struct ScanRequest {
  Family family;
  std::string_view prefix;
  std::string_view after;  // start behind this key; empty means at the prefix
  bool include_expired = false;
};

struct BackupReport {
  std::string path;
  std::uint64_t sequence = 0;
  std::uint64_t rows = 0;  // counted by opening the backup
  std::uint64_t bytes = 0;
};

struct IntegrityReport {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t bad_rows = 0;
  std::vector<std::string> problems;  // the first 16, for people
};

// A reading of counters and gauges; all since the store was opened.
struct StoreStats {
  bool read_only = false;
  std::string read_only_reason;
  std::uint64_t sequence = 0;          // last committed
  std::uint64_t durable_sequence = 0;  // last known to be on the medium
  std::int64_t oldest_unsynced_ms = 0;
  std::int64_t worst_unsynced_ms = 0;  // the most a power cut could have lost so far
  std::int64_t clock_skew_ms = 0;      // wall clock minus server time
  std::int64_t recovery_ms = 0;        // how long opening took
  std::uint64_t commits = 0;
  std::uint64_t committed_mutations = 0;
  std::uint64_t failed_commits = 0;
  std::uint64_t syncs = 0;
  std::uint64_t sync_micros_total = 0;
  std::uint64_t write_queue_items = 0;
  std::uint64_t write_queue_bytes = 0;
  std::uint64_t write_queue_items_peak = 0;
  std::uint64_t storage_queue_items = 0;
  std::uint64_t hot_hits = 0;
  std::uint64_t hot_misses = 0;
  std::uint64_t hot_items = 0;
  std::uint64_t hot_bytes = 0;
  std::uint64_t hot_evictions = 0;
  std::uint64_t expired_swept = 0;
  std::uint64_t disk_bytes = 0;
  std::uint64_t memtable_bytes = 0;
  std::uint64_t keys_estimate = 0;
};

class Store {
 public:
  // Opens or makes the directory, checks format version, lock and watermark, and starts the
  // threads. `clock` is raised to the persisted high-water mark before anything is read. Errors:
  // kIo (unreadable, in use: says by whom), kCorrupt (damage, a watermark gap with the exact
  // sequence numbers and the flag that accepts it, a newer format).
  static base::Result<std::unique_ptr<Store>> Open(StoreOptions options, base::SystemClock& clock);
  // The same on a clock that a test moves.
  static base::Result<std::unique_ptr<Store>> OpenWithClock(StoreOptions options,
                                                            const base::Clock& clock);
  // Finishes what was submitted, syncs, writes the watermark, closes.
  virtual ~Store() = default;

  // Any thread. Absent also when expired.
  virtual base::Result<std::optional<BlobRef>> Get(Family family, std::string_view key,
                                                   base::UnixMillis now, ReadMode mode) const = 0;
  // Rows in key order until `visit` answers false. Reads the disk: storage threads and tests.
  virtual base::Status Scan(const ScanRequest& request, base::UnixMillis now,
                            const std::function<bool(const ScanRow&)>& visit) const = 0;

  // Queues mutations, all of them or none, in order. False when the queue is full or the store is
  // closing; the mutations stay with the caller, who answers kBusy. An empty queue takes one
  // submission of any size.
  virtual bool Submit(std::vector<std::unique_ptr<Mutation>>& mutations) = 0;
  // Ok while writes are taken; else kReadOnly with the reason, as a refused mutation is told. Any
  // thread; O(1) and without a lock while all is well: the dispatcher's gate asks for every write.
  virtual base::Status Writable() const = 0;
  // Runs one transaction and waits for its commit. Not on a loop or writer thread.
  virtual base::Status Run(const std::function<base::Status(Transaction&)>& body) = 0;
  // The last batch that readers can see.
  virtual std::uint64_t committed() const = 0;

  // Runs a task on a storage thread. False when that queue is full; the task is then destroyed.
  virtual bool PostRead(std::unique_ptr<base::Task> task) = 0;

  // Waits until everything committed is on the medium.
  virtual base::Status Sync() = 0;
  // Makes <backup_dir>/<name>, and opens it to prove that it can be read. `name` is checked here.
  virtual base::Result<BackupReport> Backup(std::string_view name) = 0;
  // Reads every row and every block checksum. `progress` gets rows done and an estimate of all
  // rows.
  virtual base::Result<IntegrityReport> CheckIntegrity(
      const std::function<void(std::uint64_t, std::uint64_t)>& progress) const = 0;
  // Live change of the mode and its interval.
  virtual void SetDurability(Durability durability, std::int64_t sync_interval_ms) = 0;
  virtual void SetHotTableBytes(std::int64_t bytes) = 0;

  virtual StoreStats Stats() const = 0;
};

}  // namespace reprise::storage
