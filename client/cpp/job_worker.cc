#include "client/cpp/job_worker.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>
#include <utility>

#include "protocol/base/mutex.h"

namespace reprise::client {
namespace {

using base::Code;

constexpr std::int64_t kExtendsInALease = 3;
constexpr std::int64_t kFirstRestMs = 50;
constexpr std::int64_t kLongestRestMs = 3'000;
constexpr int kSettleTries = 8;

// What asking again does not change.
bool IsFinal(Code code) {
  return code == Code::kForbidden || code == Code::kUnauthenticated || code == Code::kBadRequest;
}

bool IsAway(Code code) {
  return code == Code::kUnavailable || code == Code::kTimeout || code == Code::kUnknownOutcome ||
         code == Code::kBusy || code == Code::kShuttingDown;
}

}  // namespace

class JobWorkerCore {
 public:
  JobWorkerCore(Caller& caller, JobWorkerOptions options, JobWorker::Work work)
      : jobs_(caller), options_(std::move(options)), work_(std::move(work)) {
    options_.take.wait_ms = JobWorker::kSliceMs;
    keeper_ = std::thread([this] { KeepAlive(); });
  }
  ~JobWorkerCore() {
    Stop();
    {
      base::MutexLock lock(mutex_);
      ending_ = true;
    }
    changed_.notify_all();
    keeper_.join();
  }
  JobWorkerCore(const JobWorkerCore&) = delete;
  JobWorkerCore& operator=(const JobWorkerCore&) = delete;
  JobWorkerCore(JobWorkerCore&&) = delete;
  JobWorkerCore& operator=(JobWorkerCore&&) = delete;

  base::Status Run();
  void Stop();
  JobWorkerCounts counts() const { return {batches_, items_, failed_, lost_}; }

 private:
  void WorkOn(const JobBatch& batch);
  void HandIn(const JobBatch& batch, const base::Result<std::vector<JobOutcome>>& outcomes);
  // Sent again while the server is away, also when the loop is to end.
  base::Status Settle(const std::function<base::Status(const CallOptions&)>& settle);
  void KeepAlive();

  JobCommands jobs_;
  JobWorkerOptions options_;
  JobWorker::Work work_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> is_lost_{false};
  std::atomic<std::uint64_t> batches_{0};
  std::atomic<std::uint64_t> items_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> lost_{0};
  base::Mutex mutex_;
  base::ConditionVariable changed_;
  std::string lease_ GUARDED_BY(mutex_);  // that is worked on; empty: none
  std::int64_t lease_ms_ GUARDED_BY(mutex_) = 0;
  bool ending_ GUARDED_BY(mutex_) = false;
  std::thread keeper_;
};

void JobWorkerCore::Stop() {
  {
    base::MutexLock lock(mutex_);  // So that nobody is between a look and a wait.
    stopping_ = true;
  }
  changed_.notify_all();
}

base::Status JobWorkerCore::Run() {
  std::int64_t rest_ms = kFirstRestMs;
  while (!stopping_) {
    const auto batch = jobs_.Take(options_.name, options_.take);
    if (!batch.ok()) {
      if (IsFinal(batch.error().code)) {
        return batch.error();
      }
      base::MutexLock lock(mutex_);
      if (!stopping_) {
        changed_.wait_for(mutex_, std::chrono::milliseconds(rest_ms));
      }
      rest_ms = std::min(rest_ms * 2, kLongestRestMs);
      continue;
    }
    rest_ms = kFirstRestMs;
    if (batch.value().has_value()) {
      WorkOn(*batch.value());
    }
  }
  return base::Ok{};
}

void JobWorkerCore::WorkOn(const JobBatch& batch) {
  ++batches_;
  is_lost_ = false;
  {
    base::MutexLock lock(mutex_);
    lease_ = batch.lease;
    lease_ms_ = batch.lease_ms;
  }
  changed_.notify_all();
  const auto outcomes = work_(batch, is_lost_);
  {
    base::MutexLock lock(mutex_);
    lease_.clear();
  }
  if (is_lost_) {
    ++lost_;
    return;
  }
  HandIn(batch, outcomes);
}

base::Status JobWorkerCore::Settle(const std::function<base::Status(const CallOptions&)>& settle) {
  std::int64_t rest_ms = kFirstRestMs;
  for (int attempt = 1;; ++attempt) {
    base::Status settled = settle({});
    if (settled.ok()) {
      return settled;
    }
    // An answer that was lost on its way: what was settled by then is settled.
    if (attempt > 1 && settled.error().code == Code::kExists) {
      return base::Ok{};
    }
    if (!IsAway(settled.error().code) || attempt == kSettleTries) {
      return settled;
    }
    base::MutexLock lock(mutex_);
    changed_.wait_for(mutex_, std::chrono::milliseconds(rest_ms));
    rest_ms = std::min(rest_ms * 2, kLongestRestMs);
  }
}

void JobWorkerCore::HandIn(const JobBatch& batch,
                           const base::Result<std::vector<JobOutcome>>& outcomes) {
  std::vector<JobDone> done;
  std::vector<JobFailure> failures;
  if (!outcomes.ok()) {
    failures.push_back({"", outcomes.error().detail, true});
  } else {
    std::set<std::string> left;
    for (const BatchItem& item : batch.items) {
      left.insert(item.ticket);
    }
    for (const JobOutcome& outcome : outcomes.value()) {
      left.erase(outcome.done.ticket);
      if (outcome.error.empty()) {
        done.push_back(outcome.done);
      } else {
        failures.push_back({outcome.done.ticket, outcome.error, outcome.may_retry});
      }
    }
    for (const std::string& ticket : left) {
      failures.push_back({ticket, "the worker gave no answer to it", true});
    }
  }
  if (!done.empty()) {
    const base::Status settled =
        Settle([&](const CallOptions& call) { return jobs_.Complete(batch.lease, done, call); });
    (settled.ok() ? items_ : failed_) += done.size();
  }
  for (const JobFailure& failure : failures) {
    (void)Settle([&](const CallOptions& call) {
      return jobs_.Fail(batch.lease, failure, call);
    }).ok();
    failed_ += failure.ticket.empty() ? batch.items.size() : 1;
  }
}

void JobWorkerCore::KeepAlive() {
  for (;;) {
    std::string lease;
    {
      base::MutexLock lock(mutex_);
      if (ending_) {
        return;
      }
      if (lease_.empty()) {
        changed_.wait(mutex_);
        continue;
      }
      lease = lease_;
      const std::int64_t every_ms = std::max<std::int64_t>(lease_ms_ / kExtendsInALease, 1);
      changed_.wait_for(mutex_, std::chrono::milliseconds(every_ms));
      if (ending_ || lease_ != lease) {
        continue;
      }
    }
    const auto extended = jobs_.Extend(lease, options_.take.lease_ms);
    if (!extended.ok() &&
        (extended.error().code == Code::kNotFound || extended.error().code == Code::kExists)) {
      is_lost_ = true;
    }
  }
}

JobWorker::JobWorker(Caller& caller, JobWorkerOptions options, Work work)
    : core_(std::make_unique<JobWorkerCore>(caller, std::move(options), std::move(work))) {}

JobWorker::~JobWorker() = default;

base::Status JobWorker::Run() {
  return core_->Run();
}

void JobWorker::Stop() {
  core_->Stop();
}

JobWorkerCounts JobWorker::counts() const {
  return core_->counts();
}

}  // namespace reprise::client
