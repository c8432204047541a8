// Mailbox: how work crosses to another thread. A message owns its data and is moved.
//
// Threads: Post from any thread; the owner thread takes the messages in order, and none is lost
// unless Post said so. Errors: Post answers false when the mailbox is full or its owner has
// stopped; the message is then destroyed by the caller's thread. Limits: each mailbox has a fixed
// number of places.
#pragma once

#include <memory>

namespace reprise::base {

// One message: runs once on the thread that owns the mailbox.
class Task {
 public:
  virtual ~Task() = default;
  virtual void Run() = 0;
};

class Mailbox {
 public:
  virtual ~Mailbox() = default;
  virtual bool Post(std::unique_ptr<Task> task) = 0;
};

// A Task from a callable: `mailbox.Post(MakeTask([message = std::move(message)] { ... }))`.
template <typename Callable>
std::unique_ptr<Task> MakeTask(Callable callable) {
  class CallableTask final : public Task {
   public:
    explicit CallableTask(Callable body) : body_(std::move(body)) {}
    void Run() override { body_(); }

   private:
    Callable body_;
  };
  return std::make_unique<CallableTask>(std::move(callable));
}

}  // namespace reprise::base
