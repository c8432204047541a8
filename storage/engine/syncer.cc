#include "storage/engine/syncer.h"

#include <algorithm>

namespace reprise::storage {
namespace {

template <typename Number>
void RaiseTo(std::atomic<Number>& target, Number value) {
  Number seen = target.load();
  while (seen < value && !target.compare_exchange_weak(seen, value)) {
  }
}

}  // namespace

Syncer::Syncer(Engine& engine, Health& health, const base::Clock& clock)
    : engine_(engine),
      health_(health),
      clock_(clock),
      sequence_(engine.sequence()),
      durable_(engine.sequence()) {}

void Syncer::SetDurability(Durability durability, std::int64_t sync_interval_ms) {
  sync_interval_ms_.store(sync_interval_ms);
  durability_.store(durability);
}

void Syncer::NoteCommit(bool synced, base::Nanos started) {
  const std::uint64_t sequence = engine_.sequence();
  sequence_.store(sequence, std::memory_order_release);
  if (synced) {
    const std::int64_t since = unsynced_since_ns_.exchange(0);
    NoteSynced(sequence, since == 0 ? base::ToInt(started) : since, started);
  } else if (unsynced_since_ns_.load() == 0) {
    unsynced_since_ns_.store(base::ToInt(started));
  }
}

// Half the interval, so that the sync itself and the pace of the caller fit into the other half.
bool Syncer::Due() const {
  const std::int64_t since = unsynced_since_ns_.load();
  return since != 0 && durability() == Durability::kInterval &&
         base::ToInt(clock_.Elapsed()) - since >= sync_interval_ms() * base::kNanosPerMilli / 2;
}

// The age is taken before the sequence: a commit between the two starts a new age and is only
// synced once more than needed.
base::Status Syncer::SyncNow() {
  if (health_.state() != Health::State::kWritable) {
    return health_.Refusal();
  }
  const std::int64_t since = unsynced_since_ns_.exchange(0);
  if (since != 0) {
    syncing_since_ns_.store(since);
  }
  const std::uint64_t sequence = sequence_.load(std::memory_order_acquire);
  const base::Nanos started = clock_.Elapsed();
  base::Status outcome = engine_.Sync();
  if (!outcome.ok() && outcome.error().code == base::Code::kReadOnly) {
    // Not tried: the commit that failed says what is wrong. The age goes on.
    syncing_since_ns_.store(0);
    std::int64_t none = 0;
    unsynced_since_ns_.compare_exchange_strong(none, since);
    return outcome;
  }
  if (!outcome.ok()) {
    health_.ReportBroken(outcome.error().detail);
    return outcome;
  }
  syncing_since_ns_.store(0);
  NoteSynced(sequence, since, started);
  return outcome;
}

void Syncer::NoteSynced(std::uint64_t sequence, std::int64_t since_ns, base::Nanos started) {
  RaiseTo(durable_, sequence);
  const base::Nanos now = clock_.Elapsed();
  if (since_ns != 0) {
    RaiseTo(worst_unsynced_ns_, base::ToInt(now) - since_ns);
  }
  syncs_.fetch_add(1);
  sync_micros_.fetch_add(static_cast<std::uint64_t>((now - started) / base::kNanosPerMicro));
}

std::int64_t Syncer::OldestUnsyncedMs() const {
  const std::int64_t syncing = syncing_since_ns_.load();
  const std::int64_t since = syncing != 0 ? syncing : unsynced_since_ns_.load();
  return since == 0 ? 0 : (base::ToInt(clock_.Elapsed()) - since) / base::kNanosPerMilli;
}

std::int64_t Syncer::WorstUnsyncedMs() const {
  return std::max(worst_unsynced_ns_.load() / base::kNanosPerMilli, OldestUnsyncedMs());
}

}  // namespace reprise::storage
