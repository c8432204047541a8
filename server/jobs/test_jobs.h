// What the tests of Jobs share: a store and jobs on it, short forms.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/jobs/jobs.h"
#include "storage/engine/test_support.h"

namespace reprise::jobs {

inline constexpr NamespaceId kHere{1};
inline constexpr NamespaceId kThere{2};

// MessagePack of a short text.
inline std::string Packed(std::string_view text) {
  return static_cast<char>(0xa0U + text.size()) + std::string(text);
}

class JobsKit {
 public:
  explicit JobsKit(storage::EngineKind engine = storage::EngineKind::kMemory) : engine_(engine) {
    Open();
  }
  ~JobsKit() { Close(); }
  JobsKit(const JobsKit&) = delete;
  JobsKit& operator=(const JobsKit&) = delete;
  JobsKit(JobsKit&&) = delete;
  JobsKit& operator=(JobsKit&&) = delete;

  void Open() {
    store = storage::MustOpen(storage::SmallOptions(engine_, dir_ / "data"), clock);
    auto loaded = Jobs::Load(*store, {kHere, kThere}, clock, options);
    if (!loaded.ok()) {
      FAIL(loaded.error().detail);
    }
    jobs = std::move(loaded).value();
    jobs->Advance();
  }
  void Close() {
    store.reset();
    jobs.reset();
  }
  void Reopen() {
    Close();
    Open();
  }
  void Pass(std::int64_t ms) {
    clock.Advance(ms);
    jobs->Advance();
    Drain();
  }
  // Until what was queued is written.
  void Drain() const {
    REQUIRE(store->Run([](storage::Transaction&) -> base::Status { return base::Ok{}; }).ok());
  }

  base::Result<std::vector<Submitted>> TrySubmit(const std::vector<Submission>& tasks,
                                                 NamespaceId home = kHere) const {
    base::Result<std::vector<Submitted>> outcome = std::vector<Submitted>();
    const base::Status status = store->Run([&](storage::Transaction& transaction) -> base::Status {
      outcome = jobs->Submit(home, tasks, {}, transaction);
      return outcome.ok() ? base::Status(base::Ok{}) : base::Status(outcome.error());
    });
    if (!status.ok()) {
      return status.error();
    }
    return outcome;
  }
  Submission Plain() const {
    Submission task;
    task.payload = payload_;
    task.category = "c";
    task.model = "m";
    task.max_wait_ms = 0;
    return task;
  }
  TaskId Submit(const Submission& task, NamespaceId home = kHere) const {
    const auto outcome = TrySubmit({task}, home);
    if (!outcome.ok()) {
      FAIL(outcome.error().detail);
    }
    return outcome.value()[0].id;
  }
  TaskId Submit() const { return Submit(Plain()); }

  std::optional<Batch> Take(NamespaceId home = kHere, std::int64_t lease_ms = 60'000) const {
    TakeAsk ask;
    ask.home = home;
    ask.worker = "w";
    ask.lease_ms = lease_ms;
    auto batch = jobs->TakeNow(ask);
    REQUIRE(batch.ok());
    return std::move(batch).value();
  }
  base::Status Complete(const LeaseToken& lease, TaskId id, std::string_view result,
                        NamespaceId home = kHere) const {
    return store->Run([&](storage::Transaction& transaction) -> base::Status {
      const CompletedItem item{id, result, {}, 1'000};
      const auto done = jobs->Complete({home, false, lease}, {&item, 1}, transaction);
      return done.ok() ? base::Status(base::Ok{}) : base::Status(done.error());
    });
  }
  base::Status Fail(const LeaseToken& lease, std::vector<TaskId> items,
                    bool may_retry = true) const {
    return store->Run([&](storage::Transaction& transaction) -> base::Status {
      const auto failed =
          jobs->Fail({kHere, false, lease}, {std::move(items), "it broke", may_retry}, transaction);
      return failed.ok() ? base::Status(base::Ok{}) : base::Status(failed.error());
    });
  }
  // What had become of it before; "canceled" when it is now.
  std::string Cancel(TaskId id) const {
    std::string text;
    const base::Status status = store->Run([&](storage::Transaction& transaction) -> base::Status {
      const auto outcome = jobs->Cancel(kHere, id, transaction);
      if (!outcome.ok()) {
        return outcome.error();
      }
      text = NameOf(outcome.value().value_or(Outcome::kCanceled));
      return base::Ok{};
    });
    return status.ok() ? text : std::string(base::NameOf(status.error().code));
  }
  // "delayed", "leased", ..., or how it ended, or "unknown".
  std::string StatusOf(TaskId id, NamespaceId home = kHere) const {
    constexpr std::string_view kPlaces[] = {"free",  "blocked", "delayed",
                                            "ready", "leased",  "dead"};
    if (const auto view = jobs->View(home, id)) {
      return std::string(kPlaces[static_cast<std::size_t>(view->place)]);
    }
    const auto row = ResultOf(id, home);
    return row.has_value() ? std::string(NameOf(ParseResult(row->value()).value().outcome))
                           : "unknown";
  }
  std::optional<storage::BlobRef> ResultOf(TaskId id, NamespaceId home = kHere) const {
    const storage::View view(*store, clock.Now(), storage::ReadMode::kDisk);
    return Jobs::FindResult(home, id, view).value();
  }
  // How many rows there are of a kind.
  std::size_t Rows(RowKind kind, NamespaceId home = kHere) const {
    return storage::KeysOf(*store, {storage::Family::kJobs, RowPrefix(home, kind), {}, false},
                           clock.Now())
        .size();
  }

  storage::MovableClock clock;
  config::JobsOptions options;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Jobs> jobs;

 private:
  storage::TempDir dir_;
  storage::EngineKind engine_;
  std::string payload_ = Packed("do it");
};

}  // namespace reprise::jobs
