// SocketStream: one connection of a loop, plain or TLS. Owns the descriptor, the output that the
// peer has not taken and the handler; does not know what is said.
//
// For the files of this module only. Threads: the loop. Errors: whatever fails closes the
// connection. Lifetime: owned by LoopCore; Close starts the end, Finish (a later turn) is the last
// call. Limits: CloseAfterFlush gives up after 10 s; a peer that goes on sending after that call is
// listened to for 1 s, so that its reset does not eat our last words.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <uv.h>

#include "protocol/base/buffer.h"
#include "protocol/base/clock.h"
#include "protocol/base/stream.h"
#include "server/loop/socket.h"
#include "server/loop/tls_session.h"

namespace reprise::loop {

class ListenerCore;
class LoopCore;

class SocketStream final : public base::Stream {
 public:
  SocketStream(LoopCore& loop, ListenerCore& listener, Accepted accepted);
  ~SocketStream() override = default;
  SocketStream(const SocketStream&) = delete;
  SocketStream& operator=(const SocketStream&) = delete;
  SocketStream(SocketStream&&) = delete;
  SocketStream& operator=(SocketStream&&) = delete;

  // Watches the descriptor. When false nothing was started and the stream may be destroyed.
  bool Watch() ON_LOOP_THREAD;
  // The plain connection is open at once; a TLS connection begins its handshake.
  void Begin(std::unique_ptr<TlsSession> tls) ON_LOOP_THREAD;

  base::Buffer& Output() ON_LOOP_THREAD override { return output_; }
  void Flush() ON_LOOP_THREAD override;
  std::size_t Unsent() const ON_LOOP_THREAD override;
  void PauseReading() ON_LOOP_THREAD override { paused_ = true; }
  void ResumeReading() ON_LOOP_THREAD override;
  void Close() ON_LOOP_THREAD override;
  void CloseAfterFlush() ON_LOOP_THREAD override;
  void YieldTurn() ON_LOOP_THREAD override;
  std::string_view Peer() const ON_LOOP_THREAD override { return peer_; }
  std::string_view Transport() const ON_LOOP_THREAD override;

  // Called by the loop: about every 100 ms, after ResumeNextTurn, and as the last call.
  void Tick() ON_LOOP_THREAD;
  void Resume() ON_LOOP_THREAD;
  void Finish() ON_LOOP_THREAD;

  std::size_t place() const { return place_; }
  void set_place(std::size_t place) { place_ = place; }

 private:
  enum class Phase : std::uint8_t { kHandshake, kOpen, kFlushing, kLingering, kClosed };

  void OnPoll(int status, int events) ON_LOOP_THREAD;
  void OnSocketWritable() ON_LOOP_THREAD;
  bool WantsInput() const ON_LOOP_THREAD;
  // Watches for what is wanted now; costs system calls only when that has changed.
  void Rearm() ON_LOOP_THREAD;

  void Open() ON_LOOP_THREAD;
  void ReceivePlain() ON_LOOP_THREAD;
  void ReceiveCipher() ON_LOOP_THREAD;
  void PumpTls() ON_LOOP_THREAD;
  void Discard() ON_LOOP_THREAD;
  void InputEnded() ON_LOOP_THREAD;
  void QueueResume() ON_LOOP_THREAD;

  void Send() ON_LOOP_THREAD;
  void Encrypt() ON_LOOP_THREAD;
  // Sends from the front of `bytes`; false when the rest must wait or the connection is lost.
  bool SendFrom(base::Buffer& bytes) ON_LOOP_THREAD;
  void FinishFlush() ON_LOOP_THREAD;
  bool MayBeSending() const ON_LOOP_THREAD;

  uv_poll_t poll_{};
  LoopCore& loop_;
  ListenerCore& listener_;
  Descriptor descriptor_ OWNED_BY_LOOP;
  std::string peer_;
  std::unique_ptr<TlsSession> tls_ OWNED_BY_LOOP;
  std::unique_ptr<base::StreamHandler> handler_ OWNED_BY_LOOP;
  base::Buffer output_ OWNED_BY_LOOP;
  base::Nanos deadline_ OWNED_BY_LOOP{0};  // of every phase but kOpen
  std::size_t place_ = 0;                  // in the loop's list
  std::size_t discarded_bytes_ OWNED_BY_LOOP = 0;
  int armed_ OWNED_BY_LOOP = 0;       // what poll_ watches for
  int idle_ticks_ OWNED_BY_LOOP = 0;  // since the connection was last used
  Phase phase_ OWNED_BY_LOOP = Phase::kHandshake;
  bool paused_ OWNED_BY_LOOP = false;
  bool yielded_ OWNED_BY_LOOP = false;        // the handler waits for OnResume
  bool resume_queued_ OWNED_BY_LOOP = false;  // in the loop's list for the next turn
  bool write_blocked_ OWNED_BY_LOOP = false;  // the system takes no more for now
  bool end_of_input_ OWNED_BY_LOOP = false;   // the peer closed its sending side
  bool heard_lately_ OWNED_BY_LOOP = false;   // when CloseAfterFlush was called
};

}  // namespace reprise::loop
