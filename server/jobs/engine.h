// Engine: tasks in memory. Which of them wait for what, which go out together, who gets them, what
// happens when a lease or a deadline ends. It knows no disk, no wire and no thread; time is told
// with each call, randomness comes from a seed.
//
//   Reserve -> Add -> (blocked) -> (delayed) -> ready -> Take -> leased -> BeginSettle -> EndSettle
//                                    ^                             |
//                                    +------- back-off <-----------+--> dead letters
//
// What ends or changes a task for good has two steps around the commit of its row: Begin* takes the
// task out of everybody's reach, End* or Abort* settles it. What may be repeated after a crash (a
// lease that ended, a back-off) happens at once and is written down behind (Upkeep).
//
// Who goes first among ready tasks: urgent ones by deadline; then by the moment since when they are
// ready, `ageing_ms` earlier for each step of priority, so that no priority can starve another; of
// equal ones the earlier deadline. Which namespace a worker of all namespaces serves next:
// start-time fair queuing over the items handed out, by weight.
//
// Units: milliseconds since 1970. Threads: one at a time (Jobs holds a mutex). Errors: kNotFound,
// kExists, kBusy, kTooLarge, with sentences for people. Complexity: O(log n) a task and event; Take
// O(queues of the namespace with ready groups); memory about 200 bytes a task. Limits:
// EngineLimits.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "server/jobs/backoff.h"
#include "server/jobs/group.h"
#include "server/jobs/windows.h"
#include "storage/engine/namespace_id.h"

namespace reprise::jobs {

using storage::NamespaceId;

struct EngineLimits {
  std::uint64_t tasks_max = 1'000'000;  // of a namespace
  std::uint64_t tasks_total_max = 2'000'000;
  std::uint64_t bytes_max = std::uint64_t{4} << 30U;  // payloads of a namespace
  std::uint64_t dead_max = 10'000;                    // dead letters of a namespace
};

struct EngineOptions {
  ClosingRule closing;
  BackoffRule backoff;
  EngineLimits limits;
  std::int64_t late_ppm = 45'000;
  std::int64_t ageing_ms = 10'000;
  std::int64_t service_prior_ms = 30'000;
  std::int64_t peak_percent = 150;
  std::int64_t dead_ttl_ms = std::int64_t{7} * 86'400'000;
};

// A task as it is told to the engine: a new one, or one that was read from disk.
struct NewTask {
  NamespaceId home{0};
  TaskId id{0};
  Slot group = kNoSlot;
  std::int64_t submitted_ms = 0;
  std::int64_t not_before_ms = 0;
  std::int64_t deadline_ms = 0;
  std::uint32_t max_wait_ms = 0;
  std::uint32_t tokens = 0;
  std::uint32_t payload_bytes = 0;
  std::uint8_t priority = 0;
  std::uint8_t attempts = 0;
  std::uint8_t attempts_max = 1;
  std::uint8_t batch_max = 0;
  Defer defer = Defer::kNever;
  DeferReason defer_reason = DeferReason::kNotAsked;
  bool has_payload_row = false;
  bool has_state_row = false;
  bool needs_row = false;  // when it ends
  bool is_dead = false;
  bool may_be_late = false;  // may be held for company beyond max_wait_ms
  std::uint64_t last_lease = 0;
  std::string custom_id{};
  std::string reply_to{};
  std::string error{};
  std::vector<TaskId> after{};
  std::vector<TaskId> blockers{};  // those of `after` that are still to succeed
};

enum class TakerId : std::uint64_t {};

struct TakeAsk {
  NamespaceId home{0};
  bool all_namespaces = false;
  std::string worker;
  std::vector<std::string> categories{};  // empty: all
  std::vector<std::string> models{};
  std::uint32_t items_max = 0;  // 0: as the closing rule says
  std::uint64_t tokens_max = 0;
  std::int64_t lease_ms = 60'000;
};

// Who asks about a lease.
struct LeaseAsk {
  NamespaceId home{0};
  bool is_server_worker = false;
  LeaseToken token;
};

// What a settled task was, for its row and for the accounts.
struct SettleFacts {
  NamespaceId home{0};
  TaskId id{0};
  std::string category;
  std::string model;
  std::string custom_id;
  std::string reply_to;
  std::string error;
  std::int64_t submitted_ms = 0;
  std::int64_t taken_ms = 0;  // 0: never
  std::uint32_t attempts = 0;
  std::uint32_t batch_items = 0;
  std::uint32_t context_tokens = 0;
  std::int64_t factor_ppm =
      kFullPricePpm;  // of the price when it was taken, if it had been deferred
  bool has_payload_row = false;
  bool has_state_row = false;
  bool needs_row = false;
  LeaseId lease{0};
};

// What becomes of a task that failed.
struct Retry {
  TaskId id{0};
  bool dies = false;
  bool counts = true;  // as an attempt
  std::int64_t when_ms = 0;
  std::uint8_t batch_max = 0;
  std::string error;
};
struct FailPlan {
  NamespaceId home{0};
  LeaseId lease{0};
  std::vector<Retry> tasks;
};

// Rows that follow what has happened in memory; each is made when it is written, from what is so
// then.
struct Upkeep {
  enum class Kind : std::uint8_t {
    kState,      // the state row of a task
    kLeaseGone,  // a lease that has ended
    kExpired,    // a task whose deadline has passed; it is settling
    kDoomed,     // a task that waits for one that failed; it is settling
    kDeadOut,    // a dead letter whose time is over, or which made room; it is settling
    kGroupGone,  // a group without tasks
  };
  Kind kind = Kind::kState;
  NamespaceId home{0};
  TaskId task{0};
  LeaseId lease{0};
  GroupHash group{};
};

struct Notice {  // for who waits for results
  NamespaceId home{0};
  TaskId id{0};
  Outcome outcome = Outcome::kSucceeded;
  std::string custom_id;
  std::string reply_to;
};

// What a call brought about for others.
struct Effects {
  std::vector<std::pair<TakerId, LeaseId>> batches;  // for takers that waited
  std::vector<TakerId> timed_out;
  std::vector<Notice> notices;
  std::vector<Upkeep> upkeep;

