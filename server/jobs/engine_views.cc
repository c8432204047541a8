// What people see of the engine.
#include <algorithm>

#include "protocol/base/ensure.h"
#include "server/jobs/tenant.h"

namespace reprise::jobs {
namespace {

constexpr double kMedian = 0.5;
constexpr double kMost = 0.95;
constexpr double kNearlyAll = 0.99;

}  // namespace

TaskView Engine::ViewTask(Slot slot) const {
  const Task& task = tasks_[slot];
  const Group& group = groups_[task.group];
  TaskView view;
  view.id = task.id;
  view.place = task.place;
  view.category = group.spec.category;
  view.model = group.spec.model;
  view.context_key = group.spec.context_key;
  if (task.extra != nullptr) {
    view.custom_id = task.extra->custom_id;
    view.error = task.extra->error;
    view.after = task.extra->after;
  }
  view.submitted_ms = task.submitted_ms;
  view.when_ms = task.when_ms;
  view.deadline_ms = task.deadline_ms;
  view.attempts = task.attempts;
  view.attempts_max = task.attempts_max;
  view.blockers = task.blockers;
  view.priority = task.priority;
  view.defer = task.defer;
  view.defer_reason = task.defer_reason;
  view.urgent = task.urgent;
  view.paused = queues_[group.queue].paused;
  if (task.lease != kNoSlot) {
    view.worker = leases_[task.lease].worker;
    view.lease_ends_ms = leases_[task.lease].ends_ms;
  }
  return view;
}

std::optional<TaskView> Engine::View(NamespaceId home, TaskId id) const {
  const Slot slot = FindTask(home, id);
  return slot == kNoSlot ? std::nullopt : std::optional(ViewTask(slot));
}

std::vector<TaskView> Engine::Tasks(NamespaceId home, std::size_t most) const {
  std::vector<TaskView> views;
  const Tenant* tenant = FindTenant(home);
  if (tenant == nullptr) {
    return views;
  }
  for (const auto& [id, slot] : tenant->tasks) {
    if (views.size() >= most) {
      break;
    }
    views.push_back(ViewTask(slot));
  }
  return views;
}

std::vector<QueueView> Engine::Queues(NamespaceId home) const {
  std::vector<QueueView> views;
  const Tenant* tenant = FindTenant(home);
  if (tenant == nullptr) {
    return views;
  }
  std::map<Slot, std::int64_t> oldest;
  for (const auto& [hash, slot] : tenant->groups) {
    const Group& group = groups_[slot];
    const auto consider = [&](Slot task) {
      std::int64_t& since = oldest[group.queue];
      since = since == 0 ? tasks_[task].when_ms : std::min(since, tasks_[task].when_ms);
    };
    if (!group.ready.empty()) {
      consider(group.ready.Top());
    }
    if (!group.waits.empty()) {
      consider(group.waits.Top());
    }
  }
  for (const auto& [key, slot] : tenant->queues) {
    const Queue& queue = queues_[slot];
    QueueView view;
    view.category = queue.category;
    view.model = queue.model;
    view.ready = queue.ready;
    view.delayed = queue.delayed;
    view.blocked = queue.blocked;
    view.leased = queue.leased;
    view.dead = queue.dead;
    view.oldest_ready_ms = oldest.contains(slot) ? oldest[slot] : 0;
    view.paused = queue.paused;
    view.running_max = models_[queue.model_place].running_max;
    view.wait_p50_ms = queue.waits.At(kMedian);
    view.wait_p95_ms = queue.waits.At(kMost);
    view.wait_p99_ms = queue.waits.At(kNearlyAll);
    view.service_p50_ms = queue.service.At(kMedian);
    view.service_p95_ms = queue.service.At(kMost);
    view.counters = queue.counters;
    views.push_back(std::move(view));
  }
  return views;
}

TenantView Engine::ViewTenant(NamespaceId home) const {
  TenantView view;
  const Tenant* tenant = FindTenant(home);
  if (tenant == nullptr) {
    return view;
  }
  view.tasks = tenant->tasks.size();
  view.bytes = tenant->bytes;
  view.groups = tenant->groups.size();
  view.dead = tenant->dead.size();
  view.takers = tenant->takers;
  view.leases = tenant->leases;
  for (const auto& [name, worker] : tenant->workers) {
    for (const Slot slot : worker.leases) {
      const std::int64_t taken_ms = leases_[slot].taken_ms;
      view.oldest_lease_ms =
          view.oldest_lease_ms == 0 ? taken_ms : std::min(view.oldest_lease_ms, taken_ms);
    }
  }
  return view;
}

std::vector<WorkerView> Engine::Workers(NamespaceId home) const {
  std::vector<WorkerView> views;
  const Tenant* tenant = FindTenant(home);
  if (tenant == nullptr) {
    return views;
  }
  for (const auto& [name, worker] : tenant->workers) {
    views.push_back({name, worker.seen_ms, worker.leases.size()});
  }
  return views;
}

void Engine::CountSaved(NamespaceId home, const Saved& saved) {
  Tenant& tenant = TenantOf(home);
  const auto found = tenant.queues.find({saved.category, saved.model});
  if (found == tenant.queues.end()) {
    return;
  }
  QueueCounters& counters = queues_[found->second].counters;
  counters.calls_saved_ppm += saved.calls_ppm;
  counters.tokens_saved += saved.tokens;
  counters.cost_saved_nano += saved.cost_nano;
}

std::size_t Engine::MemoryBytes() const {
  constexpr std::size_t kHashNode = 48;  // of a task in its namespace's table
  return tasks_.MemoryBytes() + groups_.MemoryBytes() + queues_.MemoryBytes() +
         leases_.MemoryBytes() + tasks_.size() * kHashNode;
}

void Engine::CheckTask(Slot slot) const {
  const Task& task = tasks_[slot];
  ENSURE(FindTask(HomeOf(groups_[task.group]), task.id) == slot);
  const bool is_in_group = task.rank_place != kNoSlot;
  ENSURE(is_in_group == (task.place == Place::kReady && !task.settling));
  ENSURE(task.wait_place == kNoSlot || is_in_group);
  const bool has_timer = task.timer.is_set();
  const bool needs_timer = task.place == Place::kDelayed || task.place == Place::kDead;
  ENSURE(has_timer == (needs_timer && !task.settling));
  ENSURE((task.lease != kNoSlot) == (task.place == Place::kLeased));
  const bool waits =
      task.place == Place::kReady || task.place == Place::kDelayed || task.place == Place::kBlocked;
  ENSURE((task.deadline_place != kNoSlot) == (task.deadline_ms != 0 && waits && !task.settling));
  ENSURE((task.place == Place::kBlocked) <= (task.blockers > 0 || task.settling));
}

void Engine::CheckInvariants() const {
  std::map<Slot, std::size_t> group_tasks;
  std::map<Slot, std::size_t> lease_tasks;
  std::size_t count = 0;
  for (Slot slot = 0; slot < tasks_.end(); ++slot) {
    if (tasks_[slot].place == Place::kFree) {
      continue;
    }
    ++count;
    ++group_tasks[tasks_[slot].group];
    if (tasks_[slot].lease != kNoSlot) {
      ++lease_tasks[tasks_[slot].lease];
    }
    CheckTask(slot);
  }
  ENSURE(count == tasks_.size());
  for (Slot slot = 0; slot < groups_.end(); ++slot) {
    const Group& group = groups_[slot];
    if (group.queue == kNoSlot) {
      continue;
    }
    ENSURE(group.tasks == group_tasks[slot]);
    std::uint64_t tokens = 0;
    std::uint32_t urgent = 0;
    for (const Slot task : group.ready.slots()) {
      tokens += tasks_[task].tokens;
      urgent += tasks_[task].urgent ? 1 : 0;
      ENSURE(!GoesBefore(tasks_[task], tasks_[group.ready.Top()]) || task == group.ready.Top());
    }
    ENSURE(tokens == group.tokens_ready && urgent == group.urgent);
    ENSURE(!group.is_due() || !group.ready.empty());
    ENSURE(group.ready.empty() || group.is_due() || group.look_place != kNoSlot);
  }
  for (const auto& [id, slot] : lease_slots_) {
    ENSURE(leases_[slot].tasks == lease_tasks[slot] && leases_[slot].tasks > 0);
  }
}

}  // namespace reprise::jobs
