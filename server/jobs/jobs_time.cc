// What happens by itself, and who waits for it.
#include <algorithm>
#include <utility>

#include "protocol/base/limits.h"
#include "server/jobs/waiting_result.h"

namespace reprise::jobs {
namespace {

using base::Code;
using base::Error;
using storage::Family;

// Of one look at the clock, between which others get their turn; and rows of one transaction.
constexpr std::size_t kStepsAtOnce = 512;
constexpr std::size_t kUpkeepAtOnce = 500;
// Rows that could not be written are tried again after this.
constexpr std::int64_t kUpkeepAgainMs = 1'000;

}  // namespace

// Rows that follow what has happened, on their way to the disk.
class Jobs::UpkeepCall final : public storage::Mutation {
 public:
  UpkeepCall(Jobs& jobs, std::vector<Upkeep> upkeep) : jobs_(jobs), upkeep_(std::move(upkeep)) {}

  base::Status Apply(storage::Transaction& transaction) override {
    return jobs_.ApplyUpkeep(upkeep_, transaction);
  }
  void Finish(base::Status outcome) override {
    if (!outcome.ok()) {
      jobs_.KeepUpkeep(std::move(upkeep_));
    }
  }
  std::size_t QueuedBytes() const override {
    return sizeof(*this) + upkeep_.size() * sizeof(Upkeep);
  }
  std::vector<Upkeep> Release() { return std::move(upkeep_); }

  // The state row of a task, as it is by now.
  static void PutState(const Jobs& jobs, const Upkeep& row, storage::Transaction& transaction) {
    std::optional<Engine::StateOf> state;
    {
      base::MutexLock lock(jobs.mutex_);
      state = jobs.engine_.State(row.home, row.task);
    }
    if (state.has_value()) {
      transaction.Put(Family::kJobs, TaskKey(row.home, RowKind::kState, row.task),
                      FormatState(*state), storage::kNever);
    }
  }
  // The row of a group, unless the group has come back.
  static void DropGroup(const Jobs& jobs, const Upkeep& row, storage::Transaction& transaction) {
    {
      base::MutexLock lock(jobs.mutex_);
      if (jobs.engine_.KnowsGroup(row.home, row.group)) {
        return;
      }
    }
    transaction.Delete(Family::kJobs, HashKey(row.home, RowKind::kGroup, row.group));
  }

