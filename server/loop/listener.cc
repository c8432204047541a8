#include "server/loop/listener.h"

#include <array>
#include <cerrno>
#include <string>
#include <sys/socket.h>
#include <system_error>
#include <utility>

#include "protocol/base/ensure.h"
#include "protocol/base/limits.h"
#include "server/loop/listener_core.h"
#include "server/loop/loop_core.h"
#include "server/loop/stream.h"
#include "server/loop/tls.h"
#include "server/loop/tls_session.h"

namespace reprise::loop {

namespace {

constexpr int kTlsAcceptsPerTurn = 2;
constexpr std::uint64_t kPauseMs = 100;
constexpr std::int64_t kLogEveryNanos = 60'000 * base::kNanosPerMilli;

class ListenerOnLoop final : public Listener {
 public:
  explicit ListenerOnLoop(std::shared_ptr<ListenerCore> core) : core_(std::move(core)) {}

  std::uint16_t BoundPort() const override { return core_->port(); }
  void StopAccepting() ON_LOOP_THREAD override { core_->Close(); }
  std::uint64_t accepted() const override { return core_->accepted(); }
  std::uint64_t accept_errors() const override { return core_->accept_errors(); }

 private:
  std::shared_ptr<ListenerCore> core_;
};

// One try: a refused connection is worth one system call, not a place in a queue.
void Refuse(const Accepted& accepted, std::string_view reply) {
  const int descriptor = accepted.descriptor.number();
  send(descriptor, reply.data(), reply.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  shutdown(descriptor, SHUT_WR);
  // Closing on unread input would reset the connection and could take the reply with it.
  std::array<char, 4096> unread{};
  recv(descriptor, unread.data(), unread.size(), MSG_DONTWAIT);
}

}  // namespace

base::Result<std::unique_ptr<Listener>> Listener::Listen(Loop& loop, ListenOptions options) {
  ENSURE(options.handler);
  auto& core = *static_cast<LoopCore*>(loop.Handle()->data);
  const Address& address = options.address;
  ASSIGN_OR_RETURN(BoundSocket socket, address.kind == Address::Kind::kUnix
                                           ? ListenUnix(address.path)
                                           : ListenTcp(address.host, address.port));
  auto listener = std::make_shared<ListenerCore>(core, std::move(options), std::move(socket));
  if (const int error = listener->Start(); error != 0) {
    listener->Close();
    return base::Error{base::Code::kIo,
                       std::string("cannot watch a listening socket: ") + uv_strerror(error)};
  }
  core.Attach(listener);
  return std::unique_ptr<Listener>(std::make_unique<ListenerOnLoop>(std::move(listener)));
}

ListenerCore::ListenerCore(LoopCore& loop, ListenOptions options, BoundSocket socket)
    : loop_(loop), options_(std::move(options)), socket_(std::move(socket)) {}

int ListenerCore::Start() {
  if (const int error = uv_poll_init(loop_.Handle(), &poll_, socket_.descriptor.number());
      error != 0) {
    return error;
  }
  uv_timer_init(loop_.Handle(), &pause_);
  poll_.data = this;
  pause_.data = this;
  state_ = State::kAccepting;
  return StartPoll();
}

int ListenerCore::StartPoll() {
  return uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* poll, int status, int /*events*/) {
    base::kLoop.AssertHeld();
    static_cast<ListenerCore*>(poll->data)->OnConnections(status);
  });
}

void ListenerCore::Close() {
  if (state_ != State::kNew && state_ != State::kClosed) {
    uv_close(reinterpret_cast<uv_handle_t*>(&poll_), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&pause_), nullptr);
  }
  state_ = State::kClosed;
  RemoveUnixPath(socket_);
  socket_.path.clear();
  socket_.descriptor.Reset();
}

void ListenerCore::WatchForConnections() {
  if (state_ == State::kClosed) {
    return;
  }
  state_ = State::kAccepting;
  if (const int error = StartPoll(); error != 0) {
    Pause(-error);
  }
}

void ListenerCore::OnConnections(int status) {
  loop_.Touch();
  if (status < 0) {
    Pause(-status);
    return;
  }
  const int most = options_.tls == nullptr ? static_cast<int>(base::limits::kAcceptsPerTurn.value)
                                           : kTlsAcceptsPerTurn;
  // More than `most`: the system tells again in the next turn.
  for (int i = 0; i < most && state_ == State::kAccepting; ++i) {
    if (handshakes_ >= kHandshakesMax) {
      uv_poll_stop(&poll_);
      state_ = State::kHandshakesFull;
      return;
    }
    Accepted accepted = AcceptOne(socket_.descriptor.number());
    if (accepted.error == EAGAIN) {
      return;
    }
    if (accepted.error != 0) {
      Pause(accepted.error);
      return;
    }
    Admit(std::move(accepted));
  }
}

void ListenerCore::Admit(Accepted accepted) {
  if (!TakePlace()) {
    Refuse(accepted, options_.tls == nullptr ? options_.busy_reply : std::string_view());
    return;
  }
  std::unique_ptr<TlsSession> tls;
  if (options_.tls != nullptr) {
    tls = TlsSession::Create(options_.tls->Current().get());
    if (tls == nullptr) {
      ConnectionEnded();
      Pause(ENOMEM);
      return;
    }
  }
  auto stream = std::make_unique<SocketStream>(loop_, *this, std::move(accepted));
  if (!stream->Watch()) {
    ConnectionEnded();
    Pause(ENOMEM);
    return;
  }
  accepted_.fetch_add(1, std::memory_order_relaxed);
  handshakes_ += tls == nullptr ? 0 : 1;
  SocketStream& begun = *stream;
  loop_.Adopt(std::move(stream));
  begun.Begin(std::move(tls));
}

bool ListenerCore::TakePlace() {
  if (options_.budget == nullptr || options_.budget->TryTake()) {
    return true;
  }
  // The connection that leaves gives its place back a turn later.
  if (options_.make_room && options_.make_room()) {
    options_.budget->TakeOver();
    return true;
  }
  options_.budget->Refuse();
  return false;
}

void ListenerCore::HandshakeEnded() {
  --handshakes_;
  if (state_ == State::kHandshakesFull) {
    WatchForConnections();
  }
}

void ListenerCore::ConnectionEnded() const {
  if (options_.budget != nullptr) {
    options_.budget->Release();
  }
}

// Whatever the error is, asking again at once would most likely give it again, without end.
void ListenerCore::Pause(int error) {
  errors_.fetch_add(1, std::memory_order_relaxed);
  Log(error);
  uv_poll_stop(&poll_);
  state_ = State::kPaused;
  uv_timer_start(
      &pause_,
      [](uv_timer_t* timer) {
        base::kLoop.AssertHeld();
        static_cast<ListenerCore*>(timer->data)->WatchForConnections();
      },
      kPauseMs, 0);
}

void ListenerCore::Log(int error) {
  const base::Nanos now = loop_.TurnStart();
  if (!options_.log || (last_log_.has_value() && now - *last_log_ < kLogEveryNanos)) {
    return;
  }
  last_log_ = now;
  options_.log("cannot accept connections: " + std::generic_category().message(error) + " (" +
               std::to_string(accept_errors()) + " errors so far); trying again in 100 ms");
}

}  // namespace reprise::loop
