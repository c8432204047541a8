// SessionCommands: the connection itself and the list of connections.
//
// Options::access_key and ::client_name do Auth and Hello on each new connection; calling Auth by
// hand authenticates this connection only, and is lost with it (use it with a Client, not a Pool).
//
// Units: *_ms in milliseconds. Threads: those of the Caller, which must outlive this. Errors: those
// of caller.h; Auth also kUnauthenticated. Repeating: all but Auth, Quit and Kill are repeated when
// a connection is lost. Complexity: one round trip each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/cpp/caller.h"

namespace reprise::client {

struct HelloOptions {
  std::string client{};   // name of this program, for CLIENT.LIST
  std::string version{};  // version of this program
};
struct HelloResult {
  std::string server{};
  std::string version{};
  std::int64_t protocol = 0;
  std::string name_space{};  // empty before authentication
  bool authenticated = false;
  std::uint64_t id = 0;  // of this connection
};
struct AuthResult {
  std::string name_space{};
  std::vector<std::string> permissions{};
};
struct Connection {
  std::uint64_t id = 0;
  std::string peer{};
  std::string transport{};  // "tcp", "unix" or "tls"
  std::string name_space{};
  std::string client{};
  std::int64_t age_ms = 0;
  std::int64_t idle_ms = 0;
  std::uint64_t calls = 0;
  std::uint64_t unsent_bytes = 0;
  std::uint64_t in_flight = 0;
};

class SessionCommands {
 public:
  explicit SessionCommands(Caller& caller) : caller_(caller) {}

  base::Result<HelloResult> Hello(const HelloOptions& options = {}, const CallOptions& call = {});
  base::Result<AuthResult> Auth(std::string_view access_key, const CallOptions& call = {});
  base::Status Ping(const CallOptions& call = {});
  base::Result<base::Value> Echo(const base::Value& value, const CallOptions& call = {});
  // Asks the server to close; a Client opens a new connection with its next call.
  base::Status Quit(const CallOptions& call = {});
  base::Result<std::vector<Connection>> List(const CallOptions& call = {});
  // False when there is no such connection.
  base::Result<bool> Kill(std::uint64_t id, const CallOptions& call = {});

 private:
  Caller& caller_;
};

}  // namespace reprise::client