 private:
  Jobs& jobs_;
  std::vector<Upkeep> upkeep_;
};

void Jobs::KeepUpkeep(std::vector<Upkeep> upkeep) {
  base::MutexLock lock(mutex_);
  upkeep_.insert(upkeep_.end(), std::make_move_iterator(upkeep.begin()),
                 std::make_move_iterator(upkeep.end()));
  upkeep_again_ms_ = NowMs() + kUpkeepAgainMs;
}

void Jobs::SubmitUpkeep(std::vector<Upkeep> upkeep) {
  for (std::size_t start = 0; start < upkeep.size(); start += kUpkeepAtOnce) {
    const std::size_t end = std::min(upkeep.size(), start + kUpkeepAtOnce);
    const auto from = upkeep.begin() + static_cast<std::ptrdiff_t>(start);
    const auto to = upkeep.begin() + static_cast<std::ptrdiff_t>(end);
    std::vector<std::unique_ptr<storage::Mutation>> calls;
    calls.push_back(std::make_unique<UpkeepCall>(
        *this, std::vector<Upkeep>(std::make_move_iterator(from), std::make_move_iterator(to))));
    if (!store_.Submit(calls)) {
      KeepUpkeep(static_cast<UpkeepCall&>(*calls[0]).Release());
    }
  }
}

base::Status Jobs::ApplyUpkeep(const std::vector<Upkeep>& upkeep,
                               storage::Transaction& transaction) {
  const std::int64_t now_ms = base::ToInt(transaction.now());
  struct End {
    NamespaceId home;
    TaskId id;
    Outcome outcome;
  };
  std::vector<End> ends;
  const auto end = [&](const Upkeep& row, Outcome outcome) -> base::Status {
    std::optional<SettleFacts> facts;
    {
      base::MutexLock lock(mutex_);
      facts = engine_.FactsOf(row.home, row.task);
    }
    if (!facts.has_value()) {
      return base::Ok{};
    }
    ends.push_back({row.home, row.task, outcome});
    const auto written = WriteEnd(*facts, ResultOf(*facts, outcome, now_ms), transaction);
    return written.ok() ? base::Status(base::Ok{}) : base::Status(written.error());
  };
  for (const Upkeep& row : upkeep) {
    switch (row.kind) {
      case Upkeep::Kind::kState:
        UpkeepCall::PutState(*this, row, transaction);
        break;
      case Upkeep::Kind::kLeaseGone:
        transaction.Delete(Family::kJobs, LeaseKey(row.home, row.lease));
        break;
      case Upkeep::Kind::kExpired:
        RETURN_IF_ERROR(end(row, Outcome::kExpired));
        break;
      case Upkeep::Kind::kDoomed:
        RETURN_IF_ERROR(end(row, Outcome::kCanceled));
        break;
      case Upkeep::Kind::kDeadOut:
        RETURN_IF_ERROR(end(row, Outcome::kFailed));
        break;
      case Upkeep::Kind::kGroupGone:
        UpkeepCall::DropGroup(*this, row, transaction);
        break;
    }
  }
  if (!ends.empty()) {
    transaction.OnCommit([this, ends = std::move(ends), now_ms] {
      Effects effects;
      {
        base::MutexLock lock(mutex_);
        for (const End& one : ends) {
          engine_.EndSettle(one.home, one.id, one.outcome, now_ms, effects);
        }
      }
      Carry(std::move(effects));
    });
  }
  return base::Ok{};
}

void Jobs::Carry(Effects effects) {
  std::vector<std::pair<LeaseId, std::shared_ptr<BatchReceiver>>> given;
  std::vector<std::shared_ptr<BatchReceiver>> timed_out;
  std::vector<LeaseId> orphans;
  if (!effects.batches.empty() || !effects.timed_out.empty()) {
    base::MutexLock lock(mutex_);
    for (const auto& [taker, lease] : effects.batches) {
      if (auto receiver = TakeTaker(taker)) {
        given.emplace_back(lease, std::move(receiver));
      } else {
        orphans.push_back(lease);
      }
    }
    for (const TakerId taker : effects.timed_out) {
      if (auto receiver = TakeTaker(taker)) {
        timed_out.push_back(std::move(receiver));
      }
    }
  }
  for (auto& [lease, receiver] : given) {
    StartGrant(lease, std::move(receiver));
  }
  for (const LeaseId lease : orphans) {
    TakeBack(lease);
  }
  for (const auto& receiver : timed_out) {
    receiver->Nothing();
  }
  if (!effects.notices.empty()) {
    WakeResults(effects.notices);
  }
  if (!effects.upkeep.empty()) {
    SubmitUpkeep(std::move(effects.upkeep));
  }
  NudgeIfEarlier();
}

std::shared_ptr<BatchReceiver> Jobs::TakeTaker(TakerId taker) {
  const auto found = takers_.find(taker);
  if (found == takers_.end()) {
    return nullptr;
  }
  const auto [first, last] = takers_of_.equal_range(found->second.owner);
  for (auto place = first; place != last; ++place) {
    if (place->second == taker) {
      takers_of_.erase(place);
      break;
    }
  }
  auto receiver = std::move(found->second.receiver);
  takers_.erase(found);
  return receiver;
}

std::optional<std::int64_t> Jobs::NextMs() const {
  std::optional<std::int64_t> next = engine_.NextMs();
  const auto sooner = [&](std::int64_t at_ms) { next = std::min(next.value_or(at_ms), at_ms); };
  if (!result_ends_.empty()) {
    sooner(result_ends_.begin()->first);
  }
  if (!upkeep_.empty()) {
    sooner(upkeep_again_ms_);
  }
  return next;
}

void Jobs::NudgeIfEarlier() {
  std::function<void()> nudge;
  {
    base::MutexLock lock(mutex_);
    const auto next = NextMs();
    if (!nudge_ || !next.has_value() || *next >= planned_ms_) {
      return;
    }
    planned_ms_ = *next;
    nudge = nudge_;
  }
  nudge();
}

std::optional<std::int64_t> Jobs::PlanNext() {
  base::MutexLock lock(mutex_);
  const auto next = NextMs();
  planned_ms_ = next.value_or(std::numeric_limits<std::int64_t>::max());
  return next;
}

void Jobs::OnEarlier(std::function<void()> nudge) {
  base::MutexLock lock(mutex_);
  nudge_ = std::move(nudge);
}

void Jobs::Advance() {
  for (bool done = false; !done;) {
    Effects effects;
    std::vector<ResultRef> over;
    {
      base::MutexLock lock(mutex_);
      planned_ms_ = std::numeric_limits<std::int64_t>::min();  // Nobody need wake who is awake.
      const std::int64_t now_ms = NowMs();
      done = engine_.Advance(now_ms, kStepsAtOnce, effects);
      while (!result_ends_.empty() && result_ends_.begin()->first <= now_ms) {
        const ResultRef waiting = result_ends_.begin()->second;
        Forget(waiting);
        over.push_back(waiting);
      }
      if (!upkeep_.empty() && upkeep_again_ms_ <= now_ms) {
        effects.upkeep.insert(effects.upkeep.end(), std::make_move_iterator(upkeep_.begin()),
                              std::make_move_iterator(upkeep_.end()));
        upkeep_.clear();
      }
    }
    for (const ResultRef& waiting : over) {
      waiting->receiver->Ended();
    }
    Carry(std::move(effects));
  }
}

base::Result<bool> Jobs::AwaitResult(NamespaceId home, TaskId id, OwnerId owner,
                                     std::int64_t wait_ms,
                                     std::shared_ptr<ResultReceiver> receiver) {
  {
    base::MutexLock lock(mutex_);
    const auto view = engine_.View(home, id);
    if (!view.has_value() || view->place == Place::kDead) {
      return false;
    }
    std::uint64_t& waits = result_waits_[home];
    if (waits >= static_cast<std::uint64_t>(base::limits::kJobResultWaiters.value)) {
      return Error{Code::kBusy,
                   "job_result_waiters: " + std::to_string(waits) +
                       " calls of this namespace wait for results, which is the limit; "
                       "retry in 1000 ms"};
    }
    ++waits;
    auto waiting = std::make_shared<WaitingResult>();
    waiting->home = home;
    waiting->id = id;
    waiting->owner = owner;
    waiting->until_ms = NowMs() + wait_ms;
    waiting->receiver = std::move(receiver);
    results_.emplace(std::pair(home, id), waiting);
    results_of_.emplace(owner, waiting);
    result_ends_.emplace(waiting->until_ms, waiting);
  }
  NudgeIfEarlier();
  return true;
}

void Jobs::Forget(const ResultRef& waiting) {
  const auto erase_from = [&](auto& table, const auto& key) {
    const auto [first, last] = table.equal_range(key);
    for (auto place = first; place != last; ++place) {
      if (place->second == waiting) {
        table.erase(place);
        return;
      }
    }
  };
  erase_from(results_, std::pair(waiting->home, waiting->id));
  erase_from(results_of_, waiting->owner);
  result_ends_.erase({waiting->until_ms, waiting});
  if (--result_waits_[waiting->home] == 0) {
    result_waits_.erase(waiting->home);
  }
}

void Jobs::WakeResults(const std::vector<Notice>& notices) {
  std::vector<ResultRef> woken;
  std::shared_ptr<const NoticeSink> sink;
  {
    base::MutexLock lock(mutex_);
    sink = notice_sink_;
    for (const Notice& notice : notices) {
      const auto [first, last] = results_.equal_range({notice.home, notice.id});
      std::vector<ResultRef> here;
      for (auto place = first; place != last; ++place) {
        here.push_back(place->second);
      }
      for (const ResultRef& waiting : here) {
        Forget(waiting);
        woken.push_back(waiting);
      }
    }
  }
  for (const ResultRef& waiting : woken) {
    waiting->receiver->Ended();
  }
  if (sink != nullptr) {
    for (const Notice& notice : notices) {
      (*sink)(notice);
    }
  }
}

std::vector<Jobs::ResultRef> Jobs::RemoveWaits(OwnerId owner, std::vector<TakerId>& takers) {
  std::vector<ResultRef> results;
  const auto [first_taker, last_taker] = takers_of_.equal_range(owner);
  for (auto place = first_taker; place != last_taker; ++place) {
    takers.push_back(place->second);
    (void)engine_.RemoveTaker(place->second);
    takers_.erase(place->second);
  }
  takers_of_.erase(owner);
  const auto [first, last] = results_of_.equal_range(owner);
  for (auto place = first; place != last; ++place) {
    results.push_back(place->second);
  }
  for (const ResultRef& waiting : results) {
    Forget(waiting);
  }
  return results;
}

void Jobs::Disconnect(OwnerId owner) {
  (void)StopWaiting(owner);
}

std::size_t Jobs::StopWaiting(OwnerId owner) {
  std::vector<TakerId> takers;
  std::vector<ResultRef> results;
  {
    base::MutexLock lock(mutex_);
    results = RemoveWaits(owner, takers);
  }
  return takers.size() + results.size();
}

void Jobs::Expel(OwnerId owner) {
  std::vector<std::shared_ptr<BatchReceiver>> takers;
  std::vector<ResultRef> results;
  {
    base::MutexLock lock(mutex_);
    const auto [first, last] = takers_of_.equal_range(owner);
    for (auto place = first; place != last; ++place) {
      takers.push_back(takers_.at(place->second).receiver);
    }
    std::vector<TakerId> removed;
    results = RemoveWaits(owner, removed);
  }
  for (const auto& taker : takers) {
    taker->Nothing();
  }
  for (const ResultRef& waiting : results) {
    waiting->receiver->Ended();
  }
}

void Jobs::StopAllWaiting() {
  std::vector<ResultRef> results;
  Effects effects;
  {
    base::MutexLock lock(mutex_);
    for (const auto& [taker, waiting] : takers_) {
      (void)engine_.RemoveTaker(taker);
      effects.timed_out.push_back(taker);
    }
    for (const auto& [id, waiting] : results_) {
      results.push_back(waiting);
    }
    for (const ResultRef& waiting : results) {
      Forget(waiting);
    }
  }
  for (const ResultRef& waiting : results) {
    waiting->receiver->Ended();
  }
  Carry(std::move(effects));
}

}  // namespace reprise::jobs
