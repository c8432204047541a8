// What time does: delays that are over, deadlines, and what is read at the start.
#include <algorithm>
#include <utility>

#include "server/jobs/tenant.h"

namespace reprise::jobs {

bool Engine::Advance(std::int64_t now_ms, std::size_t steps, Effects& effects) {
  bool all_done = false;
  for (std::size_t step = 0; step < steps && !all_done; ++step) {
    // One of each in turn, so that a flood of one kind does not hold up the others.
    const bool wheel_done =
        wheel_.Advance(now_ms, 1, tasks_, [&](Slot slot) { OnTimer(slot, now_ms, effects); });
    const bool ran = RunOne(now_ms, effects);
    all_done = wheel_done && !ran;
  }
  Match(now_ms, effects);
  return all_done;
}

// The moment that a task waited for has come.
void Engine::OnTimer(Slot slot, std::int64_t now_ms, Effects& effects) {
  Task& task = tasks_[slot];
  if (task.place == Place::kDead) {
    task.settling = true;
    effects.upkeep.push_back(
        {.kind = Upkeep::Kind::kDeadOut, .home = HomeOf(groups_[task.group]), .task = task.id});
    return;
  }
  const bool waited =
      task.defer_reason == DeferReason::kWindow || task.defer_reason == DeferReason::kPeak;
  if (waited && !task.urgent) {
    // The window may have closed while the server was down; load may still be high.
    DeferralAsk ask;
    ask.defer = task.defer;
    ask.now = base::UnixMillis{now_ms};
    ask.deadline = base::UnixMillis{task.deadline_ms};
    const DeferralDecision again = Defer(task.group, ask);
    task.defer_reason = again.reason;
    if (base::ToInt(again.not_before) > now_ms) {
      Delay(slot, base::ToInt(again.not_before));
      return;
    }
  }
  MakeReady(slot, now_ms);
}

// Looks at the queue whose first deadline is nearest.
bool Engine::RunAlarm(std::int64_t now_ms, Effects& effects) {
  const Slot queue_slot = alarms_.Top();
  Queue& queue = queues_[queue_slot];
  if (!queue.urgent.empty() && tasks_[queue.urgent.Top()].deadline_ms <= now_ms) {
    Expire(queue.urgent.Top(), now_ms, effects);
  } else if (!queue.relaxed.empty() &&
             tasks_[queue.relaxed.Top()].deadline_ms - ServiceMs(queue) <= now_ms) {
    BecomeUrgent(queue.relaxed.Top(), now_ms);
  } else {
    SetAlarm(queue_slot);
  }
  return true;
}

// The deadline leaves just the time to do it: it waits for nothing that can be left out.
void Engine::BecomeUrgent(Slot slot, std::int64_t now_ms) {
  Task& task = tasks_[slot];
  UnwatchDeadline(slot);
  if (task.place == Place::kReady) {
    Group& group = groups_[task.group];
    SetDue(task.group, false);
    task.urgent = true;
    ++group.urgent;
    group.ready.Update(slot, tasks_, ByRank());
    WatchDeadline(slot);
    Reconsider(task.group, now_ms);
    return;
  }
  task.urgent = true;
  WatchDeadline(slot);
  const bool waits_for_price =
      task.place == Place::kDelayed &&
      (task.defer_reason == DeferReason::kWindow || task.defer_reason == DeferReason::kPeak);
  if (waits_for_price) {
    task.defer_reason = DeferReason::kNoSlack;
    wheel_.Remove(slot, tasks_);
    MakeReady(slot, now_ms);
  }
}

void Engine::Expire(Slot slot, std::int64_t now_ms, Effects& effects) {
  Task& task = tasks_[slot];
  Detach(slot, now_ms);
  task.settling = true;
  task.Extra().error = "its deadline passed before a worker took it";
  effects.upkeep.push_back(
      {.kind = Upkeep::Kind::kExpired, .home = HomeOf(groups_[task.group]), .task = task.id});
}

bool Engine::RestoreLease(NamespaceId home, const Lease& row, const GroupHash& hash,
                          std::int64_t now_ms, std::int64_t grace_ms) {
  Tenant& tenant = TenantOf(home);
  const auto group = tenant.groups.find(hash);
  if (group == tenant.groups.end()) {
    return false;
  }
  const Slot lease_slot = leases_.Take();
  Lease& lease = leases_[lease_slot];
  lease = row;
  lease.home = home;
  lease.group = group->second;
  lease.items.clear();
  lease.slots.clear();
  for (const TaskId id : row.items) {
    const Slot slot = FindTask(home, id);
    if (slot == kNoSlot || tasks_[slot].place != Place::kBlocked ||
        tasks_[slot].group != group->second || tasks_[slot].last_lease >= ToInt(row.token.id)) {
      continue;
    }
    // Of two leases the later one holds.
    Task& task = tasks_[slot];
    Move(slot, Place::kLeased);
    ++task.attempts;
    task.lease = lease_slot;
    lease.items.push_back(id);
    lease.slots.push_back(slot);
  }
  if (lease.items.empty()) {
    leases_.Release(lease_slot);
    return false;
  }
  lease_slots_.emplace(ToInt(lease.token.id), lease_slot);
  HoldForLease(lease_slot, now_ms);
  lease.is_granted = true;
  lease.ends_ms = std::max(row.ends_ms, now_ms + std::min(grace_ms, lease.lease_ms));
  lease_ends_.Push(lease_slot, leases_, ByEnd());
  next_lease_ = std::max(next_lease_, ToInt(lease.token.id) + 1);
  return true;
}

std::optional<Lease> Engine::LeaseOf(LeaseId id) const {
  const Slot slot = FindLease(id);
  return slot == kNoSlot ? std::nullopt : std::optional(leases_[slot]);
}

std::optional<Engine::StateOf> Engine::State(NamespaceId home, TaskId id) const {
  const Slot slot = FindTask(home, id);
  if (slot == kNoSlot) {
    return std::nullopt;
  }
  const Task& task = tasks_[slot];
  StateOf state;
  // An attempt under way stands in the row of its lease.
  state.attempts = static_cast<std::uint8_t>(task.attempts - (task.lease != kNoSlot ? 1 : 0));
  state.batch_max = task.batch_max;
  state.is_dead = task.place == Place::kDead;
  state.when_ms = task.when_ms;
  state.defer_reason = task.defer_reason;
  state.last_lease = task.last_lease;
  state.error = task.extra == nullptr ? std::string() : task.extra->error;
  return state;
}

void Engine::Drop(NamespaceId home, Effects& effects) {
  const auto found = tenants_.find(home);
  if (found == tenants_.end()) {
    return;
  }
  Tenant& tenant = *found->second;
  std::vector<TakerId> takers;
  for (const auto& [id, place] : takers_) {
    if (place.second->ask.home == home) {
      takers.push_back(TakerId{id});
    }
  }
  for (const TakerId taker : takers) {
    RemoveTaker(taker);
    effects.timed_out.push_back(taker);
  }
  Effects ignored;
  std::vector<Slot> slots;
  slots.reserve(tenant.tasks.size());
  for (const auto& [id, slot] : tenant.tasks) {
    slots.push_back(slot);
  }
  for (const Slot slot : slots) {
    Detach(slot, tasks_[slot].submitted_ms);
    if (tasks_[slot].place != Place::kDead) {
      NoteSettled(slot, Outcome::kCanceled, tasks_[slot].submitted_ms, effects);
    }
    if (tasks_[slot].lease != kNoSlot) {
      LeaveLease(slot, tasks_[slot].submitted_ms, ignored);
    }
    Forget(slot, tasks_[slot].submitted_ms);
  }
  std::vector<Slot> empty;
  for (const auto& [hash, slot] : tenant.groups) {
    if (groups_[slot].reserved == 0) {
      empty.push_back(slot);
    }
  }
  for (const Slot slot : empty) {
    RemoveGroup(slot, ignored);
  }
  tenant.pauses.clear();
  tenant.windows = Windows();
  tenant.workers.clear();
  Match(0, effects);
}

}  // namespace reprise::jobs
