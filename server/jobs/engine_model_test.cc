// Random calls against a naive model that keeps a list of tasks and looks at all of them each time.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "server/jobs/test_engine.h"

namespace reprise::jobs {
namespace {

struct ModelTask {
  NamespaceId home{0};
  Kit::Spec spec;
  std::int64_t earliest_ms = 0;  // may be taken from then on
  std::int64_t deadline_ms = 0;
  std::int64_t lease_ends_ms = 0;
  int attempts = 0;
  int ended = 0;  // how often it was told to have ended
  enum class Is : std::uint8_t { kWaiting, kLeased, kEnded } is = Is::kWaiting;
  bool succeeded = false;
};

struct ModelLease {
  LeaseToken token;
  NamespaceId home{0};
  std::vector<TaskId> open;
  std::int64_t ends_ms = 0;
};

class Model {
 public:
  Model(std::uint64_t seed, const EngineOptions& options)
      : random_(seed), kit_(options, seed), items_max_(options.closing.items_max) {}

  void Run(int steps) {
    for (int step = 0; step < steps; ++step) {
      Step();
      Check();
      if (step % 16 == 0) {
        kit_.engine.CheckInvariants();
      }
    }
    Drain();
  }

 private:
  std::uint64_t Draw(std::uint64_t below) { return random_() % below; }

