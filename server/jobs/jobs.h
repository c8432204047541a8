// Jobs: tasks of all namespaces, on disk and in memory. What bots hand in, workers take in batches,
// and bots get back.
//
// The rows of the store are the truth; the Engine is rebuilt from them at the start. What a bot or
// a worker is told to have happened is committed before it is told; with `jobs.durability = always`
// it is on the medium, many calls with one sync. A batch is handed out when the row of its lease is
// committed. notes/0003-durability-and-fencing.md.
//
// Units: milliseconds (server time) and bytes. Threads: methods with a Transaction on the writer
// thread; the others on any but a loop, where not said otherwise. One mutex, a leaf; receivers are
// called without it. Errors: kBadRequest, kNotFound, kExists (settled already), kTooLarge, kBusy (a
// limit, with the time to wait), those of the store; details for people. Complexity: O(log n) a
// task. Limits: those of JobsOptions and limits.h. Lifetime: the store and the clock outlive it;
// receivers are shared.
#pragma once

#include <atomic>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mutex.h"
#include "protocol/base/result.h"
#include "server/calendar/zones.h"
#include "server/config/options.h"
#include "server/jobs/classifier.h"
#include "server/jobs/engine.h"
#include "server/jobs/rows.h"
#include "storage/engine/store.h"
#include "storage/engine/view.h"

namespace reprise::jobs {

// A connection; everything that waits for it goes with it. 0: nobody.
using OwnerId = std::uint64_t;

// One task as a bot hands it in. Views live as long as the call.
struct Submission {
  std::string_view payload;  // MessagePack
  std::string_view category;
  std::string_view model;
  std::string_view context_key;  // empty: by the context itself
  std::string_view context;      // MessagePack; empty: none
  std::string_view parameters;   // MessagePack; empty: none
  std::string_view custom_id;
  std::string_view reply_to;
  std::string_view dedup;
  std::string_view fill;                // MessagePack, for whoever settles the task
  std::optional<std::uint32_t> tokens;  // of the payload; estimated when not given
  std::int64_t not_before_ms = 0;
  std::int64_t deadline_ms = 0;  // 0: none
  std::optional<std::uint32_t> max_wait_ms;
  std::uint8_t priority = static_cast<std::uint8_t>(base::limits::kJobPriority.value);
  std::optional<std::uint8_t> attempts_max;
  Defer defer = Defer::kNever;
  // Tickets, or indexes of tasks in the same call.
  std::vector<std::variant<TaskId, std::size_t>> after;
};

struct Submitted {
  TaskId id{0};
  bool is_duplicate = false;  // of a task that is known under the same dedup key
  std::int64_t not_before_ms = 0;
  DeferReason defer_reason = DeferReason::kNotAsked;
};

// Which strategies a call may use.
struct Strategies {
  bool batching = true;
  bool deferral = true;
};

// A batch as it goes to a worker. Owns its bytes.
struct Batch {
  BatchView view;
  std::vector<std::string> payloads;  // MessagePack, one for each item of the view
  std::string parameters;             // MessagePack; empty: none
  std::string context;
};

// Who waits for a batch. One call of one of these, once; any thread.
class BatchReceiver {
 public:
  virtual ~BatchReceiver() = default;
  virtual void Give(const Batch& batch) = 0;
  virtual void Nothing() = 0;  // the time is over
  virtual void Refuse(const base::Error& error) = 0;
};

// Who waits for a result: told once that there is one, or that the time is over. Any thread.
class ResultReceiver {
 public:
  virtual ~ResultReceiver() = default;
  virtual void Ended() = 0;
};

struct CompletedItem {
  TaskId id{0};
  std::string_view result;  // MessagePack; empty: none
  std::string_view usage;
  std::optional<std::uint64_t> cost_nano;
};

// What somebody may want to do with a task that was completed.
struct Completed {
  SettleFacts facts;
  std::string fill;  // as it was submitted; empty: nothing
  std::string_view result;
  std::optional<std::uint64_t> cost_nano;
  std::string_view usage;
};

// For the ledger: what the tasks of one call of Complete did not cost, by batching or by deferral.
struct Saving {
  enum class By : std::uint8_t { kBatching, kDeferral };
  By by = By::kBatching;
  NamespaceId home{0};
  std::string model;
  std::uint64_t tasks = 0;
  std::uint64_t calls_ppm = 0;  // millionths of a call
  std::uint64_t tokens_in = 0;  // of the shared context, that were not sent again
  std::uint64_t cost_nano = 0;
};
// Runs inside the transaction that completes the tasks.
using SavingSink = std::function<void(const Saving&, storage::Transaction&)>;

// A task that has ended, for its submitter; after the commit, with nothing held.
using NoticeSink = std::function<void(const Notice&)>;

// Which category a text is of; empty while there is no classifier.
struct Category {
  std::string category;
  double score = 0;
  double margin = 0;
};

struct Trained {
  std::size_t examples = 0;
  std::size_t categories = 0;
  std::size_t memory_bytes = 0;
  double right_share = 0;  // of the examples themselves
};

struct JobsStats {  // of all namespaces
  std::uint64_t tasks = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t waiting_takers = 0;
  std::uint64_t waiting_results = 0;
  std::uint64_t upkeep_pending = 0;  // rows that follow what has happened
};

class Jobs {
 public:
  // Reads the rows of a store that was just opened.
  static base::Result<std::unique_ptr<Jobs>> Load(storage::Store& store,
                                                  const std::vector<NamespaceId>& namespaces,
                                                  const base::Clock& clock,
                                                  const config::JobsOptions& options);
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;
  Jobs(Jobs&&) = delete;
  Jobs& operator=(Jobs&&) = delete;

