// Writer: the one thread that runs transactions and commits them (notes/0003-writer.md).
//
// It takes everything that is queued, applies it in order, commits once, and finishes in order.
// Units: mutations. Threads: Start and Join by the owner; the counters from any. Errors: go to
// Mutation::Finish. Limits: kBatchItems and kBatchBytes for one batch. Lifetime: borrows all parts;
// Join after the queue was closed.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <thread>
#include <vector>

#include "protocol/base/thread_role.h"
#include "storage/engine/batch.h"
#include "storage/engine/health.h"
#include "storage/engine/syncer.h"
#include "storage/engine/write_queue.h"

namespace reprise::storage {

struct WriterParts {
  Engine& engine;
  HotTable& hot_table;
  WriteQueue& queue;
  Health& health;
  Syncer& syncer;
  const base::Clock& clock;
  std::function<void(base::UnixMillis)> on_expiry;  // told the earliest expiry of a batch
};

struct WriterStats {
  std::uint64_t commits = 0;
  std::uint64_t committed_mutations = 0;
  std::uint64_t failed_commits = 0;
};

class Writer {
 public:
  static constexpr std::size_t kBatchItems = 4096;
  static constexpr std::size_t kBatchBytes = 4 * base::kMiB;

  explicit Writer(WriterParts parts);
  ~Writer() = default;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  Writer(Writer&&) = delete;
  Writer& operator=(Writer&&) = delete;

  void Start();
  void Join() { thread_.join(); }

  std::uint64_t committed() const { return committed_.load(std::memory_order_acquire); }
  WriterStats Stats() const;
  // How long the commit that is running has taken; 0 when none is.
  std::int64_t StuckMs() const;

 private:
  void Work() ON_WRITER_THREAD;
  static std::size_t BatchSize(std::span<const WriteQueue::Item> items);
  void RunBatch(std::span<WriteQueue::Item> items) ON_WRITER_THREAD;
  base::Status CommitBatch() ON_WRITER_THREAD;
  // Whether a commit may be tried; takes up what the engine noticed in the background.
  bool Writable() ON_WRITER_THREAD;
  void Refuse(std::span<WriteQueue::Item> items) ON_WRITER_THREAD;
  void Probe() ON_WRITER_THREAD;

  const WriterParts parts_;
  Batch batch_ OWNED_BY_WRITER;
  std::vector<base::Status> outcomes_ OWNED_BY_WRITER;
  std::atomic<std::uint64_t> committed_{0};
  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::uint64_t> committed_mutations_{0};
  std::atomic<std::uint64_t> failed_commits_{0};
  std::atomic<std::int64_t> commit_started_ns_{0};
  std::thread thread_;
};

}  // namespace reprise::storage
