// What the tests of the engine share: an engine on a clock that is moved by hand, short forms.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "server/jobs/engine.h"

namespace reprise::jobs {

inline constexpr NamespaceId kHome{1};
inline constexpr NamespaceId kOther{2};

inline EngineOptions QuickOptions() {
  EngineOptions options;
  options.late_ppm = 0;
  options.service_prior_ms = 1'000;
  return options;
}

struct Kit {
  explicit Kit(EngineOptions options = QuickOptions(), std::uint64_t seed = 7)
      : engine(options, seed, now_ms) {}

  struct Spec {
    NamespaceId home = kHome;
    std::string category = "c";
    std::string model = "m";
    std::string context{};
    std::uint32_t max_wait_ms = 0;
    std::int64_t delay_ms = 0;
    std::int64_t deadline_in_ms = 0;
    std::uint8_t priority = 5;
    std::uint8_t attempts_max = 3;
    std::uint32_t tokens = 10;
    Defer defer = Defer::kNever;
    DeferReason reason = DeferReason::kNotAsked;
    std::vector<TaskId> after{};
    bool may_be_late = true;
  };

  static GroupSpec GroupOf(const Spec& spec) {
    GroupSpec group;
    group.category = spec.category;
    group.model = spec.model;
    group.context_key = spec.context;
    const std::string text = spec.category + "|" + spec.model + "|" + spec.context;
    for (std::size_t i = 0; i < text.size(); ++i) {
      char& byte = group.hash[i % group.hash.size()];
      byte = static_cast<char>(byte * 31 + text[i]);
    }
    return group;
  }

  TaskId Submit(const Spec& spec) {
    const auto group = engine.HoldGroup(spec.home, GroupOf(spec), effects);
    REQUIRE(group.ok());
    REQUIRE(engine.Reserve(spec.home, 1, 100).ok());
    NewTask task;
    task.id = TaskId{next_id++};
    task.group = group.value();
    task.submitted_ms = now_ms;
    task.not_before_ms = now_ms + spec.delay_ms;
    task.deadline_ms = spec.deadline_in_ms == 0 ? 0 : now_ms + spec.deadline_in_ms;
    task.max_wait_ms = spec.max_wait_ms;
    task.may_be_late = spec.may_be_late;
    task.priority = spec.priority;
    task.attempts_max = spec.attempts_max;
    task.tokens = spec.tokens;
    task.payload_bytes = 100;
    task.defer = spec.defer;
    task.defer_reason = spec.reason;
    task.after = spec.after;
    task.blockers = spec.after;
    engine.Add(spec.home, std::move(task), now_ms, effects);
    (void)engine.Advance(now_ms, 0, effects);
    return TaskId{next_id - 1};
  }

  static TakeAsk Ask(NamespaceId home = kHome, std::uint32_t items_max = 0) {
    TakeAsk ask;
    ask.home = home;
    ask.worker = "w";
    ask.items_max = items_max;
    return ask;
  }

  // The items of a batch, in order of their tickets; empty when there is none.
  std::vector<TaskId> Take(const TakeAsk& ask) {
    const auto taken = engine.Take(ask, now_ms);
    if (!taken.has_value()) {
      return {};
    }
    REQUIRE(engine.Grant(*taken, now_ms));
    return Open(*taken);
  }
  std::vector<TaskId> Take(NamespaceId home = kHome, std::uint32_t items_max = 0) {
    return Take(Ask(home, items_max));
  }
  std::vector<TaskId> Open(LeaseId id) {
    const auto view = engine.ViewLease(id);
    REQUIRE(view.has_value());
    last = view->token;
    std::vector<TaskId> items;
    for (const BatchView::Item& item : view->items) {
      items.push_back(item.id);
    }
    std::sort(items.begin(), items.end());
    return items;
  }

  LeaseAsk Lease(NamespaceId home = kHome) const { return {home, false, last}; }

  base::Status Complete(TaskId id, NamespaceId home = kHome) {
    const auto facts = engine.BeginSettle(Lease(home), id);
    if (!facts.ok()) {
      return facts.error();
    }
    engine.EndSettle(facts.value().home, id, Outcome::kSucceeded, now_ms, effects);
    return base::Ok{};
  }
  base::Status Fail(std::vector<TaskId> items, bool may_retry = true) {
    const auto plan = engine.BeginFail(Lease(), {std::move(items), "it broke", may_retry}, now_ms);
    if (!plan.ok()) {
      return plan.error();
    }
    engine.EndFail(plan.value(), now_ms, effects);
    return base::Ok{};
  }

  void Advance(std::int64_t ms) {
    now_ms += ms;
    while (!engine.Advance(now_ms, 1'000, effects)) {
    }
    Settle();
    engine.CheckInvariants();
  }
  // As Jobs does it: what is to be written is, and settles.
  void Settle() {
    for (std::size_t i = 0; i < effects.upkeep.size(); ++i) {
      const Upkeep upkeep = effects.upkeep[i];
      switch (upkeep.kind) {
        case Upkeep::Kind::kExpired:
          engine.EndSettle(upkeep.home, upkeep.task, Outcome::kExpired, now_ms, effects);
          break;
        case Upkeep::Kind::kDoomed:
          engine.EndSettle(upkeep.home, upkeep.task, Outcome::kCanceled, now_ms, effects);
          break;
        case Upkeep::Kind::kDeadOut:
          engine.EndSettle(upkeep.home, upkeep.task, Outcome::kFailed, now_ms, effects);
          break;
        case Upkeep::Kind::kState:
        case Upkeep::Kind::kLeaseGone:
        case Upkeep::Kind::kGroupGone:
          break;
      }
    }
    effects.upkeep.clear();
  }
  std::string PlaceOf(TaskId id, NamespaceId home = kHome) const {
    const auto view = engine.View(home, id);
    if (!view.has_value()) {
      return "gone";
    }
    constexpr std::string_view kNames[] = {"free", "blocked", "delayed", "ready", "leased", "dead"};
    return std::string(kNames[static_cast<std::size_t>(view->place)]);
  }
  std::vector<std::pair<TaskId, Outcome>> TakeNotices() {
    std::vector<std::pair<TaskId, Outcome>> outcomes;
    for (const Notice& notice : effects.notices) {
      outcomes.emplace_back(notice.id, notice.outcome);
    }
    effects.notices.clear();
    return outcomes;
  }

  std::int64_t now_ms = 1'700'000'000'000;
  std::uint64_t next_id = 1;
  Effects effects;
  LeaseToken last;
  Engine engine;
};

}  // namespace reprise::jobs
