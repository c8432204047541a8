// Group: the tasks that may go out in one batch: one namespace, category, model, shared context and
// parameters. Queue: what people see and steer, the groups of one category and model.
//
// Threads: those of the Engine. Units: milliseconds.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/jobs/closing.h"
#include "server/jobs/indexed_heap.h"
#include "server/jobs/quantile.h"
#include "server/jobs/task.h"
#include "storage/engine/namespace_id.h"

namespace reprise::jobs {

// 128 bits over all that a group is told apart by.
using GroupHash = std::array<char, 16>;

struct GroupSpec {
  GroupHash hash{};
  std::string category;
  std::string model;
  std::string context_key;           // as the caller named it, or a hash of the context
  std::uint32_t context_tokens = 0;  // 0: not known
};

// What of a group stands on disk.
struct RowState {
  bool is_written = false;
  bool has_context = false;
};

struct Group {
  GroupSpec spec;
  Slot queue = kNoSlot;
  IndexedHeap<&Task::rank_place> ready;
  IndexedHeap<&Task::wait_place> waits;  // of ready tasks that are not late
  std::uint64_t tokens_ready = 0;
  std::uint32_t urgent = 0;    // of the ready ones
  std::uint32_t tasks = 0;     // alive, wherever they are
  std::uint32_t reserved = 0;  // submitted, not yet committed
  Arrivals arrivals;
  std::uint32_t arrived = 0;  // 0, 1, 2: no more than that counts
  std::int64_t first_arrival_ms = 0;
  std::int64_t look_again_ms = 0;
  std::int64_t empty_since_ms = 0;
  Slot look_place = kNoSlot;
  Slot due_place = kNoSlot;
  Slot empty_previous = kNoSlot;  // a list of the groups without tasks, oldest first
  Slot empty_next = kNoSlot;
  RowState row;

  bool is_due() const { return due_place != kNoSlot; }
};

// Batches by how many items they had; the last counts all larger ones.
inline constexpr std::size_t kBatchSizes = 16;

struct QueueCounters {
  std::uint64_t submitted = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  std::uint64_t canceled = 0;
  std::uint64_t expired = 0;
  std::uint64_t retried = 0;
  std::uint64_t leases_expired = 0;
  std::uint64_t batches = 0;
  std::uint64_t batched_items = 0;  // in batches of two and more
  std::uint64_t items = 0;          // handed out
  std::uint64_t late = 0;
  std::uint64_t deferred = 0;
  std::uint64_t deadlines_missed = 0;  // settled later than their deadline
  std::uint64_t merged = 0;
  std::uint64_t calls_saved_ppm = 0;
  std::uint64_t tokens_saved = 0;
  std::uint64_t cost_saved_nano = 0;
  std::array<std::uint64_t, kBatchSizes> batch_sizes{};
};

struct Queue {
  storage::NamespaceId home{0};
  std::string category;
  std::string model;
  IndexedHeap<&Group::due_place> due;
  // Tasks with a deadline that are neither leased nor dead: those that may still wait, and those
  // that may not.
  IndexedHeap<&Task::deadline_place> relaxed;
  IndexedHeap<&Task::deadline_place> urgent;
  std::int64_t alarm_ms = 0;  // when the first of them has to be looked at
  Slot alarm_place = kNoSlot;
  Slot active_place = kNoSlot;  // among the queues of its tenant that have due groups
  Slot model_place = kNoSlot;
  std::uint32_t groups = 0;
  std::uint32_t ready = 0;
  std::uint32_t delayed = 0;
  std::uint32_t blocked = 0;
  std::uint32_t leased = 0;
  std::uint32_t dead = 0;
  std::uint32_t newcomers = 0;      // groups that were new; of late
  std::uint32_t newcomers_met = 0;  // ... and got a second task within its wait
  bool paused = false;
  Durations service{500};  // from take to settle
  Durations waits{1'000};  // from ready to take
  Durations lease_ages{1'000};
  QueueCounters counters;
};

// A model that queues of any namespace use; leases of it at a time may be bounded.
struct Model {
  std::string name;
  std::uint32_t running = 0;      // leases
  std::uint32_t running_max = 0;  // 0: no bound
  std::uint32_t queues = 0;       // that use it
};

struct Lease {
  LeaseToken token;
  storage::NamespaceId home{0};
  std::string worker;
  std::vector<TaskId> items;  // in the order in which they were handed out
  std::vector<Slot> slots;    // the same; kNoSlot once settled
  std::uint32_t open = 0;     // not settled, and nothing on the way to
  std::uint32_t tasks = 0;    // that name this lease
  std::int64_t taken_ms = 0;
  std::int64_t lease_ms = 0;
  std::int64_t ends_ms = 0;
  Slot group = kNoSlot;
  Slot end_place = kNoSlot;
  bool by_server_worker = false;  // taken by a worker of all namespaces
  bool is_granted = false;        // its row is committed
};

}  // namespace reprise::jobs
