#include "server/jobs/jobs.h"

#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "server/jobs/test_jobs.h"

namespace reprise::jobs {
namespace {

using base::Code;
using storage::EngineKind;

class Receiver final : public BatchReceiver {
 public:
  void Give(const Batch& batch) override {
    Set("batch of " + std::to_string(batch.payloads.size()));
  }
  void Nothing() override { Set("nothing"); }
  void Refuse(const base::Error& error) override { Set(std::string(base::NameOf(error.code))); }
  std::string said() {
    base::MutexLock lock(mutex_);
    return said_;
  }

 private:
  void Set(const std::string& what) {
    base::MutexLock lock(mutex_);
    said_ += what;
  }
  base::Mutex mutex_;
  std::string said_ GUARDED_BY(mutex_);
};

class Ending final : public ResultReceiver {
 public:
  void Ended() override { ++calls; }
  std::atomic<int> calls{0};
};

TEST_CASE("a task goes in, out and back, and leaves only its result") {
  JobsKit kit;
  const TaskId id = kit.Submit();
  CHECK(kit.StatusOf(id) == "ready");
  const auto batch = kit.Take();
  REQUIRE(batch.has_value());
  REQUIRE(batch->payloads.size() == 1);
  CHECK(batch->payloads[0] == Packed("do it"));
  CHECK(kit.StatusOf(id) == "leased");
  CHECK(kit.Complete(batch->view.token, id, Packed("done")).ok());
  CHECK(kit.StatusOf(id) == "succeeded");
  const auto row = kit.ResultOf(id);
  CHECK(ParseResult(row->value()).value().result == Packed("done"));
  CHECK(ParseResult(row->value()).value().cost_nano == 1'000);
  kit.Drain();
  CHECK(kit.Rows(RowKind::kTask) == 0);
  CHECK(kit.Rows(RowKind::kLease) == 0);
  kit.clock.Advance(86'400'000);
  CHECK(kit.StatusOf(id) == "unknown");
}

TEST_CASE("a large payload, its context and its parameters come back as they were given") {
  JobsKit kit;
  Submission task = kit.Plain();
  const std::string payload = std::string("\xda\x40\x00", 3) + std::string(0x4000, 'x');
  const std::string context = Packed("you are a poet");
  const std::string parameters = "\x81" + Packed("top_p") + "\x01";
  task.payload = payload;
  task.context = context;
  task.parameters = parameters;
  const TaskId id = kit.Submit(task);
  CHECK(kit.Rows(RowKind::kPayload) == 1);
  const auto batch = kit.Take();
  CHECK(batch->payloads[0] == payload);
  CHECK(batch->context == context);
  CHECK(batch->parameters == parameters);
  CHECK(kit.Complete(batch->view.token, id, {}).ok());
  CHECK(kit.Rows(RowKind::kPayload) == 0);
}

TEST_CASE("a call hands in all of its tasks or none, and says which one is wrong") {
  JobsKit kit;
  Submission bad = kit.Plain();
  bad.after = {TaskId{12345}};
  const auto outcome = kit.TrySubmit({kit.Plain(), bad});
  CHECK(outcome.error().code == Code::kNotFound);
  CHECK(outcome.error().detail.find("task 1") == 0);
  CHECK(kit.Rows(RowKind::kTask) == 0);
  CHECK(kit.jobs->ViewTenant(kHere).tasks == 0);
  CHECK(kit.jobs->ViewTenant(kHere).bytes == 0);
  kit.Submit();
  CHECK(kit.jobs->ViewTenant(kHere).tasks == 1);
}

TEST_CASE("a plan goes in with one call; a circle in it is named") {
  JobsKit kit;
  Submission second = kit.Plain();
  second.after = {std::size_t{2}};
  Submission third = kit.Plain();
  Submission first = kit.Plain();
  first.after = {std::size_t{1}};
  // 0 waits for 1, which waits for 2.
  const auto plan = kit.TrySubmit({first, second, third});
  REQUIRE(plan.ok());
  CHECK(kit.StatusOf(plan.value()[0].id) == "blocked");
  CHECK(kit.StatusOf(plan.value()[1].id) == "blocked");
  CHECK(kit.StatusOf(plan.value()[2].id) == "ready");
  third.after = {std::size_t{0}};
  const auto circle = kit.TrySubmit({first, second, third});
  CHECK(circle.error().code == Code::kBadRequest);
  CHECK(circle.error().detail.find("0 -> 1 -> 2 -> 0") != std::string::npos);
  Submission self = kit.Plain();
  self.after = {std::size_t{0}};
  CHECK(kit.TrySubmit({self}).error().code == Code::kBadRequest);
  self.after = {std::size_t{7}};
  CHECK(kit.TrySubmit({self}).error().code == Code::kBadRequest);
}

TEST_CASE("a task may wait for one that is done, not for one that did not succeed") {
  JobsKit kit;
  const TaskId done = kit.Submit();
  CHECK(kit.Complete(kit.Take()->view.token, done, {}).ok());
  Submission after_done = kit.Plain();
  after_done.after = {done};
  CHECK(kit.StatusOf(kit.Submit(after_done)) == "ready");
  const TaskId canceled = kit.Submit();
  CHECK(kit.Cancel(canceled) == "canceled");
  Submission after_canceled = kit.Plain();
  after_canceled.after = {canceled};
  const auto outcome = kit.TrySubmit({after_canceled});
  CHECK(outcome.error().code == Code::kBadRequest);
  CHECK(outcome.error().detail.find("canceled") != std::string::npos);
}

TEST_CASE("the same dedup key is the same task, also when it is done, until its result goes") {
  JobsKit kit;
  Submission task = kit.Plain();
  task.dedup = "order-17";
  const auto twice = kit.TrySubmit({task, task});
  REQUIRE(twice.ok());
  CHECK(twice.value()[0].id == twice.value()[1].id);
  CHECK_FALSE(twice.value()[0].is_duplicate);
  CHECK(twice.value()[1].is_duplicate);
  const TaskId id = twice.value()[0].id;
  CHECK(kit.Submit(task) == id);
  CHECK(kit.Submit(task, kThere) != id);
  CHECK(kit.jobs->ViewTenant(kHere).tasks == 1);
  CHECK(kit.jobs->ViewTenant(kHere).bytes == 6);
  CHECK(kit.Complete(kit.Take()->view.token, id, {}).ok());
  CHECK(kit.Submit(task) == id);
  kit.clock.Advance(86'400'001);
  CHECK(kit.Submit(task) != id);
}

TEST_CASE("a result is taken once; a canceled or foreign task's result is refused, saying why") {
  JobsKit kit;
  const TaskId a = kit.Submit();
  const TaskId b = kit.Submit();
  const LeaseToken lease = kit.Take()->view.token;
  CHECK(kit.Complete(lease, a, Packed("1")).ok());
  CHECK(kit.Complete(lease, a, Packed("2")).error().code == Code::kExists);
  CHECK(kit.Cancel(b) == "canceled");
  const base::Status late = kit.Complete(lease, b, Packed("3"));
  CHECK(late.error().code == Code::kExists);
  CHECK(late.error().detail.find("canceled") != std::string::npos);
  CHECK(kit.Complete(lease, TaskId{99}, {}).error().code == Code::kNotFound);
  CHECK(kit.Complete(lease, a, {}, kThere).error().code == Code::kNotFound);
  CHECK(kit.Cancel(a) == "succeeded");
  CHECK(kit.Cancel(TaskId{99}) == "not_found");
}

TEST_CASE("a waiting take gets the batch when a task comes, or nothing when its time is over") {
  JobsKit kit;
  const auto first = std::make_shared<Receiver>();
  const auto second = std::make_shared<Receiver>();
  const auto gone = std::make_shared<Receiver>();
  Jobs::TakeRequest request;
  request.ask.home = kHere;
  request.wait_ms = 5'000;
  request.owner = 8;
  kit.jobs->Take(request, gone);
  request.owner = 7;
  kit.jobs->Take(request, first);
  kit.jobs->Take(request, second);
  CHECK(kit.jobs->StopWaiting(8) == 1);
  const TaskId id = kit.Submit();
  CHECK(storage::WaitUntil([&] { return !first->said().empty(); }));
  CHECK(first->said() == "batch of 1");
  CHECK(kit.StatusOf(id) == "leased");
  kit.Pass(4'999);
  CHECK(second->said().empty());
  kit.Pass(1);
  CHECK(second->said() == "nothing");
  CHECK(gone->said().empty());
  CHECK(kit.jobs->StopWaiting(7) == 0);
  request.wait_ms = 0;
  const auto hasty = std::make_shared<Receiver>();
  kit.jobs->Take(request, hasty);
  CHECK(hasty->said() == "nothing");
}

TEST_CASE("who waits for a result is told once, when there is one or when the time is over") {
  JobsKit kit;
  const TaskId id = kit.Submit();
  const auto waits = std::make_shared<Ending>();
  const auto impatient = std::make_shared<Ending>();
  const auto gone = std::make_shared<Ending>();
  CHECK(kit.jobs->AwaitResult(kHere, id, 7, 60'000, waits).value());
  CHECK(kit.jobs->AwaitResult(kHere, id, 7, 1'000, impatient).value());
  CHECK(kit.jobs->AwaitResult(kHere, id, 8, 60'000, gone).value());
  kit.jobs->Disconnect(8);
  kit.Pass(1'000);
  CHECK(impatient->calls == 1);
  CHECK(waits->calls == 0);
  CHECK(kit.Complete(kit.Take()->view.token, id, {}).ok());
  CHECK(waits->calls == 1);
  CHECK(impatient->calls == 1);
  CHECK(gone->calls == 0);
  CHECK_FALSE(kit.jobs->AwaitResult(kHere, id, 7, 60'000, waits).value());
  CHECK_FALSE(kit.jobs->AwaitResult(kThere, id, 7, 60'000, waits).value());
}

TEST_CASE("a task that nobody takes in time expires, with a result that says so") {
  JobsKit kit;
  Submission task = kit.Plain();
  task.deadline_ms = base::ToInt(kit.clock.Now()) + 5'000;
  const TaskId id = kit.Submit(task);
  kit.Pass(5'000);
  CHECK(kit.StatusOf(id) == "expired");
  CHECK(kit.Rows(RowKind::kTask) == 0);
}

TEST_CASE("savings of a batch and of a cheap hour are told in the transaction that completes") {
  JobsKit kit;
  std::vector<Saving> savings;
  kit.jobs->OnSaving(
      [&](const Saving& saving, storage::Transaction&) { savings.push_back(saving); });
  REQUIRE(kit.store
              ->Run([&](storage::Transaction& transaction) {
                PriceWindow always = DefaultWindow();
                always.to_s = 86'400;
                always.factor_ppm = 250'000;
                return kit.jobs->SetWindows(kHere, {always}, transaction);
              })
              .ok());
  Submission task = kit.Plain();
  const std::string context = "\xd9\x63" + std::string(99, 'x');
  task.context = context;
  task.defer = Defer::kOffpeak;
  const TaskId a = kit.Submit(task);
  kit.Submit(task);
  const LeaseToken lease = kit.Take()->view.token;
  CHECK(kit.Complete(lease, a, {}).ok());
  REQUIRE(savings.size() == 2);
  CHECK(savings[0].by == Saving::By::kBatching);
  CHECK(savings[0].calls_ppm == 500'000);
  CHECK(savings[0].tokens_in == 17);
  CHECK(savings[1].by == Saving::By::kDeferral);
  CHECK(savings[1].cost_nano == 3'000);  // It cost 1,000, which is a quarter.
}

TEST_CASE("what was acknowledged is there after a restart, as it was") {
  JobsKit kit(EngineKind::kRocksDb);
  Submission delayed = kit.Plain();
  delayed.not_before_ms = base::ToInt(kit.clock.Now()) + 60'000;
  const TaskId later = kit.Submit(delayed);
  const TaskId leased = kit.Submit();
  const LeaseToken lease = kit.Take(kHere, 50'000)->view.token;
  Submission other = kit.Plain();
  other.category = "d";
  const TaskId ready = kit.Submit(other);
  Submission waits = kit.Plain();
  waits.after = {leased};
  const TaskId blocked = kit.Submit(waits);
  Submission dies = kit.Plain();
  dies.category = "dead";
  dies.attempts_max = 1;
  const TaskId dead = kit.Submit(dies);
  for (;;) {
    const auto batch = kit.Take();
    REQUIRE(batch.has_value());
    if (batch->view.group.category == "dead") {
      CHECK(kit.Fail(batch->view.token, {dead}).ok());
      break;
    }
    CHECK(kit.Fail(batch->view.token, {ready}).ok());  // It has one attempt behind it.
  }
  const TaskId done = kit.Submit();
  CHECK(kit.Complete(kit.Take()->view.token, done, Packed("yes")).ok());
  REQUIRE(kit.store
              ->Run([&](storage::Transaction& transaction) -> base::Status {
                return kit.jobs->SetPaused(kHere, {"d", ""}, true, transaction).ok()
                           ? base::Status(base::Ok{})
                           : base::Status(base::Error{Code::kInternal, ""});
              })
              .ok());
  kit.Drain();
  kit.clock.Advance(10'000);
  kit.Reopen();
  kit.jobs->CheckInvariants();
  CHECK(kit.StatusOf(later) == "delayed");
  CHECK(kit.StatusOf(leased) == "leased");
  CHECK(kit.StatusOf(blocked) == "blocked");
  CHECK(kit.StatusOf(dead) == "dead");
  CHECK(kit.StatusOf(done) == "succeeded");
  CHECK(kit.jobs->View(kHere, ready)->attempts == 1);
  CHECK(kit.jobs->View(kHere, ready)->paused);
  CHECK(kit.jobs->View(kHere, dead)->error == "it broke");
  CHECK(kit.jobs->View(kHere, leased)->lease_ends_ms == base::ToInt(kit.clock.Now()) + 40'000);
  CHECK(kit.Complete(lease, leased, Packed("late but in time")).ok());
  CHECK(kit.StatusOf(blocked) == "ready");
  kit.Pass(50'000);
  CHECK(kit.StatusOf(later) == "ready");
  CHECK(kit.Submit() > done);  // Tickets are not used again.
}

TEST_CASE("a lease that ended while the server was down gives its worker a moment") {
  JobsKit kit(EngineKind::kRocksDb);
  const TaskId id = kit.Submit();
  const LeaseToken lease = kit.Take(kHere, 20'000)->view.token;
  kit.clock.Advance(3'600'000);
  kit.Reopen();
  CHECK(kit.StatusOf(id) == "leased");
  kit.Pass(9'999);
  CHECK(kit.StatusOf(id) == "leased");
  kit.Pass(1);
  CHECK(kit.StatusOf(id) == "delayed");
  CHECK(kit.Complete(lease, id, {}).error().code == Code::kNotFound);
  kit.Reopen();
  CHECK(kit.jobs->View(kHere, id)->attempts == 1);
  CHECK(kit.StatusOf(id) == "delayed");
}

TEST_CASE("a task that killed its workers before a restart is not tried for ever") {
  JobsKit kit(EngineKind::kRocksDb);
  Submission task = kit.Plain();
  task.attempts_max = 3;
  const TaskId id = kit.Submit(task);
  for (int attempt = 0; attempt < 3; ++attempt) {
    kit.Pass(10'000);
    REQUIRE(kit.Take(kHere, 1'000).has_value());
    kit.Reopen();
    kit.Pass(10'000);
  }
  CHECK(kit.StatusOf(id) == "dead");
}

TEST_CASE("dead letters are listed, replayed and purged") {
  JobsKit kit(EngineKind::kRocksDb);
  std::vector<TaskId> ids;
  ids.reserve(4);
  for (int i = 0; i < 4; ++i) {
    ids.push_back(kit.Submit());
  }
  const LeaseToken lease = kit.Take()->view.token;
  CHECK(kit.Fail(lease, ids, false).ok());
  CHECK(kit.jobs->DeadLetters(kHere, TaskId{0}, 3).size() == 3);
  CHECK(kit.jobs->DeadLetters(kHere, ids[1], 10).size() == 2);
  const auto run =
      [&](const std::function<base::Result<std::size_t>(storage::Transaction&)>& body) {
        std::size_t count = 0;
        const base::Status status =
            kit.store->Run([&](storage::Transaction& transaction) -> base::Status {
              const auto outcome = body(transaction);
              if (!outcome.ok()) {
                return outcome.error();
              }
              count = outcome.value();
              return base::Ok{};
            });
        return status.ok() ? std::to_string(count) : std::string(base::NameOf(status.error().code));
      };
  CHECK(run([&](auto& transaction) {
          return kit.jobs->Replay(kHere, {ids[0]}, 10, transaction);
        }) == "1");
  CHECK(kit.StatusOf(ids[0]) == "ready");
  CHECK(run([&](auto& transaction) {
          return kit.jobs->Replay(kHere, {ids[0]}, 10, transaction);
        }) == "not_found");
  CHECK(run([&](auto& transaction) { return kit.jobs->Purge(kHere, {}, 2, transaction); }) == "2");
  CHECK(kit.StatusOf(ids[1]) == "failed");
  CHECK(kit.StatusOf(ids[3]) == "dead");
  kit.Reopen();
  CHECK(kit.StatusOf(ids[0]) == "ready");
  CHECK(kit.jobs->View(kHere, ids[0])->attempts == 0);
  CHECK(kit.StatusOf(ids[1]) == "failed");
  CHECK(kit.StatusOf(ids[3]) == "dead");
  kit.Pass(std::int64_t{7} * 86'400'000);
  CHECK(kit.StatusOf(ids[3]) == "failed");  // Its time as a dead letter is over.
}

TEST_CASE("dropping a namespace leaves no rows, and no other namespace's are touched") {
  JobsKit kit;
  kit.Submit();
  const TaskId foreign = kit.Submit(kit.Plain(), kThere);
  REQUIRE(kit.Take().has_value());
  REQUIRE(kit.store
              ->Run([&](storage::Transaction& transaction) -> base::Status {
                CHECK(kit.jobs->Drop(kHere, transaction) == 1);
                return base::Ok{};
              })
              .ok());
  kit.Drain();
  for (const RowKind kind : {RowKind::kTask, RowKind::kLease, RowKind::kGroup, RowKind::kResult}) {
    CHECK(kit.Rows(kind) == 0);
  }
  CHECK(kit.StatusOf(foreign, kThere) == "ready");
  kit.jobs->CheckInvariants();
}

TEST_CASE("groups without tasks are forgotten after a while, on disk too") {
  JobsKit kit;
  const TaskId id = kit.Submit();
  CHECK(kit.Complete(kit.Take()->view.token, id, {}).ok());
  CHECK(kit.Rows(RowKind::kGroup) == 1);
  kit.Pass(600'000);
  CHECK(kit.Rows(RowKind::kGroup) == 0);
  CHECK(kit.StatusOf(kit.Submit()) == "ready");
  CHECK(kit.Rows(RowKind::kGroup) == 1);
}

// Random calls and restarts; what was acknowledged must hold at every moment.
struct Walk {
  explicit Walk(std::uint64_t seed) : random(seed) {}

  struct Held {
    LeaseToken token;
    std::vector<TaskId> items;
  };

  std::int64_t Draw(std::uint64_t below) { return static_cast<std::int64_t>(random() % below); }
  Held& AnyLease() { return leases[random() % leases.size()]; }
  void End(TaskId id, const std::string& outcome) {
    expected[id] = outcome;
    for (Held& lease : leases) {
      std::erase(lease.items, id);
    }
  }

  void Submit() {
    Submission task = kit.Plain();
    task.category = Draw(2) == 0 ? "c" : "d";
    task.not_before_ms = Draw(3) == 0 ? base::ToInt(kit.clock.Now()) + Draw(5'000) : 0;
    expected[kit.Submit(task)] = "open";
  }
  void Take() {
    const auto batch = kit.Take(kHere, 30'000);
    if (!batch.has_value()) {
      return;
    }
    Held held{batch->view.token, {}};
    for (const auto& item : batch->view.items) {
      REQUIRE(expected.at(item.id) == "open");
      held.items.push_back(item.id);
    }
    leases.push_back(held);
  }
  void Complete() {
    Held& lease = AnyLease();
    if (lease.items.empty()) {
      return;
    }
    const TaskId id = lease.items[0];
    if (kit.Complete(lease.token, id, Packed("r")).ok()) {
      End(id, "succeeded");
    } else {
      std::erase(lease.items, id);  // The lease had ended.
    }
  }
  void Fail() {
    Held& lease = AnyLease();
    if (!lease.items.empty() && kit.Fail(lease.token, {}).ok()) {
      lease.items.clear();
    }
  }
  void Cancel() {
    const auto task = std::next(expected.begin(), Draw(expected.size()));
    const std::string outcome = kit.Cancel(task->first);
    if (task->second == "open" && outcome == "canceled") {
      End(task->first, "canceled");
    } else {
      REQUIRE((outcome == task->second || outcome == "failed"));
    }
  }
  void Step() {
    const std::int64_t what = Draw(12);
    if (what < 4) {
      Submit();
    } else if (what < 7) {
      Take();
    } else if (what < 9 && !leases.empty()) {
      Complete();
    } else if (what == 9 && !leases.empty()) {
      Fail();
    } else if (what == 10 && !expected.empty()) {
      Cancel();
    } else {
      kit.Pass(Draw(12'000));
    }
  }
  void Check() const {
    const std::set<std::string> open{"ready", "delayed", "leased", "dead"};
    for (const auto& [id, status] : expected) {
      const std::string found = kit.StatusOf(id);
      INFO("task " << TicketText(id) << " is " << found << ", expected " << status);
      REQUIRE((status == "open" ? open.contains(found) : found == status));
    }
  }

  std::mt19937_64 random;
  JobsKit kit{EngineKind::kRocksDb};
  std::map<TaskId, std::string> expected;  // "open", or how it ended
  std::vector<Held> leases;
};

TEST_CASE("random calls with restarts keep every promise") {
  const std::uint64_t seed = 20261130;
  INFO("seed " << seed);
  Walk walk(seed);
  for (int step = 0; step < 400; ++step) {
    walk.Step();
    if (step % 40 == 39) {
      walk.kit.Reopen();
      walk.kit.jobs->CheckInvariants();
    }
    if (step % 10 == 9) {
      walk.Check();
    }
  }
}

}  // namespace
}  // namespace reprise::jobs
