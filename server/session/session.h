// Session: one connection as a state machine. It does no I/O: bytes come in through StreamHandler
// and go out through Stream.
//
//   bytes -> FrameScanner -> Admit (gates) -> inline: reply appended at once
//                                          -> writer, storage thread: a place in `replies_` is kept
//
// Order: replies leave in the order of their requests, except for commands that wait. A read does
// not start while a write of the same connection is under way, nor a write while a read is on a
// storage thread; such a request, and all behind it, are parked. So a connection sees its own
// writes, and pipelined writes still share one commit.
//
// Threads: its loop. Limits: kFrameBytes, kRequestsPerTurn, kRequestsInFlight, the output limits,
// idle and handshake deadlines; before AUTH the small ones. Errors: a malformed frame is answered
// and the connection closed; everything else is a reply. Lifetime: from accept to OnClosed.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/base/buffer.h"
#include "protocol/base/stream.h"
#include "protocol/wire/frame.h"
#include "server/session/host.h"

namespace reprise::session {

class Session final : public base::StreamHandler, public commands::Subscriptions {
 public:
  Session(base::Stream& stream, SessionHost& host) ON_LOOP_THREAD;

  std::span<char> ReadSpace() override ON_LOOP_THREAD;
  void OnBytes(std::string_view bytes) override ON_LOOP_THREAD;
  void OnEndOfInput() override ON_LOOP_THREAD;
  void OnResume() override ON_LOOP_THREAD;
  void OnWritable() override ON_LOOP_THREAD;
  void OnTick() override ON_LOOP_THREAD;
  void OnClosed() override ON_LOOP_THREAD;

  // A reply that took another thread.
  void Complete(const dispatch::ReplyTo& to, base::Buffer reply) ON_LOOP_THREAD;
  // `EVENT [channel, event]`.
  void Notify(std::string_view channel, std::string_view event) ON_LOOP_THREAD;
  void FlushNow() ON_LOOP_THREAD;
  void Drain() ON_LOOP_THREAD;

  base::Status Subscribe(std::string_view channel) override;
  bool Unsubscribe(std::string_view channel) override;

 private:
  // The reply to one request that has not left yet.
  struct Pending {
    base::Buffer reply;
    bool done = false;
  };
  struct Parked {
    std::string frame;
    base::Nanos received{0};
  };
  enum class Step : std::uint8_t { kWantsMore, kYielded, kBlocked, kEnded };

  // Handles the frames in `bytes`; answers how many bytes they had.
  std::size_t Process(std::string_view bytes) ON_LOOP_THREAD;
  void Continue() ON_LOOP_THREAD;
  void Unblock() ON_LOOP_THREAD;
  void Handle(std::string_view frame) ON_LOOP_THREAD;
  // Whether it must not start while what is under way is not done.
  bool Conflicts(const dispatch::Plan& plan) const ON_LOOP_THREAD;
  void Start(dispatch::Plan plan, const dispatch::Incoming& incoming) ON_LOOP_THREAD;
  void Offload(const dispatch::Plan& plan, const dispatch::Incoming& incoming) ON_LOOP_THREAD;
  void NoteIdentity(const dispatch::Plan& plan) ON_LOOP_THREAD;
  void Refuse(const wire::Request& request, const base::Error& error) ON_LOOP_THREAD;
  void RunParked() ON_LOOP_THREAD;
  // Where the next reply in order goes: the output itself when nothing is before it.
  base::Buffer& NextReply() ON_LOOP_THREAD;
  void MoveDoneReplies() ON_LOOP_THREAD;
  void Fail(const base::Error& error, std::string_view bytes) ON_LOOP_THREAD;
  bool Blocked() const ON_LOOP_THREAD;
  std::size_t InFlight() const ON_LOOP_THREAD;
  // Requests that a later one has to wait for.
  std::size_t HoldingUp() const ON_LOOP_THREAD;
  void StopWaiting() ON_LOOP_THREAD;
  void CloseWhenDone() ON_LOOP_THREAD;
  void CheckOutput() ON_LOOP_THREAD;
  void NoteActivity() ON_LOOP_THREAD;
  bool Trusted() const ON_LOOP_THREAD;  // authenticated, or no access key is needed

  base::Stream& stream_;
  SessionHost& host_;
  dispatch::SessionRef ref_;
  std::shared_ptr<commands::ClientRecord> record_;
  commands::Session identity_ OWNED_BY_LOOP;

  base::Buffer input_ OWNED_BY_LOOP;  // a frame that is not complete, or frames not yet handled
  wire::FrameScanner scanner_ OWNED_BY_LOOP;
  std::deque<Pending> replies_ OWNED_BY_LOOP;
  std::uint64_t first_ticket_ OWNED_BY_LOOP = 0;  // of replies_.front()
  std::deque<Parked> parked_ OWNED_BY_LOOP;
  std::size_t writes_in_flight_ OWNED_BY_LOOP = 0;
  std::size_t reads_in_flight_ OWNED_BY_LOOP = 0;
  std::size_t waiting_ OWNED_BY_LOOP = 0;  // commands that wait

  Step step_ OWNED_BY_LOOP = Step::kWantsMore;
  bool closing_ OWNED_BY_LOOP = false;      // no further request is handled
  bool input_ended_ OWNED_BY_LOOP = false;  // no further bytes come; what came is still handled
  bool reading_paused_ OWNED_BY_LOOP = false;
  bool flush_noted_ OWNED_BY_LOOP = false;
  bool subscribed_ OWNED_BY_LOOP = false;
  base::Nanos connected_at_ OWNED_BY_LOOP{0};
  base::Nanos active_at_ OWNED_BY_LOOP{0};
  base::Nanos frame_began_at_ OWNED_BY_LOOP{0};
  base::Nanos over_soft_since_ OWNED_BY_LOOP{0};  // 0: not over the soft output limit
};

}  // namespace reprise::session
