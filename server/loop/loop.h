// Loop: one libuv event loop on one thread, which owns everything that is attached to it.
//
// A turn of the loop is: timers, I/O callbacks (reads are handled and answered inside them),
// mailbox messages, then OnTurnEnd once. The time is read once a turn.
//
// Threads: Post, Stop and Stats from any thread; everything else on the loop's own thread, or
// before Run. Errors: kIo when the system refuses a loop. Lifetime: handles close inside Run, after
// Stop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "protocol/base/clock.h"
#include "protocol/base/mailbox.h"
#include "protocol/base/result.h"
#include "protocol/base/thread_role.h"

struct uv_loop_s;

namespace reprise::loop {

struct LoopStats {
  std::uint64_t turns = 0;
  std::uint64_t mailbox_items = 0;
  std::int64_t lag_micros_max = 0;   // longest turn since the last reading
  std::int64_t lag_micros_mean = 0;  // of turns since the last reading
};

class Loop : public base::Mailbox {
 public:
  static base::Result<std::unique_ptr<Loop>> Create(int index, const base::Clock& clock);
  ~Loop() override = default;

  virtual int index() const = 0;

  // Runs until Stop, then closes all connections and handles, and returns. Adopts base::kLoop.
  virtual void Run() = 0;
  virtual void Stop() = 0;

  bool Post(std::unique_ptr<base::Task> task) override = 0;

  // Set before Run. Called at the end of each turn in which anything happened.
  virtual void OnTurnEnd(std::function<void()> hook) = 0;
  // Set before Run. Called about every 100 ms.
  virtual void OnTick(std::function<void()> hook) = 0;

  // Time at the start of this turn.
  virtual base::Nanos TurnStart() const ON_LOOP_THREAD = 0;

  virtual LoopStats Stats() = 0;

  // For the other files of this module only.
  virtual uv_loop_s* Handle() = 0;
};

}  // namespace reprise::loop
