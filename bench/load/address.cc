#include "bench/load/address.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

namespace reprise::bench {
namespace {

base::Error Failed(const std::string& what) {
  return {base::Code::kUnavailable,
          what + ": " + std::error_code(errno, std::system_category()).message()};
}

base::Result<Descriptor> ConnectUnix(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof(name.sun_path)) {
    return base::Error{base::Code::kBadRequest, "the socket path is too long: " + path};
  }
  std::memcpy(name.sun_path, path.data(), path.size());
  Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.IsOpen() ||
      ::connect(socket.number(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0) {
    return Failed("cannot connect to " + path);
  }
  return socket;
}

base::Result<Descriptor> ConnectTcp(const Address& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  const int status = getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &raw);
  if (status != 0) {
    return base::Error{base::Code::kUnavailable, "cannot resolve " + address.host + ":" +
                                                     address.port + ": " + gai_strerror(status)};
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(raw, freeaddrinfo);
  for (const addrinfo* entry = raw; entry != nullptr; entry = entry->ai_next) {
    Descriptor socket(
        ::socket(entry->ai_family, entry->ai_socktype | SOCK_CLOEXEC, entry->ai_protocol));
    if (socket.IsOpen() && ::connect(socket.number(), entry->ai_addr, entry->ai_addrlen) == 0) {
      const int on = 1;
      ::setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      return socket;
    }
  }
  return Failed("cannot connect to " + address.host + ":" + address.port);
}

}  // namespace

Descriptor::~Descriptor() {
  Close();
}

void Descriptor::Close() {
  if (number_ >= 0) {
    ::close(std::exchange(number_, -1));
  }
}

base::Result<Address> ParseAddress(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) {
    return Address{"", std::string(text.substr(kUnix.size()))};
  }
  if (text.starts_with('/') || text.starts_with('.')) {
    return Address{"", std::string(text)};
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) {
    return base::Error{base::Code::kBadRequest,
                       "not an address: '" + std::string(text) + "' (host:port or a path)"};
  }
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  return Address{std::string(host), std::string(text.substr(colon + 1))};
}

base::Result<Descriptor> Connect(const Address& address) {
  ASSIGN_OR_RETURN(Descriptor socket,
                   address.host.empty() ? ConnectUnix(address.port) : ConnectTcp(address));
  const int flags = ::fcntl(socket.number(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.number(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return Failed("cannot make the socket non-blocking");
  }
  return socket;
}

}  // namespace reprise::bench
