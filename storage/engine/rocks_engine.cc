// The engine on RocksDB.

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/listener.h>
#include <rocksdb/sst_file_manager.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include "protocol/base/ensure.h"
#include "protocol/base/limits.h"
#include "storage/engine/engine.h"
#include "storage/engine/file.h"
#include "storage/engine/from_rocksdb.h"
#include "storage/engine/rocks_options.h"
#include "storage/engine/room.h"
#include "storage/engine/row.h"

namespace reprise::storage {
namespace {

constexpr std::size_t kProblemsMax = 16;
constexpr std::size_t kBatchBytesKept = 8 * base::kMiB;
constexpr std::uint64_t kProgressRows = 4096;
constexpr std::size_t kScanReadAheadBytes = 256 * base::kKiB;

rocksdb::Slice ToSlice(std::string_view text) {
  return {text.data(), text.size()};
}
std::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

// The first key behind all keys that have the prefix.
std::string EndOfPrefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xFF) {
    end.pop_back();
  }
  if (end.empty()) {
    // No key is longer than this: its parts are bounded by limits::kKeyBytes.
    return std::string(prefix.size() + 4 * static_cast<std::size_t>(base::limits::kKeyBytes.value),
                       '\xFF');
  }
  end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

// Notes what goes wrong in the background. RocksDB calls it from its own threads.
class ConditionListener final : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                         rocksdb::Status* status) override {
    Note(ConditionFrom(*status), status->ToString());
  }
  // RocksDB's own recovery waits until a whole memtable's worth is free, and ending the process
  // beside it can crash. Engine::Resume does it when the store sees space.
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status error,
                            bool* auto_recovery) override {
    if (ConditionFrom(error) == EngineCondition::kNoSpace) {
      *auto_recovery = false;
    }
  }
  void OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) override {
    Note(ConditionFrom(info.new_bg_error), info.new_bg_error.ToString());
  }
  void NoteRecovered() { Note(EngineCondition::kGood, {}); }

  EngineCondition condition() const { return condition_.load(std::memory_order_acquire); }
  std::string reason() const {
    base::MutexLock lock(mutex_);
    return reason_;
  }

 private:
  void Note(EngineCondition condition, std::string reason) {
    base::MutexLock lock(mutex_);
    reason_ = std::move(reason);
    condition_.store(condition, std::memory_order_release);
  }

  std::atomic<EngineCondition> condition_{EngineCondition::kGood};
  mutable base::Mutex mutex_;
  std::string reason_ GUARDED_BY(mutex_);
};

struct OpenedDatabase {
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;  // in the order of Family

  void Close() {
    if (db == nullptr) {
      return;
    }
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      // It can only fail for the default family's handle, which is not among them.
      static_cast<void>(db->DestroyColumnFamilyHandle(handle));
    }
    static_cast<void>(db->Close());
    db.reset();
  }
};

std::vector<rocksdb::ColumnFamilyDescriptor> Descriptors(const StoreOptions& options,
                                                         const RocksParts& parts) {
  const rocksdb::ColumnFamilyOptions family = MakeFamilyOptions(options, parts);
  // RocksDB insists on a family of this name; it stays empty.
  std::vector<rocksdb::ColumnFamilyDescriptor> families{{"default", family}};
  for (const std::string_view name : kFamilyNames) {
    families.emplace_back(std::string(name), family);
  }
  return families;
}

// RocksDB's handle for "default" comes first; it is given back at once.
OpenedDatabase Adopt(rocksdb::DB* db, std::vector<rocksdb::ColumnFamilyHandle*> handles) {
  ENSURE(handles.size() == kFamilies + 1);
  static_cast<void>(db->DestroyColumnFamilyHandle(handles.front()));
  handles.erase(handles.begin());
  return {std::unique_ptr<rocksdb::DB>(db), std::move(handles)};
}

