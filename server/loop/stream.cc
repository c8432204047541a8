#include "server/loop/stream.h"

#include <algorithm>
#include <cerrno>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <utility>

#include "server/loop/listener_core.h"
#include "server/loop/loop_core.h"

namespace reprise::loop {

namespace {

constexpr int kReadsPerEvent = 8;  // then other connections have their turn
constexpr std::size_t kReadBytesPerEvent = std::size_t{256} * 1024;
constexpr std::int64_t kFlushNanos = 10'000 * base::kNanosPerMilli;
constexpr std::int64_t kLingerNanos = 1'000 * base::kNanosPerMilli;
constexpr std::size_t kLingerBytes = std::size_t{8} * 1024 * 1024;
constexpr int kIdleTicks = 10;  // then the output buffer is given back
constexpr std::size_t kCipherAtOnce = std::size_t{64} * 1024;

}  // namespace

SocketStream::SocketStream(LoopCore& loop, ListenerCore& listener, Accepted accepted)
    : loop_(loop),
      listener_(listener),
      descriptor_(std::move(accepted.descriptor)),
      peer_(std::move(accepted.peer)) {}

bool SocketStream::Watch() {
  if (uv_poll_init(loop_.Handle(), &poll_, descriptor_.number()) != 0) {
    return false;
  }
  poll_.data = this;
  return true;
}

void SocketStream::Begin(std::unique_ptr<TlsSession> tls) {
  if (tls == nullptr) {
    Open();
    return;
  }
  tls_ = std::move(tls);
  deadline_ = loop_.TurnStart() + listener_.options().tls_handshake_ms * base::kNanosPerMilli;
  Rearm();
}

void SocketStream::Open() {
  phase_ = Phase::kOpen;
  handler_ = listener_.options().handler(*this);
  if (handler_ == nullptr) {
    Close();
  }
  Rearm();
}

std::string_view SocketStream::Transport() const {
  if (tls_ != nullptr) {
    return "tls";
  }
  return listener_.options().address.kind == Address::Kind::kUnix ? "unix" : "tcp";
}

void SocketStream::OnPoll(int status, int events) {
  loop_.Touch();
  idle_ticks_ = 0;
  if (status < 0) {  // libuv's word for an error on the socket; it has stopped watching.
    armed_ = 0;
    Close();
    return;
  }
  if ((events & UV_WRITABLE) != 0) {
    OnSocketWritable();
  }
  if ((events & UV_READABLE) == 0 || phase_ == Phase::kClosed) {
    return;
  }
  if (phase_ == Phase::kLingering) {
    Discard();
  } else if (!WantsInput()) {
    if (!yielded_ || paused_) {  // A yield lasts one turn: not worth the system calls.
      Rearm();
    }
  } else if (tls_ != nullptr) {
    ReceiveCipher();
  } else {
    ReceivePlain();
  }
}

bool SocketStream::WantsInput() const {
  switch (phase_) {
    case Phase::kHandshake:
      return tls_->cipher().size() < TlsSession::kCipherBytesMax;
    case Phase::kOpen:
      // What a peer sends may cost output without the handler's doing (TLS key updates).
      return !paused_ && !yielded_ && !end_of_input_ &&
             (tls_ == nullptr || tls_->cipher().size() < TlsSession::kCipherBytesMax);
    case Phase::kFlushing:
    case Phase::kLingering:
    case Phase::kClosed:
      break;
  }
  return false;
}

void SocketStream::Rearm() {
  if (phase_ == Phase::kClosed) {
    return;
  }
  const bool readable = WantsInput() || phase_ == Phase::kLingering || (yielded_ && !paused_);
  const int wanted = (readable ? UV_READABLE : 0) | (write_blocked_ ? UV_WRITABLE : 0);
  if (wanted == armed_) {
    return;
  }
  armed_ = wanted;
  if (wanted == 0) {
    uv_poll_stop(&poll_);
    return;
  }
  const int error = uv_poll_start(&poll_, wanted, [](uv_poll_t* poll, int status, int events) {
    base::kLoop.AssertHeld();
    static_cast<SocketStream*>(poll->data)->OnPoll(status, events);
  });
  if (error != 0) {
    Close();
  }
}

void SocketStream::ReceivePlain() {
  std::size_t received = 0;
  for (int round = 0; round < kReadsPerEvent && received < kReadBytesPerEvent; ++round) {
    std::span<char> space = handler_->ReadSpace();
    if (space.empty()) {
      space = loop_.ReadBuffer();
    }
    const ssize_t result = recv(descriptor_.number(), space.data(), space.size(), MSG_DONTWAIT);
    if (result > 0) {
      const auto bytes = static_cast<std::size_t>(result);
      received += bytes;
      handler_->OnBytes({space.data(), bytes});
      if (bytes < space.size() || !WantsInput()) {
        return;
      }
    } else if (result == 0) {
      InputEnded();
      return;
    } else if (errno != EINTR) {
      if (errno != EAGAIN) {
        Close();
      }
      return;
    }
  }
}

void SocketStream::ReceiveCipher() {
  std::size_t received = 0;
  while (received < kReadBytesPerEvent && WantsInput()) {
    const std::span<char> space = loop_.ReadBuffer().first(TlsSession::kFeedBytes);
    const ssize_t result = recv(descriptor_.number(), space.data(), space.size(), MSG_DONTWAIT);
    if (result < 0 && errno == EINTR) {
      continue;
    }
    if (result < 0) {
      if (errno != EAGAIN) {
        Close();
      }
      return;
    }
    if (result == 0) {
      InputEnded();
      return;
    }
    const auto bytes = static_cast<std::size_t>(result);
    received += bytes;
    if (!tls_->Feed({space.data(), bytes})) {
      Close();
      return;
    }
    PumpTls();
    if (bytes < space.size()) {
      return;
    }
  }
}

// Lets TLS work on what was fed to it, and sends what that produced, a last alert included.
void SocketStream::PumpTls() {
  TlsSession::Progress progress;
  if (phase_ == Phase::kHandshake) {
    progress = tls_->Handshake();
    if (progress.outcome == TlsSession::Outcome::kDone) {
      listener_.HandshakeEnded();
      Open();
    }
  }
  while (phase_ == Phase::kOpen && WantsInput()) {
    std::span<char> space = handler_->ReadSpace();
    if (space.empty()) {
      space = loop_.ReadBuffer();
    }
    progress = tls_->Read(space);
    if (progress.outcome != TlsSession::Outcome::kDone) {
      break;
    }
    handler_->OnBytes({space.data(), progress.bytes});
  }
  if (phase_ == Phase::kClosed) {
    return;
  }
  if (!write_blocked_ && !tls_->cipher().empty()) {
    SendFrom(tls_->cipher());
  }
  if (progress.outcome == TlsSession::Outcome::kFailed) {
    Close();
  } else if (progress.outcome == TlsSession::Outcome::kEnd) {
    InputEnded();
  }
}

// The peer may still be sending while our last bytes travel; a close now would reset it.
void SocketStream::Discard() {
  const std::span<char> space = loop_.ReadBuffer();
  for (int round = 0; round < kReadsPerEvent; ++round) {
    const ssize_t result = recv(descriptor_.number(), space.data(), space.size(), MSG_DONTWAIT);
    if (result < 0 && errno == EAGAIN) {
      return;
    }
    if (result > 0) {
      discarded_bytes_ += static_cast<std::size_t>(result);
    }
    if (result == 0 || (result < 0 && errno != EINTR) || discarded_bytes_ > kLingerBytes) {
      Close();
      return;
    }
  }
}

void SocketStream::InputEnded() {
  if (end_of_input_ || phase_ == Phase::kClosed) {
    return;
  }
  end_of_input_ = true;
  if (phase_ == Phase::kHandshake) {
    Close();
    return;
  }
  Rearm();
  if (phase_ == Phase::kOpen) {
    handler_->OnEndOfInput();
  }
}

void SocketStream::ResumeReading() {
  paused_ = false;
  if (phase_ != Phase::kOpen) {
    return;
  }
  Rearm();
  if (tls_ != nullptr && tls_->HasInput()) {
    QueueResume();  // The socket will not tell of what TLS holds already.
  }
}

void SocketStream::YieldTurn() {
  if (phase_ == Phase::kOpen) {
    yielded_ = true;
    QueueResume();
  }
}

void SocketStream::QueueResume() {
  if (!resume_queued_) {
    resume_queued_ = true;
    loop_.ResumeNextTurn(*this);
  }
}

void SocketStream::Resume() {
  resume_queued_ = false;
  if (phase_ != Phase::kOpen) {
    return;
  }
  if (std::exchange(yielded_, false)) {
    handler_->OnResume();
  }
  if (phase_ == Phase::kOpen && WantsInput() && tls_ != nullptr && tls_->HasInput()) {
    PumpTls();
  }
  Rearm();
}

std::size_t SocketStream::Unsent() const {
  return output_.size() + (tls_ == nullptr ? 0 : tls_->cipher().size());
}

void SocketStream::Flush() {
  if (phase_ != Phase::kOpen || write_blocked_) {
    return;  // Blocked: the rest follows when the peer takes more.
  }
  idle_ticks_ = 0;
  Send();
}

void SocketStream::Send() {
  if (tls_ == nullptr) {
    SendFrom(output_);
    return;
  }
  do {
    Encrypt();
  } while (phase_ != Phase::kClosed && SendFrom(tls_->cipher()) && !output_.empty());
}

void SocketStream::Encrypt() {
  while (!output_.empty() && tls_->cipher().size() < kCipherAtOnce) {
    const TlsSession::Progress progress = tls_->Write(output_.view());
    if (progress.outcome != TlsSession::Outcome::kDone) {
      Close();
      return;
    }
    output_.Consume(progress.bytes);
  }
}

bool SocketStream::SendFrom(base::Buffer& bytes) {
  while (!bytes.empty()) {
    const ssize_t result =
        send(descriptor_.number(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (result >= 0) {
      bytes.Consume(static_cast<std::size_t>(result));
    }
    if (bytes.empty()) {
      return true;
    }
    if (result < 0 && errno == EINTR) {
      continue;
    }
    if (result < 0 && errno != EAGAIN) {
      Close();
      return false;
    }
    write_blocked_ = true;  // The socket's buffer is full: trying again now would say so.
    Rearm();
    return false;
  }
  return true;
}

void SocketStream::OnSocketWritable() {
  const std::size_t before = Unsent();
  write_blocked_ = false;
  if (phase_ == Phase::kHandshake) {
    SendFrom(tls_->cipher());
  } else {
    Send();
  }
  if (phase_ == Phase::kFlushing && Unsent() == 0) {
    FinishFlush();
    return;
  }
  if (phase_ == Phase::kOpen) {
    if (tls_ != nullptr && tls_->HasInput()) {
      QueueResume();  // Reading may have stopped for the sake of the output.
    }
    if (Unsent() < before) {
      handler_->OnWritable();
    }
  }
  Rearm();
}

void SocketStream::CloseAfterFlush() {
  if (phase_ != Phase::kOpen) {
    return;
  }
  heard_lately_ = idle_ticks_ <= 1;
  Flush();
  if (phase_ != Phase::kOpen) {
    return;
  }
  phase_ = Phase::kFlushing;
  yielded_ = false;
  deadline_ = loop_.TurnStart() + kFlushNanos;
  if (Unsent() == 0) {
    FinishFlush();
  } else {
    Rearm();
  }
}

bool SocketStream::MayBeSending() const {
  int waiting = 0;
  return !end_of_input_ &&
         (heard_lately_ || (ioctl(descriptor_.number(), FIONREAD, &waiting) == 0 && waiting > 0));
}

void SocketStream::FinishFlush() {
  if (tls_ != nullptr) {
    tls_->Shutdown();
    // Best effort: a peer that takes nothing more does not hear of the end.
    send(descriptor_.number(), tls_->cipher().data(), tls_->cipher().size(),
         MSG_DONTWAIT | MSG_NOSIGNAL);
    tls_->cipher().Clear();
  }
  if (!MayBeSending()) {
    Close();
    return;
  }
  shutdown(descriptor_.number(), SHUT_WR);
  phase_ = Phase::kLingering;
  deadline_ = loop_.TurnStart() + kLingerNanos;
  write_blocked_ = false;
  Rearm();
}

void SocketStream::Close() {
  if (phase_ == Phase::kClosed) {
    return;
  }
  if (phase_ == Phase::kHandshake && tls_ != nullptr) {
    listener_.HandshakeEnded();
  }
  phase_ = Phase::kClosed;
  listener_.ConnectionEnded();
  if (resume_queued_) {
    loop_.Forget(*this);
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    base::kLoop.AssertHeld();
    auto& self = *static_cast<SocketStream*>(handle->data);
    self.loop_.Closed(self);
  });
  descriptor_.Reset();  // After uv_close, which still speaks of it to the system.
}

void SocketStream::Tick() {
  switch (phase_) {
    case Phase::kHandshake:
    case Phase::kFlushing:
    case Phase::kLingering:
      if (loop_.TurnStart() - deadline_ >= 0) {
        Close();
      }
      break;
    case Phase::kOpen:
      if (++idle_ticks_ >= kIdleTicks) {
        output_.Shrink(0);
        if (tls_ != nullptr) {
          tls_->cipher().Shrink(0);
        }
      }
      handler_->OnTick();
      break;
    case Phase::kClosed:
      break;
  }
}

void SocketStream::Finish() {
  if (handler_ != nullptr) {
    handler_->OnClosed();
    handler_.reset();
  }
}

}  // namespace reprise::loop