  void Step() {
    const std::uint64_t what = Draw(20);
    if (what < 8) {
      Submit();
    } else if (what < 12) {
      Take();
    } else if (what < 15) {
      Settle();
    } else if (what == 15) {
      Cancel();
    } else if (what == 16) {
      TogglePause();
    } else if (what == 17) {
      Extend();
    } else {
      Advance(static_cast<std::int64_t>(Draw(what == 18 ? 50 : 8'000)));
    }
  }

  void Submit() {
    Kit::Spec spec;
    spec.home = NamespaceId{static_cast<std::uint32_t>(1 + Draw(2))};
    spec.category = std::string(1, static_cast<char>('a' + Draw(2)));
    spec.context = std::string(1, static_cast<char>('x' + Draw(2)));
    spec.max_wait_ms = static_cast<std::uint32_t>(Draw(3) * 1'500);
    spec.delay_ms = Draw(3) == 0 ? static_cast<std::int64_t>(Draw(10'000)) : 0;
    spec.deadline_in_ms = Draw(3) == 0 ? static_cast<std::int64_t>(2'000 + Draw(60'000)) : 0;
    spec.priority = static_cast<std::uint8_t>(Draw(10));
    spec.tokens = static_cast<std::uint32_t>(Draw(6'000));
    for (const auto& [id, task] : tasks_) {
      if (task.home == spec.home && task.is != ModelTask::Is::kEnded && Draw(12) == 0 &&
          spec.after.size() < 3) {
        spec.after.push_back(id);
      }
    }
    const TaskId id = kit_.Submit(spec);
    ModelTask& task = tasks_[id];
    task.home = spec.home;
    task.spec = spec;
    task.earliest_ms = kit_.now_ms + spec.delay_ms;
    task.deadline_ms = spec.deadline_in_ms == 0 ? 0 : kit_.now_ms + spec.deadline_in_ms;
  }

  static bool SameGroup(const ModelTask& a, const ModelTask& b) {
    return a.home == b.home && a.spec.category == b.spec.category && a.spec.model == b.spec.model &&
           a.spec.context == b.spec.context;
  }

  void Take() {
    TakeAsk ask = Kit::Ask(NamespaceId{static_cast<std::uint32_t>(1 + Draw(2))},
                           static_cast<std::uint32_t>(Draw(2) * 4));
    ask.all_namespaces = Draw(4) == 0;
    ask.lease_ms = static_cast<std::int64_t>(1'000 + Draw(20'000));
    if (Draw(3) == 0) {
      ask.categories = {std::string(1, static_cast<char>('a' + Draw(2)))};
    }
    const auto taken = kit_.engine.Take(ask, kit_.now_ms);
    if (!taken.has_value()) {
      return;
    }
    if (Draw(10) == 0) {  // Its row could not be written.
      kit_.engine.TakeBack(*taken, kit_.now_ms, kit_.effects);
      return;
    }
    REQUIRE(kit_.engine.Grant(*taken, kit_.now_ms));
    ModelLease lease;
    lease.open = kit_.Open(*taken);
    lease.token = kit_.last;
    lease.ends_ms = kit_.now_ms + ask.lease_ms;
    CheckBatch(lease, ask);
    leases_.push_back(lease);
  }

  void CheckBatch(ModelLease& lease, const TakeAsk& ask) {
    REQUIRE_FALSE(lease.open.empty());
    REQUIRE(lease.open.size() <= (ask.items_max == 0 ? items_max_ : ask.items_max));
    const ModelTask& first = tasks_.at(lease.open[0]);
    lease.home = first.home;
    REQUIRE((ask.all_namespaces || first.home == ask.home));
    REQUIRE((ask.categories.empty() || ask.categories[0] == first.spec.category));
    REQUIRE_FALSE(paused_.contains({first.home, first.spec.category}));
    std::uint64_t tokens = 0;
    for (const TaskId id : lease.open) {
      ModelTask& task = tasks_.at(id);
      REQUIRE(task.is == ModelTask::Is::kWaiting);
      REQUIRE(SameGroup(task, first));
      REQUIRE(task.earliest_ms <= kit_.now_ms);
      REQUIRE((task.deadline_ms == 0 || kit_.now_ms < task.deadline_ms));
      for (const TaskId before : task.spec.after) {
        REQUIRE(tasks_.at(before).succeeded);
      }
      task.is = ModelTask::Is::kLeased;
      task.lease_ends_ms = lease.ends_ms;
      ++task.attempts;
      tokens += task.spec.tokens;
    }
    REQUIRE((lease.open.size() == 1 || tokens <= 16'000));
  }

  void Settle() {
    if (leases_.empty()) {
      return;
    }
    ModelLease& lease = leases_[Draw(leases_.size())];
    kit_.last = lease.token;
    const bool alive = lease.ends_ms > kit_.now_ms && !lease.open.empty();
    if (!alive) {
      REQUIRE_FALSE(kit_.Fail({}).ok());
      return;
    }
    const TaskId id = lease.open[Draw(lease.open.size())];
    ModelTask& task = tasks_.at(id);
    const LeaseAsk ask{lease.home, true, lease.token};
    if (Draw(3) > 0) {
      const auto facts = kit_.engine.BeginSettle(ask, id);
      REQUIRE(facts.ok());
      if (Draw(8) == 0) {
        kit_.engine.AbortSettle(lease.home, id, kit_.now_ms, kit_.effects);
        return;
      }
      kit_.engine.EndSettle(lease.home, id, Outcome::kSucceeded, kit_.now_ms, kit_.effects);
      task.succeeded = true;
      std::erase(lease.open, id);
      return;
    }
    const bool whole = Draw(2) == 0;
    Engine::FailAsk what{whole ? std::vector<TaskId>() : std::vector{id}, "broken", Draw(6) > 0};
    const auto plan = kit_.engine.BeginFail(ask, what, kit_.now_ms);
    REQUIRE(plan.ok());
    REQUIRE(plan.value().tasks.size() == (whole ? lease.open.size() : 1));
    for (const Retry& retry : plan.value().tasks) {
      ModelTask& failed = tasks_.at(retry.id);
      failed.is = ModelTask::Is::kWaiting;
      failed.earliest_ms = retry.when_ms;
      std::erase(lease.open, retry.id);
    }
    kit_.engine.EndFail(plan.value(), kit_.now_ms, kit_.effects);
  }

  void Cancel() {
    const auto found = std::find_if(tasks_.begin(), tasks_.end(), [&](const auto& row) {
      return row.second.is != ModelTask::Is::kEnded && Draw(10) == 0;
    });
    if (found == tasks_.end()) {
      return;
    }
    const NamespaceId home = found->second.home;
    if (!kit_.engine.BeginCancel(home, found->first, kit_.now_ms).ok()) {
      return;
    }
    if (Draw(4) == 0) {
      kit_.engine.AbortSettle(home, found->first, kit_.now_ms, kit_.effects);
      return;
    }
    for (ModelLease& lease : leases_) {
      std::erase(lease.open, found->first);
    }
    kit_.engine.EndSettle(home, found->first, Outcome::kCanceled, kit_.now_ms, kit_.effects);
  }

  void TogglePause() {
    const NamespaceId home{static_cast<std::uint32_t>(1 + Draw(2))};
    const std::string category(1, static_cast<char>('a' + Draw(2)));
    const bool pauses = !paused_.contains({home, category});
    REQUIRE(kit_.engine.SetPaused(home, {category, ""}, pauses, kit_.now_ms, kit_.effects));
    if (pauses) {
      paused_.insert({home, category});
    } else {
      paused_.erase({home, category});
    }
  }

  void Extend() {
    if (leases_.empty()) {
      return;
    }
    ModelLease& lease = leases_[Draw(leases_.size())];
    const bool alive = lease.ends_ms > kit_.now_ms && !lease.open.empty();
    const auto extended = kit_.engine.Extend({lease.home, true, lease.token}, 9'000, kit_.now_ms);
    REQUIRE(extended.ok() == alive);
    if (alive) {
      lease.ends_ms = kit_.now_ms + 9'000;
      for (const TaskId id : lease.open) {
        tasks_.at(id).lease_ends_ms = lease.ends_ms;
      }
    }
  }

  void Advance(std::int64_t ms) {
    kit_.Advance(ms);
    for (ModelLease& lease : leases_) {
      if (lease.ends_ms > kit_.now_ms) {
        continue;
      }
      for (const TaskId id : lease.open) {
        tasks_.at(id).is = ModelTask::Is::kWaiting;
        tasks_.at(id).earliest_ms = 0;  // The back-off is not known here.
      }
      lease.open.clear();
    }
    std::erase_if(leases_, [](const ModelLease& lease) { return lease.open.empty(); });
  }

  void Check() {
    kit_.Settle();
    for (const Notice& notice : kit_.effects.notices) {
      ModelTask& task = tasks_.at(notice.id);
      REQUIRE(++task.ended == 1);  // Each end is told once.
      task.is = ModelTask::Is::kEnded;
      REQUIRE((notice.outcome == Outcome::kSucceeded) == task.succeeded);
      REQUIRE((notice.outcome != Outcome::kExpired || task.deadline_ms <= kit_.now_ms));
    }
    kit_.effects.notices.clear();
    for (const auto& [id, task] : tasks_) {
      const std::string place = kit_.PlaceOf(id, task.home);
      switch (task.is) {
        case ModelTask::Is::kEnded:
          REQUIRE((place == "gone" || place == "dead"));
          break;
        case ModelTask::Is::kLeased:
          REQUIRE(place == "leased");
          break;
        case ModelTask::Is::kWaiting:
          REQUIRE((place == "ready" || place == "delayed" || place == "blocked"));
          break;
      }
    }
  }

  // Time and workers enough: every task comes to an end, whatever happened to it before.
  void Drain() {
    for (const auto& [home, category] : std::set(paused_)) {
      kit_.engine.SetPaused(home, {category, ""}, false, kit_.now_ms, kit_.effects);
    }
    paused_.clear();
    for (int round = 0; round < 400; ++round) {
      for (const NamespaceId home : {kHome, kOther}) {
        for (std::vector<TaskId> items = kit_.Take(home); !items.empty(); items = kit_.Take(home)) {
          for (const TaskId id : items) {
            tasks_.at(id).succeeded = true;
            REQUIRE(kit_.Complete(id, home).ok());
          }
        }
      }
      kit_.Advance(1'000);
      for (const Notice& notice : kit_.effects.notices) {
        REQUIRE(++tasks_.at(notice.id).ended == 1);
      }
      kit_.effects.notices.clear();
    }
    for (const auto& [id, task] : tasks_) {
      INFO("task " << ToInt(id) << " is " << kit_.PlaceOf(id, task.home));
      REQUIRE(task.ended == 1);
    }
  }

  std::mt19937_64 random_;
  Kit kit_;
  std::size_t items_max_;
  std::map<TaskId, ModelTask> tasks_;
  std::vector<ModelLease> leases_;
  std::set<std::pair<NamespaceId, std::string>> paused_;
};

TEST_CASE("every task ends once, whatever the order of calls") {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    INFO("seed " << seed);
    EngineOptions options = QuickOptions();
    options.late_ppm = seed % 2 == 0 ? 45'000 : 0;
    options.closing.items_max = seed % 3 == 0 ? 4 : 10;
    Model(seed, options).Run(250);
  }
}

TEST_CASE("the same over many more seeds", "[.long]") {
  for (std::uint64_t seed = 100; seed < 2'100; ++seed) {
    INFO("seed " << seed);
    EngineOptions options = QuickOptions();
    options.late_ppm = seed % 2 == 0 ? 45'000 : 0;
    options.closing.items_max = seed % 3 == 0 ? 4 : 10;
    Model(seed, options).Run(400);
  }
}

}  // namespace
}  // namespace reprise::jobs
