// Workers: which batch goes to whom.
#include <algorithm>

#include "protocol/base/limits.h"
#include "server/jobs/tenant.h"

namespace reprise::jobs {
namespace {

using base::Code;
using base::Error;

// Items that a namespace of weight 1 may have ahead of others after it had nothing to do.
constexpr double kCreditItems = 20;
// Names of workers that are remembered for STATS, for each namespace.
constexpr std::size_t kWorkersMax = 1'024;

// What a taker wants, as one text: those who want the same stand in one line.
std::string ClassKey(const TakeAsk& ask) {
  std::string key = ask.all_namespaces ? "*" : std::to_string(static_cast<std::uint32_t>(ask.home));
  const auto add = [&key](char mark, std::vector<std::string> names) {
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      key += mark + std::to_string(name.size()) + ":" + name;
    }
  };
  add('c', ask.categories);
  add('m', ask.models);
  return key;
}

bool IsAmong(const std::vector<std::string>& names, std::string_view name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

bool Engine::IsTakeable(const Queue& queue) const {
  const Model& model = models_[queue.model_place];
  return !queue.paused && !queue.due.empty() &&
         (model.running_max == 0 || model.running < model.running_max);
}

bool Engine::Wants(const TakeAsk& ask, const Queue& queue) {
  return IsAmong(ask.categories, queue.category) && IsAmong(ask.models, queue.model);
}

Slot Engine::BestQueue(const Tenant& tenant, const TakeAsk& ask) const {
  Slot best = kNoSlot;
  for (const Slot slot : tenant.active) {
    const Queue& queue = queues_[slot];
    if (!IsTakeable(queue) || !Wants(ask, queue)) {
      continue;
    }
    const auto first_of = [&](Slot of) -> const Task& {
      return tasks_[groups_[queues_[of].due.Top()].ready.Top()];
    };
    if (best == kNoSlot || GoesBefore(first_of(slot), first_of(best))) {
      best = slot;
    }
  }
  return best;
}

Slot Engine::PickGroup(const TakeAsk& ask) {
  if (!ask.all_namespaces) {
    const Tenant* tenant = FindTenant(ask.home);
    const Slot queue = tenant == nullptr ? kNoSlot : BestQueue(*tenant, ask);
    return queue == kNoSlot ? kNoSlot : queues_[queue].due.Top();
  }
  for (const auto& [time, home] : active_) {
    const Slot queue = BestQueue(*FindTenant(home), ask);
    if (queue != kNoSlot) {
      return queues_[queue].due.Top();
    }
  }
  return kNoSlot;
}

void Engine::NoteActive(Tenant& tenant) {
  const bool active = !tenant.active.empty();
  if (active == tenant.is_active) {
    return;
  }
  tenant.is_active = active;
  if (active) {
    // Who had nothing to do has saved up little: a burst of who takes less than its share goes
    // ahead of who takes more, and no idle day can be claimed later.
    tenant.virtual_time =
        std::max(tenant.virtual_time, virtual_time_ - kCreditItems / tenant.weight);
    active_.emplace(tenant.virtual_time, tenant.home);
  } else {
    active_.erase({tenant.virtual_time, tenant.home});
  }
}

void Engine::MarkDirty(Tenant& tenant) {
  if (!takers_.empty()) {
    dirty_.insert(tenant.home);
  }
}

void Engine::MarkModelDirty(Slot model) {
  if (takers_.empty() || models_[model].running_max == 0) {
    return;
  }
  for (const auto& [time, home] : active_) {
    dirty_.insert(home);
  }
}

// Names of workers without leases are remembered for STATS, up to a bound.
void Engine::NoteWorker(Tenant& tenant, const std::string& worker, Slot lease,
                        std::int64_t now_ms) {
  if (tenant.workers.size() >= kWorkersMax && !tenant.workers.contains(worker)) {
    const auto idle = std::find_if(tenant.workers.begin(), tenant.workers.end(),
                                   [](const auto& row) { return row.second.leases.empty(); });
    if (idle != tenant.workers.end()) {
      tenant.workers.erase(idle);
    }
  }
  Tenant::Worker& known = tenant.workers[worker];
  known.seen_ms = now_ms;
  known.leases.push_back(lease);
}

// Takes tasks out of the group, in their order, until the batch is full.
void Engine::FillBatch(Slot group_slot, const TakeAsk& ask, Slot lease_slot, std::int64_t now_ms) {
  Group& group = groups_[group_slot];
  Lease& lease = leases_[lease_slot];
  const ClosingRule& rule = options_.closing;
  std::uint32_t items_max =
      ask.items_max == 0 ? rule.items_max : std::min(ask.items_max, rule.items_max);
  const std::uint64_t tokens_max =
      ask.tokens_max == 0 ? rule.tokens_max : std::min(ask.tokens_max, rule.tokens_max);
  std::uint64_t tokens = 0;
  while (!group.ready.empty() && lease.items.size() < items_max) {
    const Slot slot = group.ready.Top();
    const Task& task = tasks_[slot];
    if (task.batch_max != 0) {
      items_max = std::min<std::uint32_t>(items_max, task.batch_max);
    }
    const bool is_first = lease.items.empty();
    if (!is_first && (tokens + task.tokens > tokens_max || lease.items.size() >= items_max)) {
      return;
    }
    tokens += task.tokens;
    LeaveGroup(slot);
    UnwatchDeadline(slot);
    queues_[group.queue].waits.Note(now_ms - task.when_ms);
    Move(slot, Place::kLeased);
    ++tasks_[slot].attempts;
    tasks_[slot].lease = lease_slot;
    lease.items.push_back(task.id);
    lease.slots.push_back(slot);
  }
}

LeaseId Engine::FormBatch(Slot group_slot, const TakeAsk& ask, std::int64_t now_ms) {
  Group& group = groups_[group_slot];
  Queue& queue = queues_[group.queue];
  Tenant& tenant = TenantOf(queue.home);
  const Slot lease_slot = leases_.Take();
  Lease& lease = leases_[lease_slot];
  lease.token = {LeaseId{next_lease_++}, random_()};
  lease.home = queue.home;
  lease.worker = ask.worker;
  lease.taken_ms = now_ms;
  lease.lease_ms = ask.lease_ms;
  lease.group = group_slot;
  lease.by_server_worker = ask.all_namespaces;
  lease_slots_.emplace(ToInt(lease.token.id), lease_slot);
  SetDue(group_slot, false);
  FillBatch(group_slot, ask, lease_slot, now_ms);
  const std::size_t count = lease.items.size();
  for (std::size_t i = count; i > 1; --i) {  // Answers depend on the place in the prompt.
    const std::size_t other = random_() % i;
    std::swap(lease.items[i - 1], lease.items[other]);
    std::swap(lease.slots[i - 1], lease.slots[other]);
  }
  ++queue.counters.batches;
  queue.counters.items += count;
  queue.counters.batched_items += count > 1 ? count : 0;
  ++queue.counters.batch_sizes[std::min(count, kBatchSizes) - 1];
  HoldForLease(lease_slot, now_ms);
  Charge(tenant, static_cast<double>(count));
  Reconsider(group_slot, now_ms);
  return lease.token.id;
}

// What a lease that has its items counts in.
void Engine::HoldForLease(Slot lease_slot, std::int64_t now_ms) {
  Lease& lease = leases_[lease_slot];
  Group& group = groups_[lease.group];
  Tenant& tenant = TenantOf(lease.home);
  lease.open = static_cast<std::uint32_t>(lease.items.size());
  lease.tasks = lease.open;
  ++group.reserved;
  ++models_[queues_[group.queue].model_place].running;
  ++tenant.leases;
  NoteWorker(tenant, lease.worker, lease_slot, now_ms);
}

// Start-time fair queuing: a namespace pays for what it was given.
void Engine::Charge(Tenant& tenant, double items) {
  if (tenant.is_active) {
    active_.erase({tenant.virtual_time, tenant.home});
  }
  virtual_time_ = std::max(virtual_time_, tenant.virtual_time);
  tenant.virtual_time += items / static_cast<double>(tenant.weight);
  if (tenant.is_active) {
    active_.emplace(tenant.virtual_time, tenant.home);
  }
}

std::optional<LeaseId> Engine::Take(const TakeAsk& ask, std::int64_t now_ms) {
  const Slot group = PickGroup(ask);
  if (group == kNoSlot) {
    return std::nullopt;
  }
  return FormBatch(group, ask, now_ms);
}

base::Result<std::optional<LeaseId>> Engine::TakeOrWait(const TakeAsk& ask, TakerId taker,
                                                        std::int64_t until_ms,
                                                        std::int64_t now_ms) {
  const auto taken = Take(ask, now_ms);
  if (taken.has_value() || until_ms <= now_ms) {
    return taken;
  }
  Tenant& tenant = TenantOf(ask.home);
  if (tenant.takers >= static_cast<std::uint64_t>(base::limits::kJobTakers.value) ||
      takers_.size() >= static_cast<std::size_t>(base::limits::kJobTakersTotal.value)) {
    return Error{Code::kBusy,
                 "job_takers: " + std::to_string(tenant.takers) +
                     " workers of this namespace wait for batches, which is the limit; "
                     "retry in 1000 ms"};
  }
  std::string key = ClassKey(ask);
  auto found = taker_classes_.find(key);
  if (found == taker_classes_.end()) {
    std::vector<TakerClass*>& lines = ask.all_namespaces ? server_classes_ : tenant.taker_classes;
    if (lines.size() >= static_cast<std::size_t>(base::limits::kJobTakerFilters.value)) {
      return Error{Code::kBusy,
                   "job_taker_filters: workers wait with " + std::to_string(lines.size()) +
                       " different choices of categories and models, which is the limit"};
    }
    auto made = std::make_unique<TakerClass>();
    made->key = key;
    lines.push_back(made.get());
    found = taker_classes_.emplace(std::move(key), std::move(made)).first;
  }
  TakerClass& line = *found->second;
  line.takers.push_back({taker, ask, until_ms, next_taker_++});
  takers_.emplace(static_cast<std::uint64_t>(taker),
                  std::pair(&line, std::prev(line.takers.end())));
  taker_ends_.emplace(until_ms, taker);
  ++tenant.takers;
  return std::optional<LeaseId>();
}

bool Engine::RemoveTaker(TakerId taker) {
  const auto found = takers_.find(static_cast<std::uint64_t>(taker));
  if (found == takers_.end()) {
    return false;
  }
  const auto [line, place] = found->second;
  Tenant& tenant = TenantOf(place->ask.home);
  taker_ends_.erase({place->until_ms, taker});
  line->takers.erase(place);
  takers_.erase(found);
  --tenant.takers;
  if (line->takers.empty()) {
    std::erase(line->key.starts_with('*') ? server_classes_ : tenant.taker_classes, line);
    taker_classes_.erase(std::string(line->key));
  }
  return true;
}

// Gives what is due to those who wait, the one who waits longest first.
void Engine::Match(std::int64_t now_ms, Effects& effects) {
  while (!dirty_.empty() && !takers_.empty()) {
    Tenant& tenant = TenantOf(*dirty_.begin());
    if (!MatchIn(tenant, now_ms, effects)) {
      dirty_.erase(tenant.home);
    }
  }
  dirty_.clear();
}

// One batch of this namespace; false when nobody who waits wants what is due.
bool Engine::MatchIn(Tenant& tenant, std::int64_t now_ms, Effects& effects) {
  const Taker* first = nullptr;
  Slot queue = kNoSlot;
  const auto consider = [&](const TakerClass& line) {
    const Taker& taker = line.takers.front();
    if (first != nullptr && first->order < taker.order) {
      return;
    }
    const Slot best = BestQueue(tenant, taker.ask);
    if (best != kNoSlot) {
      first = &taker;
      queue = best;
    }
  };
  if (tenant.active.empty()) {
    return false;
  }
  for (const TakerClass* line : tenant.taker_classes) {
    consider(*line);
  }
  for (const TakerClass* line : server_classes_) {
    consider(*line);
  }
  if (first == nullptr) {
    return false;
  }
  const TakerId taker = first->id;
  const TakeAsk ask = first->ask;
  RemoveTaker(taker);
  effects.batches.emplace_back(taker, FormBatch(queues_[queue].due.Top(), ask, now_ms));
  return true;
}

std::optional<BatchView> Engine::ViewLease(LeaseId id) const {
  const Slot slot = FindLease(id);
  if (slot == kNoSlot) {
    return std::nullopt;
  }
  const Lease& lease = leases_[slot];
  BatchView view;
  view.token = lease.token;
  view.home = lease.home;
  view.lease_ms = lease.lease_ms;
  view.ends_ms = lease.ends_ms;
  view.worker = lease.worker;
  view.group = groups_[lease.group].spec;
  for (const Slot item : lease.slots) {
    if (item == kNoSlot) {
      continue;
    }
    const Task& task = tasks_[item];
    view.items.push_back({task.id, task.attempts, task.submitted_ms, task.deadline_ms,
                          task.extra == nullptr ? std::string() : task.extra->custom_id,
                          task.has_payload_row});
  }
  return view;
}

bool Engine::Grant(LeaseId id, std::int64_t now_ms) {
  const Slot slot = FindLease(id);
  if (slot == kNoSlot) {
    return false;
  }
  Lease& lease = leases_[slot];
  lease.is_granted = true;
  lease.ends_ms = now_ms + lease.lease_ms;
  if (lease.open > 0) {
    lease_ends_.Push(slot, leases_, ByEnd());
  }
  return true;
}

void Engine::TakeBack(LeaseId id, std::int64_t now_ms, Effects& effects) {
  const Slot slot = FindLease(id);
  if (slot == kNoSlot) {
    return;
  }
  const std::vector<Slot> items = leases_[slot].slots;
  for (const Slot item : items) {
    if (item == kNoSlot || tasks_[item].settling) {
      continue;
    }
    Task& task = tasks_[item];
    CloseItem(leases_[slot], item);
    --task.attempts;
    task.when_ms = std::min(task.when_ms, now_ms);
    LeaveLease(item, now_ms, effects);
    Schedule(item, now_ms);
  }
  Match(now_ms, effects);
}

}  // namespace reprise::jobs
