// Caller: anything that can make a call and wait for its reply: a Client or a Pool.
//
// The typed commands (keys.h, cache.h, control.h, server.h, access.h, session.h, spend.h, limits.h,
// routing.h, jobs.h) stand on it, so that each works with either. Threads: as the implementation
// says; both are safe from any thread.
//
// Errors of every call: what the server answered, or kUnavailable (cannot connect, or the
// connection ended before anything was sent, or during a command that only reads), kTimeout (no
// reply in time; nothing was sent, or the command only reads), kUnknownOutcome (no reply to a
// command that writes: it may have been applied; read before you repeat it), kBadRequest (the
// parameters are no MessagePack array), kCorrupt (what came is not the protocol).
#pragma once

#include <string>
#include <string_view>

#include "client/cpp/options.h"
#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::client {

class KeyCommands;
class CacheCommands;
class ServerCommands;
class AccessCommands;
class ControlCommands;
class SessionCommands;
class SpendCommands;
class RoutingCommands;
class LimitCommands;
class JobCommands;

class Caller {
 public:
  Caller() = default;
  virtual ~Caller() = default;
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  Caller(Caller&&) = delete;
  Caller& operator=(Caller&&) = delete;

  // `params` are the positional arguments, then at most one map of named options:
  // Call("SET", {"k", "v", Value::Map{{"ttl_ms", 60'000}}}).
  base::Result<base::Value> Call(std::string_view method, const base::Value::Array& params = {},
                                 const CallOptions& options = {});

  // The same without building trees: `params` are the MessagePack bytes of the params array, the
  // result is the MessagePack bytes of the server's result. One copy of the reply is made.
  virtual base::Result<std::string> CallRaw(std::string_view method, std::string_view params,
                                            const CallOptions& options) = 0;
  base::Result<std::string> CallRaw(std::string_view method, std::string_view params) {
    return CallRaw(method, params, CallOptions{});
  }

  // The typed commands; include the header that is named. They borrow this Caller.
  KeyCommands Keys();         // client/cpp/keys.h
  CacheCommands Cache();      // client/cpp/cache.h
  ServerCommands Server();    // client/cpp/server.h
  AccessCommands Access();    // client/cpp/access.h
  ControlCommands Control();  // client/cpp/control.h
  SessionCommands Session();  // client/cpp/session.h
  SpendCommands Spend();      // client/cpp/spend.h
  LimitCommands Limits();     // client/cpp/limits.h
  RoutingCommands Routing();  // client/cpp/routing.h
  JobCommands Jobs();         // client/cpp/jobs.h
};

}  // namespace reprise::client
