// Task: one queued unit of model work as it is held in memory; its payload is on disk.
//
// Where it is (`place`):
//   kBlocked   waits for other tasks (`after`)
//   kDelayed   waits for a moment: not_before, a price window, the back-off after a failure
//   kReady     in its group, for a batch
//   kLeased    with a worker
//   kDead      failed as often as it may, or for good; kept to be looked at and replayed
// `settling`: what ends it is being committed; nothing else may touch it until then.
//
// Units: milliseconds since 1970. Threads: those of the Engine. Size: about 140 bytes, and what
// `extra` holds.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/jobs/deferral.h"
#include "server/jobs/ids.h"
#include "server/jobs/slab.h"
#include "server/jobs/timer_wheel.h"

namespace reprise::jobs {

enum class Place : std::uint8_t { kFree, kBlocked, kDelayed, kReady, kLeased, kDead };

// What a task may come to. Numbers are stored on disk: append only.
enum class Outcome : std::uint8_t { kSucceeded, kFailed, kCanceled, kExpired };
std::string_view NameOf(Outcome outcome);

// What few tasks have.
struct TaskExtra {
  std::string custom_id;
  std::string reply_to;
  std::string error;               // of the last attempt
  std::vector<TaskId> after;       // as submitted
  std::vector<TaskId> dependents;  // that wait for this one
};

struct Task {
  TaskId id{0};
  std::int64_t submitted_ms = 0;
  std::int64_t when_ms = 0;      // kDelayed: ready from then on; kReady: since then
  std::int64_t deadline_ms = 0;  // 0: none
  std::int64_t rank_ms = 0;      // of kReady: who goes first; see Engine
  std::uint64_t last_lease = 0;  // that has ended for it; 0: none
  std::unique_ptr<TaskExtra> extra;
  TimerNode timer;
  Slot group = kNoSlot;
  Slot lease = kNoSlot;
  Slot rank_place = kNoSlot;
  Slot wait_place = kNoSlot;
  Slot deadline_place = kNoSlot;
  std::uint32_t max_wait_ms = 0;
  std::uint32_t tokens = 0;
  std::uint32_t payload_bytes = 0;
  std::uint16_t blockers = 0;  // tasks of `after` that have not succeeded yet
  Place place = Place::kFree;
  std::uint8_t priority = 0;
  std::uint8_t attempts = 0;
  std::uint8_t attempts_max = 0;
  std::uint8_t batch_max = 0;  // 0: no bound; after a batch failed as a whole
  Defer defer = Defer::kNever;
  DeferReason defer_reason = DeferReason::kNotAsked;
  bool urgent : 1 = false;
  bool settling : 1 = false;
  bool has_state_row : 1 = false;
  bool has_payload_row : 1 = false;
  bool needs_row : 1 = false;
  bool may_be_late : 1 = false;  // its wait is the default one, not one that its caller gave
  bool is_doomed : 1 = false;    // a task it waits for has failed

  TaskExtra& Extra() {
    if (extra == nullptr) {
      extra = std::make_unique<TaskExtra>();
    }
    return *extra;
  }
};

}  // namespace reprise::jobs
