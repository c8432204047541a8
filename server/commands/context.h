// Context: what a command handler may use; nothing else is in reach.
//
// Lifetime: one command. Threads: the one that the command runs on (see the flags in spec.h);
// `session` is there only for commands with the flag kSession, which run on the loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/base/clock.h"
#include "server/access/registry.h"
#include "server/config/options.h"
#include "server/instance/instance.h"
#include "storage/engine/view.h"

namespace reprise::wire {
class Writer;
}

namespace reprise::commands {

struct ServerState;

// What a connection listens to; events arrive as notifications `EVENT [channel, event]`.
class Subscriptions {
 public:
  virtual ~Subscriptions() = default;
  virtual base::Status Subscribe(std::string_view channel) = 0;
  // False when it was not subscribed.
  virtual bool Unsubscribe(std::string_view channel) = 0;
};

// What the server knows of one connection, as far as commands may know it.
struct Session {
  std::uint64_t id = 0;
  std::shared_ptr<const access::Principal> principal;  // never null
  bool revoked = false;        // the access key or its namespace has gone; only AUTH mends that
  bool authenticated = false;  // by an access key; stays false while none is needed
  std::uint64_t access_version = 0;  // of the registry, when `principal` was last looked at
  int auth_failures = 0;
  bool close_after_reply = false;
  std::string client;                       // as the client named itself in HELLO, with its version
  std::string bot;                          // its name alone
  std::shared_ptr<const std::string> peer;  // never null in a server
  Subscriptions* subscriptions = nullptr;   // null in embedded mode
};

// Who asks, for the accounts: the label of the access key when it has one, or else the name given
// in HELLO.
inline std::string_view BotOf(const Session& session) {
  if (!session.principal->key_label.empty()) {
    return session.principal->key_label;
  }
  return session.bot.empty() ? cache::kUnnamedBot : std::string_view(session.bot);
}

// The reply of a command that waits, to be given later. Any thread; dropping it gives none.
class LateReply {
 public:
  virtual ~LateReply() = default;
  // Once: `write` writes the result, or answers an error.
  virtual void Give(const std::function<base::Status(wire::Writer&)>& write) = 0;
  // A notification `EVENT [channel, event]` ahead of the reply; only posts a message.
  virtual void Notify(std::string_view channel, std::string_view event) = 0;
  // The access key of the request, or its namespace, has gone since.
  virtual bool revoked() const = 0;
};

// Only for commands with the flag kWaits, and not on the loop.
class Deferral {
 public:
  virtual ~Deferral() = default;
  // From here on the reply is given through what this answers, and what the handler writes and
  // returns is not looked at. Once given, the request is gone: copy what is needed before.
  virtual std::shared_ptr<LateReply> Take() = 0;
};

struct Context {
  instance::Instance& instance;
  const config::Config& config;  // one snapshot for the whole command
  const storage::View& view;
  const access::Principal& principal;
  ServerState* server = nullptr;  // the running process; null in embedded mode
  Session* session = nullptr;
  Deferral* deferral = nullptr;
  std::uint64_t owner = 0;           // the connection's id; 0 in embedded mode
  cache::Asker asker{};              // lives as long as the request
  semantic::Pause* pause = nullptr;  // null: a command waits on its thread
  std::string key_scratch{};

  // A command that waits cannot do so on the loop: it answers kWouldBlock there, and is run again.
  bool on_loop() const { return server != nullptr && session != nullptr; }
  base::UnixMillis now() const { return view.now(); }
  // The stored key of a key of this namespace; valid until the next call.
  std::string_view DataKey(std::string_view key) {
    const auto prefix = access::PrefixOf(principal.namespace_id);
    key_scratch.assign(prefix.data(), prefix.size());
    key_scratch.append(key);
    return key_scratch;
  }
};

}  // namespace reprise::commands
