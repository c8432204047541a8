// What is submitted, and what all parts share.
#include "server/jobs/jobs.h"

#include <algorithm>
#include <cstring>

#include "protocol/base/limits.h"
#include "protocol/base/random.h"
#include "server/config/share.h"
#include "server/jobs/submit_work.h"

namespace reprise::jobs {
namespace {

using base::Code;
using base::Error;
using storage::Family;

// Ids go on from the time, so that none is used again after a restart.
constexpr unsigned kIdsOfMs = 16;

std::uint64_t RandomSeed() {
  std::uint64_t seed = 0;
  const std::string bytes = base::RandomBytes(sizeof(seed));
  std::memcpy(&seed, bytes.data(), sizeof(seed));
  return seed;
}

Error About(std::size_t index, const Error& error) {
  return {error.code, "task " + std::to_string(index) + ": " + error.detail};
}

// Four bytes a token, and a third for safety.
std::uint32_t TokensOf(std::size_t bytes) {
  constexpr std::size_t kThird = 3;
  return static_cast<std::uint32_t>(
      std::min<std::size_t>(bytes / kThird + 1, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

Jobs::Jobs(storage::Store& store, const base::Clock& clock, const config::JobsOptions& options,
           std::uint64_t seed)
    : store_(store),
      clock_(clock),
      engine_(EngineOptionsOf(options), seed, base::ToInt(clock.Now())),
      options_(options),
      result_ttl_ms_(options.result_ttl_ms) {
  syncs_ = options.durability == config::JobsDurability::kAlways;
  next_id_ = static_cast<std::uint64_t>(base::ToInt(clock.Now())) << kIdsOfMs;
}

Jobs::~Jobs() = default;

EngineOptions Jobs::EngineOptionsOf(const config::JobsOptions& options) {
  EngineOptions made;
  made.closing.items_max = static_cast<std::uint32_t>(options.max_items);
  made.closing.items_min = static_cast<std::uint32_t>(options.min_items);
  made.closing.tokens_max = static_cast<std::uint64_t>(options.max_tokens);
  made.closing.call_worth_ms = options.call_worth_ms;
  made.backoff = {options.retry_ms, std::max(options.retry_ms, options.retry_max_ms)};
  made.limits.tasks_max = static_cast<std::uint64_t>(options.tasks_max);
  made.limits.tasks_total_max = static_cast<std::uint64_t>(options.total_tasks_max);
  made.limits.bytes_max = static_cast<std::uint64_t>(options.bytes_max);
  made.limits.dead_max = static_cast<std::uint64_t>(options.dead_max);
  made.late_ppm = options.late_ppm;
  made.ageing_ms = options.ageing_ms;
  made.service_prior_ms = options.service_ms;
  made.peak_percent = options.peak_percent;
  made.dead_ttl_ms = options.dead_ttl_ms;
  return made;
}

void Jobs::SetOptions(const config::JobsOptions& options,
                      const std::function<std::optional<NamespaceId>(std::string_view)>& name_of) {
  std::map<std::string, std::uint32_t> bounds;
  for (const std::string& text : options.model_calls) {
    if (const auto share = config::ParseShare(text)) {
      bounds[std::string(share->name)] = share->number;
    }
  }
  Effects effects;
  {
    base::MutexLock lock(mutex_);
    options_ = options;
    engine_.SetOptions(EngineOptionsOf(options));
    for (const std::string& text : options.weights) {
      const auto share = config::ParseShare(text);
      const auto home = share.has_value() ? name_of(share->name) : std::nullopt;
      if (home.has_value()) {
        engine_.SetWeight(*home, share->number);
      }
    }
    engine_.SetModelBounds(bounds, NowMs(), effects);
  }
  syncs_ = options.durability == config::JobsDurability::kAlways;
  result_ttl_ms_ = options.result_ttl_ms;
  Carry(std::move(effects));
}

void Jobs::OnNotice(NoticeSink sink) {
  auto made = sink ? std::make_shared<const NoticeSink>(std::move(sink)) : nullptr;
  base::MutexLock lock(mutex_);
  notice_sink_ = std::move(made);
}

TaskId Jobs::TakeId(std::int64_t now_ms) {
  next_id_ = std::max(next_id_ + 1, static_cast<std::uint64_t>(now_ms) << kIdsOfMs);
  return TaskId{next_id_};
}

void Jobs::RequireSync(storage::Transaction& transaction) const {
  if (syncs_.load(std::memory_order_relaxed)) {
    transaction.RequireSync();
  }
}

base::Result<std::optional<TaskId>> Jobs::FindDuplicate(NamespaceId home, const GroupHash& dedup,
                                                        storage::Transaction& transaction) const {
  ASSIGN_OR_RETURN(const auto row,
                   transaction.Get(Family::kJobs, HashKey(home, RowKind::kDedup, dedup)));
  if (!row.has_value()) {
    return std::optional<TaskId>();
  }
  ASSIGN_OR_RETURN(const TaskId id, ParseDedup(row->value()));
  return std::optional(id);
}

// A ticket to wait for must be of a task that may still succeed, or has.
base::Status Jobs::ResolveTicket(TaskId id, NewTask& made,
                                 storage::Transaction& transaction) const {
  made.after.push_back(id);
  const bool is_alive = [&] {
    base::MutexLock lock(mutex_);
    const auto view = engine_.View(made.home, id);
    return view.has_value() && view->place != Place::kDead;
  }();
  if (is_alive) {
    made.blockers.push_back(id);
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(const auto row,
                   transaction.Get(Family::kJobs, TaskKey(made.home, RowKind::kResult, id)));
  if (!row.has_value()) {
    return Error{Code::kNotFound,
                 "'after' names ticket " + TicketText(id) + ", which is not known"};
  }
  ASSIGN_OR_RETURN(const ResultRow result, ParseResult(row->value()));
  if (result.outcome != Outcome::kSucceeded) {
    return Error{Code::kBadRequest, "'after' names ticket " + TicketText(id) + ", which has " +
                                        std::string(NameOf(result.outcome)) +
                                        ": what waits for it could never run"};
  }
  return base::Ok{};
}

base::Status Jobs::ResolveAfter(std::size_t index, const Submission& task, SubmitWork& work,
                                NewTask& made, storage::Transaction& transaction) const {
  for (const auto& named : task.after) {
    if (const std::size_t* other = std::get_if<std::size_t>(&named)) {
      if (*other >= work.count) {
        return Error{Code::kBadRequest, "'after' names task " + std::to_string(*other) +
                                            ", but the call has " + std::to_string(work.count)};
      }
      work.edges.emplace_back(index, *other);
      continue;
    }
    RETURN_IF_ERROR(ResolveTicket(std::get<TaskId>(named), made, transaction));
  }
  return base::Ok{};
}

base::Status Jobs::JoinGroup(const Submission& task, SubmitWork& work, NewTask& made,
                             storage::Transaction& transaction) {
  GroupRow row{task.category, task.model, task.context_key, 0, task.parameters, task.context};
  row.context_tokens = task.context.empty() ? 0 : TokensOf(task.context.size());
  GroupSpec spec;
  spec.hash =
      HashOf({task.category, task.model, task.context_key,
              task.context_key.empty() ? task.context : std::string_view(), task.parameters});
  spec.category = task.category;
  spec.model = task.model;
  spec.context_key = task.context_key;
  spec.context_tokens = row.context_tokens;
  bool writes_row = false;
  {
    Effects effects;
    base::MutexLock lock(mutex_);
    ASSIGN_OR_RETURN(made.group, engine_.HoldGroup(work.home, spec, effects));
    work.held.push_back(made.group);
    const RowState before = engine_.RowOf(made.group);
    const bool has_context = before.has_context || !task.context.empty();
    writes_row = !before.is_written || has_context != before.has_context;
    if (writes_row) {
      engine_.SetRow(made.group, {true, has_context});
      work.rows_before.emplace_back(made.group, before);
    }
    std::move(effects.upkeep.begin(), effects.upkeep.end(), std::back_inserter(upkeep_));
  }
  work.hashes.push_back(spec.hash);
  if (writes_row) {
    transaction.Put(Family::kJobs, HashKey(work.home, RowKind::kGroup, spec.hash), FormatGroup(row),
                    storage::kNever);
  }
  return base::Ok{};
}

base::Status Jobs::Prepare(std::size_t index, const Submission& task, SubmitWork& work,
                           storage::Transaction& transaction) {
  NewTask made;
  made.home = work.home;
  made.submitted_ms = work.now_ms;
  made.payload_bytes = static_cast<std::uint32_t>(task.payload.size());
  made.tokens = task.tokens.value_or(TokensOf(task.payload.size()));
  made.priority = task.priority;
  made.custom_id = task.custom_id;
  made.reply_to = task.reply_to;
  made.needs_row = !task.fill.empty() || !task.dedup.empty();
  made.has_payload_row = task.payload.size() > kInlinePayloadBytes;
  RETURN_IF_ERROR(ResolveAfter(index, task, work, made, transaction));
  RETURN_IF_ERROR(JoinGroup(task, work, made, transaction));
  base::MutexLock lock(mutex_);
  made.id = TakeId(work.now_ms);
  made.attempts_max = task.attempts_max.value_or(static_cast<std::uint8_t>(options_.max_attempts));
  made.max_wait_ms =
      work.strategies.batching
          ? task.max_wait_ms.value_or(static_cast<std::uint32_t>(options_.max_wait_ms))
          : 0;
  made.may_be_late = work.strategies.batching && !task.max_wait_ms.has_value();
  made.batch_max = work.strategies.batching ? 0 : 1;
  made.deadline_ms = task.deadline_ms;
  DeferralAsk ask;
  ask.defer = work.strategies.deferral ? task.defer : Defer::kNever;
  ask.now = base::UnixMillis{work.now_ms};
  ask.earliest = base::UnixMillis{task.not_before_ms};
  const std::int64_t earliest_ms = std::max(work.now_ms, task.not_before_ms);
  if (ask.defer != Defer::kNever && made.deadline_ms == 0) {
    ask.deadline = base::UnixMillis{earliest_ms + options_.defer_max_ms} + options_.service_ms;
  } else {
    ask.deadline = base::UnixMillis{made.deadline_ms};
  }
  const DeferralDecision decision = engine_.Defer(made.group, ask);
  made.defer = ask.defer;
  made.defer_reason = task.defer != Defer::kNever && !work.strategies.deferral
                          ? DeferReason::kSwitchedOff
                          : decision.reason;
  made.not_before_ms = base::ToInt(decision.not_before);
  work.made.emplace_back(index, std::move(made));
  return base::Ok{};
}

base::Result<std::vector<Submitted>> Jobs::Submit(NamespaceId home,
                                                  std::span<const Submission> tasks,
                                                  const Strategies& strategies,
                                                  storage::Transaction& transaction) {
  auto work = std::make_shared<SubmitWork>();
  work->home = home;
  work->count = tasks.size();
  work->strategies = strategies;
  work->now_ms = base::ToInt(transaction.now());
  for (const Submission& task : tasks) {
    work->bytes += task.payload.size();
  }
  {
    base::MutexLock lock(mutex_);
    RETURN_IF_ERROR(engine_.Reserve(home, tasks.size(), work->bytes));
  }
  std::vector<Submitted> submitted(tasks.size());
  const base::Status prepared = WriteTasks(tasks, *work, submitted, transaction);
  if (!prepared.ok()) {
    Undo(*work);
    return prepared.error();
  }
  RequireSync(transaction);
  transaction.OnAbort([this, work] { Undo(*work); });
  transaction.OnCommit([this, work] { Add(*work); });
  return submitted;
}

base::Status Jobs::WriteTasks(std::span<const Submission> tasks, SubmitWork& work,
                              std::vector<Submitted>& submitted,
                              storage::Transaction& transaction) {
  std::map<GroupHash, std::size_t> seen;
  std::vector<std::optional<GroupHash>> dedups(tasks.size());
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (!tasks[i].dedup.empty()) {
      dedups[i] = HashOf({tasks[i].dedup});
      const auto known = seen.emplace(*dedups[i], i);
      if (!known.second) {
        work.same_as[i] = known.first->second;
        continue;
      }
      ASSIGN_OR_RETURN(const auto duplicate, FindDuplicate(work.home, *dedups[i], transaction));
      if (duplicate.has_value()) {
        submitted[i] = {*duplicate, true, work.now_ms, DeferReason::kNotAsked};
        continue;
      }
    }
    if (const base::Status prepared = Prepare(i, tasks[i], work, transaction); !prepared.ok()) {
      return About(i, prepared.error());
    }
    const NewTask& made = work.made.back().second;
    submitted[i] = {made.id, false, made.not_before_ms, made.defer_reason};
  }
  for (const auto& [index, first] : work.same_as) {
    submitted[index] = submitted[first];
    submitted[index].is_duplicate = true;
  }
  RETURN_IF_ERROR(ResolveDuplicates(work, submitted, transaction));
  RETURN_IF_ERROR(work.TieTogether(submitted));
  for (std::size_t n = 0; n < work.made.size(); ++n) {
    const auto& [index, made] = work.made[n];
    WriteTask(tasks[index], made, work.hashes[n], dedups[index], transaction);
  }
  return base::Ok{};
}

// An index that is waited for may turn out to be a task of an earlier call.
base::Status Jobs::ResolveDuplicates(SubmitWork& work, const std::vector<Submitted>& submitted,
                                     storage::Transaction& transaction) const {
  std::vector<std::pair<std::size_t, std::size_t>> edges;
  for (auto [index, other] : work.edges) {
    const auto same = work.same_as.find(other);
    other = same == work.same_as.end() ? other : same->second;
    if (!submitted[other].is_duplicate) {
      edges.emplace_back(index, other);
      continue;
    }
    for (auto& [made_index, made] : work.made) {
      if (made_index != index) {
        continue;
      }
      if (const base::Status resolved = ResolveTicket(submitted[other].id, made, transaction);
          !resolved.ok()) {
        return About(index, resolved.error());
      }
    }
  }
  work.edges = std::move(edges);
  return base::Ok{};
}

void Jobs::WriteTask(const Submission& task, const NewTask& made, const GroupHash& group,
                     const std::optional<GroupHash>& dedup, storage::Transaction& transaction) {
  const NamespaceId home = made.home;
  TaskRow row;
  row.group = group;
  row.submitted_ms = made.submitted_ms;
  row.not_before_ms = made.not_before_ms;
  row.deadline_ms = made.deadline_ms;
  row.max_wait_ms = made.max_wait_ms;
  row.tokens = made.tokens;
  row.payload_bytes = made.payload_bytes;
  row.priority = made.priority;
  row.attempts_max = made.attempts_max;
  row.defer = made.defer;
  row.defer_reason = made.defer_reason;
  row.custom_id = made.custom_id;
  row.reply_to = made.reply_to;
  row.after = made.after;
  row.dedup = dedup;
  row.fill = task.fill;
  if (!made.has_payload_row) {
    row.payload = task.payload;
  } else {
    transaction.Put(Family::kJobs, TaskKey(home, RowKind::kPayload, made.id), task.payload,
                    storage::kNever);
  }
  transaction.Put(Family::kJobs, TaskKey(home, RowKind::kTask, made.id), FormatTask(row),
                  storage::kNever);
  if (dedup.has_value()) {
    transaction.Put(Family::kJobs, HashKey(home, RowKind::kDedup, *dedup), FormatDedup(made.id),
                    storage::kNever);
  }
}

// Nothing of the call is left.
void Jobs::Undo(const SubmitWork& work) {
  base::MutexLock lock(mutex_);
  engine_.Unreserve(work.home, work.count, work.bytes);
  for (auto row = work.rows_before.rbegin(); row != work.rows_before.rend(); ++row) {
    engine_.SetRow(row->first, row->second);
  }
  for (const Slot group : work.held) {
    engine_.ReleaseGroup(group, work.now_ms);
  }
}

void Jobs::Add(SubmitWork& work) {
  Effects effects;
  {
    base::MutexLock lock(mutex_);
    const std::uint64_t duplicates = work.count - work.made.size();
    std::uint64_t bytes = work.bytes;
    for (auto& [index, made] : work.made) {
      bytes -= made.payload_bytes;
      engine_.Add(work.home, std::move(made), work.now_ms, effects);
    }
    engine_.Unreserve(work.home, duplicates, bytes);
    (void)engine_.Advance(work.now_ms, 0, effects);  // No time passes; who waits is served.
  }
  Carry(std::move(effects));
}

std::optional<TaskView> Jobs::View(NamespaceId home, TaskId id) const {
  base::MutexLock lock(mutex_);
  return engine_.View(home, id);
}

base::Result<std::optional<storage::BlobRef>> Jobs::FindResult(NamespaceId home, TaskId id,
                                                               const storage::View& view) {
  return view.Get(Family::kJobs, TaskKey(home, RowKind::kResult, id));
}

std::unique_ptr<Jobs> Jobs::Make(storage::Store& store, const base::Clock& clock,
                                 const config::JobsOptions& options) {
  return std::unique_ptr<Jobs>(new Jobs(store, clock, options, RandomSeed()));
}

}  // namespace reprise::jobs
