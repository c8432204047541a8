// Channel: a non-blocking stream of bytes to a server over TCP, a Unix socket or TLS.
//
// Internal to client/cpp. The owner polls descriptor() for Events() and then calls Advance (until
// open) or Read and Write. Threads: one owner. Errors: kUnavailable with the system's reason,
// kUnauthenticated (TLS), kBadRequest (no such host). Complexity: one system call each; Begin may
// wait for the name service when the host is a name.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/cpp/options.h"
#include "client/cpp/tls.h"
#include "protocol/base/result.h"

namespace reprise::client {

// An open file descriptor, closed when this ends.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : number_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }
  bool valid() const { return number_ >= 0; }
  int Release();

 private:
  int number_ = -1;
};

class Channel {
 public:
  // Starts to connect. `tls` is needed for a TLS address only.
  static base::Result<std::unique_ptr<Channel>> Begin(const Address& address,
                                                      std::shared_ptr<const TlsContext> tls);

  bool open() const { return state_ == State::kOpen; }
  int descriptor() const { return socket_.number(); }
  // What to poll for; `has_output` when there are bytes to write.
  short Events(bool has_output) const;  // NOLINT(google-runtime-int): the type of pollfd::events.

  // Goes on with connecting and the TLS handshake as far as possible without waiting.
  base::Status Advance();

  // Bytes moved; 0: the socket is not ready. The end of the stream is kUnavailable.
  base::Result<std::size_t> Read(std::span<char> space);
  base::Result<std::size_t> Write(std::string_view bytes);

 private:
  enum class State : unsigned char { kConnecting, kHandshaking, kOpen };
  struct Target {
    int family = 0;
    std::string socket_address;  // the bytes of a sockaddr
  };

  Channel() = default;
  base::Status ConnectNext();
  base::Status Connected();

  State state_ = State::kConnecting;
  std::string name_;  // of the address, for errors
  std::vector<Target> targets_;
  std::size_t next_target_ = 0;
  std::string last_failure_;
  std::shared_ptr<const TlsContext> tls_context_;
  Descriptor socket_;  // declared before tls_, which uses it to its end
  std::unique_ptr<TlsSession> tls_;
};

}  // namespace reprise::client
