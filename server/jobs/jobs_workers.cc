// What workers do: batches handed out and settled.
#include <algorithm>
#include <utility>

#include "server/jobs/jobs.h"

namespace reprise::jobs {
namespace {

using base::Code;
using base::Error;
using storage::Family;

constexpr std::string_view kNilBytes = "\xc0";

}  // namespace

// The row of a lease on its way to the disk; then the batch goes to whoever waits for it.
class Jobs::GrantCall final : public storage::Mutation {
 public:
  GrantCall(Jobs& jobs, LeaseId lease, std::shared_ptr<BatchReceiver> receiver)
      : jobs_(jobs), lease_(lease), receiver_(std::move(receiver)) {}

  base::Status Apply(storage::Transaction& transaction) override {
    return jobs_.WriteLease(lease_, transaction);
  }
  void Finish(base::Status outcome) override {
    if (!outcome.ok()) {
      jobs_.TakeBack(lease_);
      receiver_->Refuse(outcome.error());
      return;
    }
    jobs_.Grant(lease_);
    jobs_.PostRead(lease_, receiver_);
  }
  std::size_t QueuedBytes() const override { return sizeof(*this); }

 private:
  Jobs& jobs_;
  LeaseId lease_;
  std::shared_ptr<BatchReceiver> receiver_;
};

base::Status Jobs::WriteLease(LeaseId id, storage::Transaction& transaction) {
  LeaseRow row;
  {
    base::MutexLock lock(mutex_);
    auto lease = engine_.LeaseOf(id);
    if (!lease.has_value()) {
      return base::Ok{};  // Its namespace was dropped.
    }
    row.lease = std::move(*lease);
    row.group = engine_.SpecOf(row.lease.group).hash;
  }
  if (!row.lease.is_granted) {
    row.lease.ends_ms = base::ToInt(transaction.now()) + row.lease.lease_ms;
  }
  transaction.Put(Family::kJobs, LeaseKey(row.lease.home, id), FormatLease(row), storage::kNever);
  return base::Ok{};
}

void Jobs::Grant(LeaseId id) {
  {
    base::MutexLock lock(mutex_);
    (void)engine_.Grant(id, NowMs());
  }
  NudgeIfEarlier();
}

void Jobs::StartGrant(LeaseId lease, std::shared_ptr<BatchReceiver> receiver) {
  std::vector<std::unique_ptr<storage::Mutation>> calls;
  const std::shared_ptr<BatchReceiver> told = receiver;
  calls.push_back(std::make_unique<GrantCall>(*this, lease, std::move(receiver)));
  if (!store_.Submit(calls)) {
    TakeBack(lease);
    told->Refuse({Code::kBusy, "the write queue is full; retry with back-off"});
  }
}

void Jobs::TakeBack(LeaseId lease) {
  Effects effects;
  {
    base::MutexLock lock(mutex_);
    engine_.TakeBack(lease, NowMs(), effects);
  }
  Carry(std::move(effects));
}

base::Result<Batch> Jobs::ReadBatch(BatchView view) const {
  Batch batch;
  const base::UnixMillis now = clock_.Now();
  const auto read = [&](const std::string& key) {
    return store_.Get(Family::kJobs, key, now, storage::ReadMode::kDisk);
  };
  ASSIGN_OR_RETURN(const auto group, read(HashKey(view.home, RowKind::kGroup, view.group.hash)));
  if (!group.has_value()) {
    return Error{Code::kCorrupt, "the row of a group of tasks is missing"};
  }
  ASSIGN_OR_RETURN(const GroupRow group_row, ParseGroup(group->value()));
  batch.parameters = group_row.parameters;
  batch.context = group_row.context;
  std::vector<BatchView::Item> items;
  for (BatchView::Item& item : view.items) {
    const RowKind kind = item.has_payload_row ? RowKind::kPayload : RowKind::kTask;
    ASSIGN_OR_RETURN(const auto row, read(TaskKey(view.home, kind, item.id)));
    if (!row.has_value()) {
      continue;  // It was canceled meanwhile.
    }
    if (item.has_payload_row) {
      batch.payloads.emplace_back(row->value());
    } else {
      ASSIGN_OR_RETURN(const TaskRow task, ParseTask(row->value()));
      batch.payloads.emplace_back(task.payload.empty() ? kNilBytes : task.payload);
    }
    items.push_back(std::move(item));
  }
  view.items = std::move(items);
  batch.view = std::move(view);
  return batch;
}

// Payloads are read where the disk may be waited for.
void Jobs::PostRead(LeaseId id, const std::shared_ptr<BatchReceiver>& receiver) {
  auto task = base::MakeTask([this, id, receiver] {
    std::optional<BatchView> view;
    {
      base::MutexLock lock(mutex_);
      view = engine_.ViewLease(id);
    }
    if (!view.has_value()) {
      receiver->Nothing();  // All of it was canceled, or its namespace dropped.
      return;
    }
    const auto batch = ReadBatch(std::move(*view));
    if (batch.ok()) {
      receiver->Give(batch.value());
      return;
    }
    TakeBack(id);
    receiver->Refuse(batch.error());
  });
  if (!store_.PostRead(std::move(task))) {
    TakeBack(id);
    receiver->Refuse(
        {Code::kBusy, "the queue of the storage threads is full; retry with back-off"});
  }
}

void Jobs::Take(const TakeRequest& request, std::shared_ptr<BatchReceiver> receiver) {
  std::optional<LeaseId> lease;
  std::optional<Error> refused;
  bool waits = false;
  {
    base::MutexLock lock(mutex_);
    const std::int64_t now_ms = NowMs();
    const TakerId taker{next_taker_++};
    auto taken = engine_.TakeOrWait(request.ask, taker, now_ms + request.wait_ms, now_ms);
    if (!taken.ok()) {
      refused = taken.error();
    } else if (taken.value().has_value()) {
      lease = *taken.value();
    } else if (request.wait_ms > 0) {
      takers_.emplace(taker, WaitingTaker{receiver, request.owner});
      takers_of_.emplace(request.owner, taker);
      waits = true;
    }
  }
  if (refused.has_value()) {
    receiver->Refuse(*refused);
  } else if (lease.has_value()) {
    StartGrant(*lease, std::move(receiver));
  } else if (!waits) {
    receiver->Nothing();
  }
  NudgeIfEarlier();
}

base::Result<std::optional<Batch>> Jobs::TakeNow(const TakeAsk& ask) {
  std::optional<LeaseId> lease;
  {
    base::MutexLock lock(mutex_);
    lease = engine_.Take(ask, NowMs());
  }
  if (!lease.has_value()) {
    return std::optional<Batch>();
  }
  const base::Status written = store_.Run(
      [&](storage::Transaction& transaction) { return WriteLease(*lease, transaction); });
  if (!written.ok()) {
    TakeBack(*lease);
    return written.error();
  }
  Grant(*lease);
  std::optional<BatchView> view;
  {
    base::MutexLock lock(mutex_);
    view = engine_.ViewLease(*lease);
  }
  if (!view.has_value()) {
    return std::optional<Batch>();
  }
  ASSIGN_OR_RETURN(Batch batch, ReadBatch(std::move(*view)));
  return std::optional(std::move(batch));
}

base::Result<std::int64_t> Jobs::Extend(const LeaseAsk& ask, std::int64_t lease_ms,
                                        storage::Transaction& transaction) {
  std::int64_t lives_ms = 0;
  {
    base::MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(lives_ms, engine_.Extend(ask, lease_ms, base::ToInt(transaction.now())));
  }
  RETURN_IF_ERROR(WriteLease(ask.token.id, transaction));
  NudgeIfEarlier();
  return lives_ms;
}

std::size_t Jobs::Beat(NamespaceId home, std::string_view worker, std::int64_t lease_ms,
                       storage::Transaction& transaction) {
  std::vector<LeaseId> leases;
  {
    base::MutexLock lock(mutex_);
    leases = engine_.ExtendWorker(home, worker, lease_ms, base::ToInt(transaction.now()));
  }
  for (const LeaseId lease : leases) {
    (void)WriteLease(lease, transaction).ok();
  }
  NudgeIfEarlier();
  return leases.size();
}

base::Result<std::string> Jobs::WriteEnd(const SettleFacts& facts, const ResultRow& result,
                                         storage::Transaction& transaction) const {
  const base::UnixMillis expires = transaction.now() + result_ttl_ms_.load();
  std::string fill;
  if (facts.needs_row) {
    ASSIGN_OR_RETURN(const auto row,
                     transaction.Get(Family::kJobs, TaskKey(facts.home, RowKind::kTask, facts.id)));
    if (row.has_value()) {
      ASSIGN_OR_RETURN(const TaskRow task, ParseTask(row->value()));
      fill = task.fill;
      if (task.dedup.has_value()) {
        transaction.Put(Family::kJobs, HashKey(facts.home, RowKind::kDedup, *task.dedup),
                        FormatDedup(facts.id), expires);
      }
    }
  }
  transaction.Put(Family::kJobs, TaskKey(facts.home, RowKind::kResult, facts.id),
                  FormatResult(result), expires);
  transaction.Delete(Family::kJobs, TaskKey(facts.home, RowKind::kTask, facts.id));
  if (facts.has_payload_row) {
    transaction.Delete(Family::kJobs, TaskKey(facts.home, RowKind::kPayload, facts.id));
  }
  if (facts.has_state_row) {
    transaction.Delete(Family::kJobs, TaskKey(facts.home, RowKind::kState, facts.id));
  }
  return fill;
}

ResultRow Jobs::ResultOf(const SettleFacts& facts, Outcome outcome, std::int64_t now_ms) {
  ResultRow row;
  row.outcome = outcome;
  row.submitted_ms = facts.submitted_ms;
  row.finished_ms = now_ms;
  row.attempts = facts.attempts;
  row.category = facts.category;
  row.model = facts.model;
  row.custom_id = facts.custom_id;
  row.error = outcome == Outcome::kSucceeded ? std::string_view() : facts.error;
  return row;
}

// Of n tasks that went out together, each saved the part (n - 1) / n of a call and of the context.
// A task that ran at a cheaper hour saved the rest of the price.
void Jobs::TellSavings(const std::vector<Completed>& completed, storage::Transaction& transaction) {
  constexpr std::uint64_t kMillion = 1'000'000;
  const SettleFacts& first = completed.front().facts;  // All are of one lease, so of one group.
  Saving batching{Saving::By::kBatching, first.home, first.model, 0, 0, 0, 0};
  Saving deferral{Saving::By::kDeferral, first.home, first.model, 0, 0, 0, 0};
  for (const Completed& done : completed) {
    const SettleFacts& facts = done.facts;
    if (facts.batch_items > 1) {
      const std::uint64_t others = facts.batch_items - 1;
      ++batching.tasks;
      batching.calls_ppm += kMillion * others / facts.batch_items;
      batching.tokens_in += std::uint64_t{facts.context_tokens} * others / facts.batch_items;
    }
    if (facts.factor_ppm > 0 && facts.factor_ppm < kFullPricePpm && done.cost_nano.has_value()) {
      const auto rest = static_cast<double>(kFullPricePpm - facts.factor_ppm) /
                        static_cast<double>(facts.factor_ppm);
      ++deferral.tasks;
      deferral.cost_nano += static_cast<std::uint64_t>(static_cast<double>(*done.cost_nano) * rest);
    }
  }
  for (const Saving* saving : {&batching, &deferral}) {
    if (saving->tasks > 0 && saving_sink_) {
      saving_sink_(*saving, transaction);
    }
  }
  base::MutexLock lock(mutex_);
  engine_.CountSaved(first.home, {first.category, first.model, batching.calls_ppm,
                                  batching.tokens_in, deferral.cost_nano});
}

// Says what has become of a task that cannot be settled, where its row still tells.
Error Jobs::WhyNot(NamespaceId home, TaskId id, const Error& error,
                   storage::Transaction& transaction) const {
  const auto row = transaction.Get(Family::kJobs, TaskKey(home, RowKind::kResult, id));
  if (!row.ok() || !row.value().has_value()) {
    return error;
  }
  const auto result = ParseResult(row.value()->value());
  if (!result.ok()) {
    return error;
  }
  return {Code::kExists, "task " + TicketText(id) + " is settled already (" +
                             std::string(NameOf(result.value().outcome)) +
                             "); this result was not taken"};
}

base::Result<std::vector<Completed>> Jobs::Complete(const LeaseAsk& ask,
                                                    std::span<const CompletedItem> items,
                                                    storage::Transaction& transaction) {
  const std::int64_t now_ms = base::ToInt(transaction.now());
  std::vector<Completed> completed;
  const auto undo = [this, now_ms](const std::vector<Completed>& done) {
    Effects effects;
    {
      base::MutexLock lock(mutex_);
      for (const Completed& item : done) {
        engine_.AbortSettle(item.facts.home, item.facts.id, now_ms, effects);
      }
    }
    Carry(std::move(effects));
  };
  for (const CompletedItem& item : items) {
    auto facts = [&] {
      base::MutexLock lock(mutex_);
      return engine_.BeginSettle(ask, item.id);
    }();
    if (!facts.ok()) {
      undo(completed);
      return WhyNot(ask.home, item.id, facts.error(), transaction);
    }
    completed.push_back({std::move(facts).value(), {}, item.result, item.cost_nano, item.usage});
    Completed& done = completed.back();
    ResultRow row = ResultOf(done.facts, Outcome::kSucceeded, now_ms);
    row.usage = item.usage;
    row.result = item.result;
    row.cost_nano = item.cost_nano;
    auto fill = WriteEnd(done.facts, row, transaction);
    if (!fill.ok()) {
      undo(completed);
      return fill.error();
    }
    done.fill = std::move(fill).value();
  }
  TellSavings(completed, transaction);
  RequireSync(transaction);
  std::vector<std::pair<NamespaceId, TaskId>> ids;
  ids.reserve(completed.size());
  for (const Completed& done : completed) {
    ids.emplace_back(done.facts.home, done.facts.id);
  }
  transaction.OnAbort([undo, completed] { undo(completed); });
  transaction.OnCommit([this, ids = std::move(ids), now_ms] {
    Effects effects;
    {
      base::MutexLock lock(mutex_);
      for (const auto& [home, id] : ids) {
        engine_.EndSettle(home, id, Outcome::kSucceeded, now_ms, effects);
      }
    }
    Carry(std::move(effects));
  });
  return completed;
}

base::Result<Jobs::Failed> Jobs::Fail(const LeaseAsk& ask, const Engine::FailAsk& what,
                                      storage::Transaction& transaction) {
  const std::int64_t now_ms = base::ToInt(transaction.now());
  auto begun = [&] {
    base::MutexLock lock(mutex_);
    return engine_.BeginFail(ask, what, now_ms);
  }();
  if (!begun.ok()) {
    return what.items.size() == 1 ? WhyNot(ask.home, what.items[0], begun.error(), transaction)
                                  : begun.error();
  }
  auto plan = std::make_shared<const FailPlan>(std::move(begun).value());
  Failed failed;
  for (const Retry& retry : plan->tasks) {
    Engine::StateOf state;
    {
      base::MutexLock lock(mutex_);
      state = engine_.State(plan->home, retry.id).value_or(state);
      state.when_ms = retry.dies ? now_ms + engine_.options().dead_ttl_ms : retry.when_ms;
    }
    state.attempts = static_cast<std::uint8_t>(state.attempts + (retry.counts ? 1 : 0));
    state.batch_max = retry.batch_max;
    state.is_dead = retry.dies;
    state.last_lease = ToInt(plan->lease);
    state.error = retry.error;
    transaction.Put(Family::kJobs, TaskKey(plan->home, RowKind::kState, retry.id),
                    FormatState(state), storage::kNever);
    ++(retry.dies ? failed.dead : failed.retried);
    failed.retry_at_ms = retry.dies ? failed.retry_at_ms : retry.when_ms;
  }
  RequireSync(transaction);
  transaction.OnAbort([this, plan, now_ms] {
    Effects effects;
    {
      base::MutexLock lock(mutex_);
      engine_.AbortFail(*plan, now_ms, effects);
    }
    Carry(std::move(effects));
  });
  transaction.OnCommit([this, plan, now_ms] {
    Effects effects;
    {
      base::MutexLock lock(mutex_);
      engine_.EndFail(*plan, now_ms, effects);
    }
    Carry(std::move(effects));
  });
  return failed;
}

}  // namespace reprise::jobs
