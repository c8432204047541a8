// A mailbox that a test empties by hand, on its own thread, which plays the loop.
//
// Threads: Post any; RunOne the test's. Errors: RunOne is false when nothing came within 20 s.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>

#include "protocol/base/mailbox.h"

namespace reprise::dispatch {

class TestMailbox final : public base::Mailbox {
 public:
  bool Post(std::unique_ptr<base::Task> task) override {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    arrived_.notify_one();
    return true;
  }
  bool RunOne() {
    std::unique_ptr<base::Task> task;
    {
      std::unique_lock lock(mutex_);
      if (!arrived_.wait_for(lock, std::chrono::seconds(20), [&] { return !tasks_.empty(); })) {
        return false;
      }
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task->Run();
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::unique_ptr<base::Task>> tasks_;
};

}  // namespace reprise::dispatch
