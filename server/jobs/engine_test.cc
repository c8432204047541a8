#include <algorithm>

#include <catch2/catch.hpp>

#include "server/jobs/test_engine.h"

namespace reprise::jobs {
namespace {

using base::Code;
using Ids = std::vector<TaskId>;
using Outcomes = std::vector<std::pair<TaskId, Outcome>>;

TEST_CASE("tasks that differ in namespace, category, model or context never share a batch") {
  Kit kit;
  const TaskId a = kit.Submit({});
  const TaskId b = kit.Submit({});
  const TaskId other_category = kit.Submit({.category = "d"});
  const TaskId other_model = kit.Submit({.model = "n"});
  const TaskId other_context = kit.Submit({.context = "x"});
  const TaskId foreign = kit.Submit({.home = kOther});
  CHECK(kit.Take() == Ids{a, b});
  CHECK(kit.Take() == Ids{other_category});
  CHECK(kit.Take() == Ids{other_model});
  CHECK(kit.Take() == Ids{other_context});
  CHECK(kit.Take().empty());
  CHECK(kit.Take(kOther) == Ids{foreign});
}

TEST_CASE("a group waits for company, and goes when its first task has waited enough") {
  Kit kit;
  const TaskId a = kit.Submit({.max_wait_ms = 2'000});
  kit.Advance(1'000);
  const TaskId b = kit.Submit({.max_wait_ms = 2'000});
  CHECK(kit.Take().empty());
  kit.Advance(999);
  CHECK(kit.Take().empty());
  kit.Advance(1);
  CHECK(kit.Take() == Ids{a, b});
}

TEST_CASE("ten tasks go at once, and no batch has more") {
  Kit kit;
  Ids ids;
  for (int i = 0; i < 13; ++i) {
    ids.push_back(kit.Submit({.max_wait_ms = 2'000}));
  }
  CHECK(kit.Take() == Ids(ids.begin(), ids.begin() + 10));
  CHECK(kit.Take().empty());
  kit.Advance(2'000);
  CHECK(kit.Take(kHome, 2) == Ids(ids.begin() + 10, ids.begin() + 12));
  CHECK(kit.Take() == Ids{ids[12]});
}

TEST_CASE("a batch holds as many tokens as it may, and one task at least") {
  Kit kit;
  const TaskId a = kit.Submit({.max_wait_ms = 2'000, .tokens = 9'000});
  const TaskId b = kit.Submit({.max_wait_ms = 2'000, .tokens = 9'000});
  const TaskId huge = kit.Submit({.max_wait_ms = 2'000, .tokens = 90'000});
  CHECK(kit.Take() == Ids{a});
  CHECK(kit.Take() == Ids{b});
  CHECK(kit.Take() == Ids{huge});
}

TEST_CASE("items are handed out in an order that is no order of arrival") {
  Kit kit;
  int in_order = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 10; ++i) {
      kit.Submit({});
    }
    const auto taken = kit.engine.Take(Kit::Ask(), kit.now_ms);
    const auto view = kit.engine.ViewLease(*taken);
    in_order += std::is_sorted(view->items.begin(), view->items.end(),
                               [](const auto& a, const auto& b) { return a.id < b.id; })
                    ? 1
                    : 0;
  }
  CHECK(in_order == 0);
}

TEST_CASE("higher priority goes first, but age makes up for it") {
  Kit kit;
  const TaskId low = kit.Submit({.category = "low", .priority = 0});
  kit.Advance(80'000);
  const TaskId high = kit.Submit({.category = "high", .priority = 9});
  CHECK(kit.Take() == Ids{high});
  CHECK(kit.Take() == Ids{low});
  const TaskId old_low = kit.Submit({.category = "low", .priority = 0});
  kit.Advance(90'001);
  const TaskId new_high = kit.Submit({.category = "high", .priority = 9});
  CHECK(kit.Take() == Ids{old_low});
  CHECK(kit.Take() == Ids{new_high});
}

TEST_CASE("a delay ends at its millisecond; it is no lease") {
  Kit kit;
  const TaskId id = kit.Submit({.delay_ms = 60'000});
  CHECK(kit.PlaceOf(id) == "delayed");
  CHECK(kit.engine.NextMs().value() <= kit.now_ms + 60'000);
  kit.Advance(59'999);
  CHECK(kit.Take().empty());
  kit.Advance(1);
  CHECK(kit.Take() == Ids{id});
}

TEST_CASE("a taker that waits gets the batch when it comes, the longest waiting first") {
  Kit kit;
  CHECK_FALSE(kit.engine.TakeOrWait(Kit::Ask(), TakerId{1}, kit.now_ms + 5'000, kit.now_ms)
                  .value()
                  .has_value());
  CHECK_FALSE(kit.engine.TakeOrWait(Kit::Ask(), TakerId{2}, kit.now_ms + 5'000, kit.now_ms)
                  .value()
                  .has_value());
  const TaskId id = kit.Submit({});
  REQUIRE(kit.effects.batches.size() == 1);
  CHECK(kit.effects.batches[0].first == TakerId{1});
  CHECK(kit.Open(kit.effects.batches[0].second) == Ids{id});
  kit.Advance(5'000);
  CHECK(kit.effects.timed_out == std::vector{TakerId{2}});
  CHECK_FALSE(kit.engine.RemoveTaker(TakerId{2}));
}

TEST_CASE("a taker gets only what it asks for") {
  Kit kit;
  TakeAsk ask = Kit::Ask();
  ask.categories = {"x", "y"};
  ask.models = {"n"};
  CHECK_FALSE(
      kit.engine.TakeOrWait(ask, TakerId{1}, kit.now_ms + 5'000, kit.now_ms).value().has_value());
  kit.Submit({.category = "x"});
  kit.Submit({.category = "z", .model = "n"});
  CHECK(kit.effects.batches.empty());
  kit.Submit({.category = "y", .model = "n"});
  CHECK(kit.effects.batches.size() == 1);
}

TEST_CASE("a completed task is gone, and cannot be completed twice") {
  Kit kit;
  const TaskId a = kit.Submit({});
  const TaskId b = kit.Submit({});
  CHECK(kit.Take() == Ids{a, b});
  CHECK(kit.Complete(a).ok());
  CHECK(kit.TakeNotices() == Outcomes{{a, Outcome::kSucceeded}});
  CHECK(kit.Complete(a).error().code == Code::kExists);
  CHECK(kit.Complete(TaskId{999}).error().code == Code::kNotFound);
  CHECK(kit.Complete(b).ok());
  CHECK(kit.Complete(b).error().code ==
        Code::kNotFound);  // The lease has ended with its last item.
  kit.engine.CheckInvariants();
  CHECK(kit.engine.tasks() == 0);
}

TEST_CASE("a task that is being settled is out of everybody's reach until that is decided") {
  Kit kit;
  const TaskId id = kit.Submit({});
  CHECK(kit.Take() == Ids{id});
  REQUIRE(kit.engine.BeginSettle(kit.Lease(), id).ok());
  CHECK_FALSE(kit.engine.BeginSettle(kit.Lease(), id).ok());
  CHECK(kit.engine.BeginCancel(kHome, id, kit.now_ms).error().code == Code::kExists);
  kit.Advance(60'001);  // The lease is over meanwhile.
  CHECK(kit.PlaceOf(id) == "leased");
  kit.engine.AbortSettle(kHome, id, kit.now_ms, kit.effects);
  kit.Advance(0);
  CHECK(kit.PlaceOf(id) == "delayed");
}

TEST_CASE("a lease that ends gives its tasks back, in halves, and the late worker is refused") {
  Kit kit;
  Ids ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(kit.Submit({}));
  }
  CHECK(kit.Take() == ids);
  const LeaseAsk late = kit.Lease();
  kit.Advance(59'999);
  CHECK(kit.PlaceOf(ids[0]) == "leased");
  kit.Advance(1);
  CHECK(kit.PlaceOf(ids[0]) == "delayed");
  CHECK(kit.engine.BeginSettle(late, ids[0]).error().code == Code::kNotFound);
  CHECK_FALSE(kit.engine.Extend(late, 0, kit.now_ms).ok());
  kit.Advance(1'000);
  CHECK(kit.Take().size() == 2);
  CHECK(kit.Take().size() == 2);
  CHECK(kit.engine.View(kHome, ids[0])->attempts == 2);
}

TEST_CASE("extending a lease keeps it, alone or with all of a worker") {
  Kit kit;
  const TaskId a = kit.Submit({});
  CHECK(kit.Take() == Ids{a});
  const TaskId b = kit.Submit({.category = "d"});
  CHECK(kit.Take() == Ids{b});
  kit.Advance(50'000);
  CHECK(kit.engine.Extend(kit.Lease(), 0, kit.now_ms).value() == 60'000);
  kit.Advance(20'000);
  CHECK(kit.PlaceOf(a) != "leased");
  CHECK(kit.PlaceOf(b) == "leased");
  CHECK(kit.engine.ExtendWorker(kHome, "w", 30'000, kit.now_ms).size() == 1);
  CHECK(kit.engine.ExtendWorker(kHome, "nobody", 30'000, kit.now_ms).empty());
  CHECK(kit.engine.ExtendWorker(kOther, "w", 30'000, kit.now_ms).empty());
  kit.Advance(29'999);
  CHECK(kit.PlaceOf(b) == "leased");
  kit.Advance(1);
  CHECK(kit.PlaceOf(b) != "leased");
}

TEST_CASE("a foreign lease cannot be used") {
  Kit kit;
  const TaskId id = kit.Submit({});
  CHECK(kit.Take() == Ids{id});
  CHECK(kit.Complete(id, kOther).error().code == Code::kNotFound);
  LeaseAsk guessed = kit.Lease();
  guessed.token.nonce ^= 1U;
  CHECK(kit.engine.BeginSettle(guessed, id).error().code == Code::kNotFound);
  CHECK(kit.Complete(id).ok());
}

TEST_CASE("a task that fails is tried again after a back-off, until it dies") {
  Kit kit;
  const TaskId id = kit.Submit({.attempts_max = 3});
  for (int attempt = 1; attempt <= 2; ++attempt) {
    CHECK(kit.Take() == Ids{id});
    CHECK(kit.Fail({id}).ok());
    CHECK(kit.PlaceOf(id) == "delayed");
    CHECK(kit.Take().empty());
    kit.Advance(std::int64_t{2'000} * attempt);
  }
  CHECK(kit.Take() == Ids{id});
  CHECK(kit.TakeNotices().empty());
  CHECK(kit.Fail({id}).ok());
  CHECK(kit.PlaceOf(id) == "dead");
  CHECK(kit.TakeNotices() == Outcomes{{id, Outcome::kFailed}});
  CHECK(kit.engine.View(kHome, id)->error == "it broke");
  CHECK(kit.engine.DeadLetters(kHome, TaskId{0}, 10) == Ids{id});
  REQUIRE(kit.engine.BeginReplay(kHome, id).ok());
  kit.engine.EndReplay(kHome, id, kit.now_ms, kit.effects);
  CHECK(kit.Take() == Ids{id});
  CHECK(kit.engine.View(kHome, id)->attempts == 1);
  CHECK(kit.Fail({id}, false).ok());  // For good.
  CHECK(kit.PlaceOf(id) == "dead");
  REQUIRE(kit.engine.BeginPurge(kHome, id).ok());
  kit.engine.EndSettle(kHome, id, Outcome::kFailed, kit.now_ms, kit.effects);
  CHECK(kit.PlaceOf(id) == "gone");
  kit.engine.CheckInvariants();
}

TEST_CASE("a batch that fails as a whole is halved until the poison stands alone") {
  Kit kit;
  Ids ids;
  for (int i = 0; i < 10; ++i) {
    ids.push_back(kit.Submit({.attempts_max = 3}));
  }
  const TaskId poison = ids[3];
  std::size_t done = 0;
  for (int round = 0; round < 60 && kit.PlaceOf(poison) != "dead"; ++round) {
    const Ids items = kit.Take();
    if (items.empty()) {
      kit.Advance(500);
      continue;
    }
    if (std::find(items.begin(), items.end(), poison) != items.end()) {
      CHECK(kit.Fail({}).ok());
      continue;
    }
    for (const TaskId id : items) {
      CHECK(kit.Complete(id).ok());
      ++done;
    }
  }
  CHECK(kit.PlaceOf(poison) == "dead");
  CHECK(done == 9);
}

TEST_CASE("a worker that takes and dies for ever does not keep tasks from ending") {
  Kit kit;
  Ids ids;
  for (int i = 0; i < 3; ++i) {
    ids.push_back(kit.Submit({.attempts_max = 3}));
  }
  for (int round = 0; round < 40; ++round) {
    while (!kit.Take().empty()) {
    }
    kit.Advance(61'000);
  }
  for (const TaskId id : ids) {
    CHECK(kit.PlaceOf(id) == "dead");
  }
}

TEST_CASE("tasks run when all that they wait for have succeeded") {
  Kit kit;
  const TaskId a = kit.Submit({});
  const TaskId b = kit.Submit({.category = "d"});
  const TaskId c = kit.Submit({.category = "e", .after = {a, b}});
  CHECK(kit.PlaceOf(c) == "blocked");
  CHECK(kit.Take() == Ids{a});
  CHECK(kit.Complete(a).ok());
  CHECK(kit.PlaceOf(c) == "blocked");
  CHECK(kit.Take() == Ids{b});
  CHECK(kit.Complete(b).ok());
  CHECK(kit.Take() == Ids{c});
}

TEST_CASE("what waits for a task that did not succeed is canceled, down to the last") {
  Kit kit;
  const TaskId a = kit.Submit({});
  const TaskId b = kit.Submit({.after = {a}});
  const TaskId c = kit.Submit({.after = {b}});
  REQUIRE(kit.engine.BeginCancel(kHome, a, kit.now_ms).ok());
  kit.engine.EndSettle(kHome, a, Outcome::kCanceled, kit.now_ms, kit.effects);
  kit.Advance(0);
  CHECK(kit.TakeNotices() ==
        Outcomes{{a, Outcome::kCanceled}, {b, Outcome::kCanceled}, {c, Outcome::kCanceled}});
  CHECK(kit.engine.tasks() == 0);
  const TaskId late = kit.Submit({.after = {c}});  // It ended while this one was being committed.
  kit.Advance(0);
  CHECK(kit.PlaceOf(late) == "gone");
}

TEST_CASE("a canceled task is not handed out, and its worker is told") {
  Kit kit;
  const TaskId a = kit.Submit({});
  REQUIRE(kit.engine.BeginCancel(kHome, a, kit.now_ms).ok());
  CHECK(kit.Take().empty());
  kit.engine.AbortSettle(kHome, a, kit.now_ms, kit.effects);
  CHECK(kit.Take() == Ids{a});
  REQUIRE(kit.engine.BeginCancel(kHome, a, kit.now_ms).ok());
  kit.engine.EndSettle(kHome, a, Outcome::kCanceled, kit.now_ms, kit.effects);
  CHECK_FALSE(kit.Complete(a).ok());
  kit.engine.CheckInvariants();
}

TEST_CASE("a task whose deadline is near goes at once, before all others") {
  Kit kit;
  const TaskId calm = kit.Submit({.category = "calm", .priority = 9});
  const TaskId urgent = kit.Submit(
      {.category = "urgent", .max_wait_ms = 60'000, .deadline_in_ms = 5'000, .priority = 0});
  kit.Advance(3'999);
  CHECK_FALSE(kit.engine.View(kHome, urgent)->urgent);
  kit.Advance(1);  // A second is left, which is what such a task takes.
  CHECK(kit.Take() == Ids{urgent});
  CHECK(kit.Take() == Ids{calm});
}

TEST_CASE("a deferred task is released early when its slack is gone, a delayed one is not") {
  Kit kit;
  const TaskId deferred = kit.Submit({.delay_ms = 60'000,
                                      .deadline_in_ms = 10'000,
                                      .defer = Defer::kOffpeak,
                                      .reason = DeferReason::kWindow});
  const TaskId delayed = kit.Submit({.delay_ms = 60'000, .deadline_in_ms = 70'000});
  kit.Advance(8'999);
  CHECK(kit.PlaceOf(deferred) == "delayed");
  kit.Advance(1);
  CHECK(kit.Take() == Ids{deferred});
  CHECK(kit.PlaceOf(delayed) == "delayed");
  kit.Advance(51'000);
  CHECK(kit.Take() == Ids{delayed});
}

TEST_CASE("a task that nobody takes until its deadline expires") {
  Kit kit;
  const TaskId ready = kit.Submit({.deadline_in_ms = 5'000});
  const TaskId blocker = kit.Submit({.category = "d"});
  const TaskId blocked = kit.Submit({.deadline_in_ms = 6'000, .after = {blocker}});
  kit.Advance(4'999);
  CHECK(kit.PlaceOf(ready) == "ready");
  kit.Advance(1);
  CHECK(kit.TakeNotices() == Outcomes{{ready, Outcome::kExpired}});
  kit.Advance(1'000);
  CHECK(kit.TakeNotices() == Outcomes{{blocked, Outcome::kExpired}});
  CHECK(kit.Take() == Ids{blocker});
}

TEST_CASE("one that was taken in time may be completed after its deadline, and is counted") {
  Kit kit;
  const TaskId id = kit.Submit({.deadline_in_ms = 5'000});
  CHECK(kit.Take() == Ids{id});
  kit.Advance(6'000);
  CHECK(kit.Complete(id).ok());
  CHECK(kit.engine.Queues(kHome)[0].counters.deadlines_missed == 1);
}

TEST_CASE("a paused queue hands out nothing; resuming serves who waits") {
  Kit kit;
  const Pause pause{"c", ""};
  CHECK(kit.engine.SetPaused(kHome, pause, true, kit.now_ms, kit.effects));
  CHECK_FALSE(kit.engine.SetPaused(kHome, pause, true, kit.now_ms, kit.effects));
  kit.Submit({});
  kit.Submit({.model = "n"});
  const TaskId open = kit.Submit({.category = "d"});
  CHECK(kit.Take() == Ids{open});
  CHECK_FALSE(kit.engine.TakeOrWait(Kit::Ask(), TakerId{1}, kit.now_ms + 5'000, kit.now_ms)
                  .value()
                  .has_value());
  CHECK(kit.engine.SetPaused(kHome, pause, false, kit.now_ms, kit.effects));
  CHECK(kit.effects.batches.size() == 1);
}

TEST_CASE("a bound on a model holds over all namespaces, and a lease that ends makes room") {
  Kit kit;
  kit.engine.SetModelBounds({{"m", 2}}, kit.now_ms, kit.effects);
  kit.Submit({.category = "a"});
  kit.Submit({.home = kOther, .category = "b"});
  const TaskId third = kit.Submit({.category = "c"});
  CHECK(kit.Take().size() == 1);
  const LeaseAsk first = kit.Lease();
  const TaskId first_id = TaskId{1};
  CHECK(kit.Take(kOther).size() == 1);
  CHECK(kit.Take().empty());
  CHECK_FALSE(kit.engine.TakeOrWait(Kit::Ask(), TakerId{1}, kit.now_ms + 5'000, kit.now_ms)
                  .value()
                  .has_value());
  REQUIRE(kit.engine.BeginSettle(first, first_id).ok());
  kit.engine.EndSettle(kHome, first_id, Outcome::kSucceeded, kit.now_ms, kit.effects);
  REQUIRE(kit.effects.batches.size() == 1);
  CHECK(kit.Open(kit.effects.batches[0].second) == Ids{third});
}

TEST_CASE("a worker of all namespaces serves each by its weight, without mixing") {
  Kit kit;
  kit.engine.SetWeight(kOther, 3);
  for (int i = 0; i < 400; ++i) {
    kit.Submit({});
    kit.Submit({.home = kOther});
  }
  std::size_t own = 0;
  std::size_t other = 0;
  TakeAsk ask = Kit::Ask();
  ask.all_namespaces = true;
  for (int i = 0; i < 40; ++i) {
    const auto taken = kit.engine.Take(ask, kit.now_ms);
    REQUIRE(taken.has_value());
    const auto view = kit.engine.ViewLease(*taken);
    (view->home == kHome ? own : other) += view->items.size();
  }
  CHECK(own == 100);
  CHECK(other == 300);
}

TEST_CASE("a namespace that was idle has saved up two batches and no more") {
  Kit kit;
  TakeAsk ask = Kit::Ask();
  ask.all_namespaces = true;
  for (int i = 0; i < 300; ++i) {
    kit.Submit({});
  }
  for (int i = 0; i < 20; ++i) {
    CHECK(kit.engine.Take(ask, kit.now_ms).has_value());
  }
  for (int i = 0; i < 100; ++i) {
    kit.Submit({.home = kOther});
  }
  int own = 0;
  for (int i = 0; i < 10; ++i) {
    own += kit.engine.ViewLease(*kit.engine.Take(ask, kit.now_ms))->home == kHome ? 1 : 0;
  }
  CHECK(own == 4);
}

TEST_CASE("a take that could not be written down never was") {
  Kit kit;
  const TaskId id = kit.Submit({});
  const auto taken = kit.engine.Take(Kit::Ask(), kit.now_ms);
  REQUIRE(taken.has_value());
  kit.engine.TakeBack(*taken, kit.now_ms, kit.effects);
  kit.engine.CheckInvariants();
  CHECK(kit.engine.View(kHome, id)->attempts == 0);
  CHECK(kit.Take() == Ids{id});
}

TEST_CASE("a full namespace is refused, with the limit and when to try again") {
  EngineOptions options = QuickOptions();
  options.limits.tasks_max = 3;
  options.limits.tasks_total_max = 4;
  options.limits.bytes_max = 1'000;
  Kit kit(options);
  REQUIRE(kit.engine.Reserve(kHome, 3, 300).ok());
  const auto full = kit.engine.Reserve(kHome, 1, 100);
  CHECK(full.error().code == Code::kBusy);
  CHECK(full.error().detail.find("jobs.tasks_max") != std::string::npos);
  CHECK(full.error().detail.find("retry in") != std::string::npos);
  CHECK(kit.engine.Reserve(kOther, 2, 100).error().detail.find("total") != std::string::npos);
  kit.engine.Unreserve(kHome, 3, 300);
  CHECK(kit.engine.Reserve(kHome, 1, 1'001).error().detail.find("bytes") != std::string::npos);
  CHECK(kit.engine.Reserve(kOther, 3, 100).ok());
}

TEST_CASE("dropping a namespace leaves nothing of it, and tells who waits") {
  Kit kit;
  kit.Submit({});
  kit.Submit({.delay_ms = 5'000, .deadline_in_ms = 10'000});
  kit.Submit({.category = "d", .after = {TaskId{1}}});
  const TaskId foreign = kit.Submit({.home = kOther});
  CHECK(kit.Take().size() == 1);
  CHECK_FALSE(kit.engine.TakeOrWait(Kit::Ask(), TakerId{1}, kit.now_ms + 5'000, kit.now_ms)
                  .value()
                  .has_value());
  kit.engine.Drop(kHome, kit.effects);
  CHECK(kit.effects.timed_out == std::vector{TakerId{1}});
  CHECK(kit.TakeNotices().size() == 3);
  kit.engine.CheckInvariants();
  CHECK(kit.engine.tasks() == 1);
  CHECK(kit.engine.Queues(kHome)[0].leased == 0);
  CHECK(kit.Take(kOther) == Ids{foreign});
  kit.Advance(100'000);
}

TEST_CASE("a lonely group goes at once when it is known that nobody comes") {
  EngineOptions options = QuickOptions();
  Kit kit(options);
  for (int i = 0; i < 10; ++i) {
    kit.Submit({.max_wait_ms = 2'000});
    kit.Advance(40'000);
    const Ids taken = kit.Take();
    REQUIRE(taken.size() == 1);
    CHECK(kit.Complete(taken[0]).ok());
  }
  kit.Submit({.max_wait_ms = 2'000});
  CHECK(kit.Take().size() == 1);
}

TEST_CASE("a single is held for company only when its caller did not say how long") {
  for (const bool may_be_late : {true, false}) {
    EngineOptions options = QuickOptions();
    options.late_ppm = 1'000'000;
    Kit kit(options);
    for (int i = 0; i < 10; ++i) {  // A group that is known to find company.
      kit.Submit({.max_wait_ms = 2'000});
      kit.Submit({.max_wait_ms = 2'000});
      kit.Submit({.max_wait_ms = 2'000});
      kit.Advance(2'100);
      CHECK(kit.Take().size() == 3);
    }
    kit.Submit({.max_wait_ms = 2'000, .may_be_late = may_be_late});
    kit.Advance(2'100);
    CHECK(kit.Take().size() == (may_be_late ? 0 : 1));
  }
}

TEST_CASE("what was restored goes on as it was, leases with the time that is left") {
  Kit kit;
  Effects effects;
  const auto group = kit.engine.HoldGroup(kHome, Kit::GroupOf({}), effects);
  REQUIRE(group.ok());
  const auto restore = [&](std::uint64_t id, std::int64_t not_before_ms) {
    NewTask task;
    task.id = TaskId{id};
    task.group = group.value();
    task.submitted_ms = kit.now_ms - 10'000;
    task.not_before_ms = not_before_ms;
    task.attempts_max = 3;
    return task;
  };
  kit.engine.Restore(kHome, restore(1, 0), kit.now_ms);
  kit.engine.Restore(kHome, restore(2, kit.now_ms + 3'000), kit.now_ms);
  NewTask dead = restore(3, kit.now_ms + 1'000'000);
  dead.is_dead = true;
  kit.engine.Restore(kHome, std::move(dead), kit.now_ms);
  NewTask waits = restore(4, 0);
  waits.after = {TaskId{5}, TaskId{77}};  // 77 succeeded long ago.
  kit.engine.Restore(kHome, std::move(waits), kit.now_ms);
  kit.engine.Restore(kHome, restore(5, 0), kit.now_ms);
  kit.engine.ReleaseGroup(group.value(), kit.now_ms);
  Lease lease;
  lease.token = {LeaseId{9}, 99};
  lease.worker = "w";
  lease.items = {TaskId{5}, TaskId{88}};
  lease.lease_ms = 60'000;
  lease.ends_ms = kit.now_ms + 20'000;
  CHECK(kit.engine.RestoreLease(kHome, lease, Kit::GroupOf({}).hash, kit.now_ms, 5'000));
  lease.token = {LeaseId{8}, 98};
  lease.items = {TaskId{88}};
  CHECK_FALSE(kit.engine.RestoreLease(kHome, lease, Kit::GroupOf({}).hash, kit.now_ms, 5'000));
  kit.engine.EndRestore(kit.now_ms, kit.effects);
  kit.engine.CheckInvariants();
  CHECK(kit.PlaceOf(TaskId{2}) == "delayed");
  CHECK(kit.PlaceOf(TaskId{3}) == "dead");
  CHECK(kit.PlaceOf(TaskId{4}) == "blocked");
  CHECK(kit.PlaceOf(TaskId{5}) == "leased");
  CHECK(kit.Take() == Ids{TaskId{1}});
  kit.last = {LeaseId{9}, 99};
  kit.Advance(19'999);
  CHECK(kit.Complete(TaskId{5}).ok());
  CHECK(kit.PlaceOf(TaskId{4}) == "ready");
}

}  // namespace
}  // namespace reprise::jobs