class RocksEngine final : public Engine {
 public:
  RocksEngine(OpenedDatabase database, std::string path,
              std::shared_ptr<ConditionListener> listener)
      : database_(std::move(database)),
        path_(std::move(path)),
        listener_(std::move(listener)),
        room_(path_) {}
  ~RocksEngine() override { database_.Close(); }
  RocksEngine(const RocksEngine&) = delete;
  RocksEngine& operator=(const RocksEngine&) = delete;
  RocksEngine(RocksEngine&&) = delete;
  RocksEngine& operator=(RocksEngine&&) = delete;

  base::Status Commit(std::span<const Operation* const> operations, bool sync) override;
  base::Result<std::optional<BlobRef>> Get(Family family, std::string_view key,
                                           ReadMode mode) const override;
  base::Status Scan(const EngineScan& scan,
                    const std::function<bool(const ScanRow&)>& visit) const override;
  base::Status Sync() override;
  std::uint64_t sequence() const override { return database_.db->GetLatestSequenceNumber(); }
  base::Status Checkpoint(const std::string& path) override;
  base::Result<IntegrityReport> Verify(
      const std::function<void(std::uint64_t, std::uint64_t)>& progress) const override;
  EngineFigures Figures() const override;
  EngineCondition condition() const override { return listener_->condition(); }
  std::string condition_reason() const override { return listener_->reason(); }
  std::uint64_t UnflushedBytes() const override {
    return SumOf(rocksdb::DB::Properties::kCurSizeAllMemTables);
  }
  base::Status RequestFlush() override;
  base::Status Resume() override;

 private:
  rocksdb::ColumnFamilyHandle* HandleOf(Family family) const {
    return database_.handles[static_cast<std::size_t>(family)];
  }
  rocksdb::Status Add(const Operation& operation);
  void WriteBackLogs() const;
  base::Status TakeRoom(std::uint64_t bytes);
  std::uint64_t SumOf(const std::string& property) const;
  void VerifyFamily(Family family, std::uint64_t estimate,
                    const std::function<void(std::uint64_t, std::uint64_t)>& progress,
                    IntegrityReport& report) const;

  OpenedDatabase database_;
  const std::string path_;
  const std::shared_ptr<ConditionListener> listener_;
  rocksdb::WriteBatch batch_;  // the writer's; kept for its memory
  Room room_;                  // the writer's
  // Not a leaf: held over a write and over a sync, because the library aborts when a log is synced
  // after an append to it has failed (notes/0005-log-gate.md).
  base::Mutex log_gate_;
  bool log_failed_ GUARDED_BY(log_gate_) = false;
};

rocksdb::Status RocksEngine::Add(const Operation& operation) {
  rocksdb::ColumnFamilyHandle* handle = HandleOf(operation.family);
  const rocksdb::Slice key = ToSlice(operation.row.key());
  switch (operation.kind) {
    case Operation::Kind::kPut: {
      const auto header = RowHeader(operation.row.expires_at());
      const std::array<rocksdb::Slice, 2> value{rocksdb::Slice(header.data(), header.size()),
                                                ToSlice(operation.row.value())};
      return batch_.Put(handle, rocksdb::SliceParts(&key, 1),
                        rocksdb::SliceParts(value.data(), value.size()));
    }
    case Operation::Kind::kDelete:
      return batch_.Delete(handle, key);
    case Operation::Kind::kDeletePrefix:
      return batch_.DeleteRange(handle, key, EndOfPrefix(operation.row.key()));
  }
  return rocksdb::Status::InvalidArgument("unknown kind of operation");
}

base::Status RocksEngine::Commit(std::span<const Operation* const> operations, bool sync) {
  if (batch_.Data().capacity() > kBatchBytesKept) {
    batch_ = rocksdb::WriteBatch();
  }
  batch_.Clear();
  for (const Operation* operation : operations) {
    if (const rocksdb::Status status = Add(*operation); !status.ok()) {
      return FromRocksDb("building a batch", status);
    }
  }
  RETURN_IF_ERROR(TakeRoom(batch_.GetDataSize()));
  rocksdb::WriteOptions options;
  options.sync = sync;
  options.disableWAL = false;
  options.no_slowdown = false;
  base::MutexLock lock(log_gate_);
  if (const rocksdb::Status status = database_.db->Write(options, &batch_); !status.ok()) {
    log_failed_ = true;
    return FromFailedCommit(status);
  }
  return base::Ok{};
}

