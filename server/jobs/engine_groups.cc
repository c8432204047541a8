// Groups: when they go out, and when they are forgotten.
#include <algorithm>

#include "protocol/base/limits.h"
#include "server/jobs/tenant.h"

namespace reprise::jobs {
namespace {

using base::Code;
using base::Error;

// A group without tasks is remembered for so long: its rate of arrivals, and its row on disk.
constexpr std::int64_t kEmptyGroupMs = 600'000;
constexpr std::uint32_t kNewcomersToCount = 20;
constexpr std::uint32_t kNewcomersToFade = 400;

}  // namespace

bool Engine::KnowsGroup(NamespaceId home, const GroupHash& hash) const {
  const Tenant* tenant = FindTenant(home);
  return tenant != nullptr && tenant->groups.contains(hash);
}

base::Result<Slot> Engine::HoldGroup(NamespaceId home, const GroupSpec& spec, Effects& effects) {
  Tenant& tenant = TenantOf(home);
  if (const auto found = tenant.groups.find(spec.hash); found != tenant.groups.end()) {
    Group& group = groups_[found->second];
    if (group.reserved++ == 0 && group.tasks == 0) {
      UnlinkEmpty(found->second);
    }
    return found->second;
  }
  const auto groups_max = static_cast<std::size_t>(base::limits::kJobGroups.value);
  const auto total_max = static_cast<std::size_t>(base::limits::kJobGroupsTotal.value);
  if (tenant.groups.size() >= groups_max || groups_.size() >= total_max) {
    // The one that has been empty for longest makes room, if it is this namespace's.
    Slot oldest = first_empty_;
    while (oldest != kNoSlot && HomeOf(groups_[oldest]) != home) {
      oldest = groups_[oldest].empty_next;
    }
    if (oldest == kNoSlot) {
      return Error{Code::kBusy, "job_groups: tasks of " + std::to_string(tenant.groups.size()) +
                                    " different groups (category, model, context, parameters) wait "
                                    "in this namespace, which is the limit; retry in 1000 ms"};
    }
    RemoveGroup(oldest, effects);
  }
  const bool is_new_queue = !tenant.queues.contains({spec.category, spec.model});
  const bool is_full =
      tenant.queues.size() >= static_cast<std::size_t>(base::limits::kJobQueues.value) ||
      queues_.size() >= static_cast<std::size_t>(base::limits::kJobQueuesTotal.value);
  if (is_new_queue && is_full && !DropIdleQueue(tenant)) {
    return Error{Code::kBusy, "job_queues: this namespace has tasks of " +
                                  std::to_string(tenant.queues.size()) +
                                  " different pairs of category and model, which is the limit"};
  }
  const Slot slot = groups_.Take();
  Group& group = groups_[slot];
  group.spec = spec;
  group.queue = QueueFor(tenant, spec.category, spec.model);
  group.reserved = 1;
  ++queues_[group.queue].groups;
  tenant.groups.emplace(spec.hash, slot);
  return slot;
}

void Engine::ReleaseGroup(Slot group, std::int64_t now_ms) {
  --groups_[group].reserved;
  NoteEmpty(group, now_ms);
}

void Engine::NoteEmpty(Slot slot, std::int64_t now_ms) {
  Group& group = groups_[slot];
  const bool is_linked = group.empty_previous != kNoSlot || first_empty_ == slot;
  if (group.tasks > 0 || group.reserved > 0 || is_linked) {
    return;
  }
  group.empty_since_ms = now_ms;
  group.empty_previous = last_empty_;
  group.empty_next = kNoSlot;
  (last_empty_ == kNoSlot ? first_empty_ : groups_[last_empty_].empty_next) = slot;
  last_empty_ = slot;
}

void Engine::UnlinkEmpty(Slot slot) {
  Group& group = groups_[slot];
  const bool is_linked = group.empty_previous != kNoSlot || first_empty_ == slot;
  if (!is_linked) {
    return;
  }
  (group.empty_previous == kNoSlot ? first_empty_ : groups_[group.empty_previous].empty_next) =
      group.empty_next;
  (group.empty_next == kNoSlot ? last_empty_ : groups_[group.empty_next].empty_previous) =
      group.empty_previous;
  group.empty_previous = kNoSlot;
  group.empty_next = kNoSlot;
}

void Engine::RemoveGroup(Slot slot, Effects& effects) {
  Group& group = groups_[slot];
  UnlinkEmpty(slot);
  SetLook(slot, std::nullopt);
  Tenant& tenant = TenantOf(HomeOf(group));
  effects.upkeep.push_back(
      {.kind = Upkeep::Kind::kGroupGone, .home = tenant.home, .group = group.spec.hash});
  --queues_[group.queue].groups;
  tenant.groups.erase(group.spec.hash);
  groups_.Release(slot);
}

void Engine::NoteArrival(Group& group, Queue& queue, const Task& task, std::int64_t now_ms) {
  group.arrivals.Note(now_ms);
  if (group.arrived == 0) {
    group.first_arrival_ms = now_ms;
    ++queue.newcomers;
  } else if (group.arrived == 1 &&
             now_ms - group.first_arrival_ms <= std::int64_t{task.max_wait_ms}) {
    ++queue.newcomers_met;
  }
  group.arrived = std::min(group.arrived + 1, 2U);
  if (queue.newcomers >= kNewcomersToFade) {
    queue.newcomers /= 2;
    queue.newcomers_met /= 2;
  }
}

GroupView Engine::ViewOf(const Group& group, const Tenant& tenant) const {
  const Queue& queue = queues_[group.queue];
  GroupView view;
  view.items = static_cast<std::uint32_t>(group.ready.size());
  view.tokens = group.tokens_ready;
  view.has_urgent = group.urgent > 0;
  view.arrivals = group.arrivals;
  if (!group.waits.empty()) {
    view.may_hold = tasks_[group.waits.Top()].may_be_late &&
                    tenant.late.MayBeLate(options_.late_ppm, view.items);
    view.first_wait_ends_ms = WaitEnds(tasks_[group.waits.Top()]);
  }
  // Whether groups that are new, as this one, have found company within their wait.
  if (group.arrived < 2 && queue.newcomers >= kNewcomersToCount && !group.waits.empty()) {
    const double share =
        static_cast<double>(queue.newcomers_met) / static_cast<double>(queue.newcomers);
    const auto wait_ms = static_cast<double>(tasks_[group.waits.Top()].max_wait_ms);
    view.expects_company = share * static_cast<double>(options_.closing.call_worth_ms) >= wait_ms;
  }
  return view;
}

// Asks the closing rule, and puts the group where it belongs.
void Engine::Reconsider(Slot slot, std::int64_t now_ms) {
  Group& group = groups_[slot];
  Tenant& tenant = TenantOf(HomeOf(group));
  for (;;) {
    const Verdict verdict = Judge(ViewOf(group, tenant), options_.closing, now_ms);
    if (verdict.kind == Verdict::Kind::kHold) {
      while (!group.waits.empty() && tasks_[group.waits.Top()].may_be_late &&
             WaitEnds(tasks_[group.waits.Top()]) <= now_ms) {
        group.waits.Remove(group.waits.Top(), tasks_, ByWait());
        tenant.late.NoteLate();
        ++queues_[group.queue].counters.late;
      }
      continue;
    }
    const bool closes = verdict.kind == Verdict::Kind::kClose;
    SetLook(slot, closes ? std::nullopt : verdict.look_again_ms);
    SetDue(slot, closes);
    return;
  }
}

void Engine::SetDue(Slot slot, bool due) {
  Group& group = groups_[slot];
  Queue& queue = queues_[group.queue];
  if (due) {
    if (group.is_due()) {
      queue.due.Update(slot, groups_, ByDue());
    } else {
      queue.due.Push(slot, groups_, ByDue());
    }
  } else if (group.is_due()) {
    queue.due.Remove(slot, groups_, ByDue());
  } else {
    return;
  }
  Tenant& tenant = TenantOf(queue.home);
  if (queue.due.empty() && queue.active_place != kNoSlot) {
    const Slot last = tenant.active.back();
    tenant.active[queue.active_place] = last;
    queues_[last].active_place = queue.active_place;
    tenant.active.pop_back();
    queue.active_place = kNoSlot;
  } else if (!queue.due.empty() && queue.active_place == kNoSlot) {
    queue.active_place = static_cast<Slot>(tenant.active.size());
    tenant.active.push_back(group.queue);
  }
  NoteActive(tenant);
  if (due) {
    MarkDirty(tenant);
  }
}

void Engine::SetLook(Slot slot, std::optional<std::int64_t> at_ms) {
  Group& group = groups_[slot];
  if (!at_ms.has_value()) {
    if (group.look_place != kNoSlot) {
      looks_.Remove(slot, groups_, ByLook());
    }
    return;
  }
  group.look_again_ms = *at_ms;
  if (group.look_place == kNoSlot) {
    looks_.Push(slot, groups_, ByLook());
  } else {
    looks_.Update(slot, groups_, ByLook());
  }
}

DeferralDecision Engine::Defer(Slot slot, DeferralAsk ask) const {
  const Group& group = groups_[slot];
  const Queue& queue = queues_[group.queue];
  const Tenant* tenant = FindTenant(queue.home);
  constexpr double kPercent = 100;
  ask.model = queue.model;
  ask.service_ms = ServiceMs(queue);
  ask.at_peak = tenant->load.AtPeak(base::ToInt(ask.now),
                                    static_cast<double>(options_.peak_percent) / kPercent);
  return Decide(ask, tenant->windows);
}

bool Engine::SetPaused(NamespaceId home, const Pause& pause, bool paused, std::int64_t now_ms,
                       Effects& effects) {
  Tenant& tenant = TenantOf(home);
  const auto found = std::find(tenant.pauses.begin(), tenant.pauses.end(), pause);
  const bool was_paused = found != tenant.pauses.end();
  if (was_paused == paused) {
    return false;
  }
  if (paused) {
    tenant.pauses.push_back(pause);
  } else {
    tenant.pauses.erase(found);
  }
  for (const auto& [key, slot] : tenant.queues) {
    queues_[slot].paused = IsPaused(tenant, queues_[slot]);
  }
  MarkDirty(tenant);
  Match(now_ms, effects);
  return true;
}

const std::vector<Pause>& Engine::PausesOf(NamespaceId home) const {
  static const std::vector<Pause> none;
  const Tenant* tenant = FindTenant(home);
  return tenant == nullptr ? none : tenant->pauses;
}

// One thing that is due, besides the wheel. False: there is none.
bool Engine::RunOne(std::int64_t now_ms, Effects& effects) {
  if (!looks_.empty() && groups_[looks_.Top()].look_again_ms <= now_ms) {
    const Slot slot = looks_.Top();
    SetLook(slot, std::nullopt);
    Reconsider(slot, now_ms);
    return true;
  }
  if (!alarms_.empty() && queues_[alarms_.Top()].alarm_ms <= now_ms) {
    return RunAlarm(now_ms, effects);
  }
  if (!lease_ends_.empty() && leases_[lease_ends_.Top()].ends_ms <= now_ms) {
    ExpireLease(lease_ends_.Top(), now_ms, effects);
    return true;
  }
  if (first_empty_ != kNoSlot && groups_[first_empty_].empty_since_ms + kEmptyGroupMs <= now_ms) {
    RemoveGroup(first_empty_, effects);
    return true;
  }
  if (!taker_ends_.empty() && taker_ends_.begin()->first <= now_ms) {
    const TakerId taker = taker_ends_.begin()->second;
    RemoveTaker(taker);
    effects.timed_out.push_back(taker);
    return true;
  }
  return false;
}

std::optional<std::int64_t> Engine::NextMs() const {
  std::optional<std::int64_t> next = wheel_.NextMs();
  const auto sooner = [&](std::int64_t at_ms) { next = std::min(next.value_or(at_ms), at_ms); };
  if (!looks_.empty()) {
    sooner(groups_[looks_.Top()].look_again_ms);
  }
  if (!alarms_.empty()) {
    sooner(queues_[alarms_.Top()].alarm_ms);
  }
  if (!lease_ends_.empty()) {
    sooner(leases_[lease_ends_.Top()].ends_ms);
  }
  if (first_empty_ != kNoSlot) {
    sooner(groups_[first_empty_].empty_since_ms + kEmptyGroupMs);
  }
  if (!taker_ends_.empty()) {
    sooner(taker_ends_.begin()->first);
  }
  return next;
}

}  // namespace reprise::jobs