  bool empty() const {
    return batches.empty() && timed_out.empty() && notices.empty() && upkeep.empty();
  }
};

struct TaskView {
  TaskId id{0};
  Place place = Place::kFree;
  std::string category;
  std::string model;
  std::string context_key;
  std::string custom_id;
  std::string error;
  std::vector<TaskId> after;
  std::int64_t submitted_ms = 0;
  std::int64_t when_ms = 0;
  std::int64_t deadline_ms = 0;
  std::uint32_t attempts = 0;
  std::uint32_t attempts_max = 0;
  std::uint32_t blockers = 0;
  int priority = 0;
  Defer defer = Defer::kNever;
  DeferReason defer_reason = DeferReason::kNotAsked;
  bool urgent = false;
  bool paused = false;
  std::string worker;              // kLeased
  std::int64_t lease_ends_ms = 0;  // kLeased
};

struct QueueView {
  std::string category;
  std::string model;
  std::uint64_t ready = 0;
  std::uint64_t delayed = 0;
  std::uint64_t blocked = 0;
  std::uint64_t leased = 0;
  std::uint64_t dead = 0;
  std::int64_t oldest_ready_ms = 0;  // since when those who are next wait; 0: none
  bool paused = false;
  std::uint32_t running_max = 0;  // of its model; 0: no bound
  std::optional<std::int64_t> wait_p50_ms;
  std::optional<std::int64_t> wait_p95_ms;
  std::optional<std::int64_t> wait_p99_ms;
  std::optional<std::int64_t> service_p50_ms;
  std::optional<std::int64_t> service_p95_ms;
  QueueCounters counters;
};

struct TenantView {
  std::uint64_t tasks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t groups = 0;
  std::uint64_t dead = 0;
  std::uint64_t takers = 0;
  std::uint64_t leases = 0;
  std::int64_t oldest_lease_ms = 0;  // taken then; 0: none
  bool at_peak = false;
};

// As handed to a worker.
struct BatchView {
  LeaseToken token;
  NamespaceId home{0};
  std::int64_t lease_ms = 0;
  std::int64_t ends_ms = 0;
  std::string worker;
  GroupSpec group;
  struct Item {
    TaskId id{0};
    std::uint32_t attempt = 0;
    std::int64_t submitted_ms = 0;
    std::int64_t deadline_ms = 0;
    std::string custom_id;
    bool has_payload_row = false;
  };
  std::vector<Item> items;
};

struct WorkerView {
  std::string name;
  std::int64_t seen_ms = 0;
  std::uint64_t leases = 0;
};

// What was not spent because a task went out in a batch, or at a cheaper hour.
struct Saved {
  std::string category;
  std::string model;
  std::uint64_t calls_ppm = 0;  // millionths of a call
  std::uint64_t tokens = 0;     // of the shared context
  std::uint64_t cost_nano = 0;
};

struct Pause {
  std::string category;  // empty: all
  std::string model;
  bool operator==(const Pause&) const = default;
};

class Engine {
 public:
  Engine(EngineOptions options, std::uint64_t seed, std::int64_t now_ms);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  Engine(Engine&&) = delete;
  Engine& operator=(Engine&&) = delete;

