// Sockets: what the system must be asked for before libuv watches a descriptor. Owns descriptors
// and the path of a Unix socket; does not know connections.
//
// For the files of this module only. Threads: any; ListenUnix changes the umask of the process for
// a moment, so it belongs to start-up. Errors: kIo with the address and the reason. Limits: a Unix
// path is at most 107 bytes.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

#include "protocol/base/result.h"

namespace reprise::loop {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { Reset(); }
  Descriptor(Descriptor&& other) noexcept : number_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }
  bool valid() const { return number_ >= 0; }
  int Release();
  void Reset();

 private:
  int number_ = -1;
};

// A listening socket and what must be undone when it closes.
struct BoundSocket {
  Descriptor descriptor;
  std::uint16_t port = 0;  // TCP
  std::string path;        // Unix
  dev_t device = 0;        // identity of the file at `path`, so that a successor's is never removed
  ino_t inode = 0;
};

// Binds with SO_REUSEPORT, so that the loops of this process can share the port, but refuses a port
// on which another process listens. `host` is a numeric address or "localhost" (127.0.0.1).
base::Result<BoundSocket> ListenTcp(const std::string& host, std::uint16_t port);

// Makes the socket file with mode 0600. A path that is not a socket is never removed; a socket file
// that nobody listens on is.
base::Result<BoundSocket> ListenUnix(const std::string& path);

// Removes the socket file when it is still the one that was made.
void RemoveUnixPath(const BoundSocket& socket);

struct Accepted {
  Descriptor descriptor;  // not valid: see `error`
  std::string peer;       // "127.0.0.1:51234", "[::1]:51234" or "unix"
  int error = 0;          // errno
};

// Takes one waiting connection, non-blocking and close-on-exec.
Accepted AcceptOne(int listening);

}  // namespace reprise::loop
