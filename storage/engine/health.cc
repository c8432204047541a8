#include "storage/engine/health.h"

#include <utility>

namespace reprise::storage {

std::string Health::reason() const {
  base::MutexLock lock(mutex_);
  return reason_;
}

void Health::ReportFull(std::string reason) {
  base::MutexLock lock(mutex_);
  if (state() == State::kWritable) {
    reason_ = std::move(reason);
    state_.store(State::kFull, std::memory_order_release);
  }
}

void Health::ReportBroken(std::string reason) {
  base::MutexLock lock(mutex_);
  if (state() != State::kBroken) {
    reason_ = std::move(reason);
    state_.store(State::kBroken, std::memory_order_release);
  }
}

void Health::ReportSpace() {
  base::MutexLock lock(mutex_);
  if (state() == State::kFull) {
    reason_.clear();
    state_.store(State::kWritable, std::memory_order_release);
  }
}

void Health::ReportCommit(const base::Error& error) {
  if (error.code == base::Code::kReadOnly) {
    ReportFull(error.detail);
  } else {
    ReportBroken(error.detail);
  }
}

base::Error Health::Refusal() const {
  const std::string why = reason();
  if (state() == State::kBroken) {
    return {base::Code::kReadOnly,
            "a write failed and the store is read-only until the server is restarted: " + why};
  }
  return {base::Code::kReadOnly, "the store is read-only until the disk has space again: " + why};
}

}  // namespace reprise::storage
