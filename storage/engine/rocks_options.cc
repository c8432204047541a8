#include "storage/engine/rocks_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include "storage/engine/expiry.h"
#include "storage/engine/row.h"

namespace reprise::storage {
namespace {

constexpr std::uint64_t kWeekSeconds = std::uint64_t{7} * 24 * 3600;
constexpr int kBloomBitsPerKey = 10;
constexpr std::uint64_t kMetadataBlockBytes = 4096;
constexpr std::size_t kBlockBytes = 4096;
constexpr std::uint64_t kTableBytes = 64 * base::kMiB;
constexpr std::uint64_t kLevelBaseBytes = 256 * base::kMiB;
constexpr std::uint64_t kManifestBytes = 64 * base::kMiB;
constexpr std::size_t kReadAheadBytes = 2 * base::kMiB;
// Beside what RocksDB holds: the WAL, MANIFEST and lock files, the verification of a backup, and
// the store's own.
constexpr std::int64_t kFilesBeside = 128;

// Drops rows that have expired by the trusted clock. What it does not understand it keeps: only a
// read may call a row damaged.
class ExpiryFilter final : public rocksdb::CompactionFilter {
 public:
  explicit ExpiryFilter(base::UnixMillis now) : now_(now) {}

  const char* Name() const override { return "reprise.expiry"; }
  // The library requires it. A snapshot may therefore lose expired rows, which nobody may see.
  bool IgnoreSnapshots() const override { return true; }

  // NOLINTNEXTLINE(readability-function-size): the signature is RocksDB's
  Decision FilterV2(int /*level*/, const rocksdb::Slice& /*key*/, ValueType type,
                    const rocksdb::Slice& value, std::string* /*new_value*/,
                    std::string* /*skip_until*/) const override {
    if (type != ValueType::kValue) {
      return Decision::kKeep;
    }
    const auto row = DecodeRow({value.data(), value.size()});
    return row.has_value() && IsExpired(row->expires_at, now_) ? Decision::kRemove
                                                               : Decision::kKeep;
  }

 private:
  const base::UnixMillis now_;
};

class ExpiryFilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  explicit ExpiryFilterFactory(const std::atomic<std::int64_t>& now_ms) : now_ms_(now_ms) {}

  const char* Name() const override { return "reprise.expiry"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& /*context*/) override {
    return std::make_unique<ExpiryFilter>(base::UnixMillis{now_ms_.load()});
  }

 private:
  const std::atomic<std::int64_t>& now_ms_;
};

std::shared_ptr<rocksdb::TableFactory> MakeTableFactory(const StoreOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(static_cast<std::size_t>(options.block_cache_bytes));
  // Index and filter live in the block cache, in small partitions: memory is bounded by the cache.
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = false;
  table.pin_top_level_index_and_filter = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.metadata_block_size = kMetadataBlockBytes;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.whole_key_filtering = true;
  table.optimize_filters_for_memory = false;
  table.block_size = kBlockBytes;
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinarySearch;
  return std::shared_ptr<rocksdb::TableFactory>(rocksdb::NewBlockBasedTableFactory(table));
}

void SetWriteAheadLog(const StoreOptions& options, rocksdb::DBOptions& database) {
  // A torn tail is normal after a crash, and dropped; a damaged middle shows in the watermark.
  database.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // What a restart has to replay. Without it a family that is written rarely keeps every log alive.
  database.max_total_wal_size =
      static_cast<std::uint64_t>(2 * options.memtable_bytes) + 32 * base::kMiB;
  database.db_write_buffer_size = static_cast<std::size_t>(2 * options.memtable_bytes);
  database.wal_compression = rocksdb::kNoCompression;
  database.recycle_log_file_num = 0;
  database.manual_wal_flush = false;
  database.WAL_ttl_seconds = 0;
  database.WAL_size_limit_MB = 0;
  database.wal_bytes_per_sync = 0;
  database.track_and_verify_wals_in_manifest = false;
  database.avoid_flush_during_recovery = false;
  database.avoid_flush_during_shutdown = false;
}

}  // namespace