// A compaction that would not fit is put off by the library, which asks again every second: tables
// may fill the disk up to what the flush of memory needs.
base::Status RocksEngine::TakeRoom(std::uint64_t bytes) {
  if (room_.Take(bytes)) {
    return base::Ok{};
  }
  room_.Look(UnflushedBytes(), bytes);
  rocksdb::SstFileManager& tables = *database_.db->GetDBOptions().sst_file_manager;
  tables.SetCompactionBufferSize(room_.kept());
  tables.SetMaxAllowedSpaceUsage(tables.GetTotalSize() + room_.available());
  if (room_.Take(bytes)) {
    return base::Ok{};
  }
  return base::Error{base::Code::kReadOnly,
                     "only " + std::to_string(room_.available()) + " bytes are free for " + path_ +
                         ", and " + std::to_string(room_.kept()) +
                         " must stay free to write to tables what is in memory"};
}

base::Result<std::optional<BlobRef>> RocksEngine::Get(Family family, std::string_view key,
                                                      ReadMode mode) const {
  rocksdb::ReadOptions options;
  options.read_tier = mode == ReadMode::kMemory ? rocksdb::kBlockCacheTier : rocksdb::kReadAllTier;
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = database_.db->Get(options, HandleOf(family), ToSlice(key), &value);
  if (status.IsNotFound()) {
    return std::optional<BlobRef>();
  }
  if (!status.ok()) {
    return FromRocksDb("reading a row", status);
  }
  // Without I/O the library answers OK and nothing when the table file itself is not open: "the key
  // may exist". A row is never empty (it has a header), so that this is not mistaken for one.
  if (mode == ReadMode::kMemory && value.empty()) {
    return base::Error{base::Code::kWouldBlock, "the table of the row is not open yet"};
  }
  const std::optional<DecodedRow> row = DecodeRow(ToView(value));
  if (!row.has_value()) {
    return base::Error{base::Code::kCorrupt,
                       "a row has no known format; run VERIFY, then restore a backup"};
  }
  return std::optional<BlobRef>(BlobRef::Make(key, row->value, row->expires_at));
}

base::Status RocksEngine::Scan(const EngineScan& scan,
                               const std::function<bool(const ScanRow&)>& visit) const {
  rocksdb::ReadOptions options;
  options.fill_cache = scan.keep_in_cache;
  options.readahead_size = scan.keep_in_cache ? 0 : kScanReadAheadBytes;
  const std::string end = EndOfPrefix(scan.prefix);
  const rocksdb::Slice bound = end;
  options.iterate_upper_bound = &bound;
  const std::unique_ptr<rocksdb::Iterator> rows(
      database_.db->NewIterator(options, HandleOf(scan.family)));
  if (scan.after.empty() || scan.after < scan.prefix) {
    rows->Seek(ToSlice(scan.prefix));
  } else {
    rows->Seek(std::string(scan.after) + '\0');
  }
  for (; rows->Valid(); rows->Next()) {
    const std::optional<DecodedRow> row = DecodeRow(ToView(rows->value()));
    if (!row.has_value()) {
      return base::Error{base::Code::kCorrupt,
                         "a row has no known format; run VERIFY, then restore a backup"};
    }
    if (!visit({ToView(rows->key()), row->value, row->expires_at})) {
      return base::Ok{};
    }
  }
  if (const rocksdb::Status status = rows->status(); !status.ok()) {
    return FromRocksDb("scanning rows", status);
  }
  return base::Ok{};
}

// Most of the data goes to the medium before the gate, so that commits wait for the rest only.
base::Status RocksEngine::Sync() {
  WriteBackLogs();
  base::MutexLock lock(log_gate_);
  if (log_failed_) {
    return base::Error{base::Code::kReadOnly, "not synced: a write to the log failed before"};
  }
  if (const rocksdb::Status status = database_.db->SyncWAL(); !status.ok()) {
    return FromRocksDb("syncing the write-ahead log", status);
  }
  return base::Ok{};
}