  void SetOptions(const EngineOptions& options) { options_ = options; }
  const EngineOptions& options() const { return options_; }
  void SetWeight(NamespaceId home, std::uint32_t weight);
  // Leases at a time, by model; models that are not named have no bound.
  void SetModelBounds(const std::map<std::string, std::uint32_t>& bounds, std::int64_t now_ms,
                      Effects& effects);
  void SetWindows(NamespaceId home, Windows windows);
  const Windows& WindowsOf(NamespaceId home) const;

  // Submitting. ---------------------------------------------------------------------------------

  // Room for tasks that are about to be committed; errors: kBusy, which limit and when to retry.
  base::Status Reserve(NamespaceId home, std::uint64_t tasks, std::uint64_t bytes);
  void Unreserve(NamespaceId home, std::uint64_t tasks, std::uint64_t bytes);
  // The group, made when it is new, and held (ReleaseGroup) until the task is added. Errors: kBusy.
  base::Result<Slot> HoldGroup(NamespaceId home, const GroupSpec& spec, Effects& effects);
  void ReleaseGroup(Slot group, std::int64_t now_ms);
  const RowState& RowOf(Slot group) const { return groups_[group].row; }
  void SetRow(Slot group, const RowState& row) { groups_[group].row = row; }
  const GroupSpec& SpecOf(Slot group) const { return groups_[group].spec; }
  bool KnowsGroup(NamespaceId home, const GroupHash& hash) const;
  // Until when a task of this group waits, and why.
  DeferralDecision Defer(Slot group, DeferralAsk ask) const;
  // The group is held, the room reserved; both go over to the task.
  void Add(NamespaceId home, NewTask task, std::int64_t now_ms, Effects& effects);
  // The same for a task read from disk: no room, no group was taken before.
  void Restore(NamespaceId home, NewTask task, std::int64_t now_ms);
  // A lease read from disk, between Restore and EndRestore. It lives `grace_ms` at least. False:
  // none of its items can be leased any more.
  bool RestoreLease(NamespaceId home, const Lease& row, const GroupHash& group, std::int64_t now_ms,
                    std::int64_t grace_ms);
  // Once all has been restored.
  void EndRestore(std::int64_t now_ms, Effects& effects);
  // What waits for a task that did not succeed is to be canceled.
  void Doom(NamespaceId home, TaskId id, std::int64_t now_ms, Effects& effects);

  bool Knows(NamespaceId home, TaskId id) const { return FindTask(home, id) != kNoSlot; }
  std::optional<TaskView> View(NamespaceId home, TaskId id) const;

