// What the parts of the engine share: tables, orders, tasks going from place to place.
#include "server/jobs/engine.h"

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>

#include "protocol/base/limits.h"
#include "server/jobs/tenant.h"

namespace reprise::jobs {
namespace {

using base::Code;
using base::Error;

// Numbers of leases go on from the time, so that none is used again after a restart.
constexpr unsigned kLeasesOfMs = 20;

}  // namespace

std::string_view NameOf(Outcome outcome) {
  constexpr std::array<std::string_view, 4> kNames{"succeeded", "failed", "canceled", "expired"};
  return kNames[static_cast<std::size_t>(outcome)];
}

Engine::Engine(EngineOptions options, std::uint64_t seed, std::int64_t now_ms)
    : options_(options),
      random_(seed),
      next_lease_(static_cast<std::uint64_t>(now_ms) << kLeasesOfMs),
      wheel_(now_ms) {}

Engine::~Engine() = default;

Engine::Tenant& Engine::TenantOf(NamespaceId home) {
  std::unique_ptr<Tenant>& place = tenants_[home];
  if (place == nullptr) {
    place = std::make_unique<Tenant>();
    place->home = home;
  }
  return *place;
}

const Engine::Tenant* Engine::FindTenant(NamespaceId home) const {
  const auto found = tenants_.find(home);
  return found == tenants_.end() ? nullptr : found->second.get();
}

Slot Engine::FindTask(NamespaceId home, TaskId id) const {
  const Tenant* tenant = FindTenant(home);
  if (tenant == nullptr) {
    return kNoSlot;
  }
  const auto found = tenant->tasks.find(ToInt(id));
  return found == tenant->tasks.end() ? kNoSlot : found->second;
}

void Engine::SetWeight(NamespaceId home, std::uint32_t weight) {
  TenantOf(home).weight = std::max(weight, 1U);
}

void Engine::SetModelBounds(const std::map<std::string, std::uint32_t>& bounds, std::int64_t now_ms,
                            Effects& effects) {
  for (const auto& [name, slot] : model_slots_) {
    models_[slot].running_max = 0;
  }
  for (const auto& [name, bound] : bounds) {
    models_[ModelFor(name)].running_max = bound;
  }
  for (const auto& [home, tenant] : tenants_) {
    MarkDirty(*tenant);
  }
  Match(now_ms, effects);
}

void Engine::SetWindows(NamespaceId home, Windows windows) {
  TenantOf(home).windows = std::move(windows);
}

const Windows& Engine::WindowsOf(NamespaceId home) const {
  static const Windows usual;
  const Tenant* tenant = FindTenant(home);
  return tenant == nullptr ? usual : tenant->windows;
}

Slot Engine::ModelFor(std::string_view name) {
  if (const auto found = model_slots_.find(name); found != model_slots_.end()) {
    return found->second;
  }
  const Slot slot = models_.Take();
  models_[slot].name = name;
  model_slots_.emplace(std::string(name), slot);
  return slot;
}

bool Engine::IsPaused(const Tenant& tenant, const Queue& queue) const {
  return std::any_of(tenant.pauses.begin(), tenant.pauses.end(), [&](const Pause& pause) {
    return (pause.category.empty() || pause.category == queue.category) &&
           (pause.model.empty() || pause.model == queue.model);
  });
}

Slot Engine::QueueFor(Tenant& tenant, std::string_view category, std::string_view model) {
  const std::pair<std::string, std::string> key{category, model};
  if (const auto found = tenant.queues.find(key); found != tenant.queues.end()) {
    return found->second;
  }
  const Slot slot = queues_.Take();
  Queue& queue = queues_[slot];
  queue.home = tenant.home;
  queue.category = category;
  queue.model = model;
  queue.model_place = ModelFor(model);
  ++models_[queue.model_place].queues;
  queue.paused = IsPaused(tenant, queue);
  tenant.queues.emplace(key, slot);
  return slot;
}

bool Engine::DropIdleQueue(Tenant& tenant) {
  const auto idle = std::find_if(tenant.queues.begin(), tenant.queues.end(),
                                 [&](const auto& row) { return queues_[row.second].groups == 0; });
  if (idle == tenant.queues.end()) {
    return false;
  }
  const Slot model_slot = queues_[idle->second].model_place;
  Model& model = models_[model_slot];
  if (--model.queues == 0 && model.running_max == 0) {
    model_slots_.erase(model.name);
    models_.Release(model_slot);
  }
  queues_.Release(idle->second);
  tenant.queues.erase(idle);
  return true;
}

// Urgent ones by deadline; then who is ready for longest, priority counted as time.
bool Engine::GoesBefore(const Task& a, const Task& b) const {
  if (a.urgent != b.urgent) {
    return a.urgent;
  }
  constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  const std::int64_t a_deadline = a.deadline_ms == 0 ? kNone : a.deadline_ms;
  const std::int64_t b_deadline = b.deadline_ms == 0 ? kNone : b.deadline_ms;
  if (a.urgent) {
    return std::pair(a_deadline, a.id) < std::pair(b_deadline, b.id);
  }
  return std::tuple(a.rank_ms, a_deadline, a.id) < std::tuple(b.rank_ms, b_deadline, b.id);
}

std::uint32_t& Engine::CountOf(Queue& queue, Place place) {
  switch (place) {
    case Place::kBlocked:
      return queue.blocked;
    case Place::kDelayed:
      return queue.delayed;
    case Place::kReady:
      return queue.ready;
    case Place::kLeased:
      return queue.leased;
    case Place::kDead:
    case Place::kFree:
      break;
  }
  return queue.dead;
}

void Engine::Move(Slot slot, Place place) {
  Task& task = tasks_[slot];
  Queue& queue = queues_[groups_[task.group].queue];
  if (task.place != Place::kFree) {
    --CountOf(queue, task.place);
  }
  task.place = place;
  if (place != Place::kFree) {
    ++CountOf(queue, place);
  }
}

void Engine::Delay(Slot slot, std::int64_t until_ms) {
  tasks_[slot].when_ms = until_ms;
  wheel_.Add(slot, tasks_);
}

// From where a new task, or one that is tried again, goes on.
void Engine::Schedule(Slot slot, std::int64_t now_ms) {
  Task& task = tasks_[slot];
  WatchDeadline(slot);
  if (task.blockers > 0) {
    Move(slot, Place::kBlocked);
  } else if (task.when_ms > now_ms) {
    Move(slot, Place::kDelayed);
    Delay(slot, task.when_ms);
  } else {
    MakeReady(slot, now_ms);
  }
}

void Engine::MakeReady(Slot slot, std::int64_t now_ms) {
  Task& task = tasks_[slot];
  Group& group = groups_[task.group];
  Move(slot, Place::kReady);
  task.when_ms = now_ms;
  task.rank_ms = now_ms - task.priority * options_.ageing_ms;
  group.ready.Push(slot, tasks_, ByRank());
  group.waits.Push(slot, tasks_, ByWait());
  group.tokens_ready += task.tokens;
  group.urgent += task.urgent ? 1 : 0;
  TenantOf(HomeOf(group)).late.NoteTask();
  Reconsider(task.group, now_ms);
}

void Engine::Detach(Slot slot, std::int64_t now_ms) {
  Task& task = tasks_[slot];
  if (task.timer.is_set()) {
    wheel_.Remove(slot, tasks_);
  }
  UnwatchDeadline(slot);
  if (task.rank_place == kNoSlot) {
    return;
  }
  Group& group = groups_[task.group];
  const bool was_top = group.ready.Top() == slot;
  if (group.is_due() && was_top) {
    SetDue(task.group, false);  // Its place among the due groups hangs on its first task.
  }
  LeaveGroup(slot);
  Reconsider(task.group, now_ms);
}

void Engine::LeaveGroup(Slot slot) {
  Task& task = tasks_[slot];
  Group& group = groups_[task.group];
  group.ready.Remove(slot, tasks_, ByRank());
  if (task.wait_place != kNoSlot) {
    group.waits.Remove(slot, tasks_, ByWait());
  }
  group.tokens_ready -= task.tokens;
  group.urgent -= task.urgent ? 1 : 0;
}

void Engine::WatchDeadline(Slot slot) {
  Task& task = tasks_[slot];
  if (task.deadline_ms == 0 || task.deadline_place != kNoSlot) {
    return;
  }
  const Slot queue_slot = groups_[task.group].queue;
  Queue& queue = queues_[queue_slot];
  (task.urgent ? queue.urgent : queue.relaxed).Push(slot, tasks_, ByDeadline());
  SetAlarm(queue_slot);
}

void Engine::UnwatchDeadline(Slot slot) {
  Task& task = tasks_[slot];
  if (task.deadline_place == kNoSlot) {
    return;
  }
  const Slot queue_slot = groups_[task.group].queue;
  Queue& queue = queues_[queue_slot];
  (task.urgent ? queue.urgent : queue.relaxed).Remove(slot, tasks_, ByDeadline());
  SetAlarm(queue_slot);
}

// What is kept free before a deadline: twice the 95th percentile, since one in twenty takes longer
// than that, and a batch as long as its slowest task.
std::int64_t Engine::ServiceMs(const Queue& queue) const {
  constexpr std::uint32_t kEnough = 20;
  constexpr double kShare = 0.95;
  constexpr std::int64_t kTimes = 2;
  if (queue.service.count() < kEnough) {
    return options_.service_prior_ms;
  }
  const auto measured_ms = queue.service.At(kShare);
  return measured_ms.has_value() ? kTimes * *measured_ms : options_.service_prior_ms;
}

void Engine::SetAlarm(Slot queue_slot) {
  Queue& queue = queues_[queue_slot];
  std::int64_t at_ms = std::numeric_limits<std::int64_t>::max();
  if (!queue.relaxed.empty()) {
    at_ms = tasks_[queue.relaxed.Top()].deadline_ms - ServiceMs(queue);
  }
  if (!queue.urgent.empty()) {
    at_ms = std::min(at_ms, tasks_[queue.urgent.Top()].deadline_ms);
  }
  if (at_ms == std::numeric_limits<std::int64_t>::max()) {
    if (queue.alarm_place != kNoSlot) {
      alarms_.Remove(queue_slot, queues_, ByAlarm());
    }
    return;
  }
  if (queue.alarm_place == kNoSlot) {
    queue.alarm_ms = at_ms;
    alarms_.Push(queue_slot, queues_, ByAlarm());
  } else if (queue.alarm_ms != at_ms) {
    queue.alarm_ms = at_ms;
    alarms_.Update(queue_slot, queues_, ByAlarm());
  }
}

base::Status Engine::Reserve(NamespaceId home, std::uint64_t tasks, std::uint64_t bytes) {
  Tenant& tenant = TenantOf(home);
  const EngineLimits& limits = options_.limits;
  const auto full = [](const std::string& what, std::uint64_t most) {
    return Error{Code::kBusy, what + ": " + std::to_string(most) +
                                  " wait or run, which is the limit; retry in 1000 ms"};
  };
  if (tenant.tasks.size() + tenant.reserved + tasks > limits.tasks_max) {
    return full("jobs.tasks_max: tasks of this namespace", limits.tasks_max);
  }
  if (tenant.bytes + bytes > limits.bytes_max) {
    return full("jobs.bytes_max: bytes of tasks of this namespace", limits.bytes_max);
  }
  if (tasks_.size() + reserved_total_ + tasks > limits.tasks_total_max) {
    return full("jobs.total_tasks_max: tasks of all namespaces", limits.tasks_total_max);
  }
  tenant.reserved += tasks;
  reserved_total_ += tasks;
  tenant.bytes += bytes;
  return base::Ok{};
}

void Engine::Unreserve(NamespaceId home, std::uint64_t tasks, std::uint64_t bytes) {
  Tenant& tenant = TenantOf(home);
  tenant.reserved -= tasks;
  reserved_total_ -= tasks;
  tenant.bytes -= bytes;
}

Slot Engine::Insert(Tenant& tenant, NewTask& from) {
  const Slot slot = tasks_.Take();
  Task& task = tasks_[slot];
  task.id = from.id;
  task.submitted_ms = from.submitted_ms;
  task.when_ms = from.not_before_ms;
  task.deadline_ms = from.deadline_ms;
  task.group = from.group;
  task.max_wait_ms = from.max_wait_ms;
  task.tokens = from.tokens;
  task.payload_bytes = from.payload_bytes;
  task.priority = from.priority;
  task.attempts = from.attempts;
  task.attempts_max = from.attempts_max;
  task.batch_max = from.batch_max;
  task.defer = from.defer;
  task.defer_reason = from.defer_reason;
  task.has_payload_row = from.has_payload_row;
  task.has_state_row = from.has_state_row;
  task.needs_row = from.needs_row;
  task.may_be_late = from.may_be_late;
  task.last_lease = from.last_lease;
  if (!from.custom_id.empty() || !from.reply_to.empty() || !from.error.empty() ||
      !from.after.empty()) {
    TaskExtra& extra = task.Extra();
    extra.custom_id = std::move(from.custom_id);
    extra.reply_to = std::move(from.reply_to);
    extra.error = std::move(from.error);
    extra.after = std::move(from.after);
  }
  tenant.tasks.emplace(ToInt(task.id), slot);
  Group& group = groups_[task.group];
  if (group.tasks++ == 0) {
    UnlinkEmpty(task.group);
  }
  Queue& queue = queues_[group.queue];
  const bool waits = task.defer_reason == DeferReason::kWindow;
  queue.counters.deferred += waits ? 1 : 0;
  return slot;
}

void Engine::Add(NamespaceId home, NewTask from, std::int64_t now_ms, Effects& effects) {
  Tenant& tenant = TenantOf(home);
  --tenant.reserved;
  --reserved_total_;
  const std::vector<TaskId> blockers = std::move(from.blockers);
  const Slot slot = Insert(tenant, from);
  Task& task = tasks_[slot];
  Group& group = groups_[task.group];
  --group.reserved;
  ++queues_[group.queue].counters.submitted;
  tenant.load.Note(now_ms, 1);
  NoteArrival(group, queues_[group.queue], task, now_ms);
  bool doomed = false;
  for (const TaskId blocker : blockers) {
    const Slot other = FindTask(home, blocker);
    if (other == kNoSlot || tasks_[other].place == Place::kDead || tasks_[other].is_doomed) {
      // It ended between the check and the commit: only an end that is no success leaves it named.
      doomed = true;
      continue;
    }
    ++task.blockers;
    tasks_[other].Extra().dependents.push_back(task.id);
  }
  Schedule(slot, now_ms);
  if (doomed) {
    Doom(home, task.id, now_ms, effects);
  }
  // Who waits for batches is served by the next Advance: tasks of one call go out together.
}

void Engine::Restore(NamespaceId home, NewTask from, std::int64_t now_ms) {
  Tenant& tenant = TenantOf(home);
  const bool is_dead = from.is_dead;
  tenant.bytes += from.payload_bytes;
  const Slot slot = Insert(tenant, from);
  Task& task = tasks_[slot];
  if (is_dead) {
    Move(slot, Place::kDead);
    tenant.dead.insert(task.id);
    Delay(slot, std::max(task.when_ms, now_ms));
    return;
  }
  Move(slot, Place::kBlocked);  // Who it waits for may be read later.
}

void Engine::EndRestore(std::int64_t now_ms, Effects& effects) {
  for (Slot slot = 0; slot < tasks_.end(); ++slot) {
    Task& task = tasks_[slot];
    if (task.place != Place::kBlocked || task.settling) {
      continue;
    }
    const NamespaceId home = HomeOf(groups_[task.group]);
    bool doomed = false;
    const std::size_t named = task.extra == nullptr ? 0 : task.extra->after.size();
    for (std::size_t i = 0; i < named; ++i) {
      const Slot other = FindTask(home, task.extra->after[i]);
      if (other != kNoSlot) {
        doomed = doomed || tasks_[other].place == Place::kDead;
        ++task.blockers;
        tasks_[other].Extra().dependents.push_back(task.id);
      }
    }
    Schedule(slot, now_ms);
    if (doomed) {
      Doom(home, task.id, now_ms, effects);
    }
  }
  for (Slot slot = 0; slot < groups_.end(); ++slot) {
    if (groups_[slot].queue != kNoSlot && groups_[slot].tasks == 0) {
      NoteEmpty(slot, now_ms);
    }
  }
  Match(now_ms, effects);
}

// The task is gone: nothing may know it any more.
void Engine::Forget(Slot slot, std::int64_t now_ms) {
  Task& task = tasks_[slot];
  const Slot group_slot = task.group;
  Tenant& tenant = TenantOf(HomeOf(groups_[group_slot]));
  Move(slot, Place::kFree);
  tenant.bytes -= std::min<std::uint64_t>(tenant.bytes, task.payload_bytes);
  tenant.tasks.erase(ToInt(task.id));
  tenant.dead.erase(task.id);
  tasks_.Release(slot);
  if (--groups_[group_slot].tasks == 0) {
    NoteEmpty(group_slot, now_ms);
  }
}

}  // namespace reprise::jobs