// Errors are left to SyncWAL: the system reports them there again, or it did not matter.
void RocksEngine::WriteBackLogs() const {
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(path_, failure)) {
    if (entry.path().extension() != ".log") {
      continue;
    }
    if (const auto log = File::Open(entry.path().string(), O_RDONLY); log.ok()) {
      ::sync_file_range(
          log.value().descriptor(), 0, 0,
          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    }
  }
}

base::Status RocksEngine::RequestFlush() {
  // Not waited for: when the log fails meanwhile (the disk is nearly full), the library stops its
  // background work and never wakes who waits for the flush.
  rocksdb::FlushOptions options;
  options.wait = false;
  options.allow_write_stall = true;
  std::uint64_t waiting = 0;
  for (rocksdb::ColumnFamilyHandle* family : database_.handles) {
    // One that is being flushed has room to come; asking again would make many small tables.
    if (database_.db->GetIntProperty(family, rocksdb::DB::Properties::kNumImmutableMemTable,
                                     &waiting) &&
        waiting > 0) {
      continue;
    }
    if (const rocksdb::Status status = database_.db->Flush(options, family); !status.ok()) {
      return FromRocksDb("flushing memory", status);
    }
  }
  return base::Ok{};
}

base::Status RocksEngine::Resume() {
  // A background job that failed sleeps for a second and still counts as running; resuming waits
  // for it. This does not cure a Resume that never returns: notes/0006-full-disk.md.
  std::uint64_t flushes = 0;
  std::uint64_t compactions = 0;
  using Properties = rocksdb::DB::Properties;
  if (!database_.db->GetIntProperty(Properties::kNumRunningFlushes, &flushes) || flushes > 0 ||
      !database_.db->GetIntProperty(Properties::kNumRunningCompactions, &compactions) ||
      compactions > 0) {
    return base::Error{base::Code::kBusy, "a background job is still running"};
  }
  if (const rocksdb::Status status = database_.db->Resume(); !status.ok()) {
    return FromRocksDb("resuming after a full disk", status);
  }
  listener_->NoteRecovered();
  base::MutexLock lock(log_gate_);
  log_failed_ = false;
  return base::Ok{};
}

// Memory is flushed first (log size 0), so that the copy is whole without its write-ahead log.
base::Status RocksEngine::Checkpoint(const std::string& path) {
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(database_.db.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) {
    status = checkpoint->CreateCheckpoint(path, 0);
  }
  if (!status.ok()) {
    return FromRocksDb("making a checkpoint", status);
  }
  return base::Ok{};
}

base::Result<IntegrityReport> RocksEngine::Verify(
    const std::function<void(std::uint64_t, std::uint64_t)>& progress) const {
  IntegrityReport report;
  const std::uint64_t estimate = SumOf(rocksdb::DB::Properties::kEstimateNumKeys);
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  if (const rocksdb::Status status = database_.db->VerifyChecksum(options); !status.ok()) {
    report.problems.push_back("checking block checksums: " + status.ToString());
  }
  for (std::size_t family = 0; family < kFamilies; ++family) {
    VerifyFamily(static_cast<Family>(family), estimate, progress, report);
  }
  progress(report.rows, std::max(report.rows, estimate));
  return report;
}

void RocksEngine::VerifyFamily(Family family, std::uint64_t estimate,
                               const std::function<void(std::uint64_t, std::uint64_t)>& progress,
                               IntegrityReport& report) const {
  const auto note = [&report, family](const std::string& what) {
    if (report.problems.size() < kProblemsMax) {
      report.problems.push_back(std::string(kFamilyNames[static_cast<std::size_t>(family)]) + ": " +
                                what);
    }
  };
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  options.readahead_size = kScanReadAheadBytes;
  const std::unique_ptr<rocksdb::Iterator> rows(
      database_.db->NewIterator(options, HandleOf(family)));
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    ++report.rows;
    report.bytes += rows->key().size() + rows->value().size();
    if (!DecodeRow(ToView(rows->value())).has_value()) {
      ++report.bad_rows;
      note("row " + std::to_string(report.rows) + " has no known format");
    }
    if (report.rows % kProgressRows == 0) {
      progress(report.rows, std::max(report.rows, estimate));
    }
  }
  if (const rocksdb::Status status = rows->status(); !status.ok()) {
    ++report.bad_rows;
    note("reading stopped after row " + std::to_string(report.rows) + ": " + status.ToString());
  }
}

