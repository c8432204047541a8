// The start: from rows to tasks.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "server/jobs/jobs.h"

namespace reprise::jobs {
namespace {

using storage::Family;

// A lease that would have ended while the server was down lives on for so long, so that its worker
// can come back.
constexpr std::int64_t kGraceMs = 10'000;

}  // namespace

// What is read before the tasks, and needed for them.
struct Jobs::Loading {
  std::map<GroupHash, Slot> groups;
  std::unordered_map<std::uint64_t, Engine::StateOf> states;
  std::vector<LeaseRow> leases;
  std::vector<std::pair<TaskId, std::vector<TaskId>>> waiting;  // for others
  std::vector<LeaseId> dead_leases;
};

base::Result<std::unique_ptr<Jobs>> Jobs::Load(storage::Store& store,
                                               const std::vector<NamespaceId>& namespaces,
                                               const base::Clock& clock,
                                               const config::JobsOptions& options) {
  std::unique_ptr<Jobs> jobs = Make(store, clock, options);
  for (const NamespaceId home : namespaces) {
    RETURN_IF_ERROR(jobs->LoadNamespace(home));
  }
  Effects effects;
  {
    base::MutexLock lock(jobs->mutex_);
    jobs->engine_.EndRestore(jobs->NowMs(), effects);
  }
  jobs->Carry(std::move(effects));
  return jobs;
}

// Reads all rows of one kind; a row that cannot be read ends it.
base::Status Jobs::ForEachRow(NamespaceId home, RowKind kind,
                              const std::function<base::Status(const storage::ScanRow&)>& take) {
  base::Status outcome = base::Ok{};
  const std::string prefix = RowPrefix(home, kind);
  RETURN_IF_ERROR(store_.Scan({Family::kJobs, prefix, {}, false}, clock_.Now(),
                              [&](const storage::ScanRow& row) {
                                outcome = take(row);
                                return outcome.ok();
                              }));
  return outcome;
}

base::Status Jobs::LoadSettings(NamespaceId home) {
  RETURN_IF_ERROR(ForEachRow(home, RowKind::kPauses, [&](const auto& row) -> base::Status {
    ASSIGN_OR_RETURN(const std::vector<Pause> pauses, ParsePauses(row.value));
    Effects none;
    base::MutexLock lock(mutex_);
    for (const Pause& pause : pauses) {
      (void)engine_.SetPaused(home, pause, true, NowMs(), none);
    }
    return base::Ok{};
  }));
  return ForEachRow(home, RowKind::kWindows, [&](const auto& row) -> base::Status {
    ASSIGN_OR_RETURN(std::vector<PriceWindow> windows, ParseWindows(row.value));
    auto made = Windows::Make(std::move(windows), zones_);
    if (made.ok()) {  // Else a zone has gone from this machine: the default is in force.
      base::MutexLock lock(mutex_);
      engine_.SetWindows(home, std::move(made).value());
    }
    return base::Ok{};
  });
}

base::Status Jobs::LoadGroups(NamespaceId home, Loading& loading) {
  return ForEachRow(home, RowKind::kGroup, [&](const auto& row) -> base::Status {
    const auto hash = HashInKey(row.key);
    ASSIGN_OR_RETURN(const GroupRow group, ParseGroup(row.value));
    if (!hash.has_value()) {
      return base::Ok{};
    }
    GroupSpec spec;
    spec.hash = *hash;
    spec.category = group.category;
    spec.model = group.model;
    spec.context_key = group.context_key;
    spec.context_tokens = group.context_tokens;
    Effects none;
    base::MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(const Slot slot, engine_.HoldGroup(home, spec, none));
    engine_.SetRow(slot, {true, !group.context.empty()});
    loading.groups[*hash] = slot;
    return base::Ok{};
  });
}

base::Status Jobs::LoadTasks(NamespaceId home, Loading& loading) {
  RETURN_IF_ERROR(ForEachRow(home, RowKind::kState, [&](const auto& row) -> base::Status {
    ASSIGN_OR_RETURN(Engine::StateOf state, ParseState(row.value));
    if (const auto id = NumberInKey(row.key)) {
      loading.states.emplace(*id, std::move(state));
    }
    return base::Ok{};
  }));
  return ForEachRow(home, RowKind::kTask, [&](const auto& row) -> base::Status {
    const auto id = NumberInKey(row.key);
    ASSIGN_OR_RETURN(const TaskRow task, ParseTask(row.value));
    const auto group = loading.groups.find(task.group);
    if (!id.has_value() || group == loading.groups.end()) {
      return base::Error{base::Code::kCorrupt, "the row of a task names a group that has no row"};
    }
    NewTask made;
    made.home = home;
    made.id = TaskId{*id};
    made.group = group->second;
    made.submitted_ms = task.submitted_ms;
    made.not_before_ms = task.not_before_ms;
    made.deadline_ms = task.deadline_ms;
    made.max_wait_ms = task.max_wait_ms;
    made.tokens = task.tokens;
    made.payload_bytes = task.payload_bytes;
    made.priority = task.priority;
    made.attempts_max = task.attempts_max;
    made.defer = task.defer;
    made.defer_reason = task.defer_reason;
    made.has_payload_row = task.payload.empty() && task.payload_bytes > kInlinePayloadBytes;
    made.needs_row = task.dedup.has_value() || !task.fill.empty();
    made.custom_id = task.custom_id;
    made.reply_to = task.reply_to;
    made.after = task.after;
    if (const auto state = loading.states.find(*id); state != loading.states.end()) {
      made.attempts = state->second.attempts;
      made.batch_max = state->second.batch_max;
      made.is_dead = state->second.is_dead;
      made.not_before_ms = state->second.when_ms;
      made.defer_reason = state->second.defer_reason;
      made.last_lease = state->second.last_lease;
      made.error = state->second.error;
      made.has_state_row = true;
    }
    if (!made.after.empty() && !made.is_dead) {
      loading.waiting.emplace_back(made.id, made.after);
    }
    base::MutexLock lock(mutex_);
    next_id_ = std::max(next_id_, *id);
    engine_.Restore(home, std::move(made), NowMs());
    return base::Ok{};
  });
}

base::Status Jobs::LoadLeases(NamespaceId home, Loading& loading) {
  RETURN_IF_ERROR(ForEachRow(home, RowKind::kLease, [&](const auto& row) -> base::Status {
    ASSIGN_OR_RETURN(LeaseRow lease, ParseLeaseRow(row.value));
    if (const auto id = NumberInKey(row.key)) {
      lease.lease.token.id = LeaseId{*id};
      loading.leases.push_back(std::move(lease));
    }
    return base::Ok{};
  }));
  // Of two leases of one task the later one holds.
  std::reverse(loading.leases.begin(), loading.leases.end());
  base::MutexLock lock(mutex_);
  for (const LeaseRow& row : loading.leases) {
    if (!engine_.RestoreLease(home, row.lease, row.group, NowMs(), kGraceMs)) {
      loading.dead_leases.push_back(row.lease.token.id);
    }
  }
  return base::Ok{};
}

// What waits for a task that has ended without success while nobody was there to cancel it.
base::Status Jobs::FinishLoad(NamespaceId home, Loading& loading) {
  Effects effects;
  for (const auto& [id, after] : loading.waiting) {
    for (const TaskId other : after) {
      ASSIGN_OR_RETURN(const auto row,
                       store_.Get(Family::kJobs, TaskKey(home, RowKind::kResult, other),
                                  clock_.Now(), storage::ReadMode::kDisk));
      if (!row.has_value()) {
        continue;
      }
      ASSIGN_OR_RETURN(const ResultRow result, ParseResult(row->value()));
      if (result.outcome != Outcome::kSucceeded) {
        base::MutexLock lock(mutex_);
        engine_.Doom(home, id, NowMs(), effects);
      }
    }
  }
  base::MutexLock lock(mutex_);
  for (const auto& [hash, slot] : loading.groups) {
    engine_.ReleaseGroup(slot, NowMs());
  }
  for (const LeaseId lease : loading.dead_leases) {
    effects.upkeep.push_back({.kind = Upkeep::Kind::kLeaseGone, .home = home, .lease = lease});
  }
  upkeep_.insert(upkeep_.end(), effects.upkeep.begin(), effects.upkeep.end());
  return base::Ok{};
}

base::Status Jobs::LoadNamespace(NamespaceId home) {
  Loading loading;
  RETURN_IF_ERROR(LoadSettings(home));
  RETURN_IF_ERROR(LoadClassifier(home));
  RETURN_IF_ERROR(LoadGroups(home, loading));
  RETURN_IF_ERROR(LoadTasks(home, loading));
  RETURN_IF_ERROR(LoadLeases(home, loading));
  return FinishLoad(home, loading);
}

}  // namespace reprise::jobs
