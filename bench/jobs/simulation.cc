#include "bench/jobs/simulation.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "protocol/base/ensure.h"

namespace reprise::bench {
namespace {

constexpr std::size_t kSteps = 100'000;

jobs::GroupSpec GroupOf(const std::string& category) {
  jobs::GroupSpec group;
  group.category = category;
  group.model = "m";
  for (std::size_t i = 0; i < category.size(); ++i) {
    char& byte = group.hash[i % group.hash.size()];
    byte = static_cast<char>(byte * 31 + category[i]);
  }
  return group;
}

}  // namespace

Simulation::Simulation(const jobs::EngineOptions& options, std::int64_t start_ms,
                       std::size_t workers, ServiceMs service_ms)
    : engine_(options, 1, start_ms),
      service_ms_(std::move(service_ms)),
      workers_(workers == 0 ? std::numeric_limits<std::size_t>::max() : workers),
      now_ms_(start_ms) {}

std::uint64_t Simulation::Submit(const SimulatedTask& from) {
  jobs::Effects effects;
  const auto group = engine_.HoldGroup(from.home, GroupOf(from.category), effects);
  ENSURE(group.ok());
  ENSURE(engine_.Reserve(from.home, 1, 100).ok());
  jobs::NewTask task;
  task.home = from.home;
  task.id = jobs::TaskId{next_id_++};
  task.group = group.value();
  task.submitted_ms = now_ms_;
  task.not_before_ms = now_ms_;
  task.deadline_ms = from.deadline_ms;
  task.max_wait_ms = from.max_wait_ms;
  task.may_be_late = true;
  task.tokens = from.tokens;
  task.payload_bytes = 100;
  task.priority = 5;
  task.attempts_max = 5;
  if (from.defer != jobs::Defer::kNever) {
    jobs::DeferralAsk ask;
    ask.defer = from.defer;
    ask.now = ask.earliest = base::UnixMillis{now_ms_};
    ask.deadline = base::UnixMillis{from.deadline_ms};
    const jobs::DeferralDecision decision = engine_.Defer(group.value(), ask);
    task.defer = from.defer;
    task.not_before_ms = std::max(now_ms_, base::ToInt(decision.not_before));
    task.defer_reason = decision.reason;
  }
  const std::uint64_t number = jobs::ToInt(task.id);
  known_[number] = {now_ms_, 0, 0};
  engine_.Add(from.home, std::move(task), now_ms_, effects);
  Note(effects);
  TakeAll();
  return number;
}

void Simulation::TakeAll() {
  jobs::TakeAsk ask;
  ask.all_namespaces = true;
  ask.worker = "w";
  ask.lease_ms = std::int64_t{1} << 40;
  while (running_.size() < workers_) {
    const auto lease = engine_.Take(ask, now_ms_);
    if (!lease.has_value()) {
      return;
    }
    ENSURE(engine_.Grant(*lease, now_ms_));
    const auto view = engine_.ViewLease(*lease);
    ++batches_;
    for (const auto& item : view->items) {
      Known& known = known_[jobs::ToInt(item.id)];
      known.taken_ms = now_ms_;
      known.batch = view->items.size();
    }
    running_.push({now_ms_ + service_ms_(*view), *lease});
  }
}

void Simulation::Complete(jobs::LeaseId lease) {
  const auto view = engine_.ViewLease(lease);
  jobs::Effects effects;
  for (const auto& item : view->items) {
    const auto facts = engine_.BeginSettle({view->home, true, view->token}, item.id);
    ENSURE(facts.ok());
    engine_.EndSettle(view->home, item.id, jobs::Outcome::kSucceeded, now_ms_, effects);
  }
  Note(effects);
}

void Simulation::Note(const jobs::Effects& effects) {
  for (const jobs::Notice& notice : effects.notices) {
    const auto known = known_.find(jobs::ToInt(notice.id));
    ended_.push_back({notice.home, known->first, known->second.submitted_ms, known->second.taken_ms,
                      now_ms_, known->second.batch, notice.outcome});
    known_.erase(known);
  }
  // What expired is settled by its owner, the Jobs, when its row is written.
  for (const jobs::Upkeep& upkeep : effects.upkeep) {
    if (upkeep.kind == jobs::Upkeep::Kind::kExpired) {
      jobs::Effects more;
      engine_.EndSettle(upkeep.home, upkeep.task, jobs::Outcome::kExpired, now_ms_, more);
      Note(more);
    }
  }
}

std::optional<std::int64_t> Simulation::NextMs() const {
  std::optional<std::int64_t> next = engine_.NextMs();
  if (!running_.empty()) {
    next = std::min(next.value_or(running_.top().ends_ms), running_.top().ends_ms);
  }
  return next;
}

void Simulation::RunUntil(std::int64_t at_ms) {
  for (;;) {
    const auto next = NextMs();
    if (!next.has_value() || *next > at_ms) {
      break;
    }
    now_ms_ = std::max(now_ms_, *next);
    while (!running_.empty() && running_.top().ends_ms <= now_ms_) {
      const jobs::LeaseId lease = running_.top().lease;
      running_.pop();
      Complete(lease);
    }
    jobs::Effects effects;
    while (!engine_.Advance(now_ms_, kSteps, effects)) {
    }
    Note(effects);
    TakeAll();
  }
  now_ms_ = std::max(now_ms_, at_ms);
}

void Simulation::Finish() {
  while (!known_.empty()) {
    const auto next = NextMs();
    ENSURE(next.has_value());
    RunUntil(*next);
  }
}

}  // namespace reprise::bench
