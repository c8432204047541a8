#include "server/instance/rate_writer.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <pthread.h>
#include <utility>
#include <vector>

namespace reprise::instance {
namespace {

using base::Code;
using base::Error;

constexpr std::size_t kBatchesMax = 64;  // at a time; the rest is due at the next one

Error Unsaved(const Error& reason) {
  // What only this batch ran into: who asks again may be lucky.
  const bool is_transient = base::RowOf(reason.code).blame == base::Blame::kTransient;
  return {is_transient ? reason.code : Code::kReadOnly,
          "limits grant nothing while their state cannot be saved: " + reason.detail};
}

}  // namespace

// Outlives both sides of a batch.
struct RateWriter::Outcome {
  base::Mutex mutex;
  base::ConditionVariable wake;
  std::optional<base::Status> status GUARDED_BY(mutex);

  void Set(base::Status outcome) {
    base::MutexLock lock(mutex);
    status.emplace(std::move(outcome));
    wake.notify_one();
  }
  // Absent when it has not come yet.
  std::optional<base::Status> WaitFor(std::int64_t ms) {
    const auto until = std::chrono::milliseconds(ms);
    base::MutexLock lock(mutex);
    if (!status.has_value()) {
      wake.wait_for(mutex, until);
    }
    return status;
  }
};

class RateWriter::WriteCall final : public storage::Mutation {
 public:
  WriteCall(rate::Limiter& limiter, std::shared_ptr<Outcome> outcome)
      : limiter_(limiter), outcome_(std::move(outcome)) {}

  base::Status Apply(storage::Transaction& transaction) override {
    limiter_.WriteChanges(transaction);
    return base::Ok{};
  }
  void Finish(base::Status outcome) override { outcome_->Set(std::move(outcome)); }
  std::size_t QueuedBytes() const override { return sizeof(*this); }

 private:
  rate::Limiter& limiter_;
  const std::shared_ptr<Outcome> outcome_;
};

RateWriter::RateWriter(rate::Limiter& limiter, storage::Store& store, std::int64_t flush_ms)
    : limiter_(limiter), store_(store), flush_ms_(flush_ms) {
  thread_ = std::thread([this] { Work(); });
  pthread_setname_np(thread_.native_handle(), "rate-writer");
}

RateWriter::~RateWriter() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void RateWriter::Sleep() {
  base::MutexLock lock(mutex_);
  if (!stopping_) {
    wake_.wait_for(mutex_, std::chrono::milliseconds(std::max<std::int64_t>(flush_ms_ / 2, 1)));
  }
}

void RateWriter::Work() {
  for (;;) {
    {
      base::MutexLock lock(mutex_);
      if (stopping_) {
        return;
      }
    }
    Sleep();
    limiter_.Reclaim();
    base::Status outcome = base::Ok{};
    const std::size_t batches = std::min(limiter_.BatchesToWrite(), kBatchesMax);
    for (std::size_t i = 0; i < batches && outcome.ok(); ++i) {
      outcome = WriteBatch();
    }
    if (outcome.ok()) {
      limiter_.Resume();
    } else {
      limiter_.Refuse(Unsaved(outcome.error()));
    }
  }
}

base::Status RateWriter::WriteBatch() {
  const auto outcome = std::make_shared<Outcome>();
  std::vector<std::unique_ptr<storage::Mutation>> calls;
  calls.push_back(std::make_unique<WriteCall>(limiter_, outcome));
  if (!store_.Submit(calls)) {
    return Error{Code::kBusy, "the write queue is full"};
  }
  for (;;) {
    if (auto status = outcome->WaitFor(flush_ms_ / 2); status.has_value()) {
      return *std::move(status);
    }
    limiter_.Refuse(Unsaved({Code::kBusy, "a write has been waiting for the disk for " +
                                              std::to_string(flush_ms_ / 2) + " ms"}));
  }
}

}  // namespace reprise::instance
