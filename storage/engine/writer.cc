#include "storage/engine/writer.h"

#include <pthread.h>
#include <utility>

namespace reprise::storage {

Writer::Writer(WriterParts parts)
    : parts_(std::move(parts)), batch_(parts_.engine, parts_.hot_table) {}

void Writer::Start() {
  thread_ = std::thread([this] {
    base::kWriter.Adopt();
    base::kWriter.AssertHeld();
    Work();
  });
  pthread_setname_np(thread_.native_handle(), "store-writer");
}

void Writer::Work() {
  std::vector<WriteQueue::Item> items;
  for (;;) {
    switch (parts_.queue.Take(items)) {
      case WriteQueue::Wake::kClosed:
        return;
      case WriteQueue::Wake::kProbe:
        Probe();
        continue;
      case WriteQueue::Wake::kWork:
        break;
    }
    std::span<WriteQueue::Item> rest(items);
    while (!rest.empty()) {
      const std::size_t count = BatchSize(rest);
      RunBatch(rest.first(count));
      rest = rest.subspan(count);
    }
    items.clear();
  }
}

std::size_t Writer::BatchSize(std::span<const WriteQueue::Item> items) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < items.size() && count < kBatchItems && (count == 0 || bytes < kBatchBytes)) {
    bytes += items[count].bytes;
    ++count;
  }
  return count;
}

void Writer::RunBatch(std::span<WriteQueue::Item> items) {
  if (!Writable()) {
    Refuse(items);
    return;
  }
  const std::uint64_t number = committed_.load(std::memory_order_relaxed) + 1;
  batch_.Reset(parts_.clock.Now(), number);
  outcomes_.clear();
  for (const WriteQueue::Item& item : items) {
    outcomes_.push_back(batch_.Apply(*item.mutation));
  }
  const base::Status committed = CommitBatch();
  if (committed.ok()) {
    committed_.store(number, std::memory_order_release);
    batch_.RunDone();
    commits_.fetch_add(1, std::memory_order_relaxed);
    committed_mutations_.fetch_add(items.size(), std::memory_order_relaxed);
    if (batch_.earliest_expiry() != kNever) {
      parts_.on_expiry(batch_.earliest_expiry());
    }
  } else {
    failed_commits_.fetch_add(1, std::memory_order_relaxed);
    parts_.health.ReportCommit(committed.error());
  }
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (outcomes_[i].ok() && !committed.ok()) {
      outcomes_[i] = committed;
    }
    items[i].mutation->Finish(std::move(outcomes_[i]));
    items[i].mutation.reset();
    bytes += items[i].bytes;
  }
  parts_.queue.Done(items.size(), bytes);
}

base::Status Writer::CommitBatch() {
  const base::Nanos started = parts_.clock.Elapsed();
  const bool sync = batch_.sync_required() || parts_.syncer.sync_each_commit();
  if (batch_.empty()) {
    // Nothing was written, but what a transaction read may have to be on the medium.
    if (batch_.sync_required() && parts_.syncer.durable_sequence() < parts_.syncer.sequence() &&
        !parts_.syncer.SyncNow().ok()) {
      return base::Error{base::Code::kUnknownOutcome, "syncing the write-ahead log failed"};
    }
    return base::Ok{};
  }
  commit_started_ns_.store(base::ToInt(started), std::memory_order_relaxed);
  base::Status outcome = batch_.Commit(sync);
  commit_started_ns_.store(0, std::memory_order_relaxed);
  if (outcome.ok()) {
    parts_.syncer.NoteCommit(sync, started);
  }
  return outcome;
}

bool Writer::Writable() {
  if (parts_.health.state() == Health::State::kWritable) {
    switch (parts_.engine.condition()) {
      case EngineCondition::kGood:
        return true;
      case EngineCondition::kNoSpace:
        parts_.health.ReportFull(parts_.engine.condition_reason());
        return false;
      case EngineCondition::kBroken:
        parts_.health.ReportBroken(parts_.engine.condition_reason());
        return false;
    }
  }
  return false;
}

void Writer::Refuse(std::span<WriteQueue::Item> items) {
  std::size_t bytes = 0;
  for (WriteQueue::Item& item : items) {
    item.mutation->Finish(parts_.health.Refusal());
    item.mutation.reset();
    bytes += item.bytes;
  }
  parts_.queue.Done(items.size(), bytes);
}

// The deletion of a key that nobody uses goes the whole way of a write.
void Writer::Probe() {
  if (parts_.health.state() != Health::State::kFull) {
    return;
  }
  const Operation nothing{Operation::Kind::kDelete, Family::kMeta,
                          BlobRef::Make(std::string_view("\0probe", 6), {}, kNever)};
  const Operation* operations[] = {&nothing};
  const base::Nanos started = parts_.clock.Elapsed();
  const base::Status outcome = parts_.engine.Commit(operations, true);
  if (outcome.ok()) {
    parts_.syncer.NoteCommit(true, started);
    parts_.health.ReportSpace();
  } else {
    parts_.health.ReportCommit(outcome.error());
  }
}

WriterStats Writer::Stats() const {
  return {commits_.load(), committed_mutations_.load(), failed_commits_.load()};
}

std::int64_t Writer::StuckMs() const {
  const std::int64_t started = commit_started_ns_.load(std::memory_order_relaxed);
  return started == 0 ? 0 : (base::ToInt(parts_.clock.Elapsed()) - started) / base::kNanosPerMilli;
}

}  // namespace reprise::storage