  // Workers. ------------------------------------------------------------------------------------

  // A batch at once, or nothing.
  std::optional<LeaseId> Take(const TakeAsk& ask, std::int64_t now_ms);
  // The same, and when there is none: waits until then. Errors: kBusy.
  base::Result<std::optional<LeaseId>> TakeOrWait(const TakeAsk& ask, TakerId taker,
                                                  std::int64_t until_ms, std::int64_t now_ms);
  // Whether it waited.
  bool RemoveTaker(TakerId taker);
  std::optional<BatchView> ViewLease(LeaseId id) const;
  // The row of the lease is committed: from now on it lives `lease_ms`.
  bool Grant(LeaseId id, std::int64_t now_ms);
  // It could not be: its tasks are ready again, as if nothing had been.
  void TakeBack(LeaseId id, std::int64_t now_ms, Effects& effects);
  base::Result<std::int64_t> Extend(const LeaseAsk& ask, std::int64_t lease_ms,
                                    std::int64_t now_ms);
  // All leases of a worker; their ids.
  std::vector<LeaseId> ExtendWorker(NamespaceId home, std::string_view worker,
                                    std::int64_t lease_ms, std::int64_t now_ms);
  // How a lease stands on disk; absent when it is gone.
  std::optional<Lease> LeaseOf(LeaseId id) const;
  // How a task stands on disk besides what was submitted.
  struct StateOf {
    std::uint8_t attempts = 0;
    std::uint8_t batch_max = 0;
    bool is_dead = false;
    std::int64_t when_ms = 0;  // ready from then on; of a dead letter: when its time is over
    DeferReason defer_reason = DeferReason::kNotAsked;
    std::uint64_t last_lease = 0;
    std::string error;
  };
  std::optional<StateOf> State(NamespaceId home, TaskId id) const;

  base::Result<SettleFacts> BeginSettle(const LeaseAsk& ask, TaskId id);
  base::Result<SettleFacts> BeginCancel(NamespaceId home, TaskId id, std::int64_t now_ms);
  // Of a dead letter.
  base::Result<SettleFacts> BeginPurge(NamespaceId home, TaskId id);
  // Of a task that Upkeep named as settling; absent when it is gone.
  std::optional<SettleFacts> FactsOf(NamespaceId home, TaskId id) const;
  void AbortSettle(NamespaceId home, TaskId id, std::int64_t now_ms, Effects& effects);
  void EndSettle(NamespaceId home, TaskId id, Outcome outcome, std::int64_t now_ms,
                 Effects& effects);

  struct FailAsk {
    std::vector<TaskId> items;  // empty: all that are open, as a whole
    std::string_view error;
    bool may_retry = true;
  };
  base::Result<FailPlan> BeginFail(const LeaseAsk& ask, const FailAsk& what, std::int64_t now_ms);
  void AbortFail(const FailPlan& plan, std::int64_t now_ms, Effects& effects);
  void EndFail(const FailPlan& plan, std::int64_t now_ms, Effects& effects);

  // Dead letters, oldest first, behind `after`.
  std::vector<TaskId> DeadLetters(NamespaceId home, TaskId after, std::size_t most) const;
  base::Status BeginReplay(NamespaceId home, TaskId id);
  void AbortReplay(NamespaceId home, TaskId id);
  void EndReplay(NamespaceId home, TaskId id, std::int64_t now_ms, Effects& effects);

  // True when it was not so before.
  bool SetPaused(NamespaceId home, const Pause& pause, bool paused, std::int64_t now_ms,
                 Effects& effects);
  const std::vector<Pause>& PausesOf(NamespaceId home) const;

  // Everything of a namespace. Who waits is told.
  void Drop(NamespaceId home, Effects& effects);

  // What a call saved; counted in its queue.
  void CountSaved(NamespaceId home, const Saved& saved);

  // Time. ---------------------------------------------------------------------------------------

  // Does what is due, up to `steps` events. True when nothing is left that is due.
  bool Advance(std::int64_t now_ms, std::size_t steps, Effects& effects);
  // When Advance has something to do next; absent: nothing.
  std::optional<std::int64_t> NextMs() const;

