// LoopCore: the libuv side of Loop. Owns the connections and listeners of one loop and the order of
// things inside a turn (notes/0001-turn-and-flush.md). Does not own what connections say.
//
// For the files of this module only. Threads: Post, Stop and Stats from any thread, Attach before
// Run or on the loop, the rest on the loop. Errors: none after Create. Lifetime: connections live
// until the turn after they were closed, listeners until the loop is destroyed.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <uv.h>

#include "server/loop/inbox.h"
#include "server/loop/loop.h"

namespace reprise::loop {

class ListenerCore;
class SocketStream;

class LoopCore final : public Loop {
 public:
  LoopCore(int index, const base::Clock& clock);
  ~LoopCore() override;
  LoopCore(const LoopCore&) = delete;
  LoopCore& operator=(const LoopCore&) = delete;
  LoopCore(LoopCore&&) = delete;
  LoopCore& operator=(LoopCore&&) = delete;

  // Zero, or libuv's error.
  int Start();

  int index() const override { return index_; }
  void Run() override;
  void Stop() override;
  bool Post(std::unique_ptr<base::Task> task) override;
  void OnTurnEnd(std::function<void()> hook) override { turn_end_hook_ = std::move(hook); }
  void OnTick(std::function<void()> hook) override { tick_hook_ = std::move(hook); }
  base::Nanos TurnStart() const ON_LOOP_THREAD override { return turn_start_; }
  LoopStats Stats() override;
  uv_loop_s* Handle() override { return &loop_; }

  // First thing in every callback: something happens in this turn, and this is when it began.
  void Touch() ON_LOOP_THREAD {
    if (!busy_) {
      busy_ = true;
      turn_start_ = clock_.Elapsed();
    }
  }

  // What every connection reads into when its handler has no partial message.
  std::span<char> ReadBuffer() ON_LOOP_THREAD { return {read_buffer_.get(), kReadBufferBytes}; }

  void Attach(std::shared_ptr<ListenerCore> listener);
  void Adopt(std::unique_ptr<SocketStream> stream) ON_LOOP_THREAD;
  // Calls stream.Resume() in the next turn, unless Forget comes first.
  void ResumeNextTurn(SocketStream& stream) ON_LOOP_THREAD;
  void Forget(const SocketStream& stream) ON_LOOP_THREAD;
  // The stream's handle is gone: its handler hears of it in the next turn, then it is destroyed.
  void Closed(SocketStream& stream) ON_LOOP_THREAD;

 private:
  static constexpr std::size_t kReadBufferBytes = std::size_t{64} * 1024;

  void AfterPoll() ON_LOOP_THREAD;
  void BeforePoll() ON_LOOP_THREAD;
  void Tick() ON_LOOP_THREAD;
  void FinishClosed() ON_LOOP_THREAD;
  void RunTasks() ON_LOOP_THREAD;
  void ResumeYielded() ON_LOOP_THREAD;
  void ContinueStop() ON_LOOP_THREAD;
  void EndTurn() ON_LOOP_THREAD;
  void CloseHandles();
  void CloseListeners();

  const int index_;
  const base::Clock& clock_;
  std::function<void()> turn_end_hook_;
  std::function<void()> tick_hook_;

  uv_loop_t loop_{};
  uv_async_t wake_{};
  uv_timer_t tick_{};
  uv_prepare_t before_poll_{};
  uv_check_t after_poll_{};
  uv_idle_t no_wait_{};  // active while the next turn must not wait for events
  bool started_ = false;
  bool handles_closed_ = false;

  Inbox inbox_;
  std::atomic<bool> stop_asked_{false};
  std::vector<std::shared_ptr<ListenerCore>> listeners_;

  std::unique_ptr<char[]> read_buffer_;
  std::vector<std::unique_ptr<base::Task>> tasks_ OWNED_BY_LOOP;
  std::vector<std::unique_ptr<SocketStream>> streams_ OWNED_BY_LOOP;
  std::vector<SocketStream*> resume_next_ OWNED_BY_LOOP;
  std::vector<SocketStream*> resume_now_ OWNED_BY_LOOP;  // null: closed meanwhile
  std::vector<SocketStream*> closed_ OWNED_BY_LOOP;
  std::vector<SocketStream*> finishing_ OWNED_BY_LOOP;
  base::Nanos turn_start_ OWNED_BY_LOOP{0};
  bool busy_ OWNED_BY_LOOP = false;
  bool stopping_ OWNED_BY_LOOP = false;

  std::atomic<std::uint64_t> turns_{0};
  std::atomic<std::uint64_t> mailbox_items_{0};
  // Since the last reading of Stats.
  std::atomic<std::int64_t> longest_ns_{0};
  std::atomic<std::int64_t> total_ns_{0};
  std::atomic<std::int64_t> counted_turns_{0};
};

}  // namespace reprise::loop