EngineFigures RocksEngine::Figures() const {
  return {DirectoryBytes(path_), SumOf(rocksdb::DB::Properties::kSizeAllMemTables),
          SumOf(rocksdb::DB::Properties::kEstimateNumKeys)};
}

std::uint64_t RocksEngine::SumOf(const std::string& property) const {
  std::uint64_t sum = 0;
  for (rocksdb::ColumnFamilyHandle* handle : database_.handles) {
    std::uint64_t number = 0;
    if (database_.db->GetIntProperty(handle, property, &number)) {
      sum += number;
    }
  }
  return sum;
}

base::Error OpenFailure(const std::string& path, const rocksdb::Status& status,
                        const RocksLogger& logger) {
  base::Error error = FromRocksDb("cannot open the database " + path, status);
  for (const std::string& message : logger.Last()) {
    error.detail += "; " + message;
  }
  if (error.code == base::Code::kCorrupt) {
    error.detail += "; the database is damaged: restore the newest backup into --dir";
  } else if (status.IsInvalidArgument()) {
    error.code = base::Code::kCorrupt;
    error.detail += "; another program or a newer one wrote it: start that, or restore a backup";
  } else {
    error.detail += "; check the disk and that the server's user may read and write the directory";
  }
  return error;
}

}  // namespace

base::Result<std::unique_ptr<Engine>> OpenRocksEngine(const EngineSetup& setup) {
  const auto listener = std::make_shared<ConditionListener>();
  const RocksParts parts{std::make_shared<RocksLogger>(setup.options.log), listener,
                         &setup.deletion_now_ms};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::Open(MakeDatabaseOptions(setup.options, parts), setup.path,
                        Descriptors(setup.options, parts), &handles, &db);
  if (!status.ok()) {
    return OpenFailure(setup.path, status, *parts.logger);
  }
  return std::unique_ptr<Engine>(
      std::make_unique<RocksEngine>(Adopt(db, std::move(handles)), setup.path, listener));
}

base::Result<CheckpointCount> CountCheckpoint(const std::string& path) {
  StoreOptions options;
  options.block_cache_bytes = base::kMiB;
  options.open_files_max = 32;
  const RocksParts parts{std::make_shared<RocksLogger>(StoreLog()), nullptr, nullptr};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  rocksdb::DBOptions database = MakeDatabaseOptions(options, parts);
  database.create_if_missing = false;
  const rocksdb::Status status = rocksdb::DB::OpenForReadOnly(
      database, path, Descriptors(options, parts), &handles, &db, false);
  if (!status.ok()) {
    return OpenFailure(path, status, *parts.logger);
  }
  OpenedDatabase opened = Adopt(db, std::move(handles));
  CheckpointCount count;
  count.sequence = opened.db->GetLatestSequenceNumber();
  base::Status outcome = base::Ok{};
  for (rocksdb::ColumnFamilyHandle* handle : opened.handles) {
    rocksdb::ReadOptions read;
    read.fill_cache = false;
    read.readahead_size = kScanReadAheadBytes;
    const std::unique_ptr<rocksdb::Iterator> rows(opened.db->NewIterator(read, handle));
    for (rows->SeekToFirst(); rows->Valid() && outcome.ok(); rows->Next()) {
      ++count.rows;
      if (!DecodeRow(ToView(rows->value())).has_value()) {
        outcome = base::Error{base::Code::kCorrupt, path + " holds a row of no known format"};
      }
    }
    if (outcome.ok() && !rows->status().ok()) {
      outcome = FromRocksDb("reading the checkpoint " + path, rows->status());
    }
  }
  opened.Close();
  RETURN_IF_ERROR(std::move(outcome));
  return count;
}

}  // namespace reprise::storage
