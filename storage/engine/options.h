// StoreOptions: what one open data directory can be told. Defaults here, ranges in
// server/config/table.cc.
//
// Units: in the names. Threads: values. Errors: none; the caller has checked the ranges.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "protocol/base/limits.h"

namespace reprise::storage {

enum class Durability : std::uint8_t {
  kAlways,    // a reply means fdatasync returned
  kInterval,  // a process crash loses nothing; a power cut at most sync_interval_ms of replies
  kNone,      // a process crash loses nothing; a power cut loses what the system had not written
};

enum class EngineKind : std::uint8_t {
  kRocksDb,
  kMemory,  // nothing on disk; for tests (TSan) and trials
};

enum class LogLevel : std::uint8_t { kWarning, kError };

// Takes messages for the operator. Called on the store's and RocksDB's threads, with nothing held;
// it must not call the store. Messages name files, never keys or values.
using StoreLog = std::function<void(LogLevel, std::string_view)>;

struct StoreOptions {
  std::string dir;         // the data directory; made when it is absent
  std::string backup_dir;  // where BACKUP writes; empty means <dir>/backups
  EngineKind engine = EngineKind::kRocksDb;
  Durability durability = Durability::kInterval;
  std::int64_t sync_interval_ms = 1000;
  std::int64_t hot_table_bytes = 256 * base::kMiB;
  std::int64_t block_cache_bytes = 64 * base::kMiB;
  std::int64_t memtable_bytes = 64 * base::kMiB;  // one memtable; RocksDB keeps at most two
  std::int64_t open_files_max = 512;              // file descriptors that RocksDB may hold
  std::int64_t storage_threads = 2;               // threads for reads that touch the disk
  std::int64_t write_queue_items = base::limits::kWriteQueueItems.value;
  std::int64_t write_queue_bytes = base::limits::kWriteQueueBytes.value;
  std::int64_t storage_queue_items = base::limits::kStorageQueueItems.value;
  std::int64_t sweep_rows_per_second = 20'000;  // pace of active expiry; 0 switches it off
  bool accept_loss =
      false;     // open although the watermark says that acknowledged writes are missing
  StoreLog log;  // empty: nobody listens
};

// File descriptors that a store with these options may hold at a time. The process needs these and
// its connections before it opens the store: RocksDB does not survive running out of them.
std::int64_t RequiredFiles(const StoreOptions& options);

}  // namespace reprise::storage
