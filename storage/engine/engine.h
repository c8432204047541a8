// Engine: what the Store needs from the thing that keeps rows: batches, reads, scans, syncs.
//
// An engine knows rows and their expiry field, but no time, no hot table and no queue. Two exist:
// RocksDB on disk, and a sorted map in memory with the same semantics for tests and trials.
//
// Threads: Commit and Sync of one batch from the writer; the rest from any thread. Errors: kIo,
// kCorrupt, kWouldBlock; Commit says kReadOnly when the disk is full and nothing was applied, and
// kUnknownOutcome when the batch may be found after a restart. Lifetime: the destructor closes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "storage/engine/blob.h"
#include "storage/engine/store.h"

namespace reprise::storage {

inline constexpr std::size_t kFamilies = 7;

struct Operation {
  enum class Kind : std::uint8_t { kPut, kDelete, kDeletePrefix };
  Kind kind;
  Family family;
  BlobRef row;  // for kDelete the key, for kDeletePrefix the prefix; both without a value
};

struct EngineScan {
  Family family;
  std::string_view prefix;
  std::string_view after;     // start behind this key; empty means at the prefix
  bool keep_in_cache = true;  // false for passes over everything
};

// What the engine has noticed outside of any call, as when a flush in the background failed.
enum class EngineCondition : std::uint8_t {
  kGood,
  kNoSpace,  // recovers by itself once the disk has space
  kBroken,   // refuses writes until it is opened again
};

struct EngineFigures {
  std::uint64_t disk_bytes = 0;
  std::uint64_t memtable_bytes = 0;
  std::uint64_t keys_estimate = 0;
};

class Engine {
 public:
  virtual ~Engine() = default;

  // Applies all operations in order or none. With `sync` they are on the medium, and everything
  // committed before them too, when it answers.
  virtual base::Status Commit(std::span<const Operation* const> operations, bool sync) = 0;
  // Expired rows included.
  virtual base::Result<std::optional<BlobRef>> Get(Family family, std::string_view key,
                                                   ReadMode mode) const = 0;
  // One consistent view, in key order, expired rows included, until `visit` answers false.
  virtual base::Status Scan(const EngineScan& scan,
                            const std::function<bool(const ScanRow&)>& visit) const = 0;
  // Puts everything committed so far on the medium. kReadOnly: not tried, because a commit failed.
  virtual base::Status Sync() = 0;
  // The number of the last row written, counted over the life of the directory.
  virtual std::uint64_t sequence() const = 0;
  // A copy that can be opened, at a path that must not exist yet.
  virtual base::Status Checkpoint(const std::string& path) = 0;
  virtual base::Result<IntegrityReport> Verify(
      const std::function<void(std::uint64_t, std::uint64_t)>& progress) const = 0;
  virtual EngineFigures Figures() const = 0;
  virtual EngineCondition condition() const = 0;
  virtual std::string condition_reason() const = 0;
  // Rows that stand in memory and the log only, and have to find room on the disk.
  virtual std::uint64_t UnflushedBytes() const = 0;
  // Starts to write them to tables, so that the log can go; does not wait for it.
  virtual base::Status RequestFlush() = 0;
  // Tries to leave kNoSpace. Waits for the disk; not on the writer.
  virtual base::Status Resume() = 0;
};

struct EngineSetup {
  std::string path;  // of the database itself, inside the data directory
  const StoreOptions& options;
  // Rows that expired before this time may be dropped for good. Outlives the engine.
  const std::atomic<std::int64_t>& deletion_now_ms;
};

base::Result<std::unique_ptr<Engine>> OpenRocksEngine(const EngineSetup& setup);
std::unique_ptr<Engine> MakeMemoryEngine();

struct CheckpointCount {
  std::uint64_t rows = 0;
  std::uint64_t sequence = 0;
};
// Opens a checkpoint for reading and counts its rows, so as to prove that it can be restored.
base::Result<CheckpointCount> CountCheckpoint(const std::string& path);

}  // namespace reprise::storage
