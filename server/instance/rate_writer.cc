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

// Of all batches that were given to the store at a time; outlives both sides.
class RateWriter::Outcome {
 public:
  explicit Outcome(std::size_t batches) : left_(batches) {}

  void Set(const base::Status& outcome) {
    base::MutexLock lock(mutex_);
    if (!outcome.ok()) {
      status_ = outcome;
    }
    if (--left_ == 0) {
      wake_.notify_one();
    }
  }
  // Absent when some have not come yet.
  std::optional<base::Status> WaitFor(std::int64_t ms) {
    base::MutexLock lock(mutex_);
    while (left_ > 0) {
      if (wake_.wait_for(mutex_, std::chrono::milliseconds(ms)) == std::cv_status::timeout) {
        break;
      }
    }
    return left_ == 0 ? std::optional(status_) : std::nullopt;
  }

 private:
  base::Mutex mutex_;
  base::ConditionVariable wake_;
  std::size_t left_ GUARDED_BY(mutex_);
  base::Status status_ GUARDED_BY(mutex_) = base::Ok{};
};

class RateWriter::WriteCall final : public storage::Mutation {
 public:
  WriteCall(rate::Limiter& limiter, std::shared_ptr<Outcome> outcome)
      : limiter_(limiter), outcome_(std::move(outcome)) {}

  base::Status Apply(storage::Transaction& transaction) override {
    limiter_.WriteChanges(transaction);
    return base::Ok{};
  }
  void Finish(base::Status outcome) override { outcome_->Set(outcome); }
  std::size_t QueuedBytes() const override { return sizeof(*this); }

 private:
  rate::Limiter& limiter_;
  const std::shared_ptr<Outcome> outcome_;
};

RateWriter::RateWriter(rate::Limiter& limiter, storage::Store& store, std::int64_t flush_ms)
    : limiter_(limiter), store_(store), flush_ms_(flush_ms), saved_until_(clock_.Elapsed()) {
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

bool RateWriter::Sleep() {
  base::MutexLock lock(mutex_);
  if (!stopping_) {
    wake_.wait_for(mutex_, std::chrono::milliseconds(std::max<std::int64_t>(flush_ms_ / 4, 1)));
  }
  return !stopping_;
}

std::int64_t RateWriter::LeftMs() const {
  return flush_ms_ - (clock_.Elapsed() - saved_until_) / base::kNanosPerMilli;
}

void RateWriter::Work() {
  while (Sleep()) {
    limiter_.Reclaim();
    Save();
  }
}

void RateWriter::Save() {
  const base::Nanos began = clock_.Elapsed();
  const std::size_t batches = std::min(limiter_.BatchesToWrite(), kBatchesMax);
  const base::Status outcome = batches == 0 ? base::Status(base::Ok{}) : Write(batches);
  if (outcome.ok()) {
    saved_until_ = began;
    limiter_.Resume();
  } else if (LeftMs() <= 0) {
    limiter_.Refuse(Unsaved(outcome.error()));
  }
}

base::Status RateWriter::Write(std::size_t batches) {
  const auto outcome = std::make_shared<Outcome>(batches);
  std::vector<std::unique_ptr<storage::Mutation>> calls;
  calls.reserve(batches);
  for (std::size_t i = 0; i < batches; ++i) {
    calls.push_back(std::make_unique<WriteCall>(limiter_, outcome));
  }
  if (!store_.Submit(calls)) {
    return Error{Code::kBusy, "the write queue is full"};
  }
  for (;;) {
    const std::int64_t left_ms = LeftMs();
    if (auto status =
            outcome->WaitFor(left_ms > 0 ? left_ms : std::max<std::int64_t>(flush_ms_, 1));
        status.has_value()) {
      return *std::move(status);
    }
    limiter_.Refuse(Unsaved({Code::kBusy, "a write has been waiting for the disk for " +
                                              std::to_string(flush_ms_) + " ms"}));
  }
}

}  // namespace reprise::instance
