// Indexer: brings entries into the current vector space, and out of the one that it replaces.
//
// New entries come through a queue and go first. Beside them, all entries are gone through in two
// passes: the first reads what rows there are, so that what is on disk is found soon; the second
// embeds what still lacks a vector, in small batches. An entry that gets one leaves the retiring
// space, so that it is in one of the two.
//
// An embedder that does not answer is tried again: nothing is left out because it was down. A text
// that fails again and again while others succeed is given up.
//
// Threads: those marked "any"; the rest on the index writer. Errors: none; what failed is counted.
// Complexity: a Step is one batch of at most kBatch entries. Limits: kQueueMax entries wait; more
// are found by another pass.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/semantic/entry.h"
#include "server/semantic/vector_space.h"
#include "storage/engine/store.h"

namespace reprise::semantic {

// How far the passes are. Units: entries.
struct Filling {
  bool is_loading = false;    // rows are being read: `total` grows
  bool is_embedding = false;  // what the rows lack is being embedded
  std::uint64_t total = 0;
  std::uint64_t left = 0;  // without a vector
  double per_second = 0;
  std::int64_t left_ms() const;  // 0 when it is not known
};

class Indexer {
 public:
  static constexpr std::size_t kQueueMax = 200'000;

  Indexer(VectorSpace& current, storage::Store& store, const base::Clock& clock)
      : current_(current), store_(store), clock_(clock) {}

  // Before the first Step.
  void Serve(Owner owner) { owner_ = std::move(owner); }

  // Any thread.
  void Enqueue(Entry entry);
  // All entries are gone through again.
  void StartOver();
  // Waits for work, at most so long.
  void Wait(std::int64_t ms);
  void Wake();
  Filling filling() const;
  std::uint64_t queued() const;
  std::uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }

  // The index writer, or before the first Step.
  // The space that the current one replaces; null: what it replaces cannot be searched.
  void Replace(VectorSpace* retiring);
  // It has gone.
  void EndReplace();
  // One batch. False: there is nothing to do for now.
  bool Step();
  // Every entry that there was has a vector of the current space, or was given up.
  bool is_filled() const { return is_filled_; }

 private:
  enum class Pass : std::uint8_t { kNone, kLoad, kEmbed };
  struct Item {
    Entry entry;
    bool is_counted = false;     // in Filling::left
    int tries = 0;               // that failed while the embedder was well
    std::uint64_t embedded = 0;  // by the embedder at the last try
  };
  using Made = std::vector<std::pair<Item, embed::Vector>>;

  void TakeQueue();
  void StepLoad();
  bool StepEmbed();
  bool ReadPage();
  void EndPass();
  std::uint64_t DropOrphans();
  void Load(const Entry& entry);
  void Embed(std::deque<Item>& from, std::size_t entries_max);
  bool EmbedOne(Item item, Made& made);
  void Write(const Made& made);
  // No vector: the question has gone, or only callers could give one.
  base::Result<std::optional<embed::Vector>> Make(const Entry& entry) const;
  void Postpone(Item item);
  void Settle(const Item& item);
  void Insert(const Entry& entry, const embed::Vector& vector);
  void Measure();

  VectorSpace& current_;
  storage::Store& store_;
  const base::Clock& clock_;
  Owner owner_;

  mutable base::Mutex mutex_;
  base::ConditionVariable wake_;
  std::deque<Entry> queue_ GUARDED_BY(mutex_);
  bool woken_ GUARDED_BY(mutex_) = false;
  bool starts_over_ GUARDED_BY(mutex_) = false;

  // The index writer's alone.
  VectorSpace* retiring_ = nullptr;
  bool replaces_ = false;
  std::deque<Item> fresh_;  // taken from the queue
  std::deque<Item> page_;   // of the pass
  std::deque<Item> later_;  // whose vector could not be made just now
  std::uint64_t cursor_ = 0;
  bool is_filled_ = false;
  int pauses_ = 0;              // since a vector was made
  base::Nanos pause_until_{0};  // the embedder is left alone
  base::Nanos look_again_at_{0};
  base::Nanos measured_at_{0};
  std::uint64_t measured_left_ = 0;

  std::atomic<Pass> pass_{Pass::kLoad};
  std::atomic<std::uint64_t> total_{0};
  std::atomic<std::uint64_t> left_{0};
  std::atomic<double> per_second_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> waiting_{0};  // taken from the queue, without a vector yet
};

}  // namespace reprise::semantic
