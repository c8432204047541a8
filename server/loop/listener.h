// Listener: a bound, listening socket on one loop; each accepted connection becomes a Stream with
// the StreamHandler that the factory makes for it.
//
// TCP sockets are bound with SO_REUSEPORT so that every loop has its own listener on the same port
// (bind the first with port 0, read BoundPort, bind the others to that). A Unix socket has one
// listener; its file is made under umask 0077 and removed on close.
//
// Threads: Listen before Loop::Run or on the loop; StopAccepting on the loop. Errors: kIo with the
// address and the reason ("address already in use"). Limits: connections over `budget` get one
// MessagePack-RPC or HTTP line "busy" (the factory's BusyReply) and are closed, unless `make_room`
// finds them a place; accept errors pause the listener for 100 ms.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/base/result.h"
#include "protocol/base/stream.h"
#include "server/loop/loop.h"

namespace reprise::loop {

class TlsContext;

struct Address {
  enum class Kind : std::uint8_t { kTcp, kUnix };
  Kind kind = Kind::kTcp;
  std::string host;        // a numeric IPv4 or IPv6 address, or "localhost"
  std::uint16_t port = 0;  // 0: the system chooses
  std::string path;        // of a Unix socket
};

// Connections of all listeners that share it, counted against one limit.
class ConnectionBudget {
 public:
  explicit ConnectionBudget(std::int64_t limit) : limit_(limit) {}
  bool TryTake() {
    if (open_.fetch_add(1, std::memory_order_relaxed) < limit_.load(std::memory_order_relaxed)) {
      return true;
    }
    open_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  // For a connection whose place another one is leaving, and for one that got none.
  void TakeOver() { open_.fetch_add(1, std::memory_order_relaxed); }
  void Refuse() { refused_.fetch_add(1, std::memory_order_relaxed); }
  void Release() { open_.fetch_sub(1, std::memory_order_relaxed); }
  void SetLimit(std::int64_t limit) { limit_.store(limit, std::memory_order_relaxed); }
  std::int64_t open() const { return open_.load(std::memory_order_relaxed); }
  std::int64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> limit_;
  std::atomic<std::int64_t> open_{0};
  std::atomic<std::int64_t> refused_{0};
};

struct ListenOptions {
  Address address;
  TlsContext* tls = nullptr;  // null: plain
  ConnectionBudget* budget = nullptr;
  // Makes the protocol side of a new connection. The Stream outlives the handler's OnClosed call.
  std::function<std::unique_ptr<base::StreamHandler>(base::Stream&)> handler;
  // Asked when the budget is used up: true when it has closed a connection of this listener, whose
  // place the new one then takes. May be empty.
  std::function<bool()> make_room;
  // Sent to a connection that is over the budget, then closed. May be empty.
  std::string busy_reply;
  std::int64_t tls_handshake_ms = 5'000;
  // Told of accept errors, at most once a minute. May be empty.
  std::function<void(std::string_view)> log;
};

class Listener {
 public:
  static base::Result<std::unique_ptr<Listener>> Listen(Loop& loop, ListenOptions options);
  virtual ~Listener() = default;

  virtual std::uint16_t BoundPort() const = 0;
  // Closes the listening socket; open connections go on.
  virtual void StopAccepting() ON_LOOP_THREAD = 0;

  // Since the start: for metrics.
  virtual std::uint64_t accepted() const = 0;
  virtual std::uint64_t accept_errors() const = 0;
};

}  // namespace reprise::loop
