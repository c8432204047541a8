#include "server/loop/socket.h"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <dirent.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace reprise::loop {

namespace {

constexpr int kBacklog = 1024;
constexpr int kKeepAliveSeconds = 60;
constexpr int kKeepAliveIntervalSeconds = 15;
constexpr int kKeepAliveProbes = 4;

std::string Reason(int error) {
  switch (error) {
    case EADDRINUSE:
      return "address already in use";
    case EADDRNOTAVAIL:
      return "the address is not one of this machine";
    case EACCES:
      return "permission denied";
    default:
      return std::generic_category().message(error);
  }
}

base::Error Refused(const std::string& address, int error) {
  return {base::Code::kIo, "cannot listen on " + address + ": " + Reason(error)};
}

bool Set(int descriptor, int level, int option, int value) {
  return setsockopt(descriptor, level, option, &value, sizeof(value)) == 0;
}

std::string TcpName(const std::string& host, std::uint16_t port) {
  const bool six = host.find(':') != std::string::npos;
  return (six ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

std::uint16_t PortOf(const SocketAddress& address) {
  return ntohs(address.storage.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port);
}

base::Result<SocketAddress> Resolve(const std::string& host, std::uint16_t port) {
  const std::string numeric = host == "localhost" ? "127.0.0.1" : host;
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(numeric.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    return base::Error{base::Code::kIo, "cannot listen on " + TcpName(host, port) +
                                            ": not a numeric IPv4 or IPv6 address"};
  }
  SocketAddress address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  freeaddrinfo(found);
  return address;
}

// Whether a descriptor of this process listens on the address.
bool ListensHere(const SocketAddress& wanted) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir("/proc/self/fd"), closedir);
  if (directory == nullptr) {
    return true;  // Nothing can be said: let bind decide.
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe): the DIR is this function's own.
  while (const dirent* entry = readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    int descriptor = -1;
    std::from_chars(name.data(), name.data() + name.size(), descriptor);
    int listening = 0;
    socklen_t size = sizeof(listening);
    if (descriptor < 0 ||
        getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
        listening == 0) {
      continue;
    }
    SocketAddress bound;
    if (getsockname(descriptor, bound.get(), &bound.size) == 0 &&
        bound.storage.ss_family == wanted.storage.ss_family && PortOf(bound) == PortOf(wanted)) {
      return true;
    }
  }
  return false;
}

// SO_REUSEPORT would let two servers of one user share a port in silence, each getting half of the
// connections. A bind without it tells.
int ForeignListener(const SocketAddress& address) {
  if (PortOf(address) == 0 || ListensHere(address)) {
    return 0;
  }
  const Descriptor probe(socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe.valid()) {
    return errno;
  }
  Set(probe.number(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.storage.ss_family == AF_INET6) {
    Set(probe.number(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  }
  return bind(probe.number(), address.get(), address.size) == 0 ? 0 : errno;
}

// Options that Linux hands down to each accepted socket, so that accepting costs no further calls.
bool SetTcpOptions(int descriptor, int family) {
  return Set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1) &&
         Set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) &&
         Set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1) &&
         Set(descriptor, IPPROTO_TCP, TCP_NODELAY, 1) &&
         Set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveSeconds) &&
         Set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds) &&
         Set(descriptor, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes) &&
         (family != AF_INET6 || Set(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1));
}

bool SocketAt(const std::string& path, struct stat& status) {
  return lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

// Makes way for a new socket at the path, or says why it cannot.
base::Status ClearStalePath(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? base::Status(base::Ok{}) : Refused(path, errno);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return base::Error{base::Code::kIo,
                       "cannot listen on " + path + ": it exists and is not a socket"};
  }
  const Descriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!probe.valid()) {
    return Refused(path, errno);
  }
  const bool refused =
      connect(probe.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
      errno == ECONNREFUSED;
  if (!refused) {
    return base::Error{base::Code::kIo,
                       "cannot listen on " + path + ": address already in use by a live server"};
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return Refused(path, errno);
  }
  return base::Ok{};
}

std::string PeerName(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.storage.ss_family == AF_INET) {
    const auto* four = reinterpret_cast<const sockaddr_in*>(&address.storage);
    inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text));
  } else if (address.storage.ss_family == AF_INET6) {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text));
  } else {
    return "unix";
  }
  return TcpName(text, PortOf(address));
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    Reset();
    number_ = other.Release();
  }
  return *this;
}

int Descriptor::Release() {
  return std::exchange(number_, -1);
}

void Descriptor::Reset() {
  if (number_ >= 0) {
    close(std::exchange(number_, -1));
  }
}

base::Result<BoundSocket> ListenTcp(const std::string& host, std::uint16_t port) {
  ASSIGN_OR_RETURN(const SocketAddress address, Resolve(host, port));
  const std::string name = TcpName(host, port);
  if (const int error = ForeignListener(address); error != 0) {
    return Refused(name, error);
  }
  BoundSocket result;
  const int family = address.storage.ss_family;
  result.descriptor = Descriptor(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int descriptor = result.descriptor.number();
  if (!result.descriptor.valid() || !SetTcpOptions(descriptor, family) ||
      bind(descriptor, address.get(), address.size) != 0 || listen(descriptor, kBacklog) != 0) {
    return Refused(name, errno);
  }
  SocketAddress bound;
  if (getsockname(descriptor, bound.get(), &bound.size) != 0) {
    return Refused(name, errno);
  }
  result.port = PortOf(bound);
  return result;
}

base::Result<BoundSocket> ListenUnix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return base::Error{base::Code::kIo,
                       "cannot listen on '" + path + "': the path must have 1 to " +
                           std::to_string(sizeof(address.sun_path) - 1) + " bytes"};
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  RETURN_IF_ERROR(ClearStalePath(path, address));
  BoundSocket result;
  result.descriptor = Descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!result.descriptor.valid()) {
    return Refused(path, errno);
  }
  // The file must never be open to others, not even between bind and chmod.
  const mode_t before = umask(0077);
  const int outcome = bind(result.descriptor.number(), reinterpret_cast<const sockaddr*>(&address),
                           sizeof(address));
  const int bind_error = errno;
  umask(before);
  if (outcome != 0) {
    return Refused(path, bind_error);
  }
  struct stat status {};
  if (listen(result.descriptor.number(), kBacklog) != 0 || !SocketAt(path, status)) {
    const int error = errno;
    unlink(path.c_str());
    return Refused(path, error);
  }
  result.path = path;
  result.device = status.st_dev;
  result.inode = status.st_ino;
  return result;
}

void RemoveUnixPath(const BoundSocket& socket) {
  struct stat status {};
  if (!socket.path.empty() && SocketAt(socket.path, status) && status.st_dev == socket.device &&
      status.st_ino == socket.inode) {
    unlink(socket.path.c_str());
  }
}

Accepted AcceptOne(int listening) {
  Accepted accepted;
  SocketAddress address;
  int number = -1;
  do {
    address.size = sizeof(address.storage);
    number = accept4(listening, address.get(), &address.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (number < 0 && errno == EINTR);
  if (number < 0) {
    accepted.error = errno;
    return accepted;
  }
  accepted.descriptor = Descriptor(number);
  accepted.peer = PeerName(address);
  return accepted;
}

}  // namespace reprise::loop