  // Any thread. `name_of` finds the namespaces that weights name.
  void SetOptions(const config::JobsOptions& options,
                  const std::function<std::optional<NamespaceId>(std::string_view)>& name_of);
  void OnSaving(SavingSink sink) { saving_sink_ = std::move(sink); }  // before the first call
  void OnNotice(NoticeSink sink);                                     // may be empty again

  // Bots. --------------------------------------------------------------------------------------

  // All of them or none. Errors name the task by its index.
  base::Result<std::vector<Submitted>> Submit(NamespaceId home, std::span<const Submission> tasks,
                                              const Strategies& strategies,
                                              storage::Transaction& transaction);
  // A task that waits or runs; absent: ended, or never known. Any thread, loops too.
  std::optional<TaskView> View(NamespaceId home, TaskId id) const;
  // The result row of one that has ended; absent: not known, or its time is over. As view.Get.
  static base::Result<std::optional<storage::BlobRef>> FindResult(NamespaceId home, TaskId id,
                                                                  const storage::View& view);
  // False: the task does not wait or run any more, and nobody will call.
  base::Result<bool> AwaitResult(NamespaceId home, TaskId id, OwnerId owner, std::int64_t wait_ms,
                                 std::shared_ptr<ResultReceiver> receiver);
  // What had become of it, when that was not to be canceled.
  base::Result<std::optional<Outcome>> Cancel(NamespaceId home, TaskId id,
                                              storage::Transaction& transaction);

  // Workers. -----------------------------------------------------------------------------------

  struct TakeRequest {
    TakeAsk ask;
    OwnerId owner = 0;
    std::int64_t wait_ms = 0;
  };
  void Take(const TakeRequest& request, std::shared_ptr<BatchReceiver> receiver);
  // The same on the calling thread, without waiting for tasks to come.
  base::Result<std::optional<Batch>> TakeNow(const TakeAsk& ask);
  // How long the lease lives from now.
  base::Result<std::int64_t> Extend(const LeaseAsk& ask, std::int64_t lease_ms,
                                    storage::Transaction& transaction);
  // How many leases of the worker were extended.
  std::size_t Beat(NamespaceId home, std::string_view worker, std::int64_t lease_ms,
                   storage::Transaction& transaction);
  base::Result<std::vector<Completed>> Complete(const LeaseAsk& ask,
                                                std::span<const CompletedItem> items,
                                                storage::Transaction& transaction);
  struct Failed {
    std::uint64_t retried = 0;
    std::uint64_t dead = 0;
    std::int64_t retry_at_ms = 0;  // of the last one
  };
  base::Result<Failed> Fail(const LeaseAsk& ask, const Engine::FailAsk& what,
                            storage::Transaction& transaction);

  // The worker that it was for has lost its rights.
  void GiveBack(LeaseId lease) { TakeBack(lease); }

  // Categories. --------------------------------------------------------------------------------

  // Any thread, loops too: microseconds.
  Category Classify(NamespaceId home, std::string_view text) const;
  // Makes the classifier of a namespace from examples, or from those it had and these. Takes
  // seconds; not on a loop or the writer thread. Errors: kBusy while another is trained.
  base::Result<Trained> Train(NamespaceId home, std::vector<Example> examples, bool adds);

