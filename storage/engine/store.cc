#include "storage/engine/store.h"

#include <utility>

#include "protocol/base/random.h"
#include "storage/engine/expiry.h"
#include "storage/engine/store_impl.h"

namespace reprise::storage {
namespace {

// A write that takes longer than this shows as read-only, although it may still succeed.
constexpr std::int64_t kStuckMs = 30'000;

// Lets Run wait for its mutation, and outlives both.
struct Completion {
  base::Mutex mutex;
  base::ConditionVariable wake;
  std::optional<base::Status> outcome GUARDED_BY(mutex);

  void Set(base::Status status) {
    base::MutexLock lock(mutex);
    outcome.emplace(std::move(status));
    wake.notify_one();
  }
  base::Status Wait() {
    base::MutexLock lock(mutex);
    while (!outcome.has_value()) {
      wake.wait(mutex);
    }
    return std::move(*outcome);
  }
};

class RunMutation final : public Mutation {
 public:
  RunMutation(const std::function<base::Status(Transaction&)>& body,
              std::shared_ptr<Completion> completion)
      : body_(body), completion_(std::move(completion)) {}

  base::Status Apply(Transaction& transaction) override { return body_(transaction); }
  void Finish(base::Status outcome) override { completion_->Set(std::move(outcome)); }
  std::size_t QueuedBytes() const override { return sizeof(*this); }

