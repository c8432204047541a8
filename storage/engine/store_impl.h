// StoreImpl: the parts of one open Store, put together. Inside the module only.
//
// Units, errors, limits: those of store.h. Threads: started last, stopped first. Lifetime: members
// are destroyed in reverse order, after the threads were joined.
#pragma once

#include <memory>
#include <optional>

#include "storage/engine/data_dir.h"
#include "storage/engine/deletion_clock.h"
#include "storage/engine/engine.h"
#include "storage/engine/health.h"
#include "storage/engine/hot_table.h"
#include "storage/engine/keeper.h"
#include "storage/engine/store.h"
#include "storage/engine/sweeper.h"
#include "storage/engine/syncer.h"
#include "storage/engine/watermark.h"
#include "storage/engine/worker_pool.h"
#include "storage/engine/write_queue.h"
#include "storage/engine/writer.h"

namespace reprise::storage {

// What is found or made on disk before the threads start. Without a directory for kMemory.
struct StoreParts {
  std::optional<DataDir> data_dir;
  std::unique_ptr<Watermark> watermark;
  std::unique_ptr<DeletionClock> deletion_clock;
  std::unique_ptr<Engine> engine;
  std::int64_t recovery_ms = 0;
};

class StoreImpl final : public Store {
 public:
  StoreImpl(StoreOptions options, const base::Clock& clock, StoreParts parts);
  ~StoreImpl() override;
  StoreImpl(const StoreImpl&) = delete;
  StoreImpl& operator=(const StoreImpl&) = delete;
  StoreImpl(StoreImpl&&) = delete;
  StoreImpl& operator=(StoreImpl&&) = delete;

  base::Result<std::optional<BlobRef>> Get(Family family, std::string_view key,
                                           base::UnixMillis now, ReadMode mode) const override;
  base::Status Scan(const ScanRequest& request, base::UnixMillis now,
                    const std::function<bool(const ScanRow&)>& visit) const override;
  bool Submit(std::vector<std::unique_ptr<Mutation>>& mutations) override;
  base::Status Writable() const override;
  base::Status Run(const std::function<base::Status(Transaction&)>& body) override;
  std::uint64_t committed() const override { return writer_.committed(); }
  bool PostRead(std::unique_ptr<base::Task> task) override;
  base::Status Sync() override;
  base::Result<BackupReport> Backup(std::string_view name) override;
  base::Result<IntegrityReport> CheckIntegrity(
      const std::function<void(std::uint64_t, std::uint64_t)>& progress) const override;
  void SetDurability(Durability durability, std::int64_t sync_interval_ms) override;
  void SetHotTableBytes(std::int64_t bytes) override;
  StoreStats Stats() const override;

 private:
  KeeperParts MakeKeeperParts();

  const StoreOptions options_;
  const base::Clock& clock_;
  StoreParts parts_;
  Health health_;
  mutable HotTable hot_table_;  // a cache: reading fills it
  Syncer syncer_;
  WriteQueue queue_;
  WorkerPool pool_;
  Sweeper sweeper_;
  Writer writer_;
  Keeper keeper_;
};

}  // namespace reprise::storage