  // Operators. ---------------------------------------------------------------------------------

  // True when it was not so before.
  base::Result<bool> SetPaused(NamespaceId home, const Pause& pause, bool paused,
                               storage::Transaction& transaction);
  std::vector<Pause> Pauses(NamespaceId home) const;
  base::Status SetWindows(NamespaceId home, std::vector<PriceWindow> windows,
                          storage::Transaction& transaction);
  std::vector<PriceWindow> WindowsOf(NamespaceId home) const;

  std::vector<TaskView> DeadLetters(NamespaceId home, TaskId after, std::size_t most) const;
  // How many of these (all, when none is named) were replayed or purged; at most `most`.
  base::Result<std::size_t> Replay(NamespaceId home, const std::vector<TaskId>& ids,
                                   std::size_t most, storage::Transaction& transaction);
  base::Result<std::size_t> Purge(NamespaceId home, const std::vector<TaskId>& ids,
                                  std::size_t most, storage::Transaction& transaction);

  std::vector<QueueView> Queues(NamespaceId home) const;
  TenantView ViewTenant(NamespaceId home) const;
  std::vector<WorkerView> Workers(NamespaceId home) const;
  std::vector<TaskView> Tasks(NamespaceId home, std::size_t most) const;
  JobsStats Stats() const;

  // Everything of a namespace that was removed or emptied; its rows too. How many tasks.
  std::uint64_t Drop(NamespaceId home, storage::Transaction& transaction);

  // Connections. Any thread, loops too.
  // ------------------------------------------------------------

  // It has gone: it waits for nothing any more. Leases stay: workers may come back for them.
  void Disconnect(OwnerId owner);
  // The same; how many waits there were, whose receivers are dropped without a call.
  std::size_t StopWaiting(OwnerId owner);
  // The same, and the receivers are told that the time is over.
  void Expel(OwnerId owner);
  // All who wait are told so.
  void StopAllWaiting();

  // Time. One thread. ---------------------------------------------------------------------------

  void Advance();
  // When Advance has something to do next; absent: nothing. Then until OnEarlier.
  std::optional<std::int64_t> PlanNext();
  // Called when there is something to do before what was planned; any thread.
  void OnEarlier(std::function<void()> nudge);

  // For tests.
  void CheckInvariants() const;

 private:
  class GrantCall;
  class UpkeepCall;
  struct SubmitWork;
  struct WaitingTaker {
    std::shared_ptr<BatchReceiver> receiver;
    OwnerId owner = 0;
  };
  struct WaitingResult;
  struct Loading;
  using ResultRef = std::shared_ptr<WaitingResult>;

  Jobs(storage::Store& store, const base::Clock& clock, const config::JobsOptions& options,
       std::uint64_t seed);
  static std::unique_ptr<Jobs> Make(storage::Store& store, const base::Clock& clock,
                                    const config::JobsOptions& options);
  static EngineOptions EngineOptionsOf(const config::JobsOptions& options);
  std::int64_t NowMs() const { return base::ToInt(clock_.Now()); }
  TaskId TakeId(std::int64_t now_ms) REQUIRES(mutex_);
  void RequireSync(storage::Transaction& transaction) const;

  base::Result<std::string> ReadChunks(NamespaceId home, RowKind kind);
  base::Status LoadClassifier(NamespaceId home);
  base::Status CheckRoomForModel(NamespaceId home) const;
  base::Result<Trained> TrainAlone(NamespaceId home, std::vector<Example> examples, bool adds);
  base::Status ForEachRow(NamespaceId home, RowKind kind,
                          const std::function<base::Status(const storage::ScanRow&)>& take);
  base::Status LoadNamespace(NamespaceId home);
  base::Status LoadGroups(NamespaceId home, Loading& loading);
  base::Status LoadTasks(NamespaceId home, Loading& loading);
  base::Status LoadLeases(NamespaceId home, Loading& loading);
  base::Status LoadSettings(NamespaceId home);
  base::Status FinishLoad(NamespaceId home, Loading& loading);