 private:
  const std::function<base::Status(Transaction&)>& body_;
  const std::shared_ptr<Completion> completion_;
};

}  // namespace

StoreImpl::StoreImpl(StoreOptions options, const base::Clock& clock, StoreParts parts)
    : options_(std::move(options)),
      clock_(clock),
      parts_(std::move(parts)),
      hot_table_(options_.hot_table_bytes, base::RandomSeed()),
      syncer_(*parts_.engine, health_, clock),
      queue_({static_cast<std::size_t>(options_.write_queue_items),
              static_cast<std::size_t>(options_.write_queue_bytes)}),
      pool_(static_cast<std::size_t>(options_.storage_threads),
            static_cast<std::size_t>(options_.storage_queue_items)),
      sweeper_(
          {*parts_.engine, queue_, pool_, *parts_.deletion_clock, options_.sweep_rows_per_second}),
      writer_({*parts_.engine, hot_table_, queue_, health_, syncer_, clock,
               [this](base::UnixMillis expires_at) { sweeper_.NoteExpiry(expires_at); }}),
      keeper_(MakeKeeperParts()) {
  syncer_.SetDurability(options_.durability, options_.sync_interval_ms);
  if (parts_.data_dir.has_value()) {
    parts_.data_dir->KeepBallast();
  }
  writer_.Start();
  keeper_.Start();
}

KeeperParts StoreImpl::MakeKeeperParts() {
  return {*parts_.engine,
          queue_,
          health_,
          syncer_,
          sweeper_,
          *parts_.deletion_clock,
          clock_,
          parts_.data_dir.has_value() ? &*parts_.data_dir : nullptr,
          parts_.watermark.get(),
          options_.log};
}

// Reads first: they may still write. Then what was submitted, then what happens by itself.
StoreImpl::~StoreImpl() {
  pool_.Stop();
  queue_.Close();
  writer_.Join();
  keeper_.Stop();
  parts_.deletion_clock->Update();
  if (syncer_.SyncNow().ok()) {
    static_cast<void>(keeper_.WriteWatermark());
  }
}

base::Result<std::optional<BlobRef>> StoreImpl::Get(Family family, std::string_view key,
                                                    base::UnixMillis now, ReadMode mode) const {
  const HotTable::Key named = hot_table_.MakeKey(family, key);
  HotTable::Lookup lookup = hot_table_.Find(named);
  std::optional<BlobRef> row;
  if (lookup.row) {
    row.emplace(std::move(lookup.row));
  } else {
    ASSIGN_OR_RETURN(std::optional<BlobRef> loaded, parts_.engine->Get(family, key, mode));
    row = hot_table_.Settle(named, lookup.ticket, std::move(loaded));
  }
  if (row.has_value() && IsExpired(row->expires_at(), now)) {
    row.reset();
  }
  return row;
}

base::Status StoreImpl::Scan(const ScanRequest& request, base::UnixMillis now,
                             const std::function<bool(const ScanRow&)>& visit) const {
  return parts_.engine->Scan({request.family, request.prefix, request.after, true},
                             [&](const ScanRow& row) {
                               if (!request.include_expired && IsExpired(row.expires_at, now)) {
                                 return true;
                               }
                               return visit(row);
                             });
}

bool StoreImpl::Submit(std::vector<std::unique_ptr<Mutation>>& mutations) {
  return queue_.Submit(mutations);
}

base::Status StoreImpl::Writable() const {
  if (health_.state() == Health::State::kWritable) {
    return base::Ok{};
  }
  return health_.Refusal();
}

base::Status StoreImpl::Run(const std::function<base::Status(Transaction&)>& body) {
  const auto completion = std::make_shared<Completion>();
  std::vector<std::unique_ptr<Mutation>> mutations;
  mutations.push_back(std::make_unique<RunMutation>(body, completion));
  if (!queue_.Submit(mutations)) {
    if (queue_.closed()) {
      return base::Error{base::Code::kShuttingDown, "the store is closing"};
    }
    return base::Error{base::Code::kBusy, "the write queue is full"};
  }
  return completion->Wait();
}

bool StoreImpl::PostRead(std::unique_ptr<base::Task> task) {
  return pool_.Post(std::move(task));
}

base::Status StoreImpl::Sync() {
  RETURN_IF_ERROR(syncer_.SyncNow());
  return keeper_.WriteWatermark();
}

base::Result<IntegrityReport> StoreImpl::CheckIntegrity(
    const std::function<void(std::uint64_t, std::uint64_t)>& progress) const {
  return parts_.engine->Verify(progress);
}

void StoreImpl::SetDurability(Durability durability, std::int64_t sync_interval_ms) {
  syncer_.SetDurability(durability, sync_interval_ms);
}

void StoreImpl::SetHotTableBytes(std::int64_t bytes) {
  hot_table_.SetBytes(bytes);
}

StoreStats StoreImpl::Stats() const {
  StoreStats stats;
  stats.read_only = health_.state() != Health::State::kWritable;
  stats.read_only_reason = stats.read_only ? health_.Refusal().detail : std::string();
  if (const std::int64_t stuck_ms = writer_.StuckMs(); stuck_ms > kStuckMs && !stats.read_only) {
    stats.read_only = true;
    stats.read_only_reason =
        "a write has been waiting for the disk for " + std::to_string(stuck_ms) + " ms";
  }
  stats.sequence = syncer_.sequence();
  stats.durable_sequence = syncer_.durable_sequence();
  stats.oldest_unsynced_ms = syncer_.OldestUnsyncedMs();
  stats.worst_unsynced_ms = syncer_.WorstUnsyncedMs();
  stats.clock_skew_ms = clock_.Wall() - clock_.Now();
  stats.recovery_ms = parts_.recovery_ms;
  const WriterStats writer = writer_.Stats();
  stats.commits = writer.commits;
  stats.committed_mutations = writer.committed_mutations;
  stats.failed_commits = writer.failed_commits;
  stats.syncs = syncer_.syncs();
  stats.sync_micros_total = syncer_.sync_micros_total();
  const WriteQueueStats queue = queue_.Stats();
  stats.write_queue_items = queue.items;
  stats.write_queue_bytes = queue.bytes;
  stats.write_queue_items_peak = queue.items_peak;
  stats.storage_queue_items = pool_.queued();
  const HotTableStats hot = hot_table_.Stats();
  stats.hot_hits = hot.hits;
  stats.hot_misses = hot.misses;
  stats.hot_items = hot.items;
  stats.hot_bytes = hot.bytes;
  stats.hot_evictions = hot.evictions;
  stats.expired_swept = sweeper_.swept();
  const EngineFigures figures = keeper_.figures();
  stats.disk_bytes = figures.disk_bytes;
  stats.memtable_bytes = figures.memtable_bytes;
  stats.keys_estimate = figures.keys_estimate;
  return stats;
}

}  // namespace reprise::storage
