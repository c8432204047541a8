// SessionHost: the sessions of one loop, and what they share.
//
// It finds a session by its SessionRef when a reply comes back, and flushes at the end of a turn
// the ones that got replies. Threads: its loop. Lifetime: outlives its sessions. Errors: none.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/base/clock.h"
#include "protocol/base/mailbox.h"
#include "protocol/base/thread_role.h"
#include "server/dispatch/dispatcher.h"
#include "server/telemetry/event_hub.h"
#include "server/telemetry/logger.h"

namespace reprise::session {

class Session;

class SessionHost {
 public:
  struct Parts {
    instance::Instance& instance;
    commands::ServerState& server;
    base::Mailbox& mailbox;  // of this loop
    telemetry::Shard& shard;
    telemetry::Logger& log;
  };
  explicit SessionHost(Parts parts);

  dispatch::Dispatcher& dispatcher() { return dispatcher_; }
  Parts& parts() { return parts_; }
  const base::Clock& clock() const { return parts_.instance.clock(); }

  dispatch::SessionRef Add(Session& session) ON_LOOP_THREAD;
  void Remove(const dispatch::SessionRef& ref) ON_LOOP_THREAD;
  // Null when it has gone.
  Session* Find(const dispatch::SessionRef& ref) ON_LOOP_THREAD;
  std::size_t open() const ON_LOOP_THREAD { return open_; }

  // The session has output that nobody flushed yet.
  void FlushAtTurnEnd(const dispatch::SessionRef& ref) ON_LOOP_THREAD;
  // Hands over the writes and flushes; the loop calls it at the end of each turn.
  void EndTurn() ON_LOOP_THREAD;
  // Every session stops reading, finishes what it accepted, and closes.
  void Drain() ON_LOOP_THREAD;
  bool draining() const ON_LOOP_THREAD { return draining_; }

  // Once a minute for each address: something that is not our protocol arrived.
  void LogForeignBytes(std::string_view peer, std::string_view kind) ON_LOOP_THREAD;
  // Once a minute for each address: a request that is over a limit of the wire.
  void LogOverLimit(std::string_view peer, std::string_view detail) ON_LOOP_THREAD;

 private:
  // Whether this event was not logged for the address within a minute.
  bool MayLog(std::string_view event, std::string_view peer) ON_LOOP_THREAD;
  struct Place {
    Session* session = nullptr;
    std::uint32_t generation = 0;
  };

  Parts parts_;
  dispatch::Dispatcher dispatcher_;
  std::vector<Place> places_ OWNED_BY_LOOP;
  std::vector<std::uint32_t> free_ OWNED_BY_LOOP;
  std::vector<dispatch::SessionRef> unflushed_ OWNED_BY_LOOP;
  std::vector<dispatch::SessionRef> flushing_ OWNED_BY_LOOP;
  std::unordered_map<std::string, base::Nanos> logged_at_ OWNED_BY_LOOP;
  std::size_t open_ OWNED_BY_LOOP = 0;
  bool draining_ OWNED_BY_LOOP = false;
};

}  // namespace reprise::session