  // People. -------------------------------------------------------------------------------------

  std::vector<QueueView> Queues(NamespaceId home) const;
  TenantView ViewTenant(NamespaceId home) const;
  std::vector<TaskView> Tasks(NamespaceId home, std::size_t most) const;
  std::vector<WorkerView> Workers(NamespaceId home) const;
  std::size_t tasks() const { return tasks_.size(); }
  std::size_t MemoryBytes() const;
  // For tests: aborts when something does not add up.
  void CheckInvariants() const;

 private:
  struct Taker;
  struct TakerClass;
  struct Tenant;

  Tenant& TenantOf(NamespaceId home);
  const Tenant* FindTenant(NamespaceId home) const;
  Slot FindTask(NamespaceId home, TaskId id) const;
  TaskView ViewTask(Slot slot) const;
  void CheckTask(Slot slot) const;
  Slot FindLease(LeaseId id) const;
  base::Result<Slot> FindLease(const LeaseAsk& ask) const;
  Slot QueueFor(Tenant& tenant, std::string_view category, std::string_view model);
  // Forgets a queue without groups; false when there is none.
  bool DropIdleQueue(Tenant& tenant);
  Slot ModelFor(std::string_view name);
  NamespaceId HomeOf(const Group& group) const { return queues_[group.queue].home; }
  bool IsPaused(const Tenant& tenant, const Queue& queue) const;

  // Orders of heaps.
  bool GoesBefore(const Task& a, const Task& b) const;
  auto ByRank() const {
    return [this](Slot a, Slot b) { return GoesBefore(tasks_[a], tasks_[b]); };
  }
  auto ByWait() const {
    return [this](Slot a, Slot b) { return WaitEnds(tasks_[a]) < WaitEnds(tasks_[b]); };
  }
  auto ByDeadline() const {
    return [this](Slot a, Slot b) { return tasks_[a].deadline_ms < tasks_[b].deadline_ms; };
  }
  auto ByDue() const {
    return [this](Slot a, Slot b) {
      return GoesBefore(tasks_[groups_[a].ready.Top()], tasks_[groups_[b].ready.Top()]);
    };
  }
  auto ByLook() const {
    return [this](Slot a, Slot b) { return groups_[a].look_again_ms < groups_[b].look_again_ms; };
  }
  auto ByAlarm() const {
    return [this](Slot a, Slot b) { return queues_[a].alarm_ms < queues_[b].alarm_ms; };
  }
  auto ByEnd() const {
    return [this](Slot a, Slot b) { return leases_[a].ends_ms < leases_[b].ends_ms; };
  }
  static std::int64_t WaitEnds(const Task& task) { return task.when_ms + task.max_wait_ms; }

  Slot Insert(Tenant& tenant, NewTask& task);
  void Schedule(Slot slot, std::int64_t now_ms);
  void Delay(Slot slot, std::int64_t until_ms);
  void MakeReady(Slot slot, std::int64_t now_ms);
  // Out of whatever it waits in; its place stays.
  void Detach(Slot slot, std::int64_t now_ms);
  // Out of the heaps of its group; the group is to be reconsidered.
  void LeaveGroup(Slot slot);
  void WatchDeadline(Slot slot);
  void UnwatchDeadline(Slot slot);
  void SetAlarm(Slot queue);
  std::int64_t ServiceMs(const Queue& queue) const;
  std::uint32_t& CountOf(Queue& queue, Place place);
  void Move(Slot slot, Place place);
  void Forget(Slot slot, std::int64_t now_ms);

  void Reconsider(Slot group, std::int64_t now_ms);
  GroupView ViewOf(const Group& group, const Tenant& tenant) const;
  void SetDue(Slot group, bool due);
  void SetLook(Slot group, std::optional<std::int64_t> at_ms);
  void NoteEmpty(Slot group, std::int64_t now_ms);
  void UnlinkEmpty(Slot group);
  void RemoveGroup(Slot group, Effects& effects);
  void NoteArrival(Group& group, Queue& queue, const Task& task, std::int64_t now_ms);

