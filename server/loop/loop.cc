#include "server/loop/loop.h"

#include <algorithm>
#include <string>
#include <utility>

#include "protocol/base/ensure.h"
#include "protocol/base/limits.h"
#include "server/loop/listener_core.h"
#include "server/loop/loop_core.h"
#include "server/loop/stream.h"

namespace reprise::loop {

namespace {

constexpr std::uint64_t kTickMs = 100;

template <typename Handle>
uv_handle_t* Base(Handle& handle) {
  return reinterpret_cast<uv_handle_t*>(&handle);
}

}  // namespace

base::Result<std::unique_ptr<Loop>> Loop::Create(int index, const base::Clock& clock) {
  auto core = std::make_unique<LoopCore>(index, clock);
  if (const int error = core->Start(); error != 0) {
    return base::Error{base::Code::kIo,
                       std::string("cannot create an event loop: ") + uv_strerror(error)};
  }
  return std::unique_ptr<Loop>(std::move(core));
}

LoopCore::LoopCore(int index, const base::Clock& clock)
    : index_(index),
      clock_(clock),
      inbox_(static_cast<std::size_t>(base::limits::kMailboxItems.value)),
      read_buffer_(new char[kReadBufferBytes]) {}

LoopCore::~LoopCore() {
  if (!started_) {
    return;
  }
  if (!handles_closed_) {  // Run was never called.
    CloseListeners();
    CloseHandles();
    uv_run(&loop_, UV_RUN_DEFAULT);
  }
  ENSURE(uv_loop_close(&loop_) == 0);
}

int LoopCore::Start() {
  if (const int error = uv_loop_init(&loop_); error != 0) {
    return error;
  }
  loop_.data = this;
  if (const int error = uv_async_init(&loop_, &wake_, [](uv_async_t*) {}); error != 0) {
    uv_loop_close(&loop_);
    return error;
  }
  started_ = true;
  // The calls below cannot fail: they only enter a handle into lists of the loop.
  uv_timer_init(&loop_, &tick_);
  uv_prepare_init(&loop_, &before_poll_);
  uv_check_init(&loop_, &after_poll_);
  uv_idle_init(&loop_, &no_wait_);
  uv_timer_start(
      &tick_,
      [](uv_timer_t* timer) {
        base::kLoop.AssertHeld();
        static_cast<LoopCore*>(timer->loop->data)->Tick();
      },
      kTickMs, kTickMs);
  uv_prepare_start(&before_poll_, [](uv_prepare_t* prepare) {
    base::kLoop.AssertHeld();
    static_cast<LoopCore*>(prepare->loop->data)->BeforePoll();
  });
  uv_check_start(&after_poll_, [](uv_check_t* check) {
    base::kLoop.AssertHeld();
    static_cast<LoopCore*>(check->loop->data)->AfterPoll();
  });
  return 0;
}

void LoopCore::Run() {
  base::kLoop.Adopt();
  base::kLoop.AssertHeld();
  uv_run(&loop_, UV_RUN_DEFAULT);
  // What was posted before the mailbox closed still runs: nothing that was accepted is lost.
  inbox_.Close();
  Touch();
  RunTasks();
  EndTurn();
}

void LoopCore::Stop() {
  stop_asked_.store(true, std::memory_order_release);
  uv_async_send(&wake_);  // After Run this writes to a counter that nobody reads.
}

bool LoopCore::Post(std::unique_ptr<base::Task> task) {
  const Inbox::Outcome outcome = inbox_.Put(task);
  if (outcome == Inbox::Outcome::kFirst) {
    uv_async_send(&wake_);
  }
  return outcome == Inbox::Outcome::kFirst || outcome == Inbox::Outcome::kQueued;
}

LoopStats LoopCore::Stats() {
  LoopStats stats;
  stats.turns = turns_.load(std::memory_order_relaxed);
  stats.mailbox_items = mailbox_items_.load(std::memory_order_relaxed);
  const std::int64_t longest = longest_ns_.exchange(0, std::memory_order_relaxed);
  const std::int64_t total = total_ns_.exchange(0, std::memory_order_relaxed);
  const std::int64_t counted = counted_turns_.exchange(0, std::memory_order_relaxed);
  stats.lag_micros_max = longest / base::kNanosPerMicro;
  stats.lag_micros_mean = counted == 0 ? 0 : total / counted / base::kNanosPerMicro;
  return stats;
}

void LoopCore::Attach(std::shared_ptr<ListenerCore> listener) {
  listeners_.push_back(std::move(listener));
}

void LoopCore::Adopt(std::unique_ptr<SocketStream> stream) {
  stream->set_place(streams_.size());
  streams_.push_back(std::move(stream));
}

void LoopCore::ResumeNextTurn(SocketStream& stream) {
  resume_next_.push_back(&stream);
}

void LoopCore::Forget(const SocketStream& stream) {
  std::replace(resume_next_.begin(), resume_next_.end(), const_cast<SocketStream*>(&stream),
               static_cast<SocketStream*>(nullptr));
  std::replace(resume_now_.begin(), resume_now_.end(), const_cast<SocketStream*>(&stream),
               static_cast<SocketStream*>(nullptr));
}

void LoopCore::Closed(SocketStream& stream) {
  closed_.push_back(&stream);
}

// Right after the I/O callbacks of this turn.
void LoopCore::AfterPoll() {
  FinishClosed();
  if (inbox_.MayHaveTasks()) {
    Touch();
    RunTasks();
  }
  ResumeYielded();
  if (stop_asked_.load(std::memory_order_acquire)) {
    ContinueStop();
  }
}

// The last thing before the loop waits: after the I/O callbacks and messages of this turn, the
// closed handles and the timers that were due.
void LoopCore::BeforePoll() {
  if (busy_) {
    EndTurn();
  }
  resume_now_.swap(resume_next_);
  if (!resume_now_.empty() || !closed_.empty()) {
    uv_idle_start(&no_wait_, [](uv_idle_t*) {});
  } else {
    uv_idle_stop(&no_wait_);
  }
}

void LoopCore::EndTurn() {
  if (turn_end_hook_) {
    turn_end_hook_();
  }
  const std::int64_t length = clock_.Elapsed() - turn_start_;
  busy_ = false;
  turns_.fetch_add(1, std::memory_order_relaxed);
  counted_turns_.fetch_add(1, std::memory_order_relaxed);
  total_ns_.fetch_add(length, std::memory_order_relaxed);
  if (length > longest_ns_.load(std::memory_order_relaxed)) {
    longest_ns_.store(length, std::memory_order_relaxed);
  }
}

void LoopCore::Tick() {
  Touch();
  // By index: a handler may close connections, which leave the list in a later turn only.
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    streams_[i]->Tick();
  }
  if (tick_hook_) {
    tick_hook_();
  }
}

