// JobWorker: a worker as a loop: takes a batch, lets a function work on it, keeps the lease alive
// in the background meanwhile, hands in what came of each item, and takes the next.
//
//   client::JobWorker worker(client, {.name = "w1", .take = {.models = {"m"}}},
//                            [](const JobBatch& batch, const std::atomic<bool>& lost) { ... });
//   worker.Run();   // until Stop() from another thread
//
// The function answers with an outcome for each item; items that it leaves out have failed. When it
// answers with an error the batch has failed as a whole, and goes out again in halves. `lost` turns
// true when the lease has ended and nobody wants the answers any more.
//
// Stop ends the loop cleanly: no batch is taken any more, the one under way is finished and handed
// in. Run returns within the time of that batch, or kSliceMs.
//
// Units: milliseconds. Threads: Run on one thread; Stop and the counts from any; one thread of its
// own extends leases. Errors: a server that is away is asked again, after a wait that doubles up to
// a few seconds; kForbidden, kUnauthenticated and kBadRequest end Run. Complexity: one round trip
// to take, one to hand in. Lifetime: the Caller outlives this; any kind will do, since nothing else
// is asked while a take waits.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/cpp/jobs.h"

namespace reprise::client {

struct JobOutcome {
  JobDone done{};         // its ticket names the item
  std::string error{};    // not empty: it failed
  bool may_retry = true;  // of one that failed
};

struct JobWorkerOptions {
  std::string name = "worker";
  TakeOptions take{};  // wait_ms is the loop's own
};

struct JobWorkerCounts {
  std::uint64_t batches = 0;
  std::uint64_t items = 0;   // whose results were taken
  std::uint64_t failed = 0;  // that were handed back
  std::uint64_t lost = 0;    // batches whose lease ended
};

class JobWorker {
 public:
  using Work = std::function<base::Result<std::vector<JobOutcome>>(const JobBatch& batch,
                                                                   const std::atomic<bool>& lost)>;
  // The longest wait of one take.
  static constexpr std::int64_t kSliceMs = 1'000;

  JobWorker(Caller& caller, JobWorkerOptions options, Work work);
  ~JobWorker();
  JobWorker(const JobWorker&) = delete;
  JobWorker& operator=(const JobWorker&) = delete;
  JobWorker(JobWorker&&) = delete;
  JobWorker& operator=(JobWorker&&) = delete;

  base::Status Run();
  void Stop();
  JobWorkerCounts counts() const;

 private:
  std::unique_ptr<class JobWorkerCore> core_;
};

}  // namespace reprise::client
