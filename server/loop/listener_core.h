// ListenerCore: a listening socket on its loop. Owns the socket and the rules for accepting; the
// connections belong to the loop.
//
// For the files of this module only. Threads: the loop, or before Run; the counters from any
// thread. Errors: an accept error other than "none waiting" stops accepting for 100 ms, whatever it
// is (TRAPS 4.4). Limits: 16 connections a turn, 2 with TLS; kHandshakesMax handshakes at a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include <uv.h>

#include "protocol/base/clock.h"
#include "protocol/base/thread_role.h"
#include "server/loop/listener.h"
#include "server/loop/socket.h"

namespace reprise::loop {

class LoopCore;

class ListenerCore {
 public:
  static constexpr int kHandshakesMax = 256;

  ListenerCore(LoopCore& loop, ListenOptions options, BoundSocket socket);

  // Zero, or libuv's error.
  int Start();
  // Closes the socket and removes a Unix path. Calling it again does nothing.
  void Close();

  const ListenOptions& options() const { return options_; }
  std::uint16_t port() const { return socket_.port; }
  std::uint64_t accepted() const { return accepted_.load(std::memory_order_relaxed); }
  std::uint64_t accept_errors() const { return errors_.load(std::memory_order_relaxed); }

  // From connections: a handshake is over (done or not), a connection has closed.
  void HandshakeEnded() ON_LOOP_THREAD;
  void ConnectionEnded() const ON_LOOP_THREAD;

 private:
  enum class State : std::uint8_t { kNew, kAccepting, kPaused, kHandshakesFull, kClosed };

  void WatchForConnections() ON_LOOP_THREAD;
  void OnConnections(int status) ON_LOOP_THREAD;
  void Admit(Accepted accepted) ON_LOOP_THREAD;
  bool TakePlace() ON_LOOP_THREAD;
  void Pause(int error) ON_LOOP_THREAD;
  void Log(int error) ON_LOOP_THREAD;
  int StartPoll();

  LoopCore& loop_;
  const ListenOptions options_;
  BoundSocket socket_;
  uv_poll_t poll_{};
  uv_timer_t pause_{};
  State state_ = State::kNew;
  int handshakes_ OWNED_BY_LOOP = 0;
  std::optional<base::Nanos> last_log_ OWNED_BY_LOOP;
  std::atomic<std::uint64_t> accepted_{0};
  std::atomic<std::uint64_t> errors_{0};
};

}  // namespace reprise::loop
