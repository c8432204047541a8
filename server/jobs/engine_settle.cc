// How tasks end: done, failed, canceled; leases that end; dead letters.
#include <algorithm>
#include <utility>

#include "server/jobs/tenant.h"

namespace reprise::jobs {
namespace {

using base::Code;
using base::Error;

Error NoTask(TaskId id) {
  return {Code::kNotFound, "there is no task " + TicketText(id) + " that waits or runs"};
}
Error Settling(TaskId id) {
  return {Code::kExists, "task " + TicketText(id) + " is being settled by another call"};
}

}  // namespace

Slot Engine::FindLease(LeaseId id) const {
  const auto found = lease_slots_.find(ToInt(id));
  return found == lease_slots_.end() ? kNoSlot : found->second;
}

base::Result<Slot> Engine::FindLease(const LeaseAsk& ask) const {
  const Slot slot = FindLease(ask.token.id);
  const bool is_known = slot != kNoSlot && leases_[slot].token == ask.token;
  const bool may_use = is_known && (leases_[slot].home == ask.home ||
                                    (leases_[slot].by_server_worker && ask.is_server_worker));
  if (!may_use) {
    return Error{Code::kNotFound,
                 "lease " + LeaseText(ask.token) +
                     " does not exist or has ended; its open tasks went to other workers"};
  }
  return slot;
}

SettleFacts Engine::FactsFor(Slot slot) const {
  const Task& task = tasks_[slot];
  const Group& group = groups_[task.group];
  SettleFacts facts;
  facts.home = HomeOf(group);
  facts.id = task.id;
  facts.category = group.spec.category;
  facts.model = group.spec.model;
  facts.context_tokens = group.spec.context_tokens;
  if (task.extra != nullptr) {
    facts.custom_id = task.extra->custom_id;
    facts.reply_to = task.extra->reply_to;
    facts.error = task.extra->error;
  }
  facts.submitted_ms = task.submitted_ms;
  facts.attempts = task.attempts;
  facts.has_payload_row = task.has_payload_row;
  facts.has_state_row = task.has_state_row;
  facts.needs_row = task.needs_row;
  if (task.lease != kNoSlot) {
    const Lease& lease = leases_[task.lease];
    facts.lease = lease.token.id;
    facts.taken_ms = lease.taken_ms;
    facts.batch_items = static_cast<std::uint32_t>(lease.items.size());
    if (task.defer != Defer::kNever) {
      facts.factor_ppm = FindTenant(facts.home)
                             ->windows.FactorAt(group.spec.model, base::UnixMillis{lease.taken_ms});
    }
  }
  return facts;
}

base::Result<SettleFacts> Engine::BeginSettle(const LeaseAsk& ask, TaskId id) {
  ASSIGN_OR_RETURN(const Slot lease_slot, FindLease(ask));
  Lease& lease = leases_[lease_slot];
  const auto item = std::find(lease.items.begin(), lease.items.end(), id);
  if (item == lease.items.end()) {
    return Error{Code::kNotFound, "task " + TicketText(id) + " is no item of this lease"};
  }
  const Slot slot = lease.slots[static_cast<std::size_t>(item - lease.items.begin())];
  if (slot == kNoSlot) {
    return Error{Code::kExists, "task " + TicketText(id) + " of this lease is settled already"};
  }
  if (tasks_[slot].settling) {
    return Settling(id);
  }
  SettleFacts facts = FactsFor(slot);
  tasks_[slot].settling = true;
  CloseItem(lease, slot);
  return facts;
}

base::Result<SettleFacts> Engine::BeginCancel(NamespaceId home, TaskId id, std::int64_t now_ms) {
  const Slot slot = FindTask(home, id);
  if (slot == kNoSlot || tasks_[slot].place == Place::kDead) {
    return NoTask(id);
  }
  if (tasks_[slot].settling) {
    return Settling(id);
  }
  SettleFacts facts = FactsFor(slot);
  tasks_[slot].settling = true;
  if (tasks_[slot].lease != kNoSlot) {
    CloseItem(leases_[tasks_[slot].lease], slot);
  } else {
    Detach(slot, now_ms);
  }
  return facts;
}

base::Result<SettleFacts> Engine::BeginPurge(NamespaceId home, TaskId id) {
  const Slot slot = FindTask(home, id);
  if (slot == kNoSlot || tasks_[slot].place != Place::kDead) {
    return Error{Code::kNotFound, "there is no dead letter " + TicketText(id)};
  }
  if (tasks_[slot].settling) {
    return Settling(id);
  }
  tasks_[slot].settling = true;
  wheel_.Remove(slot, tasks_);
  return FactsFor(slot);
}

std::optional<SettleFacts> Engine::FactsOf(NamespaceId home, TaskId id) const {
  const Slot slot = FindTask(home, id);
  return slot == kNoSlot ? std::nullopt : std::optional(FactsFor(slot));
}

// The item is no open one of its lease any more; the task keeps the lease's name until it is
// settled.
void Engine::CloseItem(Lease& lease, Slot task_slot) {
  const auto place = std::find(lease.slots.begin(), lease.slots.end(), task_slot);
  *place = kNoSlot;
  --lease.open;
}

// The task leaves the lease behind; the last one ends it.
void Engine::LeaveLease(Slot task_slot, std::int64_t now_ms, Effects& effects) {
  Task& task = tasks_[task_slot];
  const Slot lease_slot = std::exchange(task.lease, kNoSlot);
  task.last_lease = ToInt(leases_[lease_slot].token.id);
  if (--leases_[lease_slot].tasks == 0) {
    EndLease(lease_slot, now_ms, effects);
  }
}

void Engine::EndLease(Slot slot, std::int64_t now_ms, Effects& effects) {
  Lease& lease = leases_[slot];
  const Slot model = queues_[groups_[lease.group].queue].model_place;
  if (lease.end_place != kNoSlot) {
    lease_ends_.Remove(slot, leases_, ByEnd());
  }
  Tenant& tenant = TenantOf(lease.home);
  if (const auto worker = tenant.workers.find(lease.worker); worker != tenant.workers.end()) {
    std::erase(worker->second.leases, slot);
  }
  --tenant.leases;
  --models_[model].running;
  effects.upkeep.push_back(
      {.kind = Upkeep::Kind::kLeaseGone, .home = lease.home, .lease = lease.token.id});
  lease_slots_.erase(ToInt(lease.token.id));
  ReleaseGroup(lease.group, now_ms);
  leases_.Release(slot);
  MarkModelDirty(model);
}

void Engine::AbortSettle(NamespaceId home, TaskId id, std::int64_t now_ms, Effects& effects) {
  const Slot slot = FindTask(home, id);
  if (slot == kNoSlot) {
    return;
  }
  Task& task = tasks_[slot];
  task.settling = false;
  if (task.place == Place::kDead) {
    Delay(slot, task.when_ms);
    return;
  }
  if (task.lease != kNoSlot) {
    Lease& lease = leases_[task.lease];
    const auto item = std::find(lease.items.begin(), lease.items.end(), id);
    lease.slots[static_cast<std::size_t>(item - lease.items.begin())] = slot;
    ++lease.open;
    if (lease.is_granted && lease.end_place == kNoSlot) {
      lease_ends_.Push(task.lease, leases_, ByEnd());
    }
    return;
  }
  Schedule(slot, now_ms);
  Match(now_ms, effects);
}

void Engine::NoteSettled(Slot slot, Outcome outcome, std::int64_t now_ms, Effects& effects) {
  const Task& task = tasks_[slot];
  Queue& queue = queues_[groups_[task.group].queue];
  switch (outcome) {
    case Outcome::kSucceeded:
      ++queue.counters.succeeded;
      break;
    case Outcome::kFailed:
      ++queue.counters.failed;
      break;
    case Outcome::kCanceled:
      ++queue.counters.canceled;
      break;
    case Outcome::kExpired:
      ++queue.counters.expired;
      break;
  }
  if (task.deadline_ms != 0 && now_ms > task.deadline_ms && outcome != Outcome::kCanceled) {
    ++queue.counters.deadlines_missed;
  }
  if (outcome == Outcome::kSucceeded && task.lease != kNoSlot) {
    queue.service.Note(now_ms - leases_[task.lease].taken_ms);
    SetAlarm(groups_[task.group].queue);
  }
  Notice notice{HomeOf(groups_[task.group]), task.id, outcome, {}, {}};
  if (task.extra != nullptr) {
    notice.custom_id = task.extra->custom_id;
    notice.reply_to = task.extra->reply_to;
  }
  effects.notices.push_back(std::move(notice));
}

void Engine::ReleaseDependents(Slot slot, bool succeeded, std::int64_t now_ms, Effects& effects) {
  Task& task = tasks_[slot];
  if (task.extra == nullptr || task.extra->dependents.empty()) {
    return;
  }
  const NamespaceId home = HomeOf(groups_[task.group]);
  const std::vector<TaskId> dependents = std::move(task.extra->dependents);
  task.extra->dependents.clear();
  for (const TaskId id : dependents) {
    if (!succeeded) {
      Doom(home, id, now_ms, effects);
      continue;
    }
    const Slot other = FindTask(home, id);
    if (other == kNoSlot || tasks_[other].blockers == 0) {
      continue;
    }
    Task& dependent = tasks_[other];
    if (--dependent.blockers == 0 && dependent.place == Place::kBlocked && !dependent.settling) {
      Schedule(other, now_ms);
    }
  }
}

// What waits for a task that failed can never run: it is to be canceled.
void Engine::Doom(NamespaceId home, TaskId id, std::int64_t now_ms, Effects& effects) {
  const Slot slot = FindTask(home, id);
  if (slot == kNoSlot || tasks_[slot].settling || tasks_[slot].place == Place::kDead) {
    return;
  }
  Task& task = tasks_[slot];
  task.is_doomed = true;
  task.settling = true;
  task.Extra().error = "a task that it waits for did not succeed";
  Detach(slot, now_ms);
  effects.upkeep.push_back({.kind = Upkeep::Kind::kDoomed, .home = home, .task = id});
}

void Engine::EndSettle(NamespaceId home, TaskId id, Outcome outcome, std::int64_t now_ms,
                       Effects& effects) {
  const Slot slot = FindTask(home, id);
  if (slot == kNoSlot) {
    return;
  }
  const bool was_dead = tasks_[slot].place == Place::kDead;
  if (!was_dead) {  // A dead letter was told about when it died.
    NoteSettled(slot, outcome, now_ms, effects);
    ReleaseDependents(slot, outcome == Outcome::kSucceeded, now_ms, effects);
  }
  if (tasks_[slot].lease != kNoSlot) {
    LeaveLease(slot, now_ms, effects);
  }
  Forget(slot, now_ms);
  Match(now_ms, effects);
}

Retry Engine::RetryOf(const Task& task, bool may_retry, std::uint32_t batch_items,
                      std::string_view error) const {
  Retry retry;
  retry.id = task.id;
  retry.error = error;
  retry.batch_max = task.batch_max;
  if (batch_items > 1) {
    retry.batch_max = static_cast<std::uint8_t>((batch_items + 1) / 2);
  }
  retry.dies = !may_retry || task.attempts >= task.attempts_max;
  return retry;
}

base::Result<FailPlan> Engine::BeginFail(const LeaseAsk& ask, const FailAsk& what,
                                         std::int64_t now_ms) {
  ASSIGN_OR_RETURN(const Slot lease_slot, FindLease(ask));
  Lease& lease = leases_[lease_slot];
  const bool is_whole = what.items.empty();
  std::vector<Slot> slots;
  for (std::size_t i = 0; i < lease.items.size() && is_whole; ++i) {
    if (lease.slots[i] != kNoSlot) {
      slots.push_back(lease.slots[i]);
    }
  }
  for (const TaskId id : what.items) {
    const auto item = std::find(lease.items.begin(), lease.items.end(), id);
    if (item == lease.items.end()) {
      return Error{Code::kNotFound, "task " + TicketText(id) + " is no item of this lease"};
    }
    const Slot slot = lease.slots[static_cast<std::size_t>(item - lease.items.begin())];
    if (slot == kNoSlot || std::find(slots.begin(), slots.end(), slot) != slots.end()) {
      return Error{Code::kExists, "task " + TicketText(id) + " of this lease is settled already"};
    }
    slots.push_back(slot);
  }
  if (slots.empty()) {
    return Error{Code::kExists, "all tasks of this lease are settled already"};
  }
  FailPlan plan;
  plan.home = lease.home;
  plan.lease = lease.token.id;
  const auto count = static_cast<std::uint32_t>(slots.size());
  const std::uint64_t draw = random_();
  for (const Slot slot : slots) {
    const Task& task = tasks_[slot];
    Retry retry = RetryOf(task, what.may_retry, is_whole ? count : 1, what.error);
    // A batch that failed as a whole says nothing of each of its items: it is halved instead, until
    // each stands alone.
    if (is_whole && count > 1 && what.may_retry) {
      retry.dies = false;
      retry.counts = false;
    }
    const std::uint64_t bits = is_whole ? draw : random_();
    retry.when_ms = now_ms + BackoffMs(options_.backoff, task.attempts, bits);
    plan.tasks.push_back(std::move(retry));
    tasks_[slot].settling = true;
    CloseItem(lease, slot);
  }
  return plan;
}

void Engine::AbortFail(const FailPlan& plan, std::int64_t now_ms, Effects& effects) {
  for (const Retry& retry : plan.tasks) {
    AbortSettle(plan.home, retry.id, now_ms, effects);
  }
}

void Engine::EndFail(const FailPlan& plan, std::int64_t now_ms, Effects& effects) {
  for (const Retry& retry : plan.tasks) {
    const Slot slot = FindTask(plan.home, retry.id);
    if (slot == kNoSlot) {
      continue;
    }
    Task& task = tasks_[slot];
    task.settling = false;
    task.has_state_row = true;
    LeaveLease(slot, now_ms, effects);
    ApplyRetry(slot, retry, now_ms, effects);
  }
  Match(now_ms, effects);
}

void Engine::ApplyRetry(Slot slot, const Retry& retry, std::int64_t now_ms, Effects& effects) {
  Task& task = tasks_[slot];
  Queue& queue = queues_[groups_[task.group].queue];
  task.batch_max = retry.batch_max;
  task.attempts = static_cast<std::uint8_t>(task.attempts - (retry.counts ? 0 : 1));
  task.Extra().error = retry.error;
  if (retry.dies) {
    Bury(slot, now_ms, effects);
    return;
  }
  ++queue.counters.retried;
  task.when_ms = retry.when_ms;
  Schedule(slot, now_ms);
}

void Engine::Bury(Slot slot, std::int64_t now_ms, Effects& effects) {
  Task& task = tasks_[slot];
  Tenant& tenant = TenantOf(HomeOf(groups_[task.group]));
  NoteSettled(slot, Outcome::kFailed, now_ms, effects);
  ReleaseDependents(slot, false, now_ms, effects);
  Move(slot, Place::kDead);
  tenant.dead.insert(task.id);
  Delay(slot, now_ms + options_.dead_ttl_ms);
  if (tenant.dead.size() <= options_.limits.dead_max) {
    return;
  }
  for (const TaskId oldest : tenant.dead) {
    const Slot other = FindTask(tenant.home, oldest);
    if (other != slot && !tasks_[other].settling) {
      wheel_.Remove(other, tasks_);
      tasks_[other].settling = true;
      effects.upkeep.push_back(
          {.kind = Upkeep::Kind::kDeadOut, .home = tenant.home, .task = oldest});
      return;
    }
  }
}

void Engine::ExpireLease(Slot lease_slot, std::int64_t now_ms, Effects& effects) {
  Lease& lease = leases_[lease_slot];
  const NamespaceId home = lease.home;
  const std::vector<Slot> slots = lease.slots;
  const std::uint32_t open = lease.open;
  lease_ends_.Remove(lease_slot, leases_, ByEnd());
  if (open == 0) {
    return;  // What is left of it is being settled.
  }
  ++queues_[groups_[lease.group].queue].counters.leases_expired;
  const std::string error = "the lease of worker '" + lease.worker + "' ended before the task did";
  const std::uint64_t draw = random_();
  for (const Slot slot : slots) {
    if (slot == kNoSlot) {
      continue;
    }
    Task& task = tasks_[slot];
    Retry retry = RetryOf(task, true, open, error);
    retry.when_ms = now_ms + BackoffMs(options_.backoff, task.attempts, draw);
    CloseItem(leases_[lease_slot], slot);
    task.has_state_row = true;
    effects.upkeep.push_back({.kind = Upkeep::Kind::kState, .home = home, .task = task.id});
    LeaveLease(slot, now_ms, effects);
    ApplyRetry(slot, retry, now_ms, effects);
  }
}

base::Result<std::int64_t> Engine::Extend(const LeaseAsk& ask, std::int64_t lease_ms,
                                          std::int64_t now_ms) {
  ASSIGN_OR_RETURN(const Slot slot, FindLease(ask));
  Lease& lease = leases_[slot];
  if (lease_ms > 0) {
    lease.lease_ms = lease_ms;
  }
  lease.ends_ms = now_ms + lease.lease_ms;
  if (lease.end_place != kNoSlot) {
    lease_ends_.Update(slot, leases_, ByEnd());
  }
  Tenant& tenant = TenantOf(lease.home);
  if (const auto worker = tenant.workers.find(lease.worker); worker != tenant.workers.end()) {
    worker->second.seen_ms = now_ms;
  }
  return lease.lease_ms;
}

std::vector<LeaseId> Engine::ExtendWorker(NamespaceId home, std::string_view worker,
                                          std::int64_t lease_ms, std::int64_t now_ms) {
  std::vector<LeaseId> extended;
  Tenant& tenant = TenantOf(home);
  const auto found = tenant.workers.find(worker);
  if (found == tenant.workers.end()) {
    return extended;
  }
  found->second.seen_ms = now_ms;
  for (const Slot slot : found->second.leases) {
    const LeaseToken token = leases_[slot].token;
    (void)Extend({home, false, token}, lease_ms, now_ms).ok();
    extended.push_back(token.id);
  }
  return extended;
}

std::vector<TaskId> Engine::DeadLetters(NamespaceId home, TaskId after, std::size_t most) const {
  std::vector<TaskId> ids;
  const Tenant* tenant = FindTenant(home);
  if (tenant == nullptr) {
    return ids;
  }
  for (auto id = tenant->dead.upper_bound(after); id != tenant->dead.end() && ids.size() < most;
       ++id) {
    ids.push_back(*id);
  }
  return ids;
}

base::Status Engine::BeginReplay(NamespaceId home, TaskId id) {
  ASSIGN_OR_RETURN(const SettleFacts facts, BeginPurge(home, id));
  (void)facts;
  return base::Ok{};
}

void Engine::AbortReplay(NamespaceId home, TaskId id) {
  Effects none;
  AbortSettle(home, id, 0, none);
}

void Engine::EndReplay(NamespaceId home, TaskId id, std::int64_t now_ms, Effects& effects) {
  const Slot slot = FindTask(home, id);
  if (slot == kNoSlot) {
    return;
  }
  Task& task = tasks_[slot];
  TenantOf(home).dead.erase(id);
  task.settling = false;
  task.attempts = 0;
  task.batch_max = 0;
  task.when_ms = now_ms;
  task.deadline_ms = task.deadline_ms < now_ms ? 0 : task.deadline_ms;
  task.urgent = false;
  task.has_state_row = true;
  Schedule(slot, now_ms);
  Match(now_ms, effects);
}

}  // namespace reprise::jobs
