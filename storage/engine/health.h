// Health: whether the store takes writes, and why not.
//
//   writable --disk full--> full --space is back, a probe write succeeds--> writable
//   writable, full --failed sync or append--> broken, until the directory is opened again
//
// A failed sync is never tried again: the system may have thrown the pages away and would answer
// that all is well. Threads: any. Errors: none. Units: none.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "protocol/base/mutex.h"
#include "protocol/base/result.h"

namespace reprise::storage {

class Health {
 public:
  enum class State : std::uint8_t { kWritable, kFull, kBroken };

  State state() const { return state_.load(std::memory_order_acquire); }
  std::string reason() const;

  void ReportFull(std::string reason);
  void ReportBroken(std::string reason);
  // Out of kFull only.
  void ReportSpace();
  // The code and sentence for the outcome of one commit: kReadOnly means that the disk is full.
  void ReportCommit(const base::Error& error);

  // What a refused write is told. Only when state() is not kWritable.
  base::Error Refusal() const;

 private:
  std::atomic<State> state_{State::kWritable};
  mutable base::Mutex mutex_;
  std::string reason_ GUARDED_BY(mutex_);
};

}  // namespace reprise::storage