void LoopCore::FinishClosed() {
  if (closed_.empty()) {
    return;
  }
  Touch();
  finishing_.swap(closed_);
  for (SocketStream* stream : finishing_) {
    stream->Finish();
    const std::size_t place = stream->place();
    if (place + 1 != streams_.size()) {
      std::swap(streams_[place], streams_.back());
      streams_[place]->set_place(place);
    }
    streams_.pop_back();
  }
  finishing_.clear();
}

void LoopCore::RunTasks() {
  inbox_.Take(tasks_);
  mailbox_items_.fetch_add(tasks_.size(), std::memory_order_relaxed);
  for (std::unique_ptr<base::Task>& task : tasks_) {
    task->Run();
    task.reset();
  }
  tasks_.clear();
}

void LoopCore::ResumeYielded() {
  if (resume_now_.empty()) {
    return;
  }
  Touch();
  // By index: a resumed handler may close another connection, which then becomes null here.
  for (std::size_t i = 0; i < resume_now_.size(); ++i) {
    if (resume_now_[i] != nullptr) {
      resume_now_[i]->Resume();
    }
  }
  resume_now_.clear();
}

void LoopCore::ContinueStop() {
  if (!stopping_) {
    stopping_ = true;
    Touch();
    CloseListeners();
    for (const std::unique_ptr<SocketStream>& stream : streams_) {
      stream->Close();
    }
  }
  if (streams_.empty() && !handles_closed_) {
    CloseHandles();
  }
}

void LoopCore::CloseListeners() {
  for (const std::shared_ptr<ListenerCore>& listener : listeners_) {
    listener->Close();
  }
}

void LoopCore::CloseHandles() {
  handles_closed_ = true;
  uv_close(Base(wake_), nullptr);
  uv_close(Base(tick_), nullptr);
  uv_close(Base(before_poll_), nullptr);
  uv_close(Base(after_poll_), nullptr);
  uv_close(Base(no_wait_), nullptr);
}

}  // namespace reprise::loop
