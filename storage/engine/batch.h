// Batch: the transactions that the writer runs together and commits as one.
//
// Threads: the writer. Units: none. Errors: Commit gives those of Engine::Commit. Lifetime: of one
// round of the writer; Reset makes it ready for the next and keeps its memory.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "storage/engine/engine.h"
#include "storage/engine/hot_table.h"
#include "storage/engine/overlay.h"

namespace reprise::storage {

class Batch final : public Transaction {
 public:
  Batch(Engine& engine, HotTable& hot_table) : engine_(engine), hot_table_(hot_table) {}

  void Reset(base::UnixMillis now, std::uint64_t commit);
  // Applies one mutation; an error takes back all it did.
  base::Status Apply(Mutation& mutation);
  // One engine batch, then the hot table. On failure runs the undo functions in reverse order.
  base::Status Commit(bool sync);

  bool empty() const { return overlay_.empty(); }
  bool sync_required() const { return sync_required_; }

  base::UnixMillis now() const override { return now_; }
  std::uint64_t commit() const override { return commit_; }
  base::Result<std::optional<BlobRef>> Get(Family family, std::string_view key) override;
  void Put(Family family, std::string_view key, std::string_view value,
           base::UnixMillis expires_at) override;
  void Delete(Family family, std::string_view key) override;
  void DeletePrefix(Family family, std::string_view prefix) override;
  void RequireSync() override { sync_required_ = true; }
  void OnAbort(std::function<void()> undo) override { undo_.push_back(std::move(undo)); }

  void OnCommit(std::function<void()> done) override { done_.push_back(std::move(done)); }
  // After the batch became visible.
  void RunDone();

  // For the sweeper: deletes the row if it had expired at this (trusted) time. True when it did.
  bool DeleteExpired(Family family, std::string_view key, base::UnixMillis deletion_now);
  // The earliest expiry that this batch has put, 0 when none.
  base::UnixMillis earliest_expiry() const { return earliest_expiry_; }

 private:
  base::Result<std::optional<BlobRef>> Load(const HotTable::Key& key);
  HotTable::Key KeyOf(const Overlay::Entry& entry) const;
  // Whether the engine needs the entry, and the hot table has to be told of its key.
  static bool NamesKey(const Overlay::Entry& entry);
  void BeginHot();
  void FinishHot();
  void AbortHot();

  Engine& engine_;
  HotTable& hot_table_;
  Overlay overlay_;
  std::vector<const Operation*> operations_;
  std::vector<std::function<void()>> undo_;
  std::vector<std::function<void()>> done_;
  base::UnixMillis now_{0};
  base::UnixMillis earliest_expiry_{0};
  std::uint64_t commit_ = 0;
  bool sync_required_ = false;
};

}  // namespace reprise::storage