  base::Status Prepare(std::size_t index, const Submission& task, SubmitWork& work,
                       storage::Transaction& transaction);
  base::Result<std::optional<TaskId>> FindDuplicate(NamespaceId home, const GroupHash& dedup,
                                                    storage::Transaction& transaction) const;
  base::Status ResolveTicket(TaskId id, NewTask& made, storage::Transaction& transaction) const;
  base::Status ResolveDuplicates(SubmitWork& work, const std::vector<Submitted>& submitted,
                                 storage::Transaction& transaction) const;
  base::Status ResolveAfter(std::size_t index, const Submission& task, SubmitWork& work,
                            NewTask& made, storage::Transaction& transaction) const;
  base::Status WriteTasks(std::span<const Submission> tasks, SubmitWork& work,
                          std::vector<Submitted>& submitted, storage::Transaction& transaction);
  static void WriteTask(const Submission& task, const NewTask& made, const GroupHash& group,
                        const std::optional<GroupHash>& dedup, storage::Transaction& transaction);
  base::Status JoinGroup(const Submission& task, SubmitWork& work, NewTask& made,
                         storage::Transaction& transaction);
  void Undo(const SubmitWork& work);
  void Add(SubmitWork& work);

  // The rows of a task that has ended. What it was to fill in the cache, as submitted.
  base::Result<std::string> WriteEnd(const SettleFacts& facts, const ResultRow& result,
                                     storage::Transaction& transaction) const;
  void TellSavings(const std::vector<Completed>& completed, storage::Transaction& transaction);
  base::Error WhyNot(NamespaceId home, TaskId id, const base::Error& error,
                     storage::Transaction& transaction) const;

  static ResultRow ResultOf(const SettleFacts& facts, Outcome outcome, std::int64_t now_ms);
  base::Status WriteLease(LeaseId id, storage::Transaction& transaction);
  void Grant(LeaseId id);
  void StartGrant(LeaseId lease, std::shared_ptr<BatchReceiver> receiver);
  void PostRead(LeaseId lease, const std::shared_ptr<BatchReceiver>& receiver);
  void TakeBack(LeaseId lease);
  base::Result<Batch> ReadBatch(BatchView view) const;

  // What a change brought about; called with the mutex given back.
  void Carry(Effects effects);
  void NudgeIfEarlier();
  std::optional<std::int64_t> NextMs() const REQUIRES(mutex_);
  std::shared_ptr<BatchReceiver> TakeTaker(TakerId taker) REQUIRES(mutex_);
  void SubmitUpkeep(std::vector<Upkeep> upkeep);
  void KeepUpkeep(std::vector<Upkeep> upkeep);
  base::Status ApplyUpkeep(const std::vector<Upkeep>& upkeep, storage::Transaction& transaction);
  void WakeResults(const std::vector<Notice>& notices);
  std::vector<ResultRef> RemoveWaits(OwnerId owner, std::vector<TakerId>& takers) REQUIRES(mutex_);
  void Forget(const ResultRef& waiting) REQUIRES(mutex_);

  storage::Store& store_;
  const base::Clock& clock_;
  calendar::Zones zones_;
  SavingSink saving_sink_;
  mutable base::Mutex mutex_;
  Engine engine_ GUARDED_BY(mutex_);
  config::JobsOptions options_ GUARDED_BY(mutex_);
  std::atomic<bool> syncs_{true};
  std::atomic<std::int64_t> result_ttl_ms_;
  std::atomic<bool> training_{false};
  std::map<NamespaceId, std::shared_ptr<const Classifier>> classifiers_ GUARDED_BY(mutex_);
  std::uint64_t next_id_ GUARDED_BY(mutex_) = 0;
  std::uint64_t next_taker_ GUARDED_BY(mutex_) = 1;
  std::map<TakerId, WaitingTaker> takers_ GUARDED_BY(mutex_);
  std::multimap<OwnerId, TakerId> takers_of_ GUARDED_BY(mutex_);
  std::multimap<std::pair<NamespaceId, TaskId>, ResultRef> results_ GUARDED_BY(mutex_);
  std::multimap<OwnerId, ResultRef> results_of_ GUARDED_BY(mutex_);
  std::set<std::pair<std::int64_t, ResultRef>> result_ends_ GUARDED_BY(mutex_);
  std::map<NamespaceId, std::uint64_t> result_waits_ GUARDED_BY(mutex_);
  std::vector<Upkeep> upkeep_ GUARDED_BY(mutex_);  // that could not be submitted
  std::int64_t upkeep_again_ms_ GUARDED_BY(mutex_) = 0;
  std::int64_t planned_ms_ GUARDED_BY(mutex_) = std::numeric_limits<std::int64_t>::max();
  std::function<void()> nudge_ GUARDED_BY(mutex_);
  std::shared_ptr<const NoticeSink> notice_sink_ GUARDED_BY(mutex_);
};

}  // namespace reprise::jobs