  bool IsTakeable(const Queue& queue) const;
  static bool Wants(const TakeAsk& ask, const Queue& queue);
  Slot BestQueue(const Tenant& tenant, const TakeAsk& ask) const;
  Slot PickGroup(const TakeAsk& ask);
  LeaseId FormBatch(Slot group, const TakeAsk& ask, std::int64_t now_ms);
  void FillBatch(Slot group, const TakeAsk& ask, Slot lease, std::int64_t now_ms);
  void HoldForLease(Slot lease, std::int64_t now_ms);
  void Charge(Tenant& tenant, double items);
  static void NoteWorker(Tenant& tenant, const std::string& worker, Slot lease,
                         std::int64_t now_ms);
  void Match(std::int64_t now_ms, Effects& effects);
  bool MatchIn(Tenant& tenant, std::int64_t now_ms, Effects& effects);
  void NoteActive(Tenant& tenant);
  void MarkDirty(Tenant& tenant);
  void MarkModelDirty(Slot model);

  void CloseItem(Lease& lease, Slot task_slot);
  void LeaveLease(Slot task_slot, std::int64_t now_ms, Effects& effects);
  void EndLease(Slot lease, std::int64_t now_ms, Effects& effects);
  void ExpireLease(Slot lease, std::int64_t now_ms, Effects& effects);
  Retry RetryOf(const Task& task, bool may_retry, std::uint32_t batch_items,
                std::string_view error) const;
  void ApplyRetry(Slot slot, const Retry& retry, std::int64_t now_ms, Effects& effects);
  void Bury(Slot slot, std::int64_t now_ms, Effects& effects);
  void ReleaseDependents(Slot slot, bool succeeded, std::int64_t now_ms, Effects& effects);
  SettleFacts FactsFor(Slot slot) const;
  void NoteSettled(Slot slot, Outcome outcome, std::int64_t now_ms, Effects& effects);

  void OnTimer(Slot slot, std::int64_t now_ms, Effects& effects);
  bool RunAlarm(std::int64_t now_ms, Effects& effects);
  void BecomeUrgent(Slot slot, std::int64_t now_ms);
  void Expire(Slot slot, std::int64_t now_ms, Effects& effects);
  bool RunOne(std::int64_t now_ms, Effects& effects);

  EngineOptions options_;
  std::mt19937_64 random_;
  Slab<Task> tasks_;
  Slab<Group> groups_;
  Slab<Queue> queues_;
  Slab<Lease> leases_;
  Slab<Model> models_;
  std::map<std::string, Slot, std::less<>> model_slots_;
  std::map<NamespaceId, std::unique_ptr<Tenant>> tenants_;
  std::unordered_map<std::uint64_t, Slot> lease_slots_;
  std::uint64_t next_lease_;
  std::uint64_t reserved_total_ = 0;
  double virtual_time_ = 0;
  std::set<std::pair<double, NamespaceId>> active_;  // namespaces with due groups
  std::set<NamespaceId> dirty_;                      // something became takeable there

  TimerWheel<&Task::timer, &Task::when_ms> wheel_;
  IndexedHeap<&Group::look_place> looks_;
  IndexedHeap<&Queue::alarm_place> alarms_;
  IndexedHeap<&Lease::end_place> lease_ends_;
  Slot first_empty_ = kNoSlot;
  Slot last_empty_ = kNoSlot;
  std::uint64_t next_taker_ = 1;
  std::unordered_map<std::uint64_t, std::pair<TakerClass*, std::list<Taker>::iterator>> takers_;
  std::map<std::string, std::unique_ptr<TakerClass>> taker_classes_;
  std::vector<TakerClass*> server_classes_;  // those of workers of all namespaces
  std::set<std::pair<std::int64_t, TakerId>> taker_ends_;
};

}  // namespace reprise::jobs