std::int64_t RequiredFiles(const StoreOptions& options) {
  return options.engine == EngineKind::kMemory ? 0 : options.open_files_max + kFilesBeside;
}

rocksdb::DBOptions MakeDatabaseOptions(const StoreOptions& options, const RocksParts& parts) {
  rocksdb::DBOptions database;
  database.create_if_missing = true;
  database.create_missing_column_families = true;
  database.info_log = parts.logger;
  database.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  if (parts.listener != nullptr) {
    database.listeners = {parts.listener};
  }
  database.paranoid_checks = true;
  database.max_open_files = static_cast<int>(options.open_files_max);
  database.max_file_opening_threads = 2;
  database.max_manifest_file_size = kManifestBytes;
  database.max_background_jobs = 2;
  database.max_subcompactions = 1;
  database.bytes_per_sync = static_cast<std::uint64_t>(base::kMiB);
  database.compaction_readahead_size = kReadAheadBytes;
  database.use_direct_reads = false;
  database.use_direct_io_for_flush_and_compaction = false;
  database.allow_mmap_reads = false;
  database.allow_mmap_writes = false;
  database.rate_limiter = nullptr;
  database.row_cache = nullptr;
  database.statistics = nullptr;
  database.stats_dump_period_sec = 0;
  database.stats_persist_period_sec = 0;
  database.persist_stats_to_disk = false;
  database.skip_stats_update_on_db_open = true;
  database.atomic_flush = false;
  database.two_write_queues = false;
  database.unordered_write = false;
  // There is one writer: the machinery that lets several share a batch only costs.
  database.allow_concurrent_memtable_write = false;
  database.enable_pipelined_write = false;
  database.enable_write_thread_adaptive_yield = false;
  database.avoid_unnecessary_blocking_io = true;
  SetWriteAheadLog(options, database);
  return database;
}

rocksdb::ColumnFamilyOptions MakeFamilyOptions(const StoreOptions& options,
                                               const RocksParts& parts) {
  rocksdb::ColumnFamilyOptions family;
  family.write_buffer_size = static_cast<std::size_t>(options.memtable_bytes);
  family.max_write_buffer_number = 2;
  family.min_write_buffer_number_to_merge = 1;
  family.max_write_buffer_size_to_maintain = 0;
  family.memtable_whole_key_filtering = true;
  family.memtable_prefix_bloom_size_ratio = 0.002;
  family.compaction_style = rocksdb::kCompactionStyleLevel;
  family.level_compaction_dynamic_level_bytes = true;
  family.level0_file_num_compaction_trigger = 4;
  family.level0_slowdown_writes_trigger = 20;
  family.level0_stop_writes_trigger = 36;
  family.target_file_size_base = kTableBytes;
  family.max_bytes_for_level_base = kLevelBaseBytes;
  // By number of the level that is in use: L0, the first below it, then the rest.
  family.compression_per_level = {rocksdb::kNoCompression, rocksdb::kNoCompression,
                                  rocksdb::kLZ4Compression};
  family.compression = rocksdb::kLZ4Compression;
  family.bottommost_compression = rocksdb::kDisableCompressionOption;
  family.enable_blob_files = false;
  family.force_consistency_checks = true;
  family.paranoid_file_checks = false;
  family.optimize_filters_for_hits = false;
  family.ttl = 0;
  // Rows that expired in the last level are looked at once a week even when nothing is written.
  family.periodic_compaction_seconds = kWeekSeconds;
  family.table_factory = MakeTableFactory(options);
  if (parts.deletion_now_ms != nullptr) {
    family.compaction_filter_factory =
        std::make_shared<ExpiryFilterFactory>(*parts.deletion_now_ms);
  }
  return family;
}

}  // namespace reprise::storage
