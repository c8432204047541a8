// What bots and operators do with single tasks, dead letters, queues and namespaces.
#include <algorithm>
#include <utility>

#include "protocol/base/limits.h"
#include "server/jobs/jobs.h"

namespace reprise::jobs {
namespace {

using base::Code;
using base::Error;
using storage::Family;

}  // namespace

base::Result<std::optional<Outcome>> Jobs::Cancel(NamespaceId home, TaskId id,
                                                  storage::Transaction& transaction) {
  const std::int64_t now_ms = base::ToInt(transaction.now());
  auto begun = [&] {
    base::MutexLock lock(mutex_);
    return engine_.BeginCancel(home, id, now_ms);
  }();
  if (!begun.ok()) {
    if (begun.error().code != Code::kNotFound) {
      return begun.error();
    }
    ASSIGN_OR_RETURN(const auto row,
                     transaction.Get(Family::kJobs, TaskKey(home, RowKind::kResult, id)));
    if (row.has_value()) {
      ASSIGN_OR_RETURN(const ResultRow result, ParseResult(row->value()));
      return std::optional(result.outcome);
    }
    const auto view = View(home, id);
    if (view.has_value()) {
      return std::optional(Outcome::kFailed);  // A dead letter.
    }
    return Error{Code::kNotFound, "ticket " + TicketText(id) + " is not known"};
  }
  SettleFacts facts = std::move(begun).value();
  facts.error = "canceled";
  const auto abort = [this, home, id, now_ms] {
    Effects effects;
    {
      base::MutexLock lock(mutex_);
      engine_.AbortSettle(home, id, now_ms, effects);
    }
    Carry(std::move(effects));
  };
  if (const auto written =
          WriteEnd(facts, ResultOf(facts, Outcome::kCanceled, now_ms), transaction);
      !written.ok()) {
    abort();
    return written.error();
  }
  RequireSync(transaction);
  transaction.OnAbort(abort);
  transaction.OnCommit([this, home, id, now_ms] {
    Effects effects;
    {
      base::MutexLock lock(mutex_);
      engine_.EndSettle(home, id, Outcome::kCanceled, now_ms, effects);
    }
    Carry(std::move(effects));
  });
  return std::optional<Outcome>();
}

base::Result<bool> Jobs::SetPaused(NamespaceId home, const Pause& pause, bool paused,
                                   storage::Transaction& transaction) {
  std::vector<Pause> pauses = Pauses(home);
  const auto found = std::find(pauses.begin(), pauses.end(), pause);
  if ((found != pauses.end()) == paused) {
    return false;
  }
  if (paused) {
    if (pauses.size() >= static_cast<std::size_t>(base::limits::kJobPauses.value)) {
      return Error{Code::kTooLarge, "job_pauses: " + std::to_string(pauses.size()) +
                                        " pauses are in force, which is the limit"};
    }
    pauses.push_back(pause);
  } else {
    pauses.erase(found);
  }
  transaction.Put(Family::kJobs, RowPrefix(home, RowKind::kPauses), FormatPauses(pauses),
                  storage::kNever);
  transaction.OnCommit([this, home, pause, paused] {
    Effects effects;
    {
      base::MutexLock lock(mutex_);
      (void)engine_.SetPaused(home, pause, paused, NowMs(), effects);
    }
    Carry(std::move(effects));
  });
  return true;
}

std::vector<Pause> Jobs::Pauses(NamespaceId home) const {
  base::MutexLock lock(mutex_);
  return engine_.PausesOf(home);
}

base::Status Jobs::SetWindows(NamespaceId home, std::vector<PriceWindow> windows,
                              storage::Transaction& transaction) {
  ASSIGN_OR_RETURN(Windows made, Windows::Make(std::move(windows), zones_));
  transaction.Put(Family::kJobs, RowPrefix(home, RowKind::kWindows), FormatWindows(made.all()),
                  storage::kNever);
  transaction.OnCommit([this, home, made = std::move(made)] {
    base::MutexLock lock(mutex_);
    engine_.SetWindows(home, made);
  });
  return base::Ok{};
}

std::vector<PriceWindow> Jobs::WindowsOf(NamespaceId home) const {
  base::MutexLock lock(mutex_);
  return engine_.WindowsOf(home).all();
}

std::vector<TaskView> Jobs::DeadLetters(NamespaceId home, TaskId after, std::size_t most) const {
  base::MutexLock lock(mutex_);
  std::vector<TaskView> views;
  for (const TaskId id : engine_.DeadLetters(home, after, most)) {
    views.push_back(*engine_.View(home, id));
  }
  return views;
}

base::Result<std::size_t> Jobs::Replay(NamespaceId home, const std::vector<TaskId>& ids,
                                       std::size_t most, storage::Transaction& transaction) {
  const std::int64_t now_ms = base::ToInt(transaction.now());
  std::vector<TaskId> begun;
  {
    base::MutexLock lock(mutex_);
    const std::vector<TaskId> wanted =
        ids.empty() ? engine_.DeadLetters(home, TaskId{0}, most) : ids;
    for (const TaskId id : wanted) {
      const base::Status status = engine_.BeginReplay(home, id);
      if (status.ok()) {
        begun.push_back(id);
      } else if (!ids.empty()) {
        for (const TaskId undone : begun) {
          engine_.AbortReplay(home, undone);
        }
        return status.error();
      }
    }
  }
  Engine::StateOf state;
  state.when_ms = now_ms;
  for (const TaskId id : begun) {
    state.last_lease = [&] {
      base::MutexLock lock(mutex_);
      const auto known = engine_.State(home, id);
      return known.has_value() ? known->last_lease : 0;
    }();
    transaction.Put(Family::kJobs, TaskKey(home, RowKind::kState, id), FormatState(state),
                    storage::kNever);
  }
  RequireSync(transaction);
  transaction.OnAbort([this, home, begun] {
    base::MutexLock lock(mutex_);
    for (const TaskId id : begun) {
      engine_.AbortReplay(home, id);
    }
  });
  transaction.OnCommit([this, home, begun, now_ms] {
    Effects effects;
    {
      base::MutexLock lock(mutex_);
      for (const TaskId id : begun) {
        engine_.EndReplay(home, id, now_ms, effects);
      }
    }
    Carry(std::move(effects));
  });
  return begun.size();
}

base::Result<std::size_t> Jobs::Purge(NamespaceId home, const std::vector<TaskId>& ids,
                                      std::size_t most, storage::Transaction& transaction) {
  const std::int64_t now_ms = base::ToInt(transaction.now());
  std::vector<SettleFacts> begun;
  const auto abort = [this, home, now_ms](const std::vector<SettleFacts>& facts) {
    Effects effects;
    {
      base::MutexLock lock(mutex_);
      for (const SettleFacts& one : facts) {
        engine_.AbortSettle(home, one.id, now_ms, effects);
      }
    }
    Carry(std::move(effects));
  };
  std::optional<Error> failed;
  {
    base::MutexLock lock(mutex_);
    const std::vector<TaskId> wanted =
        ids.empty() ? engine_.DeadLetters(home, TaskId{0}, most) : ids;
    for (const TaskId id : wanted) {
      auto facts = engine_.BeginPurge(home, id);
      if (facts.ok()) {
        begun.push_back(std::move(facts).value());
      } else if (!ids.empty() && !failed.has_value()) {
        failed = facts.error();
      }
    }
  }
  for (std::size_t i = 0; i < begun.size() && !failed.has_value(); ++i) {
    const auto written =
        WriteEnd(begun[i], ResultOf(begun[i], Outcome::kFailed, now_ms), transaction);
    if (!written.ok()) {
      failed = written.error();
    }
  }
  if (failed.has_value()) {
    abort(begun);
    return *failed;
  }
  RequireSync(transaction);
  const std::size_t count = begun.size();
  transaction.OnAbort([abort, begun] { abort(begun); });
  transaction.OnCommit([this, home, begun, now_ms] {
    Effects effects;
    {
      base::MutexLock lock(mutex_);
      for (const SettleFacts& facts : begun) {
        engine_.EndSettle(home, facts.id, Outcome::kFailed, now_ms, effects);
      }
    }
    Carry(std::move(effects));
  });
  return count;
}

std::vector<QueueView> Jobs::Queues(NamespaceId home) const {
  base::MutexLock lock(mutex_);
  return engine_.Queues(home);
}

TenantView Jobs::ViewTenant(NamespaceId home) const {
  base::MutexLock lock(mutex_);
  return engine_.ViewTenant(home);
}

std::vector<WorkerView> Jobs::Workers(NamespaceId home) const {
  base::MutexLock lock(mutex_);
  return engine_.Workers(home);
}

std::vector<TaskView> Jobs::Tasks(NamespaceId home, std::size_t most) const {
  base::MutexLock lock(mutex_);
  return engine_.Tasks(home, most);
}

JobsStats Jobs::Stats() const {
  base::MutexLock lock(mutex_);
  JobsStats stats;
  stats.tasks = engine_.tasks();
  stats.memory_bytes = engine_.MemoryBytes();
  stats.waiting_takers = takers_.size();
  stats.waiting_results = results_.size();
  stats.upkeep_pending = upkeep_.size();
  return stats;
}

std::uint64_t Jobs::Drop(NamespaceId home, storage::Transaction& transaction) {
  const auto prefix = storage::PrefixOf(home);
  transaction.DeletePrefix(Family::kJobs, {prefix.data(), prefix.size()});
  const std::uint64_t tasks = ViewTenant(home).tasks;
  transaction.OnCommit([this, home] {
    Effects effects;
    {
      base::MutexLock lock(mutex_);
      engine_.Drop(home, effects);
      classifiers_.erase(home);
    }
    Carry(std::move(effects));
  });
  return tasks;
}

void Jobs::CheckInvariants() const {
  base::MutexLock lock(mutex_);
  engine_.CheckInvariants();
}

}  // namespace reprise::jobs
