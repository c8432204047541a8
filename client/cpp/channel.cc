#include "client/cpp/channel.h"

#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace reprise::client {
namespace {

base::Error Unavailable(std::string detail) {
  return {base::Code::kUnavailable, std::move(detail)};
}

std::string SystemReason(int number) {
  return std::strerror(number);
}

std::string UnixAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());  // ParseAddress has checked the size.
  return {reinterpret_cast<const char*>(&address), sizeof address};
}

bool IsTransient() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace

Descriptor::~Descriptor() {
  if (valid()) {
    close(number_);
  }
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (valid()) {
      close(number_);
    }
    number_ = other.Release();
  }
  return *this;
}

int Descriptor::Release() {
  return std::exchange(number_, -1);
}

base::Result<std::unique_ptr<Channel>> Channel::Begin(const Address& address,
                                                      std::shared_ptr<const TlsContext> tls) {
  std::unique_ptr<Channel> channel(new Channel());
  channel->name_ = ToString(address);
  channel->tls_context_ = std::move(tls);
  if (address.transport == Transport::kUnix) {
    Target& target = channel->targets_.emplace_back();
    target.family = AF_UNIX;
    target.socket_address = UnixAddress(address.path);
  } else {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int code =
        getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &wanted, &found);
    if (code != 0) {
      return Unavailable("cannot find host '" + address.host + "': " + gai_strerror(code));
    }
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
      Target& target = channel->targets_.emplace_back();
      target.family = each->ai_family;
      target.socket_address.assign(reinterpret_cast<const char*>(each->ai_addr), each->ai_addrlen);
    }
    freeaddrinfo(found);
  }
  RETURN_IF_ERROR(channel->ConnectNext());
  return channel;
}

// Tries the addresses of the host in turn, until one connects or is under way.
base::Status Channel::ConnectNext() {
  while (next_target_ < targets_.size()) {
    const Target& target = targets_[next_target_++];
    socket_ = Descriptor(socket(target.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket_.valid()) {
      return Unavailable("cannot open a socket: " + SystemReason(errno));
    }
    if (target.family != AF_UNIX) {
      const int on = 1;
      setsockopt(socket_.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    const int code =
        connect(socket_.number(), reinterpret_cast<const sockaddr*>(target.socket_address.data()),
                static_cast<socklen_t>(target.socket_address.size()));
    if (code == 0) {
      return Connected();
    }
    if (errno == EINPROGRESS || errno == EINTR) {
      return base::Ok{};
    }
    last_failure_ = SystemReason(errno);
  }
  return Unavailable("cannot connect to " + name_ + ": " + last_failure_);
}

base::Status Channel::Connected() {
  if (tls_context_ == nullptr) {
    state_ = State::kOpen;
    return base::Ok{};
  }
  ASSIGN_OR_RETURN(tls_, TlsSession::Create(tls_context_, socket_.number()));
  state_ = State::kHandshaking;
  return Advance();
}

// NOLINTNEXTLINE(google-runtime-int): the type of pollfd::events.
short Channel::Events(bool has_output) const {
  switch (state_) {
    case State::kConnecting:
      return POLLOUT;
    case State::kHandshaking:
      return tls_->WantsWrite() ? POLLOUT : POLLIN;
    case State::kOpen:
      return static_cast<short>(POLLIN | (has_output ? POLLOUT : 0));  // NOLINT(google-runtime-int)
  }
  return POLLIN;
}

base::Status Channel::Advance() {
  if (state_ == State::kConnecting) {
    pollfd probe{socket_.number(), POLLOUT, 0};
    if (poll(&probe, 1, 0) == 0) {
      return base::Ok{};
    }
    int failure = 0;
    socklen_t size = sizeof failure;
    getsockopt(socket_.number(), SOL_SOCKET, SO_ERROR, &failure, &size);
    if (failure != 0) {
      last_failure_ = SystemReason(failure);
      return ConnectNext();
    }
    return Connected();
  }
  if (state_ == State::kHandshaking) {
    ASSIGN_OR_RETURN(const bool done, tls_->Handshake());
    if (done) {
      state_ = State::kOpen;
    }
  }
  return base::Ok{};
}

base::Result<std::size_t> Channel::Read(std::span<char> space) {
  if (tls_ != nullptr) {
    return tls_->Read(space);
  }
  const ssize_t count = recv(socket_.number(), space.data(), space.size(), 0);
  if (count > 0) {
    return static_cast<std::size_t>(count);
  }
  if (count == 0) {
    return Unavailable("the server closed the connection");
  }
  if (IsTransient()) {
    return std::size_t{0};
  }
  return Unavailable("the connection to " + name_ + " was lost: " + SystemReason(errno));
}

base::Result<std::size_t> Channel::Write(std::string_view bytes) {
  if (tls_ != nullptr) {
    return tls_->Write(bytes);
  }
  const ssize_t count = send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) {
    return static_cast<std::size_t>(count);
  }
  if (IsTransient()) {
    return std::size_t{0};
  }
  return Unavailable("the connection to " + name_ + " was lost: " + SystemReason(errno));
}

}  // namespace reprise::client
