// JobCommands: tasks that need not run alone or now, from both sides.
//
//   auto made = client.Jobs().Submit({{.payload = "Translate: hello", .category = "translate"}});
//   auto end = client.Jobs().Result(made.value()[0].ticket, 30'000);
//
// A worker takes batches, settles each item and keeps its lease alive; JobWorker (job_worker.h)
// does that as a loop.
//
// Units: milliseconds; tokens; nano-dollars. Zero and empty mean "not given" unless said otherwise.
// Threads: those of the Caller, which must outlive this; a waiting call keeps its connection.
// Errors: those of caller.h; kNotFound (ticket or lease: not known, or over), kExists (settled
// already), kBusy (no room; the text says when to try again), kTooLarge, kBadRequest. Repeating:
// Result is repeated when a connection is lost, Submit when all of its tasks have a `dedup` key,
// the others only when nothing had been sent. Complexity: one round trip each. Limits: 1,000 tasks
// or items a call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/cpp/caller.h"

namespace reprise::client {

struct Job {
  base::Value payload{};
  std::string category{};  // empty: found by the server, from `text` or the payload
  std::string text{};
  std::string model{};
  base::Value context{};  // what jobs share; nil: none
  std::string context_key{};
  base::Value parameters{};
  std::optional<int> priority{};              // 0 to 9
  std::optional<std::int64_t> max_wait_ms{};  // for company
  std::int64_t delay_ms = 0;
  std::int64_t deadline_in_ms = 0;
  std::string defer{};  // never, offpeak or any
  std::string dedup{};
  std::string custom_id{};
  std::string reply_to{};
  std::vector<std::string> after{};  // tickets
  std::optional<std::int64_t> tokens{};
  int max_attempts = 0;
  base::Value fill{};  // how to put the result into the cache; nil: not
};

struct JobTicket {
  std::string ticket{};
  bool duplicate = false;  // of a task that was known under the same dedup key
  std::string category{};
  std::int64_t not_before_ms = 0;  // since 1970
  std::string deferral{};          // whether and why it waits
};

struct JobState {
  std::string status{};  // succeeded, failed, canceled, expired; or queued, leased
  std::string phase{};   // of one that has not ended
  std::string ticket{};
  std::string custom_id{};
  std::string error{};
  std::int64_t attempts = 0;
  base::Value result{};
  base::Value usage{};
  std::optional<std::uint64_t> cost_nano{};

  bool ended() const { return status != "queued" && status != "leased"; }
  bool succeeded() const { return status == "succeeded"; }
};

struct BatchItem {
  std::string ticket{};
  base::Value payload{};
  std::string custom_id{};
  std::int64_t attempt = 0;
  std::int64_t age_ms = 0;
  std::optional<std::int64_t> deadline_ms{};  // since 1970
};

struct JobBatch {
  std::string lease{};
  std::int64_t lease_ms = 0;
  std::string name_space{};
  std::string category{};
  std::string model{};
  std::string context_key{};
  base::Value context{};
  base::Value parameters{};
  std::vector<BatchItem> items{};
  std::string prompt{};              // that asks for all items at once, by number
  std::vector<std::string> lines{};  // with `format`
};

struct TakeOptions {
  std::vector<std::string> categories{};
  std::vector<std::string> models{};
  std::int64_t max_items = 0;
  std::int64_t max_tokens = 0;
  std::int64_t wait_ms = 0;  // zero: only what is there
  std::int64_t lease_ms = 0;
  std::string format{};  // openai or anthropic
  bool all_namespaces = false;
};

struct JobDone {
  std::string ticket{};
  base::Value result{};
  base::Value usage{};
  std::optional<std::uint64_t> cost_nano{};
};

struct JobFailure {
  std::string ticket{};  // empty: all open items, as a whole
  std::string error{};
  bool may_retry = true;
};

class JobCommands {
 public:
  explicit JobCommands(Caller& caller) : caller_(caller) {}

  // All of them or none; tickets in the order of the jobs.
  base::Result<std::vector<JobTicket>> Submit(const std::vector<Job>& jobs,
                                              const CallOptions& call = {});
  // How it stands, or its end if that comes within `wait_ms`.
  base::Result<JobState> Result(std::string_view ticket, std::int64_t wait_ms = 0,
                                const CallOptions& call = {});
  // The state at the end, or the last one within `wait_ms`; then the task goes on.
  base::Result<JobState> SubmitAndWait(const Job& job, std::int64_t wait_ms,
                                       const CallOptions& call = {});
  // False: it had ended before.
  base::Result<bool> Cancel(std::string_view ticket, const CallOptions& call = {});

  // Absent: there was none within the wait.
  base::Result<std::optional<JobBatch>> Take(std::string_view worker,
                                             const TakeOptions& options = {},
                                             const CallOptions& call = {});
  // How long the lease lives from now. 0: as long as before.
  base::Result<std::int64_t> Extend(std::string_view lease, std::int64_t lease_ms = 0,
                                    const CallOptions& call = {});
  // All of them or none.
  base::Status Complete(std::string_view lease, const std::vector<JobDone>& items,
                        const CallOptions& call = {});
  base::Status Fail(std::string_view lease, const JobFailure& failure,
                    const CallOptions& call = {});

 private:
  Caller& caller_;
};

}  // namespace reprise::client
