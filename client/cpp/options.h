// Options of a client: where the server is, how to trust it, how long to wait, what to repeat.
//
// Units are in the names; every time is in milliseconds. Threads: values. Errors: Check() and
// ParseAddress() answer kBadRequest with the member that is wrong. Limits: named beside each
// member.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "protocol/base/clock.h"
#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::client {

enum class Transport : std::uint8_t { kTcp, kUnix, kTls };

struct Address {
  Transport transport = Transport::kTcp;
  std::string host{};  // of TCP and TLS; an IPv6 address without its brackets
  std::uint16_t port = 0;
  std::string path{};  // of a Unix socket
};

// "host:port", "[::1]:port", "host" (port 7377), "unix:/path", "tls://host:port".
base::Result<Address> ParseAddress(std::string_view text);
std::string ToString(const Address& address);

// How the server of a tls:// address is recognised. With nothing set, its certificate must chain to
// the system's authorities and name the host.
struct TlsOptions {
  std::string ca_file{};        // PEM; the chain must end at one of these instead
  std::string pinned_sha256{};  // 64 hex digits: SHA-256 of the server's certificate in DER form.
                                // It takes the place of chain and name. Colons are allowed.
  std::string server_name{};    // the name to ask for and to verify; empty: the host of the address
  bool insecure = false;        // verify nothing: for experiments on one machine
};

// Delay before the n-th attempt to connect again: first * 2^(n-1), at most max, of which a random
// half is taken off, so that many clients do not come back at the same instant.
struct ReconnectOptions {
  std::int64_t first_delay_ms = 50;
  std::int64_t max_delay_ms = 5'000;
  int failures_to_open = 5;       // after so many failed attempts in a row the circuit opens
  std::uint64_t jitter_seed = 0;  // 0: from the system
};

struct Options {
  std::string address = "127.0.0.1:7377";
  std::string access_key{};   // sent with AUTH on each new connection, when not empty
  std::string client_name{};  // sent with HELLO on each new connection, when not empty
  TlsOptions tls{};
  std::int64_t connect_timeout_ms = 2'000;  // TCP, TLS, AUTH and HELLO together
  std::int64_t request_timeout_ms = 5'000;
  ReconnectOptions reconnect{};
  int attempts_max = 3;  // of one call, the first included; see Retry
  std::size_t response_bytes_max = std::size_t{64} * 1024 * 1024;
  // Messages that the server sends without being asked. Client: called on the thread that waits in
  // a call, after its reply came. AsyncClient: called on the client's own thread.
  std::function<void(std::string_view method, const base::Value& params)> on_notification{};
  const base::Clock* clock = nullptr;  // must outlive the client; null: the machine's clock

  base::Status Check() const;
};

// When a call may be sent again.
enum class Retry : std::uint8_t {
  kSafe,   // if no byte of it was sent, or the command only reads (see ReadsOnly)
  kNever,  // one attempt
  kAlways  // the caller knows that doing it twice is the same as doing it once
};

// What happened to a call, beyond its result.
struct CallReport {
  int attempts = 0;
  bool sent = false;       // bytes of the request left in the last attempt
  bool answered = false;   // the server replied, with a result or an error
  bool timed_out = false;  // the reply did not come in time
};

struct CallOptions {
  std::int64_t timeout_ms = 0;  // of all attempts together; 0: Options::request_timeout_ms
  Retry retry = Retry::kSafe;
  const std::atomic<bool>* cancel = nullptr;  // when it becomes true the call ends within 100 ms
  CallReport* report = nullptr;               // filled when not null (Client and Pool only)
};

// Whether a command (in any case of letters) changes nothing, so that sending it twice is harmless.
// A name that this build does not know is taken to write.
bool ReadsOnly(std::string_view method);

// Whether the server is believed to be reachable.
enum class Circuit : std::uint8_t {
  kClosed,    // yes: calls go out
  kOpen,      // no: calls fail at once until the delay is over
  kHalfOpen,  // the delay is over: the next call tries
};
std::string_view NameOf(Circuit circuit);

}  // namespace reprise::client
